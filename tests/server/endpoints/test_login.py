"""``POST /login``: a password for a session."""

import asyncio
from typing import Any

import pytest
from http_world import (
    ACCESS,
    APP,
    AUDIENCE,
    DEVICE,
    ISSUER,
    NOW,
    OTHER_AUDIENCE,
    PASSWORD,
    REFRESH,
    SAME_ORIGIN,
    World,
    assert_problem,
    attributes,
    bearer,
    set_cookies,
)

from keyturn.core import users
from keyturn.core.model import Origin

GOOD = {"username": "ada", "password": PASSWORD}
DAY = 86_400


async def test_a_browser_gets_an_access_token_and_a_cookie(world: World) -> None:
    """The refresh token is in the cookie alone, where no script reads it (WEB-04)."""
    async with world.client() as client:
        response = await client.post("/login", json=GOOD)

    assert response.status_code == 200
    assert response.headers["cache-control"] == "no-store"
    body = response.json()
    assert set(body) == {"access_token", "token_type", "expires_in", "scope", "session_id"}
    assert (body["token_type"], body["expires_in"], body["scope"]) == ("Bearer", 600, "orders:read")
    assert set(set_cookies(response)) == {REFRESH, DEVICE}
    assert "ktr_" not in response.text


async def test_the_cookies_are_host_only_and_secure(world: World) -> None:
    """WEB-04: ``__Host-``, Secure, HttpOnly, SameSite=Strict, Path=/, no Domain; as long as the session may idle."""
    async with world.client() as client:
        cookies = set_cookies(await client.post("/login", json=GOOD))

    assert attributes(cookies[REFRESH]) == {
        "max-age": str(7 * DAY),
        "path": "/",
        "secure": "",
        "httponly": "",
        "samesite": "Strict",
    }
    assert attributes(cookies[DEVICE])["max-age"] == str(365 * DAY)
    assert all(len(cookie) <= 4096 for cookie in cookies.values())


async def test_a_native_client_gets_all_tokens_and_no_cookie(world: World) -> None:
    """Its refresh token is in the answer, and so is the device token it keeps."""
    async with world.client() as client:
        response = await client.post("/login", json=GOOD | {"client": "native"})

    assert set(response.json()) == {
        "access_token",
        "token_type",
        "expires_in",
        "scope",
        "session_id",
        "refresh_token",
        "device_token",
    }
    assert set_cookies(response) == {}
    assert await world.refreshes(response.json()["refresh_token"])


async def test_a_cookie_client_gets_no_token_in_the_body(world: World) -> None:
    """For pages that a server renders, both tokens are in cookies; the access cookie lives as long as its token."""
    async with world.client() as client:
        response = await client.post("/login", json=GOOD | {"client": "cookie"})

    cookies = set_cookies(response)
    assert set(response.json()) == {"expires_in", "scope", "session_id"}
    assert set(cookies) == {REFRESH, DEVICE, ACCESS}
    assert attributes(cookies[ACCESS]) == attributes(cookies[REFRESH]) | {"max-age": "600"}


async def test_a_form_does_as_well(world: World) -> None:
    """With the same names of fields."""
    async with world.client() as client:
        response = await client.post("/login", data=GOOD | {"client": "native", "device_name": ""})

    assert response.status_code == 200
    assert "refresh_token" in response.json()


async def test_a_form_login_goes_on_to_a_path_of_ours(world: World) -> None:
    """303, so that the browser gets the page and never sends the password again (WEB-09)."""
    async with world.client() as client:
        response = await client.post("/login", data=GOOD | {"client": "cookie", "return_to": "/orders?tab=1"})

    assert (response.status_code, response.headers["location"]) == (303, "/orders?tab=1")
    assert response.headers["cache-control"] == "no-store"
    assert set(set_cookies(response)) == {REFRESH, DEVICE, ACCESS}


@pytest.mark.parametrize("target", ["https://evil.example", "//evil.example", "/\\evil.example", "/%2fevil.example"])
async def test_a_bad_return_path_starts_no_session(world: World, target: str) -> None:
    """A53: the target is looked at before the password."""
    async with world.client() as client:
        response = await client.post("/login", data=GOOD | {"client": "cookie", "return_to": target})

    assert_problem(response, 422, "validation_failed")
    assert set_cookies(response) == {}
    assert ("login", "") not in await world.reasons()


async def test_a_return_path_goes_with_a_form_and_cookies(world: World) -> None:
    """A script that sends JSON goes where it likes by itself."""
    async with world.client() as client:
        assert_problem(
            await client.post("/login", json=GOOD | {"client": "cookie", "return_to": "/"}), 422, "validation_failed"
        )
        assert_problem(await client.post("/login", data=GOOD | {"return_to": "/"}), 422, "validation_failed")


@pytest.mark.parametrize("wrong", [{"password": "not the password"}, {"username": "nobody"}, {"username": "eve"}])
async def test_wrong_password_unknown_and_disabled_user_are_one_answer(world: World, wrong: dict[str, str]) -> None:
    """A46, PWD-04: same status, same body, same headers."""
    eve = await world.add_user("eve")
    await users.disable(world.services, eve, origin=Origin(), now_ms=world.clock.ms)
    async with world.client(X_Request_Id="same") as client:
        expected = await client.post("/login", json={"username": "other", "password": "wrong"})
        response = await client.post("/login", json=GOOD | wrong)

    assert_problem(response, 401, "invalid_credentials")
    assert response.content == expected.content
    assert response.headers.raw == expected.headers.raw


async def test_too_many_wrong_passwords_are_limited(world: World) -> None:
    """PWD-06: the sixth try from an address within a minute is 429 and says when to come back."""
    async with world.client() as client:
        for _ in range(5):
            assert (await client.post("/login", json=GOOD | {"password": "wrong"})).status_code == 401
        response = await client.post("/login", json=GOOD)

    assert_problem(response, 429, "rate_limited")
    assert 1 <= int(response.headers["retry-after"]) <= 12


async def test_no_forwarding_header_dodges_the_limit(world: World) -> None:
    """A47: a stranger's X-Forwarded-For and its cousins name nobody else."""
    async with world.client() as client:
        for number in range(5):
            spoofed = {"X-Forwarded-For": f"203.0.113.{number}", "Forwarded": f"for=203.0.113.{number}"}
            await client.post("/login", json=GOOD | {"password": "wrong"}, headers=spoofed)
        response = await client.post("/login", json=GOOD, headers={"X-Real-IP": "203.0.113.77"})

    assert response.status_code == 429


async def test_a_trusted_proxy_tells_addresses_apart(make_world: Any) -> None:
    """WEB-13: behind it each client has its own limit, by the right-most hop it names."""
    world = await make_world(server={"trusted_proxies": ["192.0.2.0/24"]})
    await world.add_user()
    async with world.client() as client:
        for _ in range(6):
            spoofed = {"X-Forwarded-For": "198.51.100.1, 203.0.113.1"}
            limited = await client.post("/login", json=GOOD | {"password": "wrong"}, headers=spoofed)
        other = await client.post("/login", json=GOOD, headers={"X-Forwarded-For": "198.51.100.1, 203.0.113.2"})

    assert (limited.status_code, other.status_code) == (429, 200)


async def test_a_known_device_is_not_locked_out(world: World) -> None:
    """A48, PWD-07: with its device cookie the owner logs in while others fail at the account."""
    owner = await world.browser()
    for number in range(12):
        async with world.client(f"198.51.{number}.1") as stranger:
            await stranger.post("/login", json=GOOD | {"password": "wrong"})
    async with world.client("198.51.100.9") as newcomer:
        assert (await newcomer.post("/login", json=GOOD)).status_code == 429

    assert (await owner.post("/login", json=GOOD)).status_code == 200


async def test_a_native_device_sends_its_token_back(world: World) -> None:
    """PWD-07: the same with the parameter ``device_token``."""
    device = (await world.login())["device_token"]
    for number in range(12):
        async with world.client(f"198.51.{number}.1") as stranger:
            await stranger.post("/login", json=GOOD | {"password": "wrong"})

    assert "access_token" in await world.login(device_token=device)


async def test_the_scope_may_be_less_than_the_roles_give_and_never_more(world: World) -> None:
    """More is ``invalid_scope``, and no session starts."""
    await world.add_user("root", roles=("admin",))
    assert (await world.login("root", scope="orders:read"))["scope"] == "orders:read"
    assert (await world.login("root"))["scope"] == "orders:read orders:write"
    async with world.client() as client:
        for scope in ("orders:write", "orders:read  orders:read", 'a"b'):
            assert_problem(await client.post("/login", json=GOOD | {"scope": scope}), 400, "invalid_scope")
        sessions = await client.get("/sessions", headers=bearer((await world.login())["access_token"]))
    assert len(sessions.json()["sessions"]) == 1


@pytest.mark.parametrize("resource", [AUDIENCE, OTHER_AUDIENCE, ISSUER])
async def test_the_resource_chooses_the_audience(world: World, resource: str) -> None:
    """RFC 8707: any configured one, or the issuer itself."""
    answer = await world.login(resource=resource)
    token = world.state.checker.check(answer["access_token"], world.services.keyring.find, NOW)

    assert token.audience == (resource,)


async def test_an_unknown_resource_is_refused(world: World) -> None:
    """ISS-03: and before the password is looked at."""
    async with world.client() as client:
        response = await client.post("/login", json=GOOD | {"resource": "https://evil.example"})

    assert_problem(response, 400, "invalid_target")


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({}, ["username", "password"]),
        ({"username": "ada"}, ["password"]),
        (GOOD | {"username": ""}, ["username"]),
        (GOOD | {"username": "u" * 255}, ["username"]),
        (GOOD | {"username": 7}, ["username"]),
        (GOOD | {"username": None}, ["username"]),
        (GOOD | {"username": ["ada"]}, ["username"]),
        (GOOD | {"username": {"$ne": ""}}, ["username"]),
        (GOOD | {"password": "p" * 1025}, ["password"]),
        (GOOD | {"password": "ü" * 513}, ["password"]),
        (GOOD | {"password": True}, ["password"]),
        (GOOD | {"client": "admin"}, ["client"]),
        (GOOD | {"device_name": "n" * 101}, ["device_name"]),
        (GOOD | {"device_name": "a\nb"}, ["device_name"]),
        (GOOD | {"device_name": "a\x1b[31m"}, ["device_name"]),
        (GOOD | {"device_name": "a\u2028b"}, ["device_name"]),
        (GOOD | {"scope": 3}, ["scope"]),
        (GOOD | {"resource": [AUDIENCE]}, ["resource"]),
    ],
)
async def test_a_value_that_can_not_be_taken_is_named_and_not_repeated(
    world: World, fields: dict[str, Any], wrong: list[str]
) -> None:
    """A49, A52: the answer names the field; what was in it is not said again."""
    async with world.client() as client:
        response = await client.post("/login", json=fields)

    body = assert_problem(response, 422, "validation_failed")
    assert [error["field"] for error in body["errors"]] == wrong
    assert all(set(error) == {"field", "message"} and error["message"] for error in body["errors"])
    assert not any(isinstance(value, str) and len(value) > 4 and value in response.text for value in fields.values())
    assert {kind for kind, _ in await world.reasons()} == {"key_created", "key_activated", "user_added"}


async def test_null_is_as_good_as_nothing(world: World) -> None:
    """Languages that always write every field may say what they leave out."""
    nothing = dict.fromkeys(("device_name", "scope", "resource", "device_token", "return_to"))

    assert (await world.login(**nothing))["scope"] == "orders:read"


async def test_naughty_strings_break_nothing(world: World) -> None:
    """A52: whatever is in a field, it is a wrong name or a wrong value, and never a fault of ours."""
    naughty = [
        "' OR 1=1--",
        "{{7*7}}",
        "${jndi:ldap://x}",
        "\u202egnp",
        "<script>",
        "a" * 254,
        "%00",
        "\ud7ff",
        "\U0001f600",
    ]
    for number, text in enumerate(naughty):
        async with world.client(f"198.51.{number}.1") as client:
            response = await client.post("/login", json={"username": text, "password": text, "device_name": "ok"})
        assert response.status_code == 401


async def test_fields_nobody_asked_for_are_not_read(world: World) -> None:
    """A54: a login gives what the roles give, whatever the body claims."""
    answer = await world.login(roles=["admin"], sub="root", is_admin=True)
    async with world.client() as client:
        me = (await client.get("/me", headers=bearer(answer["access_token"]))).json()

    assert (me["roles"], me["scope"]) == (["user"], "orders:read")


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "https://auth.example.com.evil.example"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "none"},
        {"Origin": "https://sub.auth.example.com", "Sec-Fetch-Site": "same-site"},
    ],
)
async def test_another_sites_page_logs_nobody_in(world: World, headers: dict[str, str]) -> None:
    """A42, WEB-07: login CSRF from a stranger, a sibling or a sandboxed frame is 403; nothing starts."""
    async with world.client(**headers) as client:
        response = await client.post("/login", data=GOOD)

    assert_problem(response, 403, "forbidden")
    assert set_cookies(response) == {}
    assert ("login", "") not in await world.reasons()


@pytest.mark.parametrize("headers", [{}, SAME_ORIGIN, {"Origin": ISSUER}, {"Origin": APP}])
async def test_our_own_pages_and_other_programs_may(world: World, headers: dict[str, str]) -> None:
    """Same origin, a listed origin, or no browser at all."""
    async with world.client(**headers) as client:
        assert (await client.post("/login", json=GOOD)).status_code == 200


async def test_text_plain_never_passes_for_json(world: World) -> None:
    """A42: the form trick with ``enctype=text/plain``."""
    async with world.client() as client:
        body = b'{"username":"ada","password":"correct horse battery","x":"="}'
        response = await client.post("/login", content=body, headers={"Content-Type": "text/plain"})

    assert_problem(response, 415, "invalid_request")


async def test_a_planted_refresh_cookie_does_not_survive_the_login(world: World) -> None:
    """A41, REF-19: the session is new, its token replaces whatever was there, and its id was never known before."""
    planted = await world.browser()
    value = planted.cookies[REFRESH]
    async with world.client(**SAME_ORIGIN, Cookie=f"{REFRESH}={value}") as victim:
        response = await victim.post("/login", json=GOOD)

    assert set_cookies(response)[REFRESH].partition(";")[0] != f"{REFRESH}={value}"
    mine = await planted.get("/sessions", headers=bearer(response.json()["access_token"]))
    assert len({session["session_id"] for session in mine.json()["sessions"]}) == 2


async def test_a_login_of_a_browser_clears_an_older_access_cookie(world: World) -> None:
    """A41: pages must not go on as somebody else."""
    response = await (await world.browser(client="cookie")).post("/login", json=GOOD)

    assert attributes(set_cookies(response)[ACCESS])["max-age"] == "0"


async def test_a_device_cookie_that_is_there_twice_is_refused(world: World) -> None:
    """A43: somebody tossed one; the limit and the password are not touched."""
    async with world.client(Cookie=f"{DEVICE}=a; {DEVICE}=b") as client:
        response = await client.post("/login", json=GOOD)

    assert_problem(response, 400, "invalid_request")


async def test_a_store_that_is_down_is_503(world: World) -> None:
    """REF-07: nothing was changed, and it says when to try again."""
    world.take_store_down()
    async with world.client() as client:
        response = await client.post("/login", json=GOOD)

    assert_problem(response, 503, "temporarily_unavailable")
    assert int(response.headers["retry-after"]) >= 1


async def test_logins_are_counted_by_result(world: World) -> None:
    """``keyturn_logins_total`` tells successes from each kind of refusal."""
    async with world.client() as client:
        await client.post("/login", json=GOOD)
        await client.post("/login", json=GOOD | {"password": "wrong"})
        await client.post("/login", json={})

    def count(result: str) -> float | None:
        return world.state.metrics.registry.get_sample_value("keyturn_logins_total", {"result": result})

    assert [count(result) for result in ("success", "invalid_credentials", "validation_failed")] == [1, 1, 1]


async def test_one_login_after_the_other_is_a_session_each(world: World) -> None:
    """REF-19: parallel logins never share a session."""
    answers = await asyncio.gather(*(world.login() for _ in range(4)))

    assert len({answer["session_id"] for answer in answers}) == 4
