"""The claims of an access token before it is signed (RFC 9068 §2.2).

No e-mail address, no name, no other personal data: an access token passes through many hands and logs.
"""

import json
from dataclasses import dataclass
from typing import Any, Final

#: Seconds from ``iat`` to ``exp``, at most.
MAX_LIFETIME: Final = 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class Claims:
    """What an access token says.

    Attributes:
        issuer: the ``iss``.
        subject: the ``sub``.
        audience: the ``aud``.
        client_id: the client it is issued to.
        session_id: the ``sid``; None for a client.
        auth_time: when the user logged in, in epoch seconds; None for a client.
        scope: the scopes.
        roles: the user's roles; None for a client.
        issued_at: the ``iat``, in epoch seconds.
        expires_at: the ``exp``, in epoch seconds; after ``issued_at``, and at most an hour.
        token_id: the ``jti``.
        amr: how the user logged in (RFC 8176 §2).

    Raises:
        ValueError: the lifetime is not positive, or longer than any verifier takes.

    """

    issuer: str
    subject: str
    audience: str
    client_id: str
    session_id: str | None
    auth_time: int | None
    scope: tuple[str, ...]
    roles: tuple[str, ...] | None
    issued_at: int
    expires_at: int
    token_id: str
    amr: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not 0 < self.expires_at - self.issued_at <= MAX_LIFETIME:
            raise ValueError("an access token lives from 1 second to 60 minutes")


def encode(claims: Claims) -> bytes:
    """Return the JSON of *claims*, as it is signed."""
    return _ENCODER.encode(_members(claims)).encode("ascii")


def _members(claims: Claims) -> dict[str, Any]:
    members: dict[str, Any] = {
        "iss": claims.issuer,
        "sub": claims.subject,
        "aud": claims.audience,
        "exp": claims.expires_at,
        "iat": claims.issued_at,
        "jti": claims.token_id,
        "client_id": claims.client_id,
        "scope": " ".join(claims.scope),
    }
    optional = {
        "sid": claims.session_id,
        "auth_time": claims.auth_time,
        "roles": claims.roles,
        "amr": claims.amr or None,
    }
    members.update((name, value) for name, value in optional.items() if value is not None)
    return members


_ENCODER: Final = json.JSONEncoder(separators=(",", ":"), allow_nan=False)
