"""The server inside another app: its routes, to be included under the issuer's path, and its lifespan.

Each route brings the middleware and the state of its server along, so that nothing of the app around it counts here.
"""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from starlette.applications import Starlette
from starlette.routing import Route

from keyturn.core.ports import UserDirectory
from keyturn.core.services import Services
from keyturn.server.app import new_state, serving
from keyturn.server.door import Door
from keyturn.server.policy import policy_of
from keyturn.server.routes import routes, well_known_routes
from keyturn.server.services import expected_of
from keyturn.server.settings import Settings
from keyturn.server.state import ServerState
from keyturn.tokens.access_token import AccessToken, Expected
from keyturn.verify.checking import TokenChecker


@dataclass(frozen=True, slots=True, kw_only=True)
class Embedded:
    """A server that lives in another app.

    Attributes:
        routes: to be included under the issuer's path.
        well_known: to be included at the root of the host (RFC 8414 §3.1).
        lifespan: must run before a request comes; until then the answer is 503.
        checker: verifies access tokens for the app's own routes.

    """

    routes: Sequence[Route]
    well_known: Sequence[Route]
    lifespan: Callable[[Any], AbstractAsyncContextManager[None]]
    checker: "InProcessVerifier"


def build(settings: Settings, users: UserDirectory | None = None) -> Embedded:
    """Return the server to embed.

    Args:
        settings: what it is told; the issuer is the URL that the app serves its routes at.
        users: the app's own directory; None for the server's.

    Raises:
        ConfigurationError: a setting is unsafe.

    """
    state = new_state(settings, users)
    host = Starlette()
    host.state.keyturn = state

    @asynccontextmanager
    async def lifespan(_app: object) -> AsyncIterator[None]:
        async with serving(state):
            yield

    return Embedded(
        routes=[_door(host, route) for route in routes()],
        well_known=[_door(host, route) for route in well_known_routes(urlsplit(settings.issuer).path)],
        lifespan=lifespan,
        checker=InProcessVerifier(state),
    )


class InProcessVerifier:
    """Verifies tokens for the configured audiences with the server's own keys, and knows every revocation at once."""

    def __init__(self, state: ServerState) -> None:
        self._state = state
        self._checking: tuple[Services, TokenChecker] | None = None
        policy = policy_of(state.settings)
        self._expected = expected_of(policy, frozenset(policy.audiences))

    @property
    def expected(self) -> Expected:
        """What is taken."""
        return self._expected

    async def verify_async(self, text: str, *, on_stale: str | None = None) -> AccessToken:  # noqa: ARG002
        """Return the access token in *text*. What is known here is never stale, so *on_stale* is of no effect.

        Raises:
            InvalidToken: it is not good.
            TemporarilyUnavailable: the server does not run, or its store does not answer.

        """
        services = self._state.services
        await services.denylist.catch_up()
        checker = self._checker(services)
        return checker.check(text, services.keyring.find, self._state.clock.now_ms() / 1000)

    def _checker(self, services: Services) -> TokenChecker:
        """Return the checker over *services*: a server that was started anew has other revocations in view."""
        if self._checking is None or self._checking[0] is not services:
            self._checking = (services, TokenChecker(self._expected, revocations=services.denylist.view))
        return self._checking[1]


def _door(host: Starlette, inner: Route) -> Route:
    return Route(inner.path, Door(host, inner), name=inner.name)
