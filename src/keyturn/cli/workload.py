"""What is measured: a session that refreshes on and on, and an issuer of tokens with its verifier, in memory."""

import time
from itertools import count
from typing import Final

from keyturn.core import login, refresh
from keyturn.core.model import ClientKind, Device, Origin, User
from keyturn.core.services import Services
from keyturn.server.clock import Clock
from keyturn.tokens import access_token
from keyturn.tokens.access_token import Claims, Expected
from keyturn.tokens.algorithms import Algorithm
from keyturn.tokens.keys import SigningKey, VerificationKey
from keyturn.tokens.revocation import RevocationView
from keyturn.verify.checking import TokenChecker


class Anybody:
    """A user directory that lets everybody in, so that no password is hashed where refreshes are measured."""

    async def authenticate(self, username: str, password: str) -> User | None:  # noqa: ARG002 - any password will do
        """Return the user of any name."""
        return User(username, username)

    async def find(self, sub: str) -> User | None:
        """Return the user of any subject."""
        return User(sub, sub)


class BusySession:
    """A session that refreshes on and on."""

    def __init__(self, services: Services, clock: Clock, token: str) -> None:
        self._services = services
        self._clock = clock
        self._token = token

    @classmethod
    async def start(cls, services: Services, clock: Clock) -> "BusySession":
        """Log in."""
        request = login.LoginRequest(
            username="bench",
            password="bench",
            client=ClientKind.NATIVE,
            device_name="",
            scope=None,
            resource=None,
            device_token=None,
            device=_DEVICE,
            origin=_ORIGIN,
        )
        issued = await login.login(services, request, now_ms=clock.now_ms())
        return cls(services, clock, issued.refresh_token)

    async def refresh(self) -> None:
        """Take the next generation."""
        request = refresh.RefreshRequest(
            refresh_token=self._token,
            clients=frozenset({ClientKind.NATIVE}),
            scope=None,
            resource=None,
            device_token=None,
            device=_DEVICE,
            origin=_ORIGIN,
        )
        issued = await refresh.refresh(self._services, request, now_ms=self._clock.now_ms())
        self._token = issued.refresh_token


class Tokens:
    """An issuer and a verifier in memory."""

    def __init__(self) -> None:
        self._key = SigningKey.generate(Algorithm.ES256)
        self._now = int(time.time())
        self._numbers = count()
        expected = Expected(issuer=_ISSUER, audiences=frozenset({_AUDIENCE}), algorithms=frozenset({Algorithm.ES256}))
        self._checker = TokenChecker(expected, revocations=RevocationView())

    def issue(self) -> str:
        """Return an access token like no other."""
        claims = Claims(
            issuer=_ISSUER,
            subject="8bab6a53-e673-4ed8-ba1f-97ca5d320180",
            audience=_AUDIENCE,
            client_id="first-party",
            session_id="4rT0mXb2l1yqkZcWzGq9Xw",
            auth_time=self._now,
            scope=("orders:read", "orders:write"),
            roles=("admin", "user"),
            issued_at=self._now,
            expires_at=self._now + 600,
            token_id=f"bench-{next(self._numbers)}",
        )
        return access_token.issue(claims, self._key)

    def check(self, text: str) -> None:
        """Verify *text* as an API does."""
        self._checker.check(text, self._find, self._now)

    def _find(self, kid: str) -> VerificationKey | None:
        return self._key.public if kid == self._key.kid else None


_ISSUER: Final = "https://auth.example.com"
_AUDIENCE: Final = "https://api.example.com"
_DEVICE: Final = Device(browser="bench", os="bench", address="")
_ORIGIN: Final = Origin(actor="system", address="127.0.0.1")
