"""Attacks that are the same at every URL: other people's objects, fields nobody asked for, cookies of strangers."""

import json
import re
from typing import Any

import pytest
from admin_api import new_admin
from http_world import (
    DEVICE,
    ISSUER,
    PASSWORD,
    REFRESH,
    REFRESH_FORM,
    SAME_ORIGIN,
    World,
    assert_oauth_error,
    bearer,
    set_cookies,
)

from keyturn.server.routes import URLS

GREEDY: dict[str, Any] = {
    "sub": "root",
    "username": "root",
    "user": {"id": 1},
    "role": "admin",
    "roles": ["admin"],
    "scopes": ["orders:write"],
    "is_admin": True,
    "admin": True,
    "disabled": False,
    "disabled_at": None,
    "version": 99,
    "created_at": 0,
    "session_id": "chosen",
    "sid": "chosen",
    "aud": ISSUER,
    "iss": ISSUER,
    "exp": 9_999_999_999,
    "expires_in": 9_999_999_999,
    "auth_time": 0,
    "email_verified": True,
    "password_hash": "plain:chosen",
    "__proto__": {"roles": ["admin"]},
    "user[roles][]": "admin",
}
"""What somebody hopes that a server copies from a body into a row."""

JSON = {"Content-Type": "application/json"}

WITH_ID = [(next(iter(url.handlers)), url.path) for url in URLS if "{" in url.path]

UNSEEN = [*map(chr, (*range(0x20), *range(0x7F, 0xA0))), "\u2028", "\u2029", "\u202e", "\u200b", "\ufeff", "\ud800"]

STRANGE_SPACES = [
    *(space.encode() for space in ("\u2000", "\u0085", "\u00a0", "\u3000", "\u2028", "\ufeff", "\x0b", "\x1c")),
    b"\x85",
    b"\xa0",
]
"""White space to some parsers, and a part of the name to browsers, which let a sibling's page set such a cookie."""


@pytest.mark.parametrize(("method", "path"), WITH_ID)
async def test_an_id_of_somebody_else_opens_nothing(world: World, method: str, path: str) -> None:
    """A55: no URL with an id in it does anything for a user whose it isn't; what it names is as before."""
    eve = await new_admin(world, "eve", ("user",))
    victim = await world.login()
    sub = (await world.services.local_users.rows.find_by_name("ada")).sub  # type: ignore[union-attr]
    kid = world.services.keyring.signing_key().kid
    ids = {"session_id": victim["session_id"], "sub": sub, "kid": kid}
    url = re.sub(r"{(\w+)}", lambda found: ids[found[1]], path)
    events = len(await world.audit())

    async with world.client() as client:
        response = await client.request(method, url, headers=bearer(eve.login["access_token"]))

    expected = (403, "insufficient_scope") if path.startswith("/admin") else (404, "not_found")
    assert (response.status_code, response.json()["error"]) == expected
    assert victim["session_id"] not in response.text
    assert len(await world.audit()) == events
    assert await world.is_good(victim["access_token"])
    assert await world.refreshes(victim["refresh_token"])


async def test_a_login_and_a_refresh_take_nothing_that_is_greedy(world: World) -> None:
    """A54: neither of the two gives more, or for somebody else, whatever else the body says."""
    await world.add_user("root", roles=("admin",))
    greedy = {name: value for name, value in GREEDY.items() if name != "username"}
    answer = await world.login(**greedy)
    form = {name: str(value) for name, value in GREEDY.items()}
    async with world.client() as client:
        refreshed = await client.post(
            "/token", data=form | REFRESH_FORM | {"refresh_token": answer["refresh_token"], "client": "cookie"}
        )
        me = (await client.get("/me", headers=bearer(refreshed.json()["access_token"]))).json()

    assert (me["username"], me["roles"], me["scope"]) == ("ada", ["user"], "orders:read")
    assert me["session_id"] == answer["session_id"] == refreshed.json()["session_id"] != "chosen"
    assert refreshed.json()["expires_in"] == answer["expires_in"] == 600


async def test_a_registration_takes_nothing_that_is_greedy(world: World) -> None:
    """A54: a new account has no role, its own subject and the password it named."""
    async with world.client() as client:
        made = await client.post("/register", json=GREEDY | {"username": "newcomer", "password": PASSWORD})
    login = await world.login("newcomer")
    user = await world.services.local_users.rows.find_by_name("newcomer")  # type: ignore[union-attr]

    assert made.json() == {"sub": user.sub, "username": "newcomer"}
    assert (user.roles, user.disabled_at, user.version) == ((), None, 1)
    assert login["scope"] == ""


async def test_a_change_of_password_changes_ones_own_alone(world: World) -> None:
    """A54, A55: whoever is named in the body, it is the token's user whose password changes."""
    await world.add_user("root", roles=("admin",))
    mine = await world.login(resource=ISSUER)
    body = GREEDY | {"current_password": PASSWORD, "new_password": "another horse, another battery"}
    async with world.client() as client:
        response = await client.post("/password", json=body, headers=bearer(mine["access_token"]))

    assert response.status_code == 204
    assert "access_token" in await world.login("root")
    assert (await world.login(password="another horse, another battery"))["scope"] == "orders:read"


@pytest.mark.parametrize("path", ["/logout", "/logout/all"])
async def test_a_logout_ends_ones_own_sessions_alone(world: World, path: str) -> None:
    """A54, A55: a body that names other people, or other sessions, ends none of them."""
    await world.add_user("root", roles=("admin",))
    theirs, mine = await world.login("root"), await world.login()
    body = {**GREEDY, "session_id": theirs["session_id"], "sid": theirs["session_id"]}
    async with world.client() as client:
        response = await client.post(path, json=body, headers=bearer(mine["access_token"]))

    assert response.status_code == 204
    assert not await world.is_good(mine["access_token"])
    assert await world.is_good(theirs["access_token"])


async def test_an_admins_action_reads_no_body(world: World) -> None:
    """A54: what is done is in the URL, and nothing that a body says changes what it is."""
    root = await new_admin(world)
    user = await world.add_user("eve")
    for action in ("disable", "enable"):
        response = await root.ask("POST", f"/users/{user.sub}/{action}", json=GREEDY)
        assert response.status_code == 204
    after = await world.services.local_users.rows.find_by_name("eve")  # type: ignore[union-attr]

    assert (after.roles, after.password_hash, after.username) == (user.roles, user.password_hash, "eve")


async def test_a_cookie_behind_a_strange_space_is_not_ours(world: World) -> None:
    """A43, WEB-05: ``__Host-`` protects the name to the byte; what a sibling tossed past it is not read."""
    victim, attacker = await world.browser(), await world.browser()
    own = f"{REFRESH}={victim.cookies[REFRESH]}".encode()
    expected = await sid_of(victim)
    async with world.client(**SAME_ORIGIN) as client:
        for space in STRANGE_SPACES:
            tossed = space + f"{REFRESH}={attacker.cookies[REFRESH]}".encode()
            for sent in (b"a=b; " + tossed, tossed + b"; a=b"):
                refused = await client.post("/token", data=REFRESH_FORM, headers=[(b"Cookie", sent)])
                assert_oauth_error(refused, 400, "invalid_request")
            beside = await client.post("/token", data=REFRESH_FORM, headers=[(b"Cookie", tossed + b"; " + own)])
            assert beside.json()["session_id"] == expected


async def test_the_device_cookie_is_no_more_forgiving(world: World) -> None:
    """A43, A48: a tossed device token, behind a space or in quotes, makes nobody's device known."""
    owner = await world.browser()
    known = owner.cookies[DEVICE]
    for number in range(10):
        async with world.client(f"198.51.100.{number}") as stranger:
            await stranger.post("/login", json={"username": "ada", "password": "wrong"})
    for number, sent in enumerate((f"\xa0{DEVICE}={known}", f'{DEVICE}="{known}"', f"$Version=1; ${DEVICE}={known}")):
        async with world.client(f"203.0.113.{number}") as client:
            response = await client.post(
                "/login",
                json={"username": "ada", "password": PASSWORD},
                headers=[(b"Cookie", sent.encode("latin-1"))],
            )
        assert response.status_code == 429


async def test_a_jar_that_overflows_logs_out_and_no_more(world: World) -> None:
    """A43: a sibling that pushes ours out with 180 of its own leaves no session, and gets none into ours."""
    victim, attacker = await world.browser(), await world.browser()
    crowd = "; ".join(f"filler{number}=x" for number in range(180))
    async with world.client(**SAME_ORIGIN, Cookie=crowd) as client:
        assert_oauth_error(await client.post("/token", data=REFRESH_FORM), 400, "invalid_request")
    both = f"{crowd}; {REFRESH}={attacker.cookies[REFRESH]}; {REFRESH}={victim.cookies[REFRESH]}"
    async with world.client(**SAME_ORIGIN, Cookie=both) as client:
        response = await client.post("/token", data=REFRESH_FORM)

    assert_oauth_error(response, 400, "invalid_request")
    assert set_cookies(response) == {}
    assert (await victim.post("/token", data=REFRESH_FORM)).status_code == 200


async def test_no_character_splits_a_header_or_forges_a_line(make_world: Any) -> None:
    """A52: each control character and separator in each field of a login: one refusal, without a trace of it."""
    world = await make_world(rate_limit={"login_per_ip": "100000/1m", "login_per_account": "100000/1m"})
    async with world.client() as client:
        for character in UNSEEN:
            for field in ("username", "password", "device_name", "scope", "resource", "device_token"):
                evil = f"evil{character}Set-Cookie: evil=1"
                body = {"username": "nobody", "password": "nothing", field: evil}
                response = await client.post("/login", content=json.dumps(body), headers=JSON)
                assert response.status_code in {400, 401, 422}, (field, character)
                assert "evil" not in response.text
                assert set_cookies(response) == {}
                assert not any(unseen in value for value in response.headers.values() for unseen in UNSEEN)
    told = [str(event) for event in await world.audit()]
    assert not any("evil" in line for line in told)


async def sid_of(browser: Any) -> str:
    """Return the session of a browser's cookie."""
    response = await browser.post("/token", data=REFRESH_FORM)
    sid: str = response.json()["session_id"]
    return sid
