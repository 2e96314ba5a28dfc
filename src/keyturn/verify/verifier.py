"""The verifier of an API: one issuer, one audience, and everything between a text and an :class:`AccessToken`.

No network in the usual case: the issuer's keys are kept, and so are the tokens that were verified before; what was
revoked comes by itself, in a thread beside.
"""

import math
import time
import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Protocol, Self, TypedDict

from keyturn.errors import ConfigurationError, InvalidToken, InvalidTokenReason, VerifierUnavailable
from keyturn.tokens.access_token import AccessToken, Expected
from keyturn.tokens.algorithms import ASYMMETRIC, SYMMETRIC, Algorithm
from keyturn.verify.checking import RevocationCheck, TokenChecker
from keyturn.verify.feed.following import followed_feed
from keyturn.verify.key_source import FixedKeys, KeySource, fetched_keys
from keyturn.verify.locations import Transport, check_issuer, check_location, key_set_location
from keyturn.verify.revocations import OnStale, Revocations
from keyturn.verify.token_cache import TokenCache

if TYPE_CHECKING:
    from keyturn.verify.feed.follower import FeedFollower
    from keyturn.verify.fetch import ClientFactory


class _Until(Protocol):
    until: float


class VerifierOptions(TypedDict, total=False):
    """The keyword arguments of :class:`Verifier`, which every adapter takes too."""

    algorithms: Iterable[str]
    jwks: Mapping[str, Any] | None
    jwks_uri: str | None
    leeway: float
    revocations: Revocations | RevocationCheck | None
    http: "ClientFactory | None"
    danger_allow_http: bool


class Verifier:
    """Verifies access tokens of one issuer for one audience. Free for any number of threads and event loops.

    It holds no connection between two fetches of the keys, and one if it follows a revocation feed; :meth:`close`, or
    leaving its ``with``, stops both.
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
        revocations: Revocations | RevocationCheck | None = None,
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
            revocations: what is revoked: the issuer's feed, as :class:`Revocations` describes it, or an object of
                your own. None only where nothing need be refused before it expires.
            http: returns a new ``httpx2.AsyncClient`` for one fetch of the keys, or for the feed: for a proxy, or a
                private certificate authority. Redirects are not followed whatever it says, and the deadline stays.
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
        self._clock: Final = clock
        self._keys: Final[KeySource] = _key_source(
            issuer, jwks=jwks, jwks_uri=jwks_uri, algorithms=allowed, http=http, transport=transport
        )
        self._feed: FeedFollower | None = None
        self._freshness: _Until = _ALWAYS
        if isinstance(revocations, Revocations):
            self._feed = followed_feed(
                revocations, keys=self._keys, expected=expected, http=http, transport=transport, clock=clock
            )
            self._on_stale = revocations.on_stale
            self._freshness = self._feed.intake.freshness
            weakref.finalize(self, self._feed.close)
            revocations = self._feed.intake.view
        self._checker: Final = TokenChecker(expected, revocations=revocations, cache=cache)

    @property
    def expected(self) -> Expected:
        """What this verifier takes."""
        return self._checker.expected

    def verify(self, text: str, *, on_stale: str | None = None) -> AccessToken:
        """Return the access token in *text*.

        Args:
            text: the token.
            on_stale: ``reject`` or ``accept``, in place of what :class:`Revocations` says.

        Raises:
            TokenExpired: its time is over.
            InvalidToken: anything else is wrong with it; ``reason`` says what, for the log.
            VerifierUnavailable: it can't be judged now: there are no keys, or the view of what is revoked is too old.

        """
        keys = self._keys.get_keys()
        now = self._clock()
        until = self._freshness.until  # before the check: a view that gets fresh after it was not asked
        try:
            token = self._checker.check(text, keys.get, now)
        except InvalidToken as refusal:
            if refusal.reason is not InvalidTokenReason.UNKNOWN_KEY:
                raise
            newer = self._keys.get_newer(keys)
            if newer is None:
                raise
            token = self._checker.check(text, newer.get, self._clock())
        if now < until:
            return token
        if self._feed is not None:
            self._feed.wait()
        return self._judge_again(token, on_stale)

    async def verify_async(self, text: str, *, on_stale: str | None = None) -> AccessToken:
        """Do what :meth:`verify` does; where it would wait for the network, the event loop goes on."""
        keys = self._keys.at_hand()
        if keys is None:
            keys = await self._keys.get_keys_async()
        now = self._clock()
        until = self._freshness.until  # before the check: a view that gets fresh after it was not asked
        try:
            token = self._checker.check(text, keys.get, now)
        except InvalidToken as refusal:
            if refusal.reason is not InvalidTokenReason.UNKNOWN_KEY:
                raise
            newer = await self._keys.get_newer_async(keys)
            if newer is None:
                raise
            token = self._checker.check(text, newer.get, self._clock())
        if now < until:
            return token
        if self._feed is not None:
            await self._feed.wait_async()
        return self._judge_again(token, on_stale)

    def start(self) -> None:
        """Begin to follow the revocation feed now, if there is one, rather than at the first token. Nothing waits."""
        if self._feed is not None:
            self._feed.start()

    @contextmanager
    def following(self) -> Iterator[None]:
        """Follow the feed while the ``with`` lasts, for an app that starts and stops; afterwards a token starts it."""
        if self._feed is None:
            yield
            return
        self._feed.enter()
        try:
            yield
        finally:
            self._feed.leave()

    def close(self) -> None:
        """Fetch and follow no more. Keys, and the view of what is revoked, serve until they are too old."""
        if self._feed is not None:
            self._feed.close()
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

    def _judge_again(self, token: AccessToken, on_stale: str | None) -> AccessToken:
        """Judge a good *token* by what has come in meanwhile, or by the policy if nothing has."""
        now, until = self._clock(), self._freshness.until
        self._checker.check_revoked(token, now)
        if self._feed is not None and now >= until:
            self._feed.intake.tell_if_stale()
            if (on_stale or self._on_stale) != OnStale.ACCEPT:
                raise VerifierUnavailable("the view of what was revoked is too old")
        return token


class _Always:
    """The age of what answers for its own."""

    until: float = math.inf


_ALWAYS: Final = _Always()


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
