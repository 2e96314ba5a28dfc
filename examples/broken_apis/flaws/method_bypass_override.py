"""A header changes the method, for old clients, and the check in front has already let HEAD or OPTIONS by.

CWE-650, OWASP WSTG-CONF-06. Rightly: no such header; and check on the route, whatever the method is.
"""

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.base import BaseHTTPMiddleware, RequestResponseEndpoint
from starlette.requests import Request
from starlette.responses import Response

from broken_apis import orders, rightly
from broken_apis.issuer import Issuer

FLAW = "method-bypass"


def build(issuer: Issuer) -> Starlette:
    """Return the API."""

    async def authenticate(request: Request, call_next: RequestResponseEndpoint) -> Response:
        allows = orders.NEEDS.get(request.url.path)
        method = request.headers.get("x-http-method-override", request.method)  # the mistake
        if allows is None or method == "OPTIONS":
            return await call_next(request)
        try:
            claims = rightly.verify(orders.find_token(request), issuer)
        except Exception as error:  # noqa: BLE001 - whatever is wrong with a token, it is refused
            return orders.refuse(request, error)
        return await call_next(request) if allows(claims) else orders.forbid()

    return orders.bare_api(Middleware(BaseHTTPMiddleware, dispatch=authenticate))
