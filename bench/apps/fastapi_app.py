"""One route behind the adapter and the same without it, as two applications; and the tokens for them."""

from typing import Annotated

from fastapi import FastAPI

from keyturn.fastapi import AccessToken, Keyturn
from tokens import AUDIENCE, ISSUER, issuer_of, make_tokens

issuer = issuer_of("ES256")
auth = Keyturn(issuer=ISSUER, audience=AUDIENCE, jwks=issuer.jwks)
guarded = FastAPI()
unguarded = FastAPI()


@guarded.get("/orders")
async def orders(token: Annotated[AccessToken, auth.require("orders:read")]) -> dict[str, list[int]]:  # noqa: ARG001
    """Answer whoever has a good token."""
    return {"orders": [1, 2, 3]}


@unguarded.get("/orders")
async def orders_for_all() -> dict[str, list[int]]:
    """Answer everybody."""
    return {"orders": [1, 2, 3]}


@guarded.get("/tokens")
@unguarded.get("/tokens")
async def tokens() -> list[str]:
    """Hand out good tokens."""
    return make_tokens(issuer, 100)
