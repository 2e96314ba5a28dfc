"""The same app with the authorization server inside it: one process, one database file, no network between the two.

Run ``make serve`` once for its database and user, stop it, then
``.venv/bin/uvicorn --app-dir examples embedded_app:app --port 8080``.
"""

from typing import Annotated

from fastapi import FastAPI

from keyturn.fastapi import AccessToken, auth_router
from keyturn.server import Settings

router = auth_router(Settings.load())
auth = router.keyturn  # verifies in process: a logout is known here at once

app = FastAPI(title="Orders, with its own login")
app.include_router(router)
auth.guard(app)


@app.get("/orders")
async def orders(token: Annotated[AccessToken, auth.require("orders:read")]) -> dict[str, object]:
    """List the caller's orders; needs the scope ``orders:read``."""
    return {"orders_of": token.sub, "orders": ["tea", "biscuits"]}


@app.get("/admin/report")
async def report(token: Annotated[AccessToken, auth.require(roles=["admin"])]) -> dict[str, object]:
    """Show what only an administrator may see."""
    return {"seen_by": token.sub, "orders": 2}
