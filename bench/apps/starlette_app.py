"""One route behind the adapter and the same without it, as two applications; and the tokens for them."""

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from keyturn.starlette import Keyturn
from tokens import AUDIENCE, ISSUER, issuer_of, make_tokens

issuer = issuer_of("ES256")
auth = Keyturn(issuer=ISSUER, audience=AUDIENCE, jwks=issuer.jwks)


@auth.require("orders:read")
async def orders(request: Request) -> JSONResponse:  # noqa: ARG001
    """Answer whoever has a good token."""
    return JSONResponse({"orders": [1, 2, 3]})


async def orders_for_all(request: Request) -> JSONResponse:  # noqa: ARG001
    """Answer everybody."""
    return JSONResponse({"orders": [1, 2, 3]})


async def tokens(request: Request) -> JSONResponse:  # noqa: ARG001
    """Hand out good tokens."""
    return JSONResponse(make_tokens(issuer, 100))


guarded = Starlette(routes=[Route("/orders", orders), Route("/tokens", tokens)])
unguarded = Starlette(routes=[Route("/orders", orders_for_all), Route("/tokens", tokens)])
