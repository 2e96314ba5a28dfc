"""Protect FastAPI routes with access tokens, in five lines.

::

    from keyturn.fastapi import AccessToken, Keyturn
    auth = Keyturn(issuer="https://auth.example.com", audience="https://api.example.com")

    @app.get("/orders")
    async def orders(token: Annotated[AccessToken, auth.require("orders:read")]): ...

What the rules are is in ``keyturn.verify``; here they get FastAPI's shape: a dependency, an exception, an entry
in the OpenAPI document.
"""

from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeVar

from fastapi import APIRouter, FastAPI, params
from fastapi.dependencies.models import Dependant
from fastapi.exception_handlers import http_exception_handler
from fastapi.openapi.models import APIKey, APIKeyIn, HTTPBearer
from fastapi.routing import RouteContext, iter_route_contexts
from fastapi.security.base import SecurityBase
from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection
from starlette.responses import JSONResponse
from starlette.routing import BaseRoute, Host, Mount, Router

from keyturn.errors import KeyturnError
from keyturn.tokens.access_token import AccessToken
from keyturn.verify.asgi import header_values
from keyturn.verify.bearer import Answer
from keyturn.verify.credentials import WEBSOCKET
from keyturn.verify.gate import Gate
from keyturn.verify.marks import WHATEVER, answers_the_unmatched, check_no_open_routes, is_marked, mark
from keyturn.verify.requirement import Requirement

if TYPE_CHECKING:
    from keyturn.core.ports import UserDirectory
    from keyturn.server.settings import Settings

__all__ = ["AccessToken", "AuthRouter", "Keyturn", "auth_router"]

_Endpoint = TypeVar("_Endpoint")


class Keyturn(Gate):
    """Lets requests with a good token through to FastAPI's routes; takes :class:`keyturn.Verifier`'s arguments."""

    @property
    def public(self) -> "_Public":
        """Mark a route or a router as public on purpose, for :meth:`guard`.

        ``dependencies=[auth.public]``, or ``@auth.public`` below the route's decorator, or, around a mounted app,
        ``auth.public(StaticFiles(…))``.
        """
        return _Public(dependency=_let_in)

    def require(self, *scopes: str, roles: Iterable[str] | None = None, on_stale: str | None = None) -> params.Security:
        """Return the dependency that lets only good tokens in, and gives the token to who asks for it.

        Usable as ``Annotated[AccessToken, auth.require("orders:read")]`` and in any ``dependencies=[…]``.

        Args:
            scopes: all of them are needed; none means any good token.
            roles: any of them is enough.
            on_stale: ``reject`` (503) or ``accept`` good tokens while the view of what was revoked is too old; None
                for what :class:`keyturn.Revocations` says.

        Raises:
            ConfigurationError: a scope or a role is no name, or *on_stale* no policy.

        """
        requirement = Requirement.of(scopes, roles, on_stale)
        return params.Security(_Required(self, requirement), scopes=requirement.scopes)

    def guard(self, app: FastAPI) -> None:
        """Refuse to start *app* if a route of it neither requires a token nor is marked public.

        With the app's start it also begins to follow the revocation feed, and stops with its end (:meth:`lifespan`).

        All routes that are there at the start count, those of included routers and of mounted apps too; a mounted
        app without routes of its own, such as static files, needs a mark, and so does a ``default`` that a router was
        given. FastAPI's own pages (``/docs``,
        ``/openapi.json``) are let be: ``FastAPI(openapi_url=None)`` removes them.
        """
        inner = app.router.lifespan_context

        @asynccontextmanager
        async def guarded(started: Any) -> AsyncIterator[Any]:  # noqa: ANN401 - as Starlette types it
            check_no_open_routes(list(_open_routes(app.router)))
            async with self.lifespan(started), inner(started) as state:
                yield state

        app.router.lifespan_context = guarded


class AuthRouter(APIRouter):
    """The routes of an embedded authorization server.

    Attributes:
        keyturn: verifies its tokens in process, without a network.
        well_known: the routes that belong at the root of the host (RFC 8414 §3).

    """

    keyturn: Keyturn
    well_known: APIRouter


def auth_router(settings: "Settings", users: "UserDirectory | None" = None) -> AuthRouter:
    """Return the authorization server as a router: ``app.include_router(auth_router(settings), prefix="/auth")``.

    Args:
        settings: the server's settings; the issuer is the URL that the prefix ends up at.
        users: where users come from; None for the server's own.

    Raises:
        ConfigurationError: a setting is unsafe.

    """
    from keyturn.server.embedded import build  # noqa: PLC0415 - an API that only verifies has no server installed

    server = build(settings, users)
    router = AuthRouter(routes=[mark(route) for route in server.routes], lifespan=server.lifespan)
    router.well_known = APIRouter(routes=[mark(route) for route in server.well_known])
    router.keyturn = Keyturn.around(server.checker)
    return router


class _Required(SecurityBase):
    """One dependency for each ``require``: FastAPI's work for it is what a request pays beyond the verification."""

    scheme_name = "Keyturn"

    def __init__(self, gate: Keyturn, requirement: Requirement) -> None:
        self._gate = gate
        self._requirement = requirement
        self.model = _scheme(gate)

    async def __call__(self, connection: HTTPConnection) -> AccessToken:
        try:
            scope = connection.scope
            return await self._gate.admit(scope.get("method", WEBSOCKET), header_values(scope), self._requirement)
        except KeyturnError as error:
            _speak_our_body(connection)
            raise _Refused(self._gate.refuse(error)) from None


@dataclass(frozen=True)
class _Public(params.Depends):
    def __call__(self, endpoint: _Endpoint) -> _Endpoint:
        return mark(endpoint)


class _Refused(HTTPException):
    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.status, detail=answer.body, headers=answer.headers)  # type: ignore[arg-type]
        self.answer = answer


def _scheme(gate: Keyturn) -> HTTPBearer | APIKey:
    if gate.cookie is None:
        return HTTPBearer(bearerFormat="JWT", description="An access token (RFC 9068).")
    return APIKey.model_validate({"in": APIKeyIn.cookie, "name": gate.cookie, "description": "An access token."})


def _speak_our_body(connection: HTTPConnection) -> None:
    """Have our answers sent as they are, in an app that has registered nothing.

    FastAPI's handler would put ``{"detail": …}`` around the body. An app that shapes its errors with a handler of
    its own is not overruled.
    """
    handlers: dict[Any, Callable[..., Any]] = connection.scope.get("starlette.exception_handlers", ({}, {}))[0]
    if handlers.get(HTTPException) is http_exception_handler:
        handlers.setdefault(_Refused, _respond)


async def _respond(_connection: HTTPConnection, refused: _Refused) -> JSONResponse:
    answer = refused.answer
    return JSONResponse(answer.body, status_code=answer.status, headers=answer.headers)


async def _let_in() -> None:
    """Ask for nothing."""


def _open_routes(router: APIRouter) -> Iterator[str]:
    yield from _open_among(router.routes, "")
    for frontend in router._iter_low_priority_routes():  # noqa: SLF001 - static pages that no public list names
        if not _decided(getattr(frontend, "dependant", None)):
            yield "a frontend"
    if answers_the_unmatched(router, Router.not_found):
        yield WHATEVER


def _open_among(routes: Sequence[BaseRoute], prefix: str) -> Iterator[str]:
    for context in iter_route_contexts(routes):
        path = f"{prefix}{context.path or ''}"
        if isinstance(context.original_route, Mount | Host):
            yield from _open_below(context.original_route, path)
        elif not _is_decided(context):
            yield path


def _open_below(mount: Mount | Host, path: str) -> Iterator[str]:
    if is_marked(mount) or is_marked(mount.app):
        return
    path = f"{path}{mount.host}" if isinstance(mount, Host) else path
    app = getattr(mount, "_base_app", mount.app)  # without the mount's middleware
    if isinstance(app, FastAPI):
        yield from (f"{path}{below}" for below in _open_routes(app.router))
        return
    if not mount.routes:
        yield path
        return
    yield from _open_among(mount.routes, path)
    if answers_the_unmatched(app, Router.not_found):
        yield f"{path}{WHATEVER}"


def _is_decided(context: RouteContext) -> bool:
    route, endpoint = context.original_route, context.endpoint
    if is_marked(route) or is_marked(endpoint) or _decided(getattr(context, "dependant", None)):
        return True
    return getattr(endpoint, "__module__", "") == _FASTAPIS_OWN


def _decided(dependant: Dependant | None) -> bool:
    """Say whether a token is required, or the mark set, anywhere among the dependencies."""
    if dependant is None:
        return False
    return any(
        isinstance(needed.call, _Required) or needed.call is _let_in or _decided(needed)
        for needed in dependant.dependencies
    )


_FASTAPIS_OWN: Final = "fastapi.applications"
