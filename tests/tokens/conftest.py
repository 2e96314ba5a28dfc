"""Keys made once, and an issuer of hostile tokens."""

import json
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import pytest

from keyturn.tokens import access_token, base64url
from keyturn.tokens.access_token import AccessToken, Claims, Expected
from keyturn.tokens.algorithms import Algorithm
from keyturn.tokens.keys import SigningKey

NOW = 1_800_000_000
ISSUER = "https://auth.example.com"
AUDIENCE = "https://api.example.com"


@cache
def _key(algorithm: Algorithm) -> SigningKey:
    return SigningKey.generate(algorithm)


@pytest.fixture
def key_for() -> Callable[[Algorithm], SigningKey]:
    """A signing key of each algorithm, made once."""
    return _key


@pytest.fixture
def key() -> SigningKey:
    """The issuer's ES256 key."""
    return _key(Algorithm.ES256)


@pytest.fixture
def claims() -> Claims:
    """The claims of a user's token, issued now for ten minutes."""
    return Claims(
        issuer=ISSUER,
        subject="3f0c6c1e-6d0c-4a59-9a3e-9a2f6d4c7b10",
        audience=AUDIENCE,
        client_id="first-party",
        session_id="sid-1",
        auth_time=NOW - 30,
        scope=("orders:read", "orders:write"),
        roles=("admin", "user"),
        issued_at=NOW,
        expires_at=NOW + 600,
        token_id="jti-1",
        amr=("pwd",),
    )


@pytest.fixture
def expected() -> Expected:
    """What the API under attack takes."""
    return Expected(issuer=ISSUER, audiences=frozenset({AUDIENCE}), algorithms=frozenset({Algorithm.ES256}))


@pytest.fixture
def forge(key: SigningKey) -> Callable[..., str]:
    """Sign any header and any claims with the real key: what a bug in an issuer, or a sister service, could send."""

    def sign(claims: Mapping[str, Any] | bytes, header: Mapping[str, Any] | bytes | None = None) -> str:
        head = {"alg": "ES256", "kid": key.kid, "typ": "at+jwt"} if header is None else header
        segments = [part if isinstance(part, bytes) else json.dumps(part).encode() for part in (head, claims)]
        signing_input = ".".join(map(base64url.encode, segments))
        return f"{signing_input}.{base64url.encode(key.sign(signing_input.encode()))}"

    return sign


@pytest.fixture
def verify(key: SigningKey, expected: Expected) -> Callable[..., AccessToken]:
    """The API under attack: it knows one ES256 key."""

    def verify(text: str, *, now: float = NOW) -> AccessToken:
        return access_token.verify(text, find_key={key.kid: key.public}.get, expected=expected, now=now)

    return verify


@pytest.fixture
def good() -> dict[str, Any]:
    """The claims of a good token, to spoil one at a time."""
    return {
        "iss": ISSUER,
        "sub": "user-1",
        "aud": AUDIENCE,
        "exp": NOW + 600,
        "iat": NOW,
        "jti": "jti-1",
        "client_id": "first-party",
        "sid": "sid-1",
        "auth_time": NOW,
        "scope": "orders:read",
        "roles": ["user"],
    }
