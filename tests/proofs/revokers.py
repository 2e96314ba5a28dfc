"""Every way to revoke: for each some access tokens that die by it, and beside them some that must not."""

import json
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from itertools import count

from races import Field, admin_request
from wire import JSON, logout_request, refresh_request, request

from keyturn.core import revoke
from keyturn.core.issue import Issued
from keyturn.server.clock import Clock
from server import OPERATOR, PASSWORD, Beside

SESSIONS_EACH = 5


@dataclass(frozen=True, slots=True)
class Doomed:
    """Access tokens, and what revokes them all. It returns once that was acknowledged."""

    kind: str
    tokens: list[str] = field(repr=False)
    revoke: Callable[[], Awaitable[None]] = field(repr=False)


@dataclass(slots=True)
class Batch:
    """Tokens that die, each by some kind of revocation, and tokens that stay good."""

    doomed: list[Doomed] = field(default_factory=list)
    spared: list[str] = field(default_factory=list, repr=False)


@dataclass(slots=True)
class Revokers:
    """Makes batches, with users of their own, and revokes at any of the servers."""

    ground: Field
    beside: Beside
    admin: Issued
    numbers: Iterator[int] = field(default_factory=count)

    async def batch(self) -> Batch:
        """Start sessions for every kind of revocation."""
        number = next(self.numbers)
        made = Batch()
        await self._ends_one_session(f"guest-{number}", made)
        await self._ends_all_sessions(number, made)
        return made

    async def _ends_one_session(self, name: str, made: Batch) -> None:
        """Let sessions of one user end one by one; others of theirs stay."""
        kinds = (
            self._logout, self._logout_by_bearer, self._delete_session, self._revoke_access_token,
            self._revoke_refresh_token, self._reuse, self._admin_end,
        )  # fmt: skip
        await self.beside.add_users(name)
        (owner,) = await self.beside.log_in(name, for_issuer=True)
        made.spared += [spared.access_token for spared in await self.beside.log_in(name, SESSIONS_EACH)]
        issued = await self.beside.log_in(name, SESSIONS_EACH * len(kinds))
        for kind in kinds:
            for _ in range(SESSIONS_EACH):
                made.doomed.append(kind(issued.pop(), owner))

    async def _ends_all_sessions(self, number: int, made: Batch) -> None:
        """Let users lose all that they have."""
        for kind in (self._disable, self._logout_everywhere, self._revoke_user, self._change_password):
            name = f"{kind.__name__.strip('_').replace('_', '-')}-{number}"
            await self.beside.add_users(name)
            issued = await self.beside.log_in(name, 2)
            (other,) = await self.beside.log_in(name, for_issuer=True)
            made.doomed.append(kind(issued, other))

    def _logout(self, issued: Issued, _: Issued) -> Doomed:
        return self._asking("logout", issued, logout_request(issued.refresh_token))

    def _logout_by_bearer(self, issued: Issued, _: Issued) -> Doomed:
        return self._asking("logout by access token", issued, bearing("POST", "/logout", issued))

    def _delete_session(self, issued: Issued, owner: Issued) -> Doomed:
        return self._asking("DELETE /sessions", issued, bearing("DELETE", f"/sessions/{issued.session.sid}", owner))

    def _revoke_access_token(self, issued: Issued, _: Issued) -> Doomed:
        return self._asking("revoke an access token", issued, revoke_request(issued.access_token), 200)

    def _revoke_refresh_token(self, issued: Issued, _: Issued) -> Doomed:
        return self._asking("revoke a refresh token", issued, revoke_request(issued.refresh_token), 200)

    def _admin_end(self, issued: Issued, _: Issued) -> Doomed:
        ask = admin_request(self.admin, f"/admin/api/sessions/{issued.session.sid}/end")
        return self._asking("an admin ends it", issued, ask)

    def _reuse(self, issued: Issued, _: Issued) -> Doomed:
        """Present a token that was used twice over: a theft."""

        async def steal() -> None:
            second = await self._ask(refresh_request(issued.refresh_token), 200)
            third = await self._ask(refresh_request(second), 200)
            assert third != second
            await self._ask(refresh_request(issued.refresh_token), 400)

        return Doomed("theft", [issued.access_token], steal)

    def _disable(self, issued: list[Issued], _: Issued) -> Doomed:
        ask = admin_request(self.admin, f"/admin/api/users/{issued[0].session.sub}/disable")
        return self._asking("disable", issued, ask)

    def _logout_everywhere(self, issued: list[Issued], _: Issued) -> Doomed:
        return self._asking("logout everywhere", issued, bearing("POST", "/logout/all", issued[0]))

    def _change_password(self, issued: list[Issued], other: Issued) -> Doomed:
        fields = {"current_password": PASSWORD, "new_password": f"{PASSWORD}, and another one"}
        ask = bearing("POST", "/password", other, json.dumps(fields).encode(), JSON)
        return self._asking("change of password", issued, ask)

    def _revoke_user(self, issued: list[Issued], _: Issued) -> Doomed:
        """Revoke beside the servers, as a command does."""

        async def revoke_them() -> None:
            sub = issued[0].session.sub
            await revoke.revoke_sub(self.beside.services, sub, origin=OPERATOR, now_ms=Clock().now_ms())

        return Doomed("revoke a user's tokens", [each.access_token for each in issued], revoke_them)

    def _asking(self, kind: str, issued: Issued | list[Issued], data: bytes, status: int = 204) -> Doomed:
        async def ask() -> None:
            await self._ask(data, status)

        all_issued = issued if isinstance(issued, list) else [issued]
        return Doomed(kind, [each.access_token for each in all_issued], ask)

    async def _ask(self, data: bytes, status: int) -> str:
        """Ask one of the servers; return the refresh token that it gave, if it gave one."""
        answer = await self.ground.ask(data)
        assert answer.status == status, answer.body
        return str(answer.json()["refresh_token"]) if b"refresh_token" in answer.body else ""


def bearing(method: str, path: str, issued: Issued, body: bytes = b"", content_type: str | None = None) -> bytes:
    """Return a request with an access token."""
    return request(method, path, body, content_type, Authorization=f"Bearer {issued.access_token}")


def revoke_request(token: str) -> bytes:
    """Return a ``POST /revoke``."""
    return request("POST", "/revoke", f"token={token}".encode(), "application/x-www-form-urlencoded")
