"""``GET /.well-known/oauth-authorization-server``: what is offered, and nothing that is not (KEY-12)."""

from typing import Any

from http_world import ISSUER, World


async def test_the_metadata_tells_what_there_is(world: World) -> None:
    """RFC 8414 §2: the issuer to the byte, each endpoint below it, the one grant there is."""
    async with world.client() as client:
        response = await client.get("/.well-known/oauth-authorization-server")

    assert response.headers["content-type"] == "application/json"
    assert response.json() == {
        "issuer": ISSUER,
        "token_endpoint": f"{ISSUER}/token",
        "revocation_endpoint": f"{ISSUER}/revoke",
        "jwks_uri": f"{ISSUER}/.well-known/jwks.json",
        "scopes_supported": ["orders:read", "orders:write"],
        "response_types_supported": [],
        "grant_types_supported": ["refresh_token"],
        "token_endpoint_auth_methods_supported": ["none"],
        "revocation_endpoint_auth_methods_supported": ["none"],
        "service_documentation": f"{ISSUER}/docs",
        "keyturn_revocations_endpoint": f"{ISSUER}/revocations",
    }


async def test_whatever_host_was_asked_the_issuer_is_the_configured_one(world: World) -> None:
    """A51: a spoofed Host, or a forwarded one, changes no URL."""
    async with world.client(Host="evil.example", X_Forwarded_Host="evil.example") as client:
        response = await client.get("/.well-known/oauth-authorization-server")

    assert "evil" not in response.text
    assert response.json()["issuer"] == ISSUER


async def test_an_issuer_with_a_path_has_it_behind(make_world: Any) -> None:
    """RFC 8414 §3.1: the well-known part comes first; all else is below the path."""
    world = await make_world(issuer=f"{ISSUER}/auth")
    async with world.client() as client:
        inserted = await client.get("/.well-known/oauth-authorization-server/auth")
        below = await client.get("/auth/.well-known/oauth-authorization-server")
        outside = await client.get("/.well-known/jwks.json")

    assert inserted.json() == below.json()
    assert inserted.json()["token_endpoint"] == f"{ISSUER}/auth/token"
    assert outside.status_code == 404
