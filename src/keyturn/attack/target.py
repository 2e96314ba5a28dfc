"""What is attacked, and what was handed over for it."""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Protocol, Self

from keyturn.attack.in_process import App
from keyturn.attack.material import Signer, read_token
from keyturn.attack.model import Route
from keyturn.attack.routes import parse_route
from keyturn.tokens.keys import SigningKey

#: Revokes the token that it is given, and returns once the issuer has said so.
Revoke = Callable[[str], Awaitable[None]]


class Issuer(Protocol):
    """What of :class:`keyturn.testing.TestIssuer` is used here."""

    @property
    def signing_key(self) -> SigningKey:
        """The key that it signs with now."""
        ...

    @property
    def jwks(self) -> dict[str, Any]:
        """Its public keys."""
        ...

    @property
    def make_token(self) -> Callable[..., str]:
        """The function from scopes, roles and claims to a good token."""
        ...

    def revoke(self, *, jti: str | None = None) -> None:
        """Revoke one token."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """An account at a Keyturn issuer, there to be attacked.

    Attributes:
        issuer: its URL.
        username: the name.
        password: the password.

    """

    issuer: str
    username: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """An API, at a URL or in this process, and what the user hands over for the test.

    Attributes:
        url: where it is; its path goes before every route's.
        routes: which are attacked, such as ``"GET /orders"``.
        app: the ASGI app itself, if it runs in this process.
        token: a token that it takes.
        signer: the issuer's signing key: with it, claims are attacked too.
        claims: of a good token, where there is a signer and no token.
        public_keys: the issuer's public keys, as JWKs.
        revoke: revokes a token.
        account: an account at a Keyturn issuer.

    """

    url: str
    routes: tuple[Route, ...]
    app: App | None = field(default=None, repr=False)
    token: str | None = field(default=None, repr=False)
    signer: Signer | None = None
    claims: Mapping[str, Any] = field(default_factory=dict, repr=False)
    public_keys: tuple[Mapping[str, Any], ...] = field(default=(), repr=False)
    revoke: Revoke | None = field(default=None, repr=False)
    account: Account | None = None

    @classmethod
    def at(
        cls,
        url: str,
        routes: Iterable[str],
        *,
        token: str | None = None,
        signer: Signer | None = None,
        public_keys: Iterable[Mapping[str, Any]] = (),
        revoke: Revoke | None = None,
        account: Account | None = None,
    ) -> Self:
        """Return the API at *url* as a target; arguments as the attributes, each route as a text.

        Raises:
            ConfigurationError: a route is none.

        """
        return cls(
            url=url,
            routes=tuple(map(parse_route, routes)),
            token=token,
            signer=signer,
            public_keys=tuple(public_keys),
            revoke=revoke,
            account=account,
        )

    @classmethod
    def in_process(
        cls,
        app: App,
        issuer: Issuer,
        routes: Iterable[str],
        *,
        scopes: Iterable[str] = (),
        roles: Iterable[str] = (),
        **claims: object,
    ) -> Self:
        """Return *app* as a target that trusts *issuer*, a :class:`keyturn.testing.TestIssuer`; no network is used.

        Args:
            app: an ASGI app.
            issuer: whose tokens it takes.
            routes: which to attack, such as ``"GET /orders"``; each is expected to ask for a token.
            scopes: what the routes need.
            roles: likewise.
            claims: further claims of a good token.

        """
        token = issuer.make_token(scopes=scopes, roles=roles, **claims)

        async def revoke(text: str) -> None:
            issuer.revoke(jti=str(read_token(text)[1].get("jti")))

        return cls(
            url=IN_PROCESS,
            app=app,
            routes=tuple(map(parse_route, routes)),
            token=token,
            signer=signer_of(issuer.signing_key),
            public_keys=tuple(issuer.jwks["keys"]),
            revoke=revoke,
        )


def signer_of(key: SigningKey, *, kid: str | None = None) -> Signer:
    """Return *key* as the issuer's, under *kid* where that is not its thumbprint."""
    return Signer(algorithm=key.algorithm.value, kid=kid or key.kid, sign=key.sign, public=key.public.to_jwk())


#: The address of an app that has none.
IN_PROCESS: Final = "http://app.test"
