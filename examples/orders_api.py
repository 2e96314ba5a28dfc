"""An API in a process of its own that accepts Keyturn's tokens.

Run it beside ``make serve``: ``.venv/bin/uvicorn --app-dir examples orders_api:app --port 8000``.
"""

import os
from typing import Annotated

from fastapi import FastAPI

from keyturn.fastapi import AccessToken, Keyturn

auth = Keyturn(issuer=os.environ.get("ISSUER", "http://localhost:8080"), audience=os.environ.get("AUDIENCE", "my-api"))

app = FastAPI(title="Orders")
auth.guard(app)  # the start fails if a route is neither protected nor marked public


@app.get("/orders")
async def orders(token: Annotated[AccessToken, auth.require("orders:read")]) -> dict[str, object]:
    """List the caller's orders; needs the scope ``orders:read``."""
    return {"orders_of": token.sub, "orders": ["tea", "biscuits"]}


@app.get("/admin/report")
async def report(token: Annotated[AccessToken, auth.require(roles=["admin"])]) -> dict[str, object]:
    """Show what only an administrator may see."""
    return {"seen_by": token.sub, "orders": 2}


@app.get("/health", dependencies=[auth.public])
async def health() -> dict[str, str]:
    """Anybody may ask."""
    return {"status": "ok"}
