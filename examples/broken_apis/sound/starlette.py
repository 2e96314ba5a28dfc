"""Made with ``keyturn.starlette``."""

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from broken_apis.issuer import Issuer
from broken_apis.orders import OPEN_ROUTES
from keyturn.starlette import Keyturn


def build(issuer: Issuer) -> Starlette:
    """Return the API."""
    keys = {"keys": [issuer.public_jwk]}
    auth = Keyturn(issuer=issuer.url, audience=issuer.audience, jwks=keys, revocations=None)

    @auth.require("orders:read")
    async def orders(request: Request) -> JSONResponse:
        return JSONResponse({"sub": request.user.identity})

    @auth.require(roles=["admin"])
    async def admin(request: Request) -> JSONResponse:
        return JSONResponse({"sub": request.user.identity})

    return Starlette(routes=[Route("/orders", orders), Route("/admin", admin), *OPEN_ROUTES])
