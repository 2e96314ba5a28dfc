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
from keyturn.tokens.access_token import TYP, AccessToken
from keyturn.tokens.algorithms import SYMMETRIC, Algorithm
from keyturn.tokens.key_set import export_key_set
from keyturn.tokens.keys import SigningKey
from keyturn.tokens.revocation import CUT_OFF_KINDS, RevocationEntry, RevocationKind, RevocationView, digest
from keyturn.verify.gate import Gate
from keyturn.verify.verifier import Verifier, VerifierOptions

__all__ = ["DEFAULT_AUDIENCE", "DEFAULT_ISSUER", "TestIssuer", "default_issuer", "make_token"]

DEFAULT_ISSUER: Final = "https://issuer.test"
DEFAULT_AUDIENCE: Final = "https://api.test"

_REVOKED_FOR: Final = 3660  # seconds


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
        self._revoked = RevocationView()

    @property
    def jwks(self) -> dict[str, Any]:
        """The JWK Set with its public keys, for ``Verifier(jwks=…)``."""
        return export_key_set(key.public for key in self._keys)

    @property
    def signing_key(self) -> SigningKey:
        """The key that it signs with now: for :mod:`keyturn.attack`, and for tokens that only a test would sign."""
        return self._keys[0]

    def verifier(self, **options: Unpack[VerifierOptions]) -> Verifier:
        """Return a verifier that trusts this issuer as it is now; *options* as for :class:`keyturn.Verifier`.

        What :meth:`revoke` revokes it knows at once, earlier and later.
        """
        options.setdefault("jwks", self.jwks)
        options.setdefault("revocations", _IfAny(self._revoked))
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
            "iat": min(max(now, self._earliest(sub)), now + int(expires_in)),
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

    def revoke(
        self, *, jti: str | None = None, sid: str | None = None, sub: str | None = None, kid: str | None = None
    ) -> None:
        """Revoke at once, for an hour, what is named.

        Args:
            jti: one token.
            sid: a session, as a logout does.
            sub: all tokens that a user has now, as a password change does.
            kid: all tokens that one key has signed.

        """
        named = {
            RevocationKind.JTI: jti,
            RevocationKind.SID: sid,
            RevocationKind.SUB: sub,
            RevocationKind.KID: kid,
        }
        now = int(self._clock())
        for kind, value in named.items():
            if value is not None:
                self._revoked.add(
                    RevocationEntry(
                        seq=self._revoked.seq + 1,
                        kind=kind,
                        digest=digest(kind, value),
                        before=now if kind in CUT_OFF_KINDS else None,
                        expires_at=now + _REVOKED_FOR,
                    )
                )

    def _earliest(self, sub: str | None) -> int:
        """Return the first second that a new token of *sub* is not revoked in; a real issuer waits for it."""
        cutoff = None if sub is None else self._revoked.cutoff_for(sub)
        return 0 if cutoff is None else cutoff + 1


class _IfAny:
    """A view that is not even asked while it is empty: what a test measures is then the token alone."""

    def __init__(self, view: RevocationView) -> None:
        self._view = view

    def revokes(self, token: AccessToken, now: float) -> bool:
        return len(self._view) > 0 and self._view.revokes(token, now)


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
