"""The server inside another app: its routes, its lifespan, and tokens verified in process."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated, Any

import httpx2
import pytest
from fastapi import FastAPI
from http_world import NOW, PASSWORD
from installation import settings_in
from starlette.applications import Starlette
from starlette.routing import Mount, Route

from keyturn import store
from keyturn.core import users
from keyturn.core.model import Origin
from keyturn.errors import ConfigurationError, InvalidToken, TemporarilyUnavailable
from keyturn.fastapi import AccessToken, auth_router
from keyturn.server.clock import Clock
from keyturn.server.embedded import build
from keyturn.server.services import open_services
from keyturn.server.settings import Settings
from keyturn.tokens import revocation_feed
from keyturn.tokens.algorithms import ASYMMETRIC
from keyturn.tokens.key_set import parse_key_set
from keyturn.tokens.revocation_feed import Page

SITE = "https://shop.example.com"
API = "https://api.example.com"
BODY = {"username": "ada", "password": PASSWORD, "client": "native"}


async def settings_at(folder: Path, **changes: Any) -> Settings:
    """Return settings for a server under /auth, whose database has the user ada."""
    settings = settings_in(folder, **{"issuer": f"{SITE}/auth", "roles": {"user": ["orders:read"]}} | changes)
    if await store.upgrade(settings.database.url):
        await add_ada(settings)
    return settings


async def add_ada(settings: Settings) -> None:
    """Make an account, as a command beside the server does."""
    opened = await open_services(settings, clock=Clock())
    await users.add_user(opened.services, "ada", PASSWORD, roles=("user",), origin=Origin(), now_ms=NOW * 1000)
    await opened.close()


async def add_admin(settings: Settings) -> None:
    """Make another account, of an admin."""
    opened = await open_services(settings, clock=Clock())
    await users.add_user(opened.services, "root", PASSWORD, roles=("admin",), origin=Origin(), now_ms=NOW * 1000)
    await opened.close()


@asynccontextmanager
async def running(app: Any) -> AsyncIterator[httpx2.AsyncClient]:
    """Run the app's lifespan and return a client of it."""
    async with (
        app.router.lifespan_context(app),
        httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url=SITE) as client,
    ):
        yield client


async def shop(folder: Path, **changes: Any) -> FastAPI:
    """Return an app that has the server under /auth and a route of its own."""
    app, auth = FastAPI(), auth_router(await settings_at(folder, **changes))
    app.include_router(auth, prefix="/auth")
    app.include_router(auth.well_known)

    @app.get("/orders")
    async def orders(token: Annotated[AccessToken, auth.keyturn.require("orders:read")]) -> dict[str, str]:
        return {"sub": token.sub}

    return app


async def login(client: httpx2.AsyncClient, **fields: str) -> dict[str, str]:
    """Log in; return the header that carries the access token."""
    answer = (await client.post("/auth/login", json=BODY | fields)).json()
    return {"Authorization": f"Bearer {answer['access_token']}"}


async def test_one_app_signs_in_and_protects_its_own_routes(tmp_path: Path) -> None:
    """Its lifespan opens the server; a logout works on the app's own routes at once (REF-12)."""
    app = await shop(tmp_path)
    async with running(app) as client:
        bearer = await login(client)

        allowed = await client.get("/orders", headers=bearer)
        none = await client.get("/orders")
        logout = await client.post("/auth/logout", headers=bearer)
        after = await client.get("/orders", headers=bearer)

    assert [answer.status_code for answer in (allowed, none, logout, after)] == [200, 401, 204, 401]


async def test_answers_are_the_server_s_own_inside_another_app(tmp_path: Path) -> None:
    """WEB-10, WEB-12: its headers, its faces of an error, its 405; the app's own routes are left alone."""
    app = await shop(tmp_path)
    async with running(app) as client:
        wrong = await client.get("/auth/login")
        health = await client.get("/auth/healthz")
        own = await client.get("/nothing")

    assert (wrong.status_code, wrong.json()["error"]) == (405, "invalid_request")
    assert wrong.headers["content-type"] == "application/problem+json"
    assert "POST" in wrong.headers["allow"]
    assert health.headers["x-request-id"]
    assert health.headers["x-content-type-options"] == "nosniff"
    assert "x-request-id" not in own.headers


async def test_an_admin_administers_inside_another_app(tmp_path: Path) -> None:
    """Below the prefix: whoever is disabled is refused on the app's own routes at once, too (REF-12)."""
    app = await shop(tmp_path)
    await add_admin(await settings_at(tmp_path))
    async with running(app) as client:
        ada, root = await login(client), await login(client, username="root", resource=f"{SITE}/auth")
        listed = await client.get("/auth/admin/api/users", headers=root)
        (sub,) = [item["sub"] for item in listed.json()["items"] if item["username"] == "ada"]
        refused = await client.post(f"/auth/admin/api/users/{sub}/disable", headers=ada)
        before = await client.get("/orders", headers=ada)
        disabled = await client.post(f"/auth/admin/api/users/{sub}/disable", headers=root)
        after = await client.get("/orders", headers=ada)

    assert (refused.status_code, before.status_code) == (401, 200)
    assert (disabled.status_code, after.status_code) == (204, 401)


async def test_a_slash_too_many_is_the_app_s_to_answer(tmp_path: Path) -> None:
    """FastAPI redirects, which the guide says how to switch off; the password was looked at by nobody."""
    app = await shop(tmp_path)
    async with running(app) as client:
        assert (await client.post("/auth/login/", json=BODY)).status_code == 307
        app.router.redirect_slashes = False
        assert (await client.post("/auth/login/", json=BODY)).status_code == 404


async def test_the_metadata_are_where_the_issuer_says(tmp_path: Path) -> None:
    """KEY-12: `well_known` goes to the root of the host."""
    app = await shop(tmp_path)
    async with running(app) as client:
        metadata = (await client.get("/.well-known/oauth-authorization-server/auth")).json()
        keys = await client.get(metadata["jwks_uri"])

    assert metadata["issuer"] == f"{SITE}/auth"
    assert len(keys.json()["keys"]) == 1


async def test_requests_are_counted_by_the_template_of_the_route(tmp_path: Path) -> None:
    """No session's id becomes a time series."""
    settings = await settings_at(tmp_path)
    server = build(settings)
    app = Starlette(routes=[Mount("/auth", routes=list(server.routes))], lifespan=server.lifespan)
    async with running(app) as client:
        await client.delete("/auth/sessions/some-session")

    metrics = server.routes[0].app._host.state.keyturn.metrics
    labels = {sample.labels.get("route") for family in metrics.request_seconds.collect() for sample in family.samples}
    assert labels == {"/sessions/{session_id}"}


async def test_a_forgotten_lifespan_is_503_and_never_a_verdict(tmp_path: Path) -> None:
    """OPS-05: neither a login nor a token is judged by a server that has not started."""
    server = build(await settings_at(tmp_path))
    app = Starlette(routes=list(server.routes))
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url=SITE) as client:
        assert (await client.post("/login", json=BODY)).status_code == 503

    with pytest.raises(TemporarilyUnavailable):
        await server.checker.verify_async("a.b.c")


async def test_a_token_for_the_issuer_itself_opens_no_route_of_the_app(tmp_path: Path) -> None:
    """A24: what may change the account is for the account's own pages."""
    app = await shop(tmp_path)
    async with running(app) as client:
        bearer = await login(client, resource=f"{SITE}/auth")

        assert (await client.get("/auth/me", headers=bearer)).status_code == 200
        assert (await client.get("/orders", headers=bearer)).status_code == 401


async def test_a_shared_secret_signs_where_one_process_does_both(tmp_path: Path) -> None:
    """ISS-01: and is never published."""
    app = await shop(tmp_path, access_token={"audience": [API], "algorithm": "HS256"})
    async with running(app) as client:
        bearer = await login(client)

        assert (await client.get("/orders", headers=bearer)).status_code == 200
        assert (await client.get("/auth/.well-known/jwks.json")).json() == {"keys": []}


async def test_the_revocation_feed_is_served_inside_another_app(tmp_path: Path) -> None:
    """REF-16: signed for the issuer, below its path; a wait ends when somebody logs out."""
    app = await shop(tmp_path)
    async with running(app) as client:
        bearer = await login(client)
        jwks = (await client.get("/auth/.well-known/jwks.json")).json()
        keys = parse_key_set(jwks, algorithms=ASYMMETRIC)

        async def page(**query: int) -> Page:
            text = (await client.get("/auth/revocations", params=query, timeout=60)).text
            return revocation_feed.verify(text, find_key=keys.get, algorithms=ASYMMETRIC, issuer=f"{SITE}/auth")

        waiting = asyncio.create_task(page(after=(await page()).seq, wait=30))
        await client.post("/auth/logout", headers=bearer)

        assert len((await asyncio.wait_for(waiting, 20)).entries) == 1


async def test_revoked_by_another_server_is_revoked_here(tmp_path: Path) -> None:
    """REF-12: two processes, one database; what was verified before is asked about again."""
    app = await shop(tmp_path)
    other = build(await settings_at(tmp_path))
    async with running(app) as client, other.lifespan(None):
        bearer = await login(client)
        text = bearer["Authorization"].removeprefix("Bearer ")
        assert (await other.checker.verify_async(text)).audience == (API,)

        await client.post("/auth/logout", headers=bearer)

        with pytest.raises(InvalidToken):
            await other.checker.verify_async(text)


async def test_a_restarted_server_verifies_with_what_it_has_opened_now(tmp_path: Path) -> None:
    """REF-12: what is revoked after the second start is not looked up in the view of the first."""
    settings = await settings_at(tmp_path)
    server = build(settings)
    app = Starlette(routes=[Mount("/auth", routes=list(server.routes))], lifespan=server.lifespan)
    async with running(app) as client:
        bearer = await login(client)
        text = bearer["Authorization"].removeprefix("Bearer ")
        assert await server.checker.verify_async(text)
    async with running(app) as client:
        assert await server.checker.verify_async(text)

        await client.post("/auth/logout", headers=bearer)

        with pytest.raises(InvalidToken):
            await server.checker.verify_async(text)


async def test_an_unsafe_setting_is_refused_when_the_app_is_made(tmp_path: Path) -> None:
    """OPS-06: not at the first request."""
    settings = (await settings_at(tmp_path)).model_copy(update={"issuer": "http://shop.example.com"})

    with pytest.raises(ConfigurationError, match="plain HTTP"):
        build(settings)


async def test_every_route_of_the_server_can_be_included(tmp_path: Path) -> None:
    """Each keeps its name and its template."""
    server = build(await settings_at(tmp_path))

    assert all(isinstance(route, Route) for route in (*server.routes, *server.well_known))
    assert {"/login", "/token", "/sessions/{session_id}", "/.well-known/jwks.json"} <= {
        route.path for route in server.routes
    }
