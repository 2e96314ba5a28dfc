"""A Keyturn issuer's own promises, played with an account that the user hands over: rotation, replay, CSRF, limits.

Each case logs in for itself, so that what one ends does not hinder the next.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final

from keyturn.attack.case import Case
from keyturn.attack.model import Verdict
from keyturn.attack.probe import Probe, Reply
from keyturn.attack.results import Hit, Result
from keyturn.attack.target import Account
from keyturn.errors import ConfigurationError, TemporarilyUnavailable

#: How many wrong passwords are tried before guessing counts as unlimited, and how many refreshes at once.
GUESSES: Final = 30
AT_ONCE: Final = 8


@dataclass(frozen=True, slots=True)
class _Finding:
    verdict: Verdict
    because: str
    hits: tuple[Hit, ...] = field(default=())


async def play_issuer(case: Case, probe: Probe, account: Account) -> Result:
    """Play *case*, which is one of :data:`PLAYS`.

    Raises:
        BudgetSpent: no more may be sent.
        ConfigurationError: the account is refused, or the issuer's host was not named.
        TemporarilyUnavailable: the issuer does not answer, or wants no login now.

    """
    place, play = PLAYS[case.id]
    found = await play(_Issuer(probe, account))
    return Result(case=case, place=place, verdict=found.verdict, because=found.because, hits=found.hits)


async def revoke_session(probe: Probe, issuer: str, token: str) -> None:
    """Log out the session of an access *token*."""
    await probe.post_form(f"{issuer.rstrip('/')}/logout", {}, headers=(("Authorization", f"Bearer {token}"),))


async def log_in(probe: Probe, account: Account) -> str:
    """Return an access token of *account*.

    Raises:
        ConfigurationError: it is refused.

    """
    return str((await _Issuer(probe, account).log_in("native")).json.get("access_token"))


class _Issuer:
    """Its endpoints, as a client uses them."""

    def __init__(self, probe: Probe, account: Account) -> None:
        self._probe = probe
        self._account = account
        self._base = account.issuer.rstrip("/")

    async def log_in(self, client: str) -> Reply:
        form = {"username": self._account.username, "password": self._account.password, "client": client}
        reply = await self._post("/login", form)
        if reply.status in _LATER:
            raise TemporarilyUnavailable("login", sentence=f"The issuer answers a login with {reply.status}.")
        if reply.status != _OK:
            raise ConfigurationError(f"The issuer refuses the account with {reply.status}.")
        return reply

    async def guess(self, username: str) -> int:
        form = {"username": username, "password": "keyturn-attack, a wrong password", "client": "native"}
        return (await self._post("/login", form)).status

    async def refresh(self, token: str) -> Reply:
        return await self._post("/token", {"grant_type": "refresh_token", "refresh_token": token})

    async def from_another_site(self, path: str, form: dict[str, str], cookie: str) -> Reply:
        headers = (("Cookie", cookie), ("Origin", "https://stranger.invalid"), ("Sec-Fetch-Site", "cross-site"))
        return await self._post(path, form, *headers)

    async def _post(self, path: str, form: dict[str, str], *headers: tuple[str, str]) -> Reply:
        return await self._probe.post_form(f"{self._base}{path}", form, headers=headers)


async def _refresh_twice(issuer: _Issuer) -> _Finding:
    """Present one token many times at once; every successor must be the same, or none."""
    token = _refresh_token(await issuer.log_in("native"))
    replies = await asyncio.gather(*(issuer.refresh(token) for _ in range(AT_ONCE)))
    successors = {_refresh_token(reply) for reply in replies if reply.status == _OK}
    if not successors:
        return _Finding(Verdict.INCONCLUSIVE, f"Of {AT_ONCE} refreshes at once none was answered.")
    if len(successors) == 1:
        return _Finding(Verdict.SOUND, f"{AT_ONCE} refreshes at once had one successor.")
    because = f"{AT_ONCE} refreshes at once had {len(successors)} successors."
    return _Finding(Verdict.FLAW, because, (Hit(variant=f"{AT_ONCE} at once", status=_OK),))


async def _replay_unnoticed(issuer: _Issuer) -> _Finding:
    """Refresh twice, present the first token again, and then the third."""
    first = _refresh_token(await issuer.log_in("native"))
    second = _refresh_token(await issuer.refresh(first))
    third = _refresh_token(await issuer.refresh(second))
    replayed = await issuer.refresh(first)
    if replayed.status == _OK:
        return _Finding(Verdict.FLAW, "It was accepted.", (Hit(variant="two generations old", status=_OK),))
    after = await issuer.refresh(third)
    if after.status == _OK:
        return _Finding(Verdict.FLAW, "Its session goes on.", (Hit(variant="the current one after it", status=_OK),))
    return _Finding(Verdict.SOUND, "It was refused, and its session ended.")


async def _csrf(issuer: _Issuer) -> _Finding:
    """Send the cookie as another site's page would: to refresh, and to log out."""
    cookie = next((text for text in (await issuer.log_in("browser")).cookies if "refresh" in text), None)
    if cookie is None:
        return _Finding(Verdict.INCONCLUSIVE, "The login set no refresh cookie.")
    statuses = {
        "refresh": (await issuer.from_another_site("/token", {"grant_type": "refresh_token"}, cookie)).status,
        "logout": (await issuer.from_another_site("/logout", {}, cookie)).status,
    }
    hits = tuple(Hit(variant=name, status=status) for name, status in statuses.items() if status in _SUCCESS)
    if hits:
        return _Finding(Verdict.FLAW, "It was obeyed.", hits)
    return _Finding(Verdict.SOUND, "It was refused.")


async def _no_limits(issuer: _Issuer) -> _Finding:
    """Guess for a user who is not there, so that the account which was handed over is not locked."""
    for number in range(1, GUESSES + 1):
        if await issuer.guess("keyturn-attack-nobody") == _TOO_MANY:
            return _Finding(Verdict.SOUND, f"The guess number {number} was turned away.")
    because = f"{GUESSES} wrong passwords in a row were tried, and none was turned away."
    return _Finding(Verdict.FLAW, because, (Hit(variant=f"{GUESSES} guesses", status=_UNAUTHORIZED),))


def _refresh_token(reply: Reply) -> str:
    return str(reply.json.get("refresh_token", ""))


#: Where each case is played, and how.
PLAYS: Final[dict[str, tuple[str, Callable[[_Issuer], Awaitable[_Finding]]]]] = {
    "refresh-twice": ("POST /token", _refresh_twice),
    "replay-unnoticed": ("POST /token", _replay_unnoticed),
    "csrf": ("POST /token, POST /logout", _csrf),
    "no-limits": ("POST /login", _no_limits),
}
_OK: Final = 200
_SUCCESS: Final = range(200, 400)
_UNAUTHORIZED: Final = 401
_TOO_MANY: Final = 429
_LATER: Final = frozenset({429, 503})
