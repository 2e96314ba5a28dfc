"""``GET /.well-known/oauth-authorization-server``: what this server offers, and nothing else (RFC 8414 §2)."""

from typing import Any, Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from keyturn.core.policy import JWKS_MAX_AGE
from keyturn.server.exchange import state_of
from keyturn.tokens.algorithms import SYMMETRIC


async def get(request: Request) -> Response:
    """Answer with the metadata."""
    policy = state_of(request).services.policy
    scopes = sorted({scope for granted in policy.roles.values() for scope in granted})
    told = metadata(policy.issuer, scopes)
    if policy.keys.algorithm not in SYMMETRIC:
        told["keyturn_revocations_endpoint"] = f"{policy.issuer}/revocations"
    return JSONResponse(told, headers={"Cache-Control": _CACHE_CONTROL})


def metadata(issuer: str, scopes: list[str]) -> dict[str, Any]:
    """Return the metadata of *issuer*, whose roles give *scopes*."""
    return {
        "issuer": issuer,
        "token_endpoint": f"{issuer}/token",
        "revocation_endpoint": f"{issuer}/revoke",
        "jwks_uri": f"{issuer}/.well-known/jwks.json",
        "scopes_supported": scopes,
        "response_types_supported": [],
        "grant_types_supported": ["refresh_token"],
        "token_endpoint_auth_methods_supported": ["none"],
        "revocation_endpoint_auth_methods_supported": ["none"],
        "service_documentation": f"{issuer}/docs",
    }


_CACHE_CONTROL: Final = f"public, max-age={JWKS_MAX_AGE}"
