"""The services on a real store, and shortcuts to use them as a client would."""

from dataclasses import dataclass, field, replace
from typing import Any

from builders import NOW_MS

from keyturn.core import login, refresh, users
from keyturn.core.issue import Issued
from keyturn.core.model import AuditEvent, ClientKind, Device, Origin, StoredUser
from keyturn.core.services import Services
from keyturn.errors import TemporarilyUnavailable
from keyturn.tokens import access_token
from keyturn.tokens.access_token import AccessToken, Expected
from keyturn.tokens.algorithms import ASYMMETRIC, Algorithm
from keyturn.tokens.keys import SigningKey

PASSWORD = "correct horse battery"
ORIGIN = Origin(address="192.0.2.7", browser="Firefox")


class PlainHasher:
    """Hashes by writing the password down, and counts what it was asked."""

    def __init__(self) -> None:
        self.verified = 0
        self.full = False

    async def hash(self, password: str) -> str:
        """Write it down."""
        return f"plain:{password}"

    async def verify(self, encoded: str, password: str) -> bool:
        """Compare."""
        if self.full:
            raise TemporarilyUnavailable("full")
        self.verified += 1
        return encoded == f"plain:{password}"

    async def verify_dummy(self, password: str) -> None:
        """Cost as much as the real thing."""
        await self.verify("plain:", password)

    def needs_rehash(self, encoded: str) -> bool:
        """Never."""
        return False


@dataclass
class House:
    """The services and shortcuts to use them as a client would."""

    services: Services
    hasher: PlainHasher
    waited: list[int] = field(default_factory=list)
    now_ms: int = NOW_MS

    def later(self, seconds: float) -> None:
        """Let time pass."""
        self.now_ms += int(seconds * 1000)

    def policy(self, **changes: Any) -> None:
        """Change the policy from here on."""
        self.services = replace(self.services, policy=replace(self.services.policy, **changes))

    async def add_user(self, name: str = "alice", roles: tuple[str, ...] = ("user",)) -> StoredUser:
        """Make an account with the password of all tests."""
        return await users.add_user(
            self.services, name, PASSWORD, roles=roles, origin=Origin(actor="operator"), now_ms=self.now_ms
        )

    async def login(self, name: str = "alice", password: str = PASSWORD, **changes: Any) -> Issued:
        """Log in with a native client."""
        request = login.LoginRequest(
            username=name,
            password=password,
            client=ClientKind.NATIVE,
            device_name="laptop",
            scope=None,
            resource=None,
            device_token=None,
            device=Device(browser="Firefox", os="Linux", address=""),
            origin=ORIGIN,
        )
        return await login.login(self.services, replace(request, **changes), now_ms=self.now_ms)

    async def refresh(self, token: str, **changes: Any) -> Issued:
        """Refresh with a native client."""
        request = refresh.RefreshRequest(
            refresh_token=token,
            clients=frozenset({ClientKind.NATIVE}),
            scope=None,
            resource=None,
            device_token=None,
            device=Device(browser="Firefox", os="Linux", address=""),
            origin=ORIGIN,
        )
        return await refresh.refresh(self.services, replace(request, **changes), now_ms=self.now_ms)

    def read(self, text: str) -> AccessToken:
        """Verify an access token as a resource server does."""
        audiences = frozenset({*self.services.policy.audiences, self.services.policy.issuer})
        expected = Expected(issuer=self.services.policy.issuer, audiences=audiences, algorithms=ASYMMETRIC)
        find_key = self.services.keyring.find
        return access_token.verify(text, find_key=find_key, expected=expected, now=self.now_ms / 1000)

    def revoked(self, text: str) -> bool:
        """Tell whether the server's own view refuses an access token."""
        return self.services.denylist.view.revokes(self.read(text), self.now_ms / 1000)

    async def audit(self) -> list[AuditEvent]:
        """Return the audit log."""
        return [event for _, event in await self.services.store.audit.list_page(0, 1000)]

    async def kinds(self) -> list[str]:
        """Return what kinds of events were written."""
        return [str(event.kind) for event in await self.audit()]


async def generate_key(algorithm: Algorithm) -> SigningKey:
    """Make a key right here."""
    return SigningKey.generate(algorithm)


async def sign(claims: access_token.Claims, key: SigningKey) -> str:
    """Sign right here."""
    return access_token.issue(claims, key)
