"""The verifier of an API: one issuer, one audience, and everything between a text and an :class:`AccessToken`.

No network in the usual case: the issuer's keys are kept, and so are the tokens that were verified before.
"""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Self, TypedDict

from keyturn.errors import ConfigurationError, InvalidToken, InvalidTokenReason
from keyturn.tokens.access_token import AccessToken, Expected
from keyturn.tokens.algorithms import ASYMMETRIC, SYMMETRIC, Algorithm
from keyturn.verify.checking import RevocationCheck, TokenChecker
from keyturn.verify.key_source import FixedKeys, KeySource, fetched_keys
from keyturn.verify.locations import Transport, check_issuer, check_location, key_set_location
from keyturn.verify.token_cache import TokenCache

if TYPE_CHECKING:
    from keyturn.verify.fetch import ClientFactory


class VerifierOptions(TypedDict, total=False):
    """The keyword arguments of :class:`Verifier`, which every adapter takes too."""

    algorithms: Iterable[str]
    jwks: Mapping[str, Any] | None
    jwks_uri: str | None
    leeway: float
    revocations: RevocationCheck | None
    http: "ClientFactory | None"
    danger_allow_http: bool


class Verifier:
    """Verifies access tokens of one issuer for one audience. Free for any number of threads and event loops.

    It holds no connection between two fetches of the keys; :meth:`close`, or leaving its ``with``, stops fetching.
    """

    def __init__(
        self,
        issuer: str,
        audience: str | Sequence[str],
        *,
        algorithms: Iterable[str] = ASYMMETRIC,
        jwks: Mapping[str, Any] | None = None,
        jwks_uri: str | None = None,
        leeway: float = 5,
        revocations: RevocationCheck | None = None,
        http: "ClientFactory | None" = None,
        danger_allow_http: bool = False,
        cache: TokenCache | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Verify tokens of *issuer* for *audience*. Nothing is fetched before the first token.

        Args:
            issuer: the ``iss``, byte for byte; an https URL, or a plain HTTP one on this machine.
            audience: the API's own name in ``aud``, or several.
            algorithms: the allowlist; all asymmetric ones unless named. ``HS…`` only together with *jwks*.
            jwks: the issuer's JWK Set, for use without a network.
            jwks_uri: where the JWK Set is; ``{issuer}/.well-known/jwks.json`` unless named.
            leeway: seconds, 0 to 60, that the issuer's clock may differ.
            revocations: what is revoked.
            http: returns a new ``httpx2.AsyncClient`` for one fetch of the keys: for a proxy, or a private
                certificate authority. Redirects are not followed whatever it says, and the deadline stays.
            danger_allow_http: plain HTTP beyond this machine, where whoever sits between can replace the keys.
            cache: where verified tokens are kept; 32 MiB of its own unless given.
            clock: the time in epoch seconds.

        Raises:
            ConfigurationError: an argument is unsafe or makes no sense.
            InvalidKey: *jwks* is unusable.

        """
        transport = Transport.ANY if danger_allow_http else Transport.TLS_OR_LOOPBACK
        allowed = _algorithms(algorithms)
        expected = Expected(
            issuer=check_issuer(issuer, transport=transport),
            audiences=_audiences(audience),
            algorithms=allowed,
            leeway=leeway,
        )
        self._checker: Final = TokenChecker(expected, revocations=revocations, cache=cache)
        self._clock: Final = clock
        self._keys: Final[KeySource] = _key_source(
            issuer, jwks=jwks, jwks_uri=jwks_uri, algorithms=allowed, http=http, transport=transport
        )

    @property
    def expected(self) -> Expected:
        """What this verifier takes."""
        return self._checker.expected

    def verify(self, text: str) -> AccessToken:
        """Return the access token in *text*.

        Raises:
            TokenExpired: its time is over.
            InvalidToken: anything else is wrong with it; ``reason`` says what, for the log.
            VerifierUnavailable: it can't be judged now, as there are no keys.

        """
        keys = self._keys.get_keys()
        try:
            return self._checker.check(text, keys.get, self._clock())
        except InvalidToken as refusal:
            if refusal.reason is not InvalidTokenReason.UNKNOWN_KEY:
                raise
            newer = self._keys.get_newer(keys)
            if newer is None:
                raise
        return self._checker.check(text, newer.get, self._clock())

    async def verify_async(self, text: str) -> AccessToken:
        """Do what :meth:`verify` does; where it would wait for the network, the event loop goes on."""
        keys = self._keys.at_hand()
        if keys is None:
            keys = await self._keys.get_keys_async()
        try:
            return self._checker.check(text, keys.get, self._clock())
        except InvalidToken as refusal:
            if refusal.reason is not InvalidTokenReason.UNKNOWN_KEY:
                raise
            newer = await self._keys.get_newer_async(keys)
            if newer is None:
                raise
        return self._checker.check(text, newer.get, self._clock())

    def close(self) -> None:
        """Fetch no more. Keys that are there serve until they are too old."""
        self._keys.close()

    async def aclose(self) -> None:
        """Do what :meth:`close` does."""
        self.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()


def _algorithms(names: Iterable[str]) -> frozenset[Algorithm]:
    if isinstance(names, str):
        raise ConfigurationError('algorithms: give a list of names, such as algorithms=["ES256"].')
    try:
        return frozenset(Algorithm(name) for name in names)
    except ValueError:
        raise ConfigurationError(f"algorithms: each must be one of {', '.join(Algorithm)}.") from None


def _audiences(audience: str | Sequence[str]) -> frozenset[str]:
    return frozenset({audience} if isinstance(audience, str) else audience)


def _key_source(
    issuer: str,
    *,
    jwks: Mapping[str, Any] | None,
    jwks_uri: str | None,
    algorithms: frozenset[Algorithm],
    http: "ClientFactory | None",
    transport: Transport,
) -> KeySource:
    if jwks is not None and jwks_uri is not None:
        raise ConfigurationError("jwks, jwks_uri: give one of the two.")
    if jwks is not None:
        return FixedKeys(jwks, algorithms=algorithms)
    if algorithms & SYMMETRIC:
        raise ConfigurationError("algorithms: a shared secret is never fetched; HS… needs jwks.")
    if http is not None and not callable(http):
        raise ConfigurationError("http: give a function that returns a new httpx2.AsyncClient.")
    url = check_location(jwks_uri or key_set_location(issuer), name="jwks_uri", transport=transport)
    return fetched_keys(url, algorithms=algorithms, new_client=http)
