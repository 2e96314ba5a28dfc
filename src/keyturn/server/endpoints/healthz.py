"""``GET /healthz``: the process answers. Whether it can do its work is ``/readyz``."""

from starlette.requests import Request
from starlette.responses import JSONResponse, Response


async def get(_request: Request) -> Response:
    """Answer 200."""
    return JSONResponse({"status": "ok"}, headers={"Cache-Control": "no-store"})
