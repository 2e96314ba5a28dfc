"""The server as an ASGI app, and the one place that wires: settings in, store, services, jobs and routes out."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from types import MappingProxyType
from urllib.parse import urlsplit

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.routing import BaseRoute, Route
from starlette.types import Receive, Scope, Send

from keyturn.core.ports import UserDirectory
from keyturn.server import jobs
from keyturn.server.clock import Clock
from keyturn.server.cors import LoopbackOrigins, Origins
from keyturn.server.door import Door
from keyturn.server.middleware import KeyturnMiddleware
from keyturn.server.observing.metrics import Metrics
from keyturn.server.problems import on_http_exception
from keyturn.server.routes import routes, well_known_routes
from keyturn.server.sealing import Sealing
from keyturn.server.services import checker_of, open_services, prepare_to_serve
from keyturn.server.settings import Purpose, Settings
from keyturn.server.state import ServerState


def create_app(
    settings: Settings,
    users: UserDirectory | None = None,
    *,
    clock: Clock | None = None,
    metrics: Metrics | None = None,
    loopback_origins: LoopbackOrigins = LoopbackOrigins.REFUSED,
) -> Starlette:
    """Return the authorization server, which answers below the issuer's path once its lifespan runs.

    Args:
        settings: what it is told.
        users: the directory of an app that keeps its own users; None for the server's own.
        clock: the time; None for the database's, else the system's.
        metrics: the counters; None for some of its own.
        loopback_origins: whether pages of this machine may call it without being listed; for development alone.

    Raises:
        ConfigurationError: a setting is unsafe.

    """
    state = new_state(settings, users, clock=clock, metrics=metrics, loopback_origins=loopback_origins)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        async with serving(state):
            yield

    app = _Server(
        routes=_routes(urlsplit(settings.issuer).path),
        lifespan=lifespan,
        middleware=[Middleware(KeyturnMiddleware)],
        exception_handlers={HTTPException: on_http_exception},
    )
    app.router.redirect_slashes = False
    app.state.keyturn = state
    app.doors = {
        route.path: Door(app, route) for route in app.routes if isinstance(route, Route) and not route.param_convertors
    }
    return app


class _Server(Starlette):
    """Starlette, which finds its way to a URL without parameters in one look-up.

    A refresh spends a tenth of its time on the way through the layers that the other URLs, known or not, go through.
    """

    doors: Mapping[str, Door] = MappingProxyType({})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        door = self.doors.get(scope["path"]) if scope["type"] == "http" else None
        await (door or super().__call__)(scope, receive, send)


def new_state(
    settings: Settings,
    users: UserDirectory | None,
    *,
    clock: Clock | None = None,
    metrics: Metrics | None = None,
    loopback_origins: LoopbackOrigins = LoopbackOrigins.REFUSED,
) -> ServerState:
    """Return a server that has not started.

    Raises:
        ConfigurationError: a setting is unsafe.

    """
    settings.check(Purpose.EMBED)
    origins = Origins.of(settings.server.cors_origins, loopback_origins)
    clock, metrics = clock or Clock(), metrics or Metrics()
    metrics.watch_clock(lambda: clock.offset_ms / 1000)
    return ServerState(settings, clock=clock, metrics=metrics, origins=origins, users=users)


@asynccontextmanager
async def serving(state: ServerState) -> AsyncIterator[None]:
    """Open what *state* needs, let requests in, and close it all in the opposite order.

    Raises:
        ConfigurationError: the database is missing, unfit, or was sealed with another master key.

    """
    metrics = state.metrics
    opened = await open_services(
        state.settings,
        state.users,
        clock=state.clock,
        on_fallback=metrics.count_redis_fallback,
        on_breach_check=metrics.count_breach_check,
    )
    metrics.watch_redis(opened.services.store)
    try:
        await jobs.correct_clock(opened.services, state.clock)
        await prepare_to_serve(opened.services, now_ms=state.clock.now_ms())
        state.start(opened.services, checker_of(opened.services))
        sealing = Sealing(opened.services, state.clock)
        metrics.watch_sealing(sealed=lambda: sealing.sealed, unsealed=lambda: sealing.unsealed)
        async with jobs.running(jobs.jobs_of(opened.services, state.clock, sealing)):
            yield
        await sealing.finish()
    finally:
        state.stop()
        await opened.close()


def _routes(issuer_path: str) -> Sequence[BaseRoute]:
    if not issuer_path:
        return routes()
    below = [Route(f"{issuer_path}{route.path}", route.endpoint, name=route.name) for route in routes()]
    return [*below, *well_known_routes(issuer_path)]
