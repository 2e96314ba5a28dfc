"""What stands before every protected route, in words of no framework: read the token, verify it, ask what it may.

An adapter's ``Keyturn`` is a gate in its framework's habits. Who somebody is, for authorization, is (issuer, sub)
of the token it lets through, and nothing else.
"""

from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from typing import Protocol, Self, Unpack

from keyturn.errors import KeyturnError
from keyturn.tokens.access_token import AccessToken, Expected
from keyturn.verify import bearer
from keyturn.verify.credentials import HeaderValues, token_reader
from keyturn.verify.requirement import Requirement
from keyturn.verify.revocations import Revocations
from keyturn.verify.verifier import Verifier, VerifierOptions


class Verifies(Protocol):
    """Whatever turns a text into an access token: a :class:`Verifier`, or the server itself in its own process."""

    @property
    def expected(self) -> Expected:
        """What is taken."""
        ...

    async def verify_async(self, text: str, *, on_stale: str | None = None) -> AccessToken:
        """Return the access token in *text*, which may hold anything; raises what :meth:`Verifier.verify` raises.

        *on_stale* counts for those whose view of what was revoked can be too old.
        """
        ...


class Gate:
    """Lets requests with a good token through.

    Attributes:
        verifier: verifies the tokens. Tests put another one in its place.

    """

    verifier: Verifies

    def __init__(
        self,
        issuer: str,
        audience: str | Sequence[str],
        *,
        token_from: str = "header",
        allowed_origins: Collection[str] = (),
        **options: Unpack[VerifierOptions],
    ) -> None:
        """Let tokens of *issuer* for *audience* through; without ``revocations`` and ``jwks``, follow its feed.

        Args:
            issuer: the ``iss``, byte for byte.
            audience: the API's own name in ``aud``, or several.
            token_from: ``header``, or ``cookie`` for pages of the issuer's own origin.
            allowed_origins: with the cookie, other origins whose pages may send unsafe requests.
            options: the keyword arguments of :class:`Verifier`; ``revocations=None`` to follow no feed.

        Raises:
            ConfigurationError: an argument is unsafe or makes no sense.
            InvalidKey: ``jwks`` is unusable.

        """
        if options.get("jwks") is None:  # else it is meant to work without a network
            options.setdefault("revocations", Revocations())
        self._set(Verifier(issuer, audience, **options), token_from, allowed_origins)

    @classmethod
    def around(cls, verifier: Verifies, *, token_from: str = "header", allowed_origins: Collection[str] = ()) -> Self:
        """Return a gate whose tokens *verifier* verifies, such as another gate's or an in-process one.

        Raises:
            ConfigurationError: an argument makes no sense.

        """
        gate = cls.__new__(cls)
        gate._set(verifier, token_from, allowed_origins)  # noqa: SLF001 - a second constructor
        return gate

    @property
    def cookie(self) -> str | None:
        """The name of the cookie that tokens are read from; None for the header."""
        return self._reader.cookie

    @asynccontextmanager
    async def lifespan(self, _app: object = None) -> AsyncIterator[None]:
        """Follow the revocation feed as long as an app runs: ``FastAPI(lifespan=auth.lifespan)``.

        Without it, the first request begins, and the end of the process ends. The start never waits for the issuer.
        """
        verifier = self.verifier
        if not isinstance(verifier, Verifier):  # one that is in process follows nothing
            yield
            return
        with verifier.following():
            yield

    async def admit(self, method: str, values: HeaderValues, requirement: Requirement) -> AccessToken:
        """Return the token of a request.

        Args:
            method: the HTTP method, or :data:`~keyturn.verify.credentials.WEBSOCKET`.
            values: returns the values of a request header.
            requirement: what the route asks for.

        Raises:
            MissingToken: there is none.
            InvalidToken: it is not good.
            InvalidRequest: it can't be read without doubt.
            InsufficientScope: it may not do this.
            Forbidden: another site's page sent the cookie.
            VerifierUnavailable: it can't be judged now.

        """
        text = self._reader.read(method, values)
        try:
            token = await self.verifier.verify_async(text, on_stale=requirement.on_stale)
        except KeyturnError:
            self._reader.check_refused(text)
            raise
        requirement.check(token)
        return token

    def refuse(self, error: KeyturnError) -> bearer.Answer:
        """Return what to answer where :meth:`admit` raised *error*."""
        return bearer.answer(error, realm=self._realm)

    def _set(self, verifier: Verifies, token_from: str, allowed_origins: Collection[str]) -> None:
        issuer = verifier.expected.issuer
        self.verifier = verifier
        self._reader = token_reader(token_from, issuer=issuer, allowed_origins=allowed_origins)
        self._realm = issuer
