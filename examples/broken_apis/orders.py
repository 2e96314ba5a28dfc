"""The API that all of these are: two routes that need a token with something in it, and one that needs none."""

import re
from collections.abc import Callable
from typing import Any, Final

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from broken_apis.issuer import Claims

Endpoint = Callable[[Request], Response]


class NoToken(Exception):
    """There is no bearer token in the request."""


class Malformed(Exception):
    """The Authorization header is there twice, or is not ``Bearer`` and a token (RFC 6750 §3.1)."""


def find_token(request: Request) -> str:
    """Return the token in the one Authorization header, and from nowhere else (RFC 6750 §2.1)."""
    values = request.headers.getlist("authorization")
    if not values:
        raise NoToken
    scheme, _, token = values[0].partition(" ")
    if scheme.lower() != "bearer":
        raise NoToken
    if len(values) > 1 or not _B64TOKEN.fullmatch(token):
        raise Malformed
    return token


def has_scope(claims: Claims, scope: str) -> bool:
    """Say whether *scope* is one of the words of ``scope`` (RFC 8693 §4.2)."""
    said = claims.get("scope")
    return isinstance(said, str) and scope in said.split(" ")


def has_role(claims: Claims, role: str) -> bool:
    """Say whether *role* is in the list ``roles``."""
    said = claims.get("roles")
    return isinstance(said, list) and role in said


def refuse(_request: Request, error: Exception) -> Response:
    """Answer a request whose token is no good (RFC 6750 §3)."""
    if isinstance(error, NoToken):
        return JSONResponse({"error": "no_token"}, 401, {"WWW-Authenticate": 'Bearer realm="orders"'})
    if isinstance(error, Malformed):
        return _challenge(400, "invalid_request")
    return _challenge(401, "invalid_token")


def orders_api(
    verify: Callable[[str], Claims],
    *,
    find_token: Callable[[Request], str] = find_token,
    has_scope: Callable[[Claims, str], bool] = has_scope,
    has_role: Callable[[Claims, str], bool] = has_role,
    refuse: Callable[[Request, Exception], Response] = refuse,
) -> Starlette:
    """Return the API.

    Args:
        verify: returns the claims of a token, or raises.
        find_token: returns the token of a request, or raises.
        has_scope: says whether the claims allow a scope.
        has_role: says whether the claims give a role.
        refuse: answers a request after one of the first two has raised.

    """

    def protected(allows: Callable[[Claims], bool]) -> Endpoint:
        def endpoint(request: Request) -> Response:
            try:
                claims = verify(find_token(request))
            except Exception as error:  # noqa: BLE001 - whatever is wrong with a token, it is refused
                return refuse(request, error)
            return welcome(claims) if allows(claims) else forbid()

        return endpoint

    return Starlette(
        routes=[
            Route("/orders", protected(lambda claims: has_scope(claims, "orders:read"))),
            Route("/admin", protected(lambda claims: has_role(claims, "admin"))),
            *OPEN_ROUTES,
        ]
    )


def bare_api(*middleware: Middleware) -> Starlette:
    """Return the API with routes that ask for nothing: *middleware* is what protects them, the outermost first."""

    def endpoint(_request: Request) -> Response:
        return welcome({"sub": "somebody"})

    return Starlette(routes=[*(Route(path, endpoint) for path in NEEDS), *OPEN_ROUTES], middleware=middleware)


def welcome(claims: Claims) -> Response:
    """Answer who may come in."""
    return JSONResponse({"sub": claims.get("sub"), "orders": ["tea", "biscuits"]})


def forbid() -> Response:
    """Answer a request whose token is good and does not allow this."""
    return _challenge(403, "insufficient_scope")


def public(_request: Request) -> Response:
    """Answer anybody."""
    return JSONResponse({"open": "from 9 to 5"})


def description() -> dict[str, Any]:
    """Say in OpenAPI what is there, and what needs a token."""
    token: dict[str, Any] = {"security": [{"token": []}]}
    scheme = {"token": {"type": "http", "scheme": "bearer"}}
    return {
        "openapi": "3.1.0",
        "info": {"title": "Orders", "version": "1"},
        "paths": {"/orders": {"get": token}, "/admin": {"get": token}, "/public": {"get": {}}},
        "components": {"securitySchemes": scheme},
    }


def describe(_request: Request) -> Response:
    """Answer with the description."""
    return JSONResponse(description())


def _challenge(status: int, error: str) -> Response:
    return JSONResponse({"error": error}, status, {"WWW-Authenticate": f'Bearer realm="orders", error="{error}"'})


_B64TOKEN: Final = re.compile(r"[A-Za-z0-9\-._~+/]+=*")

#: What no API here protects.
OPEN_ROUTES: Final = [Route("/public", public), Route("/openapi.json", describe)]

#: What a path needs to have in the token.
NEEDS: Final[dict[str, Callable[[Claims], bool]]] = {
    "/orders": lambda claims: has_scope(claims, "orders:read"),
    "/admin": lambda claims: has_role(claims, "admin"),
}
