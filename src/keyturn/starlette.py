"""Protect Starlette endpoints with access tokens, by the habits of ``starlette.authentication``.

::

    from keyturn.starlette import Keyturn
    auth = Keyturn(issuer="https://auth.example.com", audience="https://api.example.com")

    @auth.require("orders:read")
    async def orders(request): ...      # request.state.token, request.user, request.auth

What the rules are is in ``keyturn.verify``; here they get Starlette's shape: a decorator and a response.
"""

import functools
import inspect
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final, TypeVar

from starlette.applications import Starlette
from starlette.authentication import AuthCredentials, BaseUser
from starlette.concurrency import run_in_threadpool
from starlette.endpoints import HTTPEndpoint
from starlette.requests import HTTPConnection
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Host, Mount, Router
from starlette.websockets import WebSocket

from keyturn.errors import ConfigurationError, KeyturnError
from keyturn.tokens.access_token import AccessToken
from keyturn.verify.asgi import header_values
from keyturn.verify.bearer import Answer
from keyturn.verify.credentials import WEBSOCKET
from keyturn.verify.gate import Gate
from keyturn.verify.marks import WHATEVER, answers_the_unmatched, check_no_open_routes, is_marked, mark
from keyturn.verify.requirement import Requirement

__all__ = ["AccessToken", "Keyturn", "TokenUser"]

_Endpoint = TypeVar("_Endpoint")


class TokenUser(BaseUser):
    """Whom the token speaks for, as ``request.user``.

    Attributes:
        token: the access token.

    """

    def __init__(self, token: AccessToken) -> None:
        self.token = token

    @property
    def is_authenticated(self) -> bool:
        """True: there is no user without a good token."""
        return True

    @property
    def display_name(self) -> str:
        """The ``sub``: an access token holds no name."""
        return self.token.sub

    @property
    def identity(self) -> str:
        """The ``sub``."""
        return self.token.sub


class Keyturn(Gate):
    """Lets requests with a good token through to endpoints; takes :class:`keyturn.Verifier`'s arguments."""

    def require(
        self, *scopes: str, roles: Iterable[str] | None = None, on_stale: str | None = None
    ) -> Callable[[Callable[..., Any]], Any]:
        """Return the decorator that lets only good tokens in.

        It goes on a function or a method with a parameter ``request`` or ``websocket``, async or not. The endpoint
        finds the token as ``request.state.token``, and ``request.user`` and ``request.auth`` are set.

        Args:
            scopes: all of them are needed; none means any good token.
            roles: any of them is enough.
            on_stale: ``reject`` (503) or ``accept`` good tokens while the view of what was revoked is too old; None
                for what :class:`keyturn.Revocations` says.

        Raises:
            ConfigurationError: a scope or a role is no name, *on_stale* no policy, or the endpoint has no such
                parameter.

        """
        requirement = Requirement.of(scopes, roles, on_stale)
        return lambda endpoint: mark(_protect(self, requirement, endpoint))

    def public(self, endpoint: _Endpoint) -> _Endpoint:
        """Mark an endpoint, or an app that will be mounted, as public on purpose, for :meth:`guard`."""
        return mark(endpoint)

    def guard(self, app: Starlette) -> None:
        """Refuse to start *app* if an endpoint of it neither requires a token nor is marked public.

        With the app's start it also begins to follow the revocation feed, and stops with its end (:meth:`lifespan`).

        All routes that are there at the start count, those of mounted apps too; a mounted app without routes of
        its own, such as static files, needs a mark, and so does a ``default`` that a router was given. A class does
        not inherit a mark.
        """
        inner = app.router.lifespan_context

        @asynccontextmanager
        async def guarded(started: Any) -> AsyncIterator[Any]:  # noqa: ANN401 - as Starlette types it
            check_no_open_routes(list(_open_in(app)))
            async with self.lifespan(started), inner(started) as state:
                yield state

        app.router.lifespan_context = guarded


class _TokenCredentials(AuthCredentials):
    """What the token allows, as ``request.auth``; each request's own, and made into a list for who asks."""

    def __init__(self, token: AccessToken) -> None:
        self._token = token

    @functools.cached_property
    def scopes(self) -> list[str]:  # type: ignore[override]
        return sorted(self._token.scopes)


def _protect(gate: Keyturn, requirement: Requirement, endpoint: Callable[..., Any]) -> Callable[..., Awaitable[Any]]:
    name, position = _connection_parameter(endpoint)
    is_async = inspect.iscoroutinefunction(endpoint)
    call = endpoint if is_async else functools.partial(run_in_threadpool, endpoint)

    @functools.wraps(endpoint)
    async def protected(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - the endpoint's own types
        connection: HTTPConnection = kwargs[name] if name in kwargs else args[position]
        scope = connection.scope
        try:
            token = await gate.admit(scope.get("method", WEBSOCKET), header_values(scope), requirement)
        except KeyturnError as error:
            return await _refuse(connection, gate.refuse(error))
        scope.setdefault("state", {})["token"] = token  # what request.state shows
        scope["user"] = TokenUser(token)
        scope["auth"] = _TokenCredentials(token)
        return await call(*args, **kwargs)

    return protected


def _connection_parameter(endpoint: Callable[..., Any]) -> tuple[str, int]:
    names = list(inspect.signature(endpoint).parameters)
    for name in ("request", "websocket"):
        if name in names:
            return name, names.index(name)
    raise ConfigurationError("require: the endpoint needs a parameter named request or websocket.")


async def _refuse(connection: HTTPConnection, answer: Answer) -> Response | None:
    response = JSONResponse(answer.body, status_code=answer.status, headers=answer.headers)
    if not isinstance(connection, WebSocket):
        return response
    if "websocket.http.response" in connection.scope.get("extensions", {}):
        await connection.send_denial_response(response)
    else:
        await connection.close(_POLICY_VIOLATION)
    return None


def _open_in(app: Starlette) -> Iterator[str]:
    yield from _open_routes(app.routes, "")
    if answers_the_unmatched(app, Router.not_found):
        yield WHATEVER


def _open_routes(routes: Sequence[BaseRoute], prefix: str) -> Iterator[str]:
    for route in routes:
        path = f"{prefix}{getattr(route, 'path', '')}"
        if isinstance(route, Mount | Host):
            yield from _open_below(route, path)
        elif not is_marked(route) and not _is_decided(getattr(route, "endpoint", None)):
            yield path


def _open_below(mount: Mount | Host, path: str) -> Iterator[str]:
    if is_marked(mount) or is_marked(mount.app):
        return
    path = f"{path}{mount.host}" if isinstance(mount, Host) else path
    if not mount.routes:
        yield path
        return
    yield from _open_routes(mount.routes, path)
    app = getattr(mount, "_base_app", mount.app)  # without the mount's middleware
    if answers_the_unmatched(app, Router.not_found):
        yield f"{path}{WHATEVER}"


def _is_decided(endpoint: object) -> bool:
    """Say whether an endpoint is marked; of a class that has not been, each of its methods must be."""
    if is_marked(endpoint):
        return True
    if not (inspect.isclass(endpoint) and issubclass(endpoint, HTTPEndpoint)):
        return False
    handlers = [getattr(endpoint, name) for name in _METHODS if hasattr(endpoint, name)]
    return bool(handlers) and all(is_marked(handler) for handler in handlers)


_METHODS: Final = ("get", "head", "post", "put", "patch", "delete", "options", "query")
_POLICY_VIOLATION: Final = 1008
