"""Would harm whoever attacks it: refusals that never end, and a description with markup and escape sequences in it."""

import asyncio
from collections.abc import AsyncIterator
from functools import partial
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from broken_apis import orders, rightly
from broken_apis.issuer import Issuer

MARKUP = "<script>alert(1)</script>"
ESCAPE = "\x1b]0;gotcha\x07\x1b[31m"


def refuse(request: Request, error: Exception) -> Response:
    """Answer a request whose token is no good, for ever."""
    plain = orders.refuse(request, error)
    headers = {"WWW-Authenticate": plain.headers["www-authenticate"], "X-Said": MARKUP}
    return StreamingResponse(endless(), plain.status_code, headers)


async def endless() -> AsyncIterator[str]:
    """Say the same again and again."""
    while True:
        yield f"{ESCAPE}{MARKUP}" * 1000
        await asyncio.sleep(0)


def describe(_request: Request) -> Response:
    """Say in OpenAPI what no route is called."""
    document = orders.description()
    token: dict[str, Any] = {"security": [{"token": []}]}
    paths = document["paths"] | {f"/{MARKUP}": {"get": token}, f"/{ESCAPE}": {"get": token, "post": token}}
    return JSONResponse(document | {"paths": paths, "info": {"title": MARKUP, "version": ESCAPE}})


def build(issuer: Issuer) -> Starlette:
    """Return the API."""
    app = orders.orders_api(partial(rightly.verify, issuer=issuer), refuse=refuse)
    app.router.routes.insert(0, Route("/openapi.json", describe))
    return app
