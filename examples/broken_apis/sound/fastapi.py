"""Made with ``keyturn.fastapi``: five lines, and nothing else to think of."""

from typing import Annotated

from fastapi import FastAPI

from broken_apis.issuer import Issuer
from keyturn.fastapi import AccessToken, Keyturn


def build(issuer: Issuer) -> FastAPI:
    """Return the API."""
    keys = {"keys": [issuer.public_jwk]}
    auth = Keyturn(issuer=issuer.url, audience=issuer.audience, jwks=keys, revocations=None)
    app = FastAPI(title="Orders")
    auth.guard(app)

    @app.get("/orders")
    async def orders(token: Annotated[AccessToken, auth.require("orders:read")]) -> dict[str, str]:
        return {"sub": token.sub}

    @app.get("/admin")
    async def admin(token: Annotated[AccessToken, auth.require(roles=["admin"])]) -> dict[str, str]:
        return {"sub": token.sub}

    @app.get("/public", dependencies=[auth.public])
    async def public() -> dict[str, str]:
        return {"open": "from 9 to 5"}

    return app
