"""Who is let in below ``/admin/api``: an admin of now, with a token for the issuer itself in the header."""

import pytest
from admin_api import API, Admin, new_admin, set_roles
from http_world import APP, AUDIENCE, ISSUER, NOW, PASSWORD, World, assert_problem, bearer

from keyturn.core import users
from keyturn.core.model import Origin
from keyturn.server.routes import URLS
from keyturn.tokens import access_token
from keyturn.tokens.access_token import Claims

ENDPOINTS = [(next(iter(url.handlers)), url.path.removeprefix(API)) for url in URLS if url.path.startswith(API)]

ODD = ["..", "%2e%2e", "..%2f..", "%00", "a%00b", "%0d%0a", "%ff", "%F0%9F%98%80", "' OR 1=1--", "a" * 10_240]

everywhere = pytest.mark.parametrize(("method", "path"), ENDPOINTS)


async def assert_refused(who: Admin, method: str, path: str) -> None:
    """Assert that somebody is told that their role is missing (RFC 6750 §3.1), and that nothing was done."""
    before = len(await who.world.audit())
    response = await who.ask(method, path)
    assert (response.status_code, response.json()["error"]) == (403, "insufficient_scope")
    assert 'error="insufficient_scope"' in response.headers["www-authenticate"]
    assert len(await who.world.audit()) == before


@everywhere
async def test_a_user_is_no_admin(world: World, method: str, path: str) -> None:
    """403, also for a role that only looks like it, and in whatever letter case."""
    await assert_refused(await new_admin(world, "eve", ("user", "administrator", "Admin")), method, path)


@everywhere
async def test_a_token_that_an_api_was_handed_is_401(world: World, method: str, path: str) -> None:
    """Contract §3: an admin's token for an API is of no use here, and never 403 for a bad token."""
    root = await new_admin(world)
    root.login = await world.login("root", resource=AUDIENCE)

    response = await root.ask(method, path)

    assert (response.status_code, response.json()["error"]) == (401, "invalid_token")


@everywhere
async def test_a_demoted_admin_is_none_at_once(world: World, method: str, path: str) -> None:
    """The token has the role until it expires; the user has it no more. And whoever has it anew logs in anew."""
    root = await new_admin(world)
    await set_roles(world, "root", "user")
    await assert_refused(root, method, path)

    await set_roles(world, "ada", "admin")
    ada = Admin(world, "", await world.login("ada", resource=ISSUER, scope="orders:read"))
    assert (await ada.ask(method, path)).status_code in {200, 204, 404}


async def test_a_token_from_before_the_promotion_is_no_admins(world: World) -> None:
    """Both must say it: what was signed, and what is now."""
    ada = await new_admin(world, "eve", ("user",))
    await set_roles(world, "eve", "admin")

    await assert_refused(ada, "GET", "/users")


@everywhere
async def test_a_disabled_admin_is_none_at_once(world: World, method: str, path: str) -> None:
    """401: the session ended with it. A token that no session's end covers is refused as well."""
    root = await new_admin(world)
    user = await users.get_by_name(world.services, "root")
    await users.disable(world.services, user, origin=Origin(actor="operator"), now_ms=world.clock.ms)
    without_session = Claims(
        issuer=ISSUER,
        subject=root.sub,
        audience=ISSUER,
        client_id="first-party",
        session_id=None,
        auth_time=NOW,
        scope=(),
        roles=("admin",),
        issued_at=NOW,
        expires_at=NOW + 600,
        token_id="jti",
    )
    forged = access_token.issue(without_session, world.services.keyring.signing_key())

    for text in (root.login["access_token"], forged):
        root.login = {"access_token": text}
        response = await root.ask(method, path)
        assert (response.status_code, response.json()["error"]) == (401, "invalid_token")


async def test_the_cookie_is_no_credential(world: World) -> None:
    """A bearer token alone: so no page of whatever origin can make an admin's browser do anything."""
    await new_admin(world)
    browser = await world.browser("root", client="cookie", resource=ISSUER)
    for method, path in ENDPOINTS:
        assert (await browser.request(method, f"{API}{path}")).status_code == 401


async def test_a_page_of_an_allowed_origin_may_ask_with_a_token(world: World) -> None:
    """An admin's page reads the answer as it reads that of ``/me``; a page of another origin reads neither."""
    root = await new_admin(world)
    headers = bearer(root.login["access_token"])
    async with world.client() as client:
        for origin, allowed in ((APP, APP), ("https://evil.example", None)):
            for path in ("/me", f"{API}/users"):
                response = await client.get(path, headers=headers | {"Origin": origin})
                assert response.headers.get("access-control-allow-origin") == allowed


async def test_an_odd_id_is_not_there(world: World) -> None:
    """A52: it is an id that nobody has: 404, and nothing is done. A NUL reaches no database: PostgreSQL takes none."""
    root = await new_admin(world)
    before = len(await world.audit())
    for method, path in ENDPOINTS:
        template, _, rest = path.partition("{")
        for odd in ODD if rest else ():
            response = await root.ask(method, f"{template}{odd}{rest.partition('}')[2]}")
            assert_problem(response, 404, "not_found")
    assert len(await world.audit()) == before


async def test_the_answers_are_kept_by_nobody(world: World) -> None:
    """They tell of people."""
    root = await new_admin(world)
    for path in ("/users", "/sessions", "/keys", "/audit"):
        assert (await root.ask("GET", path)).headers["cache-control"] == "no-store"
    assert PASSWORD not in (await root.ask("GET", "/users")).text
