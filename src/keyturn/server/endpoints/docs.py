"""``GET /docs``: the API for people."""

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from keyturn.server.description.docs_page import content_security_policy, page
from keyturn.server.exchange import state_of


async def get(request: Request) -> Response:
    """Answer with the page."""
    headers = {"Content-Security-Policy": content_security_policy()}
    return HTMLResponse(page(state_of(request).settings.issuer), headers=headers)
