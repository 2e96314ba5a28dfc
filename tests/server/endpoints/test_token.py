"""``POST /token``: a refresh token for its successor, over HTTP. The rule itself is tested in ``tests/core``."""

import asyncio
from typing import Any

import httpx2
import pytest
from http_world import (
    ACCESS,
    APP,
    DEVICE,
    ISSUER,
    NOW,
    OTHER_AUDIENCE,
    REFRESH,
    REFRESH_FORM,
    SAME_ORIGIN,
    World,
    assert_oauth_error,
    attributes,
    bearer,
    set_cookies,
)

from keyturn.core import users
from keyturn.core.model import Origin

MINUTE = 60


def form(token: str, **fields: str) -> dict[str, str]:
    """Return the form of a native client."""
    return REFRESH_FORM | {"refresh_token": token} | fields


def without_cookies(world: World, cookie: str, **headers: str) -> httpx2.AsyncClient:
    """Return a client that sends this Cookie header and keeps no cookies."""
    return world.client(Cookie=cookie, **headers)


async def test_a_native_client_gets_the_successor(world: World) -> None:
    """RFC 6749 §5.1: a new access token, a new refresh token, no cookie, nothing that may be kept."""
    login = await world.login()
    async with world.client() as client:
        response = await client.post("/token", data=form(login["refresh_token"]))

    body = response.json()
    assert response.status_code == 200
    assert response.headers["cache-control"] == "no-store"
    assert set(body) == {"access_token", "token_type", "expires_in", "scope", "session_id", "refresh_token"}
    assert body["refresh_token"] != login["refresh_token"]
    assert body["access_token"] != login["access_token"]
    assert set_cookies(response) == {}
    assert await world.is_good(body["access_token"])


async def test_a_browser_gets_its_cookie_renewed(world: World) -> None:
    """The answer carries the access token; its cookie lives to the new idle end."""
    client = await world.browser()
    before = client.cookies[REFRESH]
    world.clock.later(MINUTE)

    response = await client.post("/token", data=REFRESH_FORM)

    assert set(response.json()) == {"access_token", "token_type", "expires_in", "scope", "session_id"}
    assert set(set_cookies(response)) == {REFRESH}
    assert attributes(set_cookies(response)[REFRESH])["max-age"] == str(7 * 86_400)
    assert client.cookies[REFRESH] != before


async def test_the_cookie_never_outlives_the_session(make_world: Any) -> None:
    """REF-09: at the absolute end, not at the idle end beyond it."""
    world = await make_world(refresh_token={"lifetime": "10d", "idle": "7d"})
    await world.add_user()
    client = await world.browser()
    world.clock.later(6 * 86_400)

    response = await client.post("/token", data=REFRESH_FORM)

    assert attributes(set_cookies(response)[REFRESH])["max-age"] == str(4 * 86_400)


async def test_a_cookie_session_gets_both_cookies_renewed_and_no_token(world: World) -> None:
    """Pages that a server renders see no token at all."""
    client = await world.browser(client="cookie")

    response = await client.post("/token", data=REFRESH_FORM)

    assert set(response.json()) == {"expires_in", "scope", "session_id"}
    assert set(set_cookies(response)) == {REFRESH, ACCESS}
    assert "eyJ" not in response.text


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "https://sub.auth.example.com"},
        {"Origin": "https://auth.example.com:444"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "none"},
        {"Sec-Fetch-Site": "same-origin, cross-site"},
    ],
)
async def test_another_sites_page_refreshes_nothing(world: World, headers: dict[str, str]) -> None:
    """A42, WEB-06: without proof that the page is ours it is 403 in OAuth's words, and the session does not move."""
    browser = await world.browser()
    cookie = f"{REFRESH}={browser.cookies[REFRESH]}"

    async with without_cookies(world, cookie, **headers) as client:
        response = await client.post("/token", data=REFRESH_FORM)

    assert_oauth_error(response, 403, "forbidden")
    assert set_cookies(response) == {}
    assert (await browser.post("/token", data=REFRESH_FORM)).status_code == 200
    assert "refresh_replayed" not in dict(await world.reasons())


@pytest.mark.parametrize("headers", [SAME_ORIGIN, {"Origin": ISSUER}, {"Origin": APP, "Sec-Fetch-Site": "same-site"}])
async def test_our_own_pages_refresh(world: World, headers: dict[str, str]) -> None:
    """Same origin, the issuer's Origin, or a listed one."""
    browser = await world.browser()
    async with without_cookies(world, f"{REFRESH}={browser.cookies[REFRESH]}", **headers) as client:
        assert (await client.post("/token", data=REFRESH_FORM)).status_code == 200


async def test_a_browsers_token_in_the_body_changes_nothing(world: World) -> None:
    """A38: whoever reads it out of a cookie store can't use it as a native client's."""
    browser = await world.browser()

    async with world.client() as client:
        response = await client.post("/token", data=form(browser.cookies[REFRESH]))

    assert_oauth_error(response, 400, "invalid_grant")
    assert (await browser.post("/token", data=REFRESH_FORM)).status_code == 200


async def test_a_native_token_in_the_cookie_changes_nothing(world: World) -> None:
    """A38: and the other way round; the cookie is left alone, for its session is not over."""
    native = (await world.login())["refresh_token"]

    async with without_cookies(world, f"{REFRESH}={native}", **SAME_ORIGIN) as client:
        response = await client.post("/token", data=REFRESH_FORM)

    assert_oauth_error(response, 400, "invalid_grant")
    assert set_cookies(response) == {}
    assert await world.refreshes(native)


async def test_a_token_in_the_body_goes_before_the_cookie(world: World) -> None:
    """Then no cookie is read: the CSRF rule does not apply, and the browser's session does not move."""
    native, browser = await world.login(), await world.browser()
    cookie = f"{REFRESH}={browser.cookies[REFRESH]}"

    async with without_cookies(world, cookie) as client:
        response = await client.post("/token", data=form(native["refresh_token"]))

    assert response.json()["session_id"] == native["session_id"]
    assert set_cookies(response) == {}
    assert (await browser.post("/token", data=REFRESH_FORM)).status_code == 200


async def test_the_previous_token_gets_the_same_successor_within_the_grace(world: World) -> None:
    """REF-05, REF-06: a lost answer is asked for again."""
    login = await world.login()
    async with world.client() as client:
        first = await client.post("/token", data=form(login["refresh_token"]))
        world.clock.later(30)
        again = await client.post("/token", data=form(login["refresh_token"]))

    assert again.json()["refresh_token"] == first.json()["refresh_token"]
    assert again.json()["access_token"] != first.json()["access_token"]


async def test_parallel_tabs_all_stay_logged_in(world: World) -> None:
    """A34, REF-03: eight refreshes with one cookie give eight times the same successor, and nobody is logged out."""
    browser = await world.browser()
    cookie = f"{REFRESH}={browser.cookies[REFRESH]}"
    async with without_cookies(world, cookie, **SAME_ORIGIN) as client:
        answers = await asyncio.gather(*(client.post("/token", data=REFRESH_FORM) for _ in range(8)))

    assert {answer.status_code for answer in answers} == {200}
    assert len({set_cookies(answer)[REFRESH].partition(";")[0] for answer in answers}) == 1


async def test_a_phone_that_slept_gets_its_answer_with_its_device_token(world: World) -> None:
    """REF-05: hours later, with the device token of this session, and only with it."""
    login = await world.login()
    async with world.client() as client:
        first = await client.post("/token", data=form(login["refresh_token"]))
        world.clock.later(3600)
        again = await client.post("/token", data=form(login["refresh_token"], device_token=login["device_token"]))

    assert again.json()["refresh_token"] == first.json()["refresh_token"]


async def test_a_browser_sends_its_device_cookie_along(world: World) -> None:
    """The same for a laptop that was closed in the middle."""
    browser = await world.browser()
    cookies = f"{REFRESH}={browser.cookies[REFRESH]}; {DEVICE}={browser.cookies[DEVICE]}"
    first = await browser.post("/token", data=REFRESH_FORM)
    world.clock.later(3600)

    async with without_cookies(world, cookies, **SAME_ORIGIN) as client:
        again = await client.post("/token", data=REFRESH_FORM)

    assert again.status_code == 200
    assert set_cookies(again)[REFRESH].partition(";")[0] == set_cookies(first)[REFRESH].partition(";")[0]


async def test_reuse_ends_the_session_and_its_access_tokens(world: World) -> None:
    """A40, REF-04: thief and victim are both out, at once, and the log says why."""
    login = await world.login()
    async with world.client() as client:
        first = (await client.post("/token", data=form(login["refresh_token"]))).json()
        world.clock.later(2 * MINUTE)
        assert_oauth_error(await client.post("/token", data=form(login["refresh_token"])), 400, "invalid_grant")
        assert_oauth_error(await client.post("/token", data=form(first["refresh_token"])), 400, "invalid_grant")

    assert not await world.is_good(first["access_token"])
    assert ("token_reused", "reused") in await world.reasons()


async def test_reuse_of_a_cookie_clears_it(world: World) -> None:
    """The session is over, so the browser need not send the cookies any more."""
    browser = await world.browser()
    old = browser.cookies[REFRESH]
    await browser.post("/token", data=REFRESH_FORM)
    world.clock.later(2 * MINUTE)
    async with without_cookies(world, f"{REFRESH}={old}", **SAME_ORIGIN) as client:
        response = await client.post("/token", data=REFRESH_FORM)

    assert_oauth_error(response, 400, "invalid_grant")
    cleared = set_cookies(response)
    assert set(cleared) == {REFRESH, ACCESS}
    assert {attributes(cookie)["max-age"] for cookie in cleared.values()} == {"0"}
    assert all(cookie.partition(";")[0].endswith("=") for cookie in cleared.values())


@pytest.mark.parametrize("age", [7 * 86_400, 40 * 86_400])
async def test_an_expired_session_is_over(world: World, age: int) -> None:
    """REF-09: idle or absolute, it is ``invalid_grant`` and stays so."""
    login = await world.login()
    world.clock.later(age)
    async with world.client() as client:
        for _ in range(2):
            assert_oauth_error(await client.post("/token", data=form(login["refresh_token"])), 400, "invalid_grant")


async def test_every_refused_refresh_token_looks_alike(world: World) -> None:
    """A46: forged, foreign, expired, reused, ended and mangled are one answer; the reason is in the audit log only."""
    good = (await world.login())["refresh_token"]
    ended = await world.login()
    async with world.client(X_Request_Id="same") as client:
        await client.post("/logout", headers=bearer(ended["access_token"]))
        forged = good[:-1] + ("A" if good[-1] != "A" else "B")
        texts = ["x", "ktr_", "ktr_" + "A" * 76, forged, ended["refresh_token"], ended["access_token"], good.upper()]
        answers = [await client.post("/token", data=form(text)) for text in texts]

    for answer in answers:
        assert_oauth_error(answer, 400, "invalid_grant")
    assert len({answer.content for answer in answers}) == 1
    assert len({tuple(answer.headers.raw) for answer in answers}) == 1
    assert await world.refreshes(good)


async def test_a_disabled_user_refreshes_nothing(world: World) -> None:
    """A39: from the moment on."""
    eve = await world.add_user("eve")
    login = await world.login("eve")
    await users.disable(world.services, eve, origin=Origin(), now_ms=world.clock.ms)

    assert not await world.refreshes(login["refresh_token"])
    assert not await world.is_good(login["access_token"])


async def test_the_scope_narrows_and_never_widens(world: World) -> None:
    """REF-10, A38: more than the session has is ``invalid_scope``, and the token is not used up."""
    await world.add_user("root", roles=("admin",))
    login = await world.login("root", scope="orders:read")
    async with world.client() as client:
        response = await client.post("/token", data=form(login["refresh_token"], scope="orders:read orders:write"))
        assert_oauth_error(response, 400, "invalid_scope")
        narrowed = await client.post("/token", data=form(login["refresh_token"], scope="orders:read"))

    assert narrowed.json()["scope"] == "orders:read"


async def test_the_resource_chooses_the_audience(world: World) -> None:
    """RFC 8707: an unknown one is ``invalid_target``, and the token is not used up."""
    login = await world.login()
    async with world.client() as client:
        unknown = await client.post("/token", data=form(login["refresh_token"], resource="https://evil.example"))
        assert_oauth_error(unknown, 400, "invalid_target")
        known = await client.post("/token", data=form(login["refresh_token"], resource=OTHER_AUDIENCE))

    token = world.state.checker.check(known.json()["access_token"], world.services.keyring.find, NOW)
    assert token.audience == (OTHER_AUDIENCE,)


@pytest.mark.parametrize(
    "grant_type",
    ["password", "authorization_code", "client_credentials", "REFRESH_TOKEN", "refresh_token ", "implicit"],
)
async def test_no_other_grant_is_offered(world: World, grant_type: str) -> None:
    """``grant_type=password`` above all."""
    login = await world.login()
    fields = {"grant_type": grant_type, "username": "ada", "refresh_token": login["refresh_token"]}
    async with world.client() as client:
        response = await client.post("/token", data=fields)

    assert_oauth_error(response, 400, "unsupported_grant_type")
    assert await world.refreshes(login["refresh_token"])


@pytest.mark.parametrize(
    "body",
    [
        "",
        "grant_type=",
        "refresh_token=x",
        "grant_type=refresh_token",
        "grant_type=refresh_token&refresh_token=",
        "grant_type=refresh_token&grant_type=refresh_token&refresh_token=x",
        "grant_type=refresh_token&refresh_token=x&refresh_token=x",
        "grant_type=refresh_token&refresh_token=x&x=1&x=2",
        "grant_type=refresh_token&refresh_token=%00",
        "grant_type=refresh_token&refresh_token=%FF",
        "grant_type=refresh_token&refresh_token=" + "x" * 8193,
    ],
)
async def test_a_malformed_request_is_invalid_request(world: World, body: str) -> None:
    """A56, WEB-11: a parameter is missing, empty, there twice, unreadable or too long."""
    async with world.client() as client:
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        response = await client.post("/token", content=body, headers=headers)

    assert_oauth_error(response, 400, "invalid_request")


async def test_a_duplicate_parameter_uses_nothing_up(world: World) -> None:
    """A56: two readers might take different ones, so nobody takes any."""
    token = (await world.login())["refresh_token"]
    async with world.client() as client:
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        body = f"grant_type=refresh_token&refresh_token={token}&refresh_token={token}"
        assert (await client.post("/token", content=body, headers=headers)).status_code == 400

    assert await world.refreshes(token)
    assert "refresh_replayed" not in dict(await world.reasons())


async def test_a_refresh_token_in_the_query_is_not_read(world: World) -> None:
    """WEB-02: addresses end up in logs."""
    token = (await world.login())["refresh_token"]
    async with world.client() as client:
        response = await client.post("/token", params={"refresh_token": token}, data=REFRESH_FORM)

    assert_oauth_error(response, 400, "invalid_request")


@pytest.mark.parametrize(
    "cookie",
    [
        "{name}={token}; {name}={token}",
        "{name}={token}; a=b; {name}=other",
        "{name}=other; {name}={token}",
        "{name}=; {name}={token}",
    ],
)
async def test_the_cookie_sent_twice_is_refused(world: World, cookie: str) -> None:
    """A43, WEB-05: one of them was tossed; nothing is used up."""
    browser = await world.browser()
    header = cookie.format(name=REFRESH, token=browser.cookies[REFRESH])
    async with without_cookies(world, header, **SAME_ORIGIN) as client:
        response = await client.post("/token", data=REFRESH_FORM)

    assert_oauth_error(response, 400, "invalid_request")
    assert (await browser.post("/token", data=REFRESH_FORM)).status_code == 200
    assert "refresh_replayed" not in dict(await world.reasons())


@pytest.mark.parametrize(
    "cookie",
    [
        '{name}="{token}"',
        " {name} ={token}",
        "\t{name}={token}",
        "\x85{name}={token}",
        "\xa0{name}={token}",
        "$Version=1; ${name}={token}",
        "keyturn_refresh={token}",
        "={name}={token}",
        "__host-keyturn_refresh={token}",
        "{name}[]={token}",
    ],
)
async def test_a_name_that_only_looks_like_ours_is_not_read(world: World, cookie: str) -> None:
    """A43, WEB-05: white space, quotes, ``$Version``, letter case: a name fits to the byte or not at all."""
    browser = await world.browser()
    header = cookie.format(name=REFRESH, token=browser.cookies[REFRESH]).encode("latin-1")
    async with world.client(**SAME_ORIGIN) as client:
        response = await client.post("/token", data=REFRESH_FORM, headers=[(b"Cookie", header)])

    assert response.status_code == 400
    assert "refresh_replayed" not in dict(await world.reasons())
    assert (await browser.post("/token", data=REFRESH_FORM)).status_code == 200


async def test_an_empty_cookie_is_none(world: World) -> None:
    """Cleared is cleared."""
    async with without_cookies(world, f"{REFRESH}=", **SAME_ORIGIN) as client:
        assert_oauth_error(await client.post("/token", data=REFRESH_FORM), 400, "invalid_request")


async def test_a_session_that_rotates_too_often_is_limited(make_world: Any) -> None:
    """429 says when to come back; the token stays good, and so does the cookie."""
    world = await make_world(rate_limit={"refresh_per_session": "1/1m"})
    await world.add_user()
    browser = await world.browser()
    assert (await browser.post("/token", data=REFRESH_FORM)).status_code == 200

    response = await browser.post("/token", data=REFRESH_FORM)

    assert_oauth_error(response, 429, "rate_limited")
    assert response.headers["retry-after"] == "60"
    assert set_cookies(response) == {}
    world.clock.later(MINUTE)
    assert (await browser.post("/token", data=REFRESH_FORM)).status_code == 200


async def test_a_store_that_is_down_takes_nobodys_session(world: World) -> None:
    """REF-07, A36: 503 with Retry-After, and the cookie stays."""
    browser = await world.browser()
    world.take_store_down()

    response = await browser.post("/token", data=REFRESH_FORM)

    assert_oauth_error(response, 503, "temporarily_unavailable")
    assert int(response.headers["retry-after"]) >= 1
    assert set_cookies(response) == {}


async def test_refreshes_are_counted_by_result(world: World) -> None:
    """``keyturn_refreshes_total`` tells successes from each kind of refusal, cookie or not."""
    browser = await world.browser()
    await browser.post("/token", data=REFRESH_FORM)
    await browser.post("/logout")
    async with world.client() as client:
        await client.post("/token", data=form("x"))
        await client.post("/token", data={})

    def count(result: str) -> float | None:
        return world.state.metrics.registry.get_sample_value("keyturn_refreshes_total", {"result": result})

    assert [count(result) for result in ("success", "invalid_grant", "invalid_request")] == [1, 1, 1]
