"""The middleware lets HEAD and OPTIONS by, for health checks and CORS; the routes behind it answer HEAD like GET.

OWASP WSTG-CONF-06; CWE-650. What HEAD does is done for anybody: it may change something, its length tells, and a later
``methods=["OPTIONS"]`` is open. Rightly: check on the route, whatever the method is; answer preflights in front of it.
"""

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.base import BaseHTTPMiddleware, RequestResponseEndpoint
from starlette.requests import Request
from starlette.responses import Response

from broken_apis import orders, rightly
from broken_apis.issuer import Issuer


def build(issuer: Issuer) -> Starlette:
    """Return the API."""

    async def authenticate(request: Request, call_next: RequestResponseEndpoint) -> Response:
        allows = orders.NEEDS.get(request.url.path)
        if allows is None or request.method in {"HEAD", "OPTIONS"}:  # the mistake
            return await call_next(request)
        try:
            claims = rightly.verify(orders.find_token(request), issuer)
        except Exception as error:  # noqa: BLE001 - whatever is wrong with a token, it is refused
            return orders.refuse(request, error)
        return await call_next(request) if allows(claims) else orders.forbid()

    return orders.bare_api(Middleware(BaseHTTPMiddleware, dispatch=authenticate))
