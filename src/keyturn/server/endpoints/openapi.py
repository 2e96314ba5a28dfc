"""``GET /openapi.json``: the API for programs."""

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from keyturn.server.description.openapi import document
from keyturn.server.exchange import state_of


async def get(request: Request) -> Response:
    """Answer with the OpenAPI document."""
    return JSONResponse(document(state_of(request).settings.issuer))
