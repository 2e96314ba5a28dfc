"""Every URL has one spelling, and says what it takes."""

from string import ascii_letters, digits

import pytest
from http_world import PASSWORD, World, assert_oauth_error, assert_problem, bearer

from keyturn.server.problems import Face
from keyturn.server.routes import URLS, Url

METHODS = {"GET", "POST", "PUT", "PATCH", "DELETE", "TRACE", "BREW"}


@pytest.mark.parametrize(
    "path", ["/", "/nope", "/login/", "//login", "/LOGIN", "/sessions/a/b", "/introspect", "/revocations/1"]
)
async def test_an_unknown_url_is_a_problem(world: World, path: str) -> None:
    """A47: also one that only looks like ours; none redirects."""
    async with world.client() as client:
        body = {"username": "ada", "password": PASSWORD}
        assert_problem(await client.post(f"https://auth.example.com{path}", json=body), 404, "not_found")


@pytest.mark.parametrize("url", URLS, ids=lambda url: url.path)
async def test_another_spelling_of_a_url_is_another_url(world: World, url: Url) -> None:
    """A47: a proxy's rule for the URL overlooks a line end behind it and an escape that says nothing else."""
    last = url.path[-1]
    spellings = [f"{url.path}%0A", f"{url.path[:-1]}%{ord(last):02x}", f"/%{ord(url.path[1]):02X}{url.path[2:]}"]
    spellings += [f"/{url.path[1:].replace('/', slash)}" for slash in ("%2f", "%2F") if url.path.count("/") > 1]
    async with world.client() as client:
        for method in url.handlers:
            for spelling in spellings if last != "}" else spellings[:1] + spellings[2:]:
                response = await client.request(method, spelling)
                assert (response.status_code, response.json()["error"]) == (404, "not_found"), spelling


async def test_an_escape_that_is_needed_is_part_of_an_id(world: World) -> None:
    """Somebody looks for that id; for one that is spelt with an escape too many, nobody does."""
    token = (await world.login())["access_token"]
    async with world.client() as client:
        for code in range(0x21, 0x7F):
            answer = await client.delete(f"/sessions/a%{code:02X}b", headers=bearer(token))
            was_looked_for = answer.json().get("detail") == "You have no such session."
            assert answer.status_code == 404
            assert was_looked_for == (chr(code) not in ascii_letters + digits + "-._/"), chr(code)


@pytest.mark.parametrize("url", URLS, ids=lambda url: url.path)
async def test_a_method_that_is_not_taken_is_405_and_says_which_are(world: World, url: Url) -> None:
    """RFC 9110 §15.5.6: with Allow, in the words of the URL (RFC 6749 §5.2 for OAuth, else RFC 9457)."""
    assert_refused = assert_oauth_error if url.face is Face.OAUTH else assert_problem
    allowed = {*url.handlers, "OPTIONS"} | ({"HEAD"} if "GET" in url.handlers else set())
    async with world.client() as client:
        for method in METHODS - allowed:
            response = await client.request(method, url.path)
            assert_refused(response, 405, "invalid_request")
            assert set(response.headers["allow"].split(", ")) == allowed


async def test_the_template_of_a_url_is_a_url_like_any_other(world: World) -> None:
    """Nobody is told more, and nothing breaks, for a session that is called like the parameter."""
    async with world.client() as client:
        assert (await client.delete("/sessions/{session_id}")).status_code == 401


async def test_options_tells_what_is_taken(world: World) -> None:
    """RFC 9110 §9.3.7: and changes nothing."""
    async with world.client() as client:
        for url in URLS:
            response = await client.options(url.path)
            assert response.status_code == 204
            assert set(url.handlers) < set(response.headers["allow"].split(", "))


async def test_get_changes_nothing(world: World) -> None:
    """WEB-07: what changes something takes POST or DELETE alone."""
    changing = {
        "/login",
        "/token",
        "/revoke",
        "/logout",
        "/logout/all",
        "/password",
        "/register",
        "/sessions/{session_id}",
        "/admin/api/users/{sub}/disable",
        "/admin/api/users/{sub}/enable",
        "/admin/api/sessions/{session_id}/end",
        "/admin/api/keys/rotate",
        "/admin/api/keys/{kid}/revoke",
    }

    assert {url.path for url in URLS if "GET" not in url.handlers} == changing
