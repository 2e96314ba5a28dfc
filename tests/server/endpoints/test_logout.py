"""``POST /logout`` and ``POST /logout/all``: after the answer nothing of the session works again."""

from typing import Any

import pytest
from http_world import (
    ACCESS,
    APP,
    DEVICE,
    REFRESH,
    REFRESH_FORM,
    SAME_ORIGIN,
    World,
    assert_problem,
    attributes,
    bearer,
    set_cookies,
)


def assert_cleared(response: Any) -> None:
    """Assert that both tokens' cookies are cleared, and the device stays known."""
    cleared = set_cookies(response)
    assert set(cleared) == {REFRESH, ACCESS}
    for cookie in cleared.values():
        assert attributes(cookie) == {
            "max-age": "0",
            "path": "/",
            "secure": "",
            "httponly": "",
            "samesite": "Strict",
        }


async def test_a_browser_logs_out_by_its_cookie(world: World) -> None:
    """The session ends, its access tokens are refused, the cookies go; the device stays known."""
    browser = await world.browser()
    cookie = f"{REFRESH}={browser.cookies[REFRESH]}"
    access = (await browser.post("/token", data=REFRESH_FORM)).json()["access_token"]

    response = await browser.post("/logout")

    assert (response.status_code, response.content) == (204, b"")
    assert_cleared(response)
    assert REFRESH not in browser.cookies
    assert DEVICE in browser.cookies
    assert not await world.is_good(access)
    async with world.client(Cookie=cookie, **SAME_ORIGIN) as client:
        assert (await client.post("/token", data=REFRESH_FORM)).status_code == 400


@pytest.mark.parametrize("kind", ["json", "data"])
async def test_a_native_client_logs_out_by_its_refresh_token(world: World, kind: str) -> None:
    """In JSON or in a form, and no cookie is touched."""
    login = await world.login()
    body: dict[str, Any] = {kind: {"refresh_token": login["refresh_token"]}}
    async with world.client() as client:
        response = await client.post("/logout", **body)

    assert response.status_code == 204
    assert set_cookies(response) == {}
    assert not await world.is_good(login["access_token"])
    assert not await world.refreshes(login["refresh_token"])


async def test_any_generation_of_the_refresh_token_will_do(world: World) -> None:
    """Whoever has an old one may still log out; that is no reuse."""
    login = await world.login()
    for _ in range(2):
        assert await world.refreshes(login["refresh_token"])
    world.clock.later(600)
    async with world.client() as client:
        response = await client.post("/logout", json={"refresh_token": login["refresh_token"]})

    assert response.status_code == 204
    assert ("session_ended", "logout") in await world.reasons()


@pytest.mark.parametrize("age", [0, 700, 3600])
async def test_a_bearer_token_logs_out_even_when_it_has_expired(world: World, age: int) -> None:
    """Whoever logs out may come late."""
    login = await world.login()
    world.clock.later(age)
    async with world.client() as client:
        response = await client.post("/logout", headers=bearer(login["access_token"]))

    assert response.status_code == 204
    assert not await world.refreshes(login["refresh_token"])


async def test_logging_out_twice_is_fine(world: World) -> None:
    """Nothing to end is as good as an ending."""
    login = await world.login()
    async with world.client() as client:
        for _ in range(2):
            assert (await client.post("/logout", headers=bearer(login["access_token"]))).status_code == 204


@pytest.mark.parametrize("body", [{}, {"refresh_token": "ktr_forged"}, {"refresh_token": ""}, {"refresh_token": None}])
async def test_nothing_to_end_is_204(world: World, body: dict[str, Any]) -> None:
    """No credential, or one that names no session."""
    async with world.client() as client:
        assert (await client.post("/logout", json=body)).status_code == 204
        assert (await client.post("/logout")).status_code == 204
        assert (await client.post("/logout", headers={"Authorization": "Basic YTpi"})).status_code == 204


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Origin": "null"},
        {"Origin": "https://evil.example"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "none"},
    ],
)
async def test_another_sites_page_logs_nobody_out(world: World, headers: dict[str, str]) -> None:
    """A42, WEB-07: with a cookie alone the CSRF rule decides; the session goes on and the cookie stays."""
    browser = await world.browser()
    async with world.client(Cookie=f"{REFRESH}={browser.cookies[REFRESH]}", **headers) as client:
        response = await client.post("/logout")

    assert_problem(response, 403, "forbidden")
    assert set_cookies(response) == {}
    assert (await browser.post("/token", data=REFRESH_FORM)).status_code == 200


async def test_another_sites_page_with_a_token_of_its_own_ends_only_that_one(world: World) -> None:
    """A42: the cookie it can't read is neither used nor cleared."""
    browser, login = await world.browser(), await world.login()
    cookie = f"{REFRESH}={browser.cookies[REFRESH]}"
    async with world.client(Cookie=cookie, Origin="https://evil.example") as client:
        response = await client.post("/logout", headers=bearer(login["access_token"]))

    assert response.status_code == 204
    assert set_cookies(response) == {}
    assert not await world.refreshes(login["refresh_token"])
    assert (await browser.post("/token", data=REFRESH_FORM)).status_code == 200


async def test_each_session_that_is_named_ends(world: World) -> None:
    """Cookie, body and bearer may name three different ones."""
    browser, native, other = await world.browser(), await world.login(), await world.login()
    cookie = f"{REFRESH}={browser.cookies[REFRESH]}"
    async with world.client(Cookie=cookie, Origin=APP) as client:
        response = await client.post(
            "/logout", json={"refresh_token": native["refresh_token"]}, headers=bearer(other["access_token"])
        )

    assert response.status_code == 204
    assert_cleared(response)
    assert (await browser.post("/token", data=REFRESH_FORM)).status_code == 400
    assert not await world.refreshes(native["refresh_token"])
    assert not await world.refreshes(other["refresh_token"])


async def test_a_bad_bearer_token_alone_is_401(world: World) -> None:
    """It ends nothing, and silence would hide a client's mistake."""
    async with world.client() as client:
        response = await client.post("/logout", headers=bearer("x.y.z"))

    assert response.status_code == 401
    assert response.json()["error"] == "invalid_token"
    assert 'error="invalid_token"' in response.headers["www-authenticate"]


async def test_a_bad_bearer_token_beside_a_good_cookie_hinders_nobody(world: World) -> None:
    """The session of the cookie ends."""
    browser = await world.browser()

    assert (await browser.post("/logout", headers=bearer("x.y.z"))).status_code == 204
    assert not browser.cookies.get(REFRESH)


@pytest.mark.parametrize(
    "headers",
    [
        [("Authorization", "Bearer a"), ("Authorization", "Bearer b")],
        [("Authorization", "Bearer")],
        [("Authorization", "Bearer a b")],
        [("Cookie", f"{REFRESH}=a; {REFRESH}=b")],
        [("Cookie", f"{REFRESH}=a"), ("Cookie", f"{REFRESH}=b")],
    ],
)
async def test_what_is_doubled_or_malformed_ends_nothing(world: World, headers: list[tuple[str, str]]) -> None:
    """A43, A56: 400, and the sessions that are named besides go on."""
    login = await world.login()
    async with world.client(**SAME_ORIGIN) as client:
        response = await client.post("/logout", json={"refresh_token": login["refresh_token"]}, headers=headers)

    assert response.status_code == 400
    assert response.json()["error"] == "invalid_request"
    assert await world.refreshes(login["refresh_token"])


@pytest.mark.parametrize(
    ("content", "content_type", "status"),
    [
        (b'{"refresh_token": 7}', "application/json", 422),
        (b"{", "application/json", 400),
        (b"refresh_token=a&refresh_token=b", "application/x-www-form-urlencoded", 400),
        (b"refresh_token=a", "text/plain", 415),
        (b"x" * 20_000, "application/json", 413),
    ],
)
async def test_a_body_that_can_not_be_read_ends_nothing(
    world: World, content: bytes, content_type: str, status: int
) -> None:
    """WEB-11: it is refused, whatever else the request carries."""
    browser = await world.browser()

    response = await browser.post("/logout", content=content, headers={"Content-Type": content_type})

    assert response.status_code == status
    assert set_cookies(response) == {}
    assert (await browser.post("/token", data=REFRESH_FORM)).status_code == 200


async def test_a_store_that_is_down_is_503(world: World) -> None:
    """A logout that did not happen is never told as one; the cookies stay."""
    browser = await world.browser()
    world.take_store_down()

    response = await browser.post("/logout")

    assert_problem(response, 503, "temporarily_unavailable")
    assert response.headers["retry-after"] == "1"
    assert set_cookies(response) == {}


async def test_logout_everywhere_ends_every_session_of_the_user_and_no_other(world: World) -> None:
    """REF-12, A55: all devices, at once; other users are left alone."""
    await world.add_user("eve")
    mine, browser, other = await world.login(), await world.browser(), await world.login("eve")
    async with world.client(**SAME_ORIGIN) as client:
        response = await client.post("/logout/all", headers=bearer(mine["access_token"]))

    assert response.status_code == 204
    assert_cleared(response)
    assert not await world.refreshes(mine["refresh_token"])
    assert (await browser.post("/token", data=REFRESH_FORM)).status_code == 400
    assert await world.refreshes(other["refresh_token"])


async def test_logout_everywhere_needs_a_token_that_has_not_expired(world: World) -> None:
    """An old token that somebody found must not log its owner out everywhere."""
    login = await world.login()
    world.clock.later(700)
    async with world.client() as client:
        response = await client.post("/logout/all", headers=bearer(login["access_token"]))

    assert response.status_code == 401
    assert await world.refreshes(login["refresh_token"])


async def test_a_login_right_after_logging_out_everywhere_works(world: World) -> None:
    """A37: the revocation covers what was issued before it, and nothing after."""
    async with world.client() as client:
        await client.post("/logout/all", headers=bearer((await world.login())["access_token"]))

    assert await world.is_good((await world.login())["access_token"])
