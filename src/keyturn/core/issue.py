"""Signing an access token for a session, and the answer that carries it."""

from dataclasses import dataclass, field
from typing import Final

from keyturn.core.model import Session, User
from keyturn.core.services import Services
from keyturn.errors import TemporarilyUnavailable
from keyturn.tokens import base64url
from keyturn.tokens.access_token import Claims
from keyturn.tokens.keys import SigningKey

FIRST_PARTY = "first-party"
"""The ``client_id`` of tokens that a login gives."""

MAX_WAIT: Final = 5
"""Seconds that a request waits a cut-off out. One that lies further ahead is a clock's mistake, or it was put back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Issued:
    """What a login or a refresh answers with.

    Attributes:
        expires_in: seconds the access token lives.
        refresh_token: the successor, for the body or the cookie, as ``session.client`` says.
        device_token: given out at login only.

    """

    access_token: str = field(repr=False)
    expires_in: int
    scopes: tuple[str, ...]
    session: Session
    refresh_token: str = field(repr=False)
    device_token: str | None = field(default=None, repr=False)


async def sign_access_token(
    services: Services,
    *,
    key: SigningKey,
    user: User,
    session: Session,
    scopes: tuple[str, ...],
    audience: str,
    now_ms: int,
) -> tuple[str, int]:
    """Return an access token and the seconds it lives, which never reach beyond the session's end.

    A cut-off covers its whole second. If one stands in the way, the token is signed in the second after it, so
    that a login right after a revocation works at once.

    Raises:
        TemporarilyUnavailable: a cut-off lies too far ahead, or there is no key to sign with.

    """
    check_cut_off(services, user.sub, now_ms=now_ms)
    key = await usable_key(services, key)
    issued_at = now_ms // 1000
    cutoff = services.denylist.view.cutoff_for(user.sub)
    if cutoff is not None and cutoff >= issued_at:
        await services.wait_until(cutoff + 1)
        issued_at = cutoff + 1
    expires_at = min(issued_at + services.policy.access_lifetime, max(session.ends_at(), issued_at + 1))
    claims = Claims(
        issuer=services.policy.issuer,
        subject=user.sub,
        audience=audience,
        client_id=session.client_id,
        session_id=session.sid,
        auth_time=session.auth_time,
        scope=scopes,
        roles=user.roles,
        issued_at=issued_at,
        expires_at=expires_at,
        token_id=base64url.encode(services.randomness(16)),
    )
    return await services.sign(claims, key), expires_at - issued_at


def check_cut_off(services: Services, sub: str, *, now_ms: int) -> None:
    """Refuse to sign for *sub* while a cut-off lies so far ahead that nobody should wait for it.

    Raises:
        TemporarilyUnavailable: one does.

    """
    cutoff = services.denylist.view.cutoff_for(sub)
    if cutoff is not None and cutoff >= now_ms // 1000 + MAX_WAIT:
        raise TemporarilyUnavailable("a cut-off lies ahead: was a clock put back?")


async def usable_key(services: Services, key: SigningKey) -> SigningKey:
    """Return *key*, or the one that stepped in for it if another process has revoked it meanwhile.

    Raises:
        TemporarilyUnavailable: there is none.

    """
    if not services.denylist.view.revokes_key(key.kid):
        return key
    services.keyring.load(await services.store.signing_keys.list_all())
    return services.keyring.signing_key()
