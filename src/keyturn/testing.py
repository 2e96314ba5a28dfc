"""An issuer in memory: good tokens, and bad ones on purpose, for the tests of an API. No network, no server.

::

    issuer = TestIssuer(issuer="https://auth.example.com", audience="https://api.example.com")
    with issuer.trusted_by(auth):                 # auth is the API's own Keyturn
        client.get("/orders", headers=issuer.headers(scopes=["orders:read"]))
"""

import functools
import json
import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Final, Unpack

from keyturn.tokens import jws
from keyturn.tokens.access_token import TYP
from keyturn.tokens.algorithms import SYMMETRIC, Algorithm
from keyturn.tokens.key_set import export_key_set
from keyturn.tokens.keys import SigningKey
from keyturn.verify.gate import Gate
from keyturn.verify.verifier import Verifier, VerifierOptions

__all__ = ["DEFAULT_AUDIENCE", "DEFAULT_ISSUER", "TestIssuer", "default_issuer", "make_token"]

DEFAULT_ISSUER: Final = "https://issuer.test"
DEFAULT_AUDIENCE: Final = "https://api.test"


class TestIssuer:
    """Issues access tokens that a :class:`keyturn.Verifier` with its ``jwks`` takes.

    Attributes:
        issuer: the ``iss`` of its tokens.
        audience: the ``aud`` of its tokens.

    """

    __test__ = False  # to pytest, a class of this name looks like tests

    def __init__(
        self,
        issuer: str = DEFAULT_ISSUER,
        audience: str = DEFAULT_AUDIENCE,
        *,
        algorithm: str = "ES256",
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Make a key and begin.

        Args:
            issuer: the ``iss``.
            audience: the ``aud``.
            algorithm: an asymmetric one.
            clock: the time in epoch seconds.

        Raises:
            ValueError: *algorithm* is unknown or symmetric.

        """
        self.issuer = issuer
        self.audience = audience
        self._algorithm = Algorithm(algorithm)
        if self._algorithm in SYMMETRIC:
            raise ValueError("a symmetric key is never published")
        self._clock = clock
        self._keys = [SigningKey.generate(self._algorithm)]

    @property
    def jwks(self) -> dict[str, Any]:
        """The JWK Set with its public keys, for ``Verifier(jwks=…)``."""
        return export_key_set(key.public for key in self._keys)

    def verifier(self, **options: Unpack[VerifierOptions]) -> Verifier:
        """Return a verifier that trusts this issuer as it is now; *options* as for :class:`keyturn.Verifier`."""
        options.setdefault("jwks", self.jwks)
        return Verifier(self.issuer, self.audience, **options, clock=self._clock)

    @contextmanager
    def trusted_by(self, auth: Gate) -> Iterator["TestIssuer"]:
        """Have *auth*, an adapter's ``Keyturn``, trust this issuer alone, within the ``with``."""
        before, auth.verifier = auth.verifier, self.verifier()
        try:
            yield self
        finally:
            auth.verifier = before

    def make_token(
        self,
        sub: str | None = None,
        *,
        scopes: Iterable[str] = (),
        roles: Iterable[str] = (),
        expires_in: float = 600,
        **claims: object,
    ) -> str:
        """Return a signed access token.

        Args:
            sub: whom it speaks for; somebody new unless named.
            scopes: what it allows.
            roles: the user's roles.
            expires_in: seconds that it is good for; negative makes an expired one.
            claims: further claims, or others in place of the usual ones; None leaves a claim out.

        """
        now = int(self._clock())
        usual: dict[str, object] = {
            "iss": self.issuer,
            "sub": sub or str(uuid.uuid4()),
            "aud": self.audience,
            "iat": min(now, now + int(expires_in)),
            "exp": now + int(expires_in),
            "jti": str(uuid.uuid4()),
            "client_id": "first-party",
            "sid": str(uuid.uuid4()),
            "auth_time": now,
            "scope": " ".join(scopes),
            "roles": list(roles),
        }
        said = {name: value for name, value in (usual | claims).items() if value is not None}
        return jws.sign({"typ": TYP}, json.dumps(said).encode(), self._keys[0])

    def headers(
        self,
        sub: str | None = None,
        *,
        scopes: Iterable[str] = (),
        roles: Iterable[str] = (),
        expires_in: float = 600,
        **claims: object,
    ) -> dict[str, str]:
        """Return the request headers with a token that :meth:`make_token` made."""
        token = self.make_token(sub, scopes=scopes, roles=roles, expires_in=expires_in, **claims)
        return {"Authorization": f"Bearer {token}"}

    def rotate(self) -> str:
        """Sign with a new key from now on, still publish the old ones, and return the new ``kid``."""
        self._keys.insert(0, SigningKey.generate(self._algorithm))
        return self._keys[0].kid

    def withdraw_old_keys(self) -> None:
        """Publish the current key alone, as after an emergency."""
        del self._keys[1:]


@functools.cache
def default_issuer() -> TestIssuer:
    """Return the issuer behind :func:`make_token`, one for the process."""
    return TestIssuer()


def make_token(
    sub: str | None = None,
    *,
    scopes: Iterable[str] = (),
    roles: Iterable[str] = (),
    expires_in: float = 600,
    **claims: object,
) -> str:
    """Return a token of :func:`default_issuer`; arguments as for :meth:`TestIssuer.make_token`."""
    return default_issuer().make_token(sub, scopes=scopes, roles=roles, expires_in=expires_in, **claims)
