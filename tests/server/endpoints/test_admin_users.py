"""``/admin/api/users``: the accounts, and shutting one out."""

import asyncio
from typing import Any

import pytest
from admin_api import API, Admin, new_admin
from http_world import ISSUER, NOW, PASSWORD, World, assert_problem

from keyturn.core import usernames
from keyturn.core.model import AuditKind, StoredUser, User


async def add_quickly(world: World, name: str) -> None:
    """Add an account that nobody logs in to, without the cost of a hash."""
    user = StoredUser(
        sub=f"sub-{name}",
        username=name,
        username_key=usernames.normalise(name),
        password_hash="",
        roles=(),
        disabled_at=None,
        version=1,
        created_at=NOW,
    )
    event = (await world.audit())[0]
    assert await world.services.store.users.add(user, event)


async def walk(admin: Admin, path: str, between: Any = None, **params: Any) -> list[dict[str, Any]]:
    """Return the items of all pages; do *between* after each."""
    items: list[dict[str, Any]] = []
    cursor: dict[str, str] = {}
    while True:
        page = await admin.get(path, **params, **cursor)
        assert set(page) == {"items", "next"}
        items += page["items"]
        if page["next"] is None:
            return items
        cursor = {"cursor": page["next"]}
        if between:
            await between()


async def test_users_are_listed_and_shown(world: World) -> None:
    """By their names; without password or version."""
    root = await new_admin(world)

    items = (await root.get("/users"))["items"]

    assert [item["username"] for item in items] == ["ada", "root"]
    assert items[1] == {
        "sub": root.sub,
        "username": "root",
        "roles": ["admin"],
        "disabled": False,
        "created_at": NOW,
    }
    assert await root.get(f"/users/{root.sub}") == items[1]
    assert_problem(await root.ask("GET", "/users/nobody"), 404, "not_found")


async def test_pages_stand_still_while_users_are_added(world: World) -> None:
    """120 users in pages of 7: nobody twice, nobody left out, whoever comes meanwhile."""
    root = await new_admin(world)
    names = {f"user \u1680{number:03}" for number in range(118)} | {"ada", "root"}
    for name in names - {"ada", "root"}:
        await add_quickly(world, name)
    came = iter(range(1000))

    async def somebody_comes() -> None:
        number = next(came)
        await add_quickly(world, f"a before {number}")
        await add_quickly(world, f"zz after {number:03}")

    items = [item["username"] for item in await walk(root, "/users", somebody_comes, limit=7)]

    assert len(items) == len(set(items))
    assert names <= set(items)
    assert items == sorted(items)
    assert not any(name.startswith("a before 1") for name in items)


async def test_the_last_page_says_so(world: World) -> None:
    """Also when it is full; without a limit a page has 50 items."""
    root = await new_admin(world)
    for number in range(49):
        await add_quickly(world, f"user{number}")

    assert (await root.get("/users", limit=51))["next"] is None
    page = await root.get("/users")
    assert (len(page["items"]), page["next"] is None) == (50, False)
    last = await root.get("/users", cursor=page["next"])
    assert (len(last["items"]), last["next"]) == (1, None)


@pytest.mark.parametrize("path", ["/users", "/sessions"])
async def test_a_malformed_page_is_400(world: World, path: str) -> None:
    """A cursor that was not handed out, a limit out of bounds, either of them twice, a parameter that is none."""
    root = await new_admin(world)
    limits = ["0", "201", "-1", "ten", "", "1.0", "%2B5", "%205", "1_0", "%D9%A3", "9" * 5000, "5&limit=5"]
    cursors = ["", "!", "YWI=", "None", "_w", "AA", "A" * 5001, "YWI&cursor=YWI"]
    queries = [f"limit={limit}" for limit in limits] + [f"cursor={cursor}" for cursor in cursors]
    for query in (*queries, "subject=ada", "=1"):
        response = await root.ask("GET", f"{path}?{query}")
        assert (response.status_code, response.json()["error"]) == (400, "invalid_request"), query


async def test_disable_shuts_a_user_out_at_once(world: World) -> None:
    """REF-12: sessions, refresh tokens, access tokens and logins; others go on. The log says who did it."""
    root, mine = await new_admin(world), await world.login()
    ada = (await root.get("/users"))["items"][0]

    await root.do(f"/users/{ada['sub']}/disable")

    assert not await world.is_good(mine["access_token"])
    assert not await world.refreshes(mine["refresh_token"])
    async with world.client() as client:
        assert (await client.post("/login", json={"username": "ada", "password": PASSWORD})).status_code == 401
    assert await world.is_good(root.login["access_token"])
    assert (await root.get(f"/users/{ada['sub']}"))["disabled"] is True
    told = [(event.kind, event.sub, event.sid) for event in await root.events()]
    assert told == [
        (AuditKind.SESSION_ENDED, ada["sub"], mine["session_id"]),
        (AuditKind.USER_DISABLED, ada["sub"], None),
    ]
    assert (await root.events())[1].origin.address


async def test_enable_lets_a_user_in_again(world: World) -> None:
    """A new login works; what ended stays ended. Both actions may be done twice."""
    root, old = await new_admin(world), await world.login()
    sub = (await root.get("/users"))["items"][0]["sub"]
    for action in ("disable", "disable", "enable", "enable"):
        await root.do(f"/users/{sub}/{action}")

    assert (await root.get(f"/users/{sub}"))["disabled"] is False
    assert not await world.refreshes(old["refresh_token"])
    assert not await world.is_good(old["access_token"])
    assert await world.is_good((await world.login())["access_token"])
    assert AuditKind.USER_ENABLED in [event.kind for event in await root.events()]


@pytest.mark.parametrize("action", ["disable", "enable"])
async def test_an_unknown_user_is_not_there(world: World, action: str) -> None:
    """By name neither: a user is named by their subject."""
    root = await new_admin(world)
    for nobody in ("nobody", "ada"):
        assert_problem(await root.ask("POST", f"/users/{nobody}/{action}"), 404, "not_found")
    assert await world.login()


async def test_admins_do_not_shut_themselves_out(world: World) -> None:
    """409, and nothing has happened; another admin may."""
    root, other = await new_admin(world), await new_admin(world, "other")

    response = await root.ask("POST", f"/users/{root.sub}/disable")

    body = assert_problem(response, 409, "conflict")
    assert "your own account" in body["title"]
    assert await world.is_good(root.login["access_token"])
    assert await root.events() == []
    await other.do(f"/users/{root.sub}/disable")
    assert (await root.ask("GET", "/users")).status_code == 401


class Elsewhere:
    """A directory that an app keeps itself."""

    user = User("sub-1", "root", ("admin",))

    async def authenticate(self, username: str, password: str) -> User | None:
        """Know one user."""
        return self.user if (username, password) == ("root", PASSWORD) else None

    async def find(self, sub: str) -> User | None:
        """Know one user."""
        return self.user if sub == "sub-1" else None


async def test_with_an_apps_own_users_there_is_no_such_thing(make_world: Any) -> None:
    """As with ``/password``: 404 below ``/users``; sessions and keys are ours, and its admins administer them."""
    world = await make_world(users=Elsewhere())
    root = Admin(world, "sub-1", await world.login("root", resource=ISSUER))
    for method, path in (
        ("GET", ""),
        ("GET", "/sub-1"),
        ("POST", "/sub-1/disable"),
        ("POST", "/sub-1/enable"),
    ):
        assert_problem(await root.ask(method, f"/users{path}"), 404, "not_found")
        async with world.client() as client:
            assert_problem(await client.request(method, f"{API}/users{path}"), 404, "not_found")

    (session,) = (await root.get("/sessions", sub="sub-1"))["items"]
    assert session["session_id"] == root.login["session_id"]
    assert (await root.get("/keys"))["items"]


async def test_nothing_survives_a_disable_that_races_refreshes(world: World) -> None:
    """A37: once the admin is answered, no token works that a refresh was given before, beside or after it."""
    root = await new_admin(world)
    sub = (await root.get("/users"))["items"][0]["sub"]
    given = 0
    for _ in range(12):
        login = await world.login()
        refreshes = [refresh(world, login["refresh_token"]) for _ in range(6)]
        answers = await asyncio.gather(*refreshes[:3], root.do(f"/users/{sub}/disable"), *refreshes[3:])
        tokens = [answer for answer in answers if answer is not None]
        given += len(tokens)
        for text in (login["access_token"], *(token["access_token"] for token in tokens)):
            assert not await world.is_good(text)
        for text in (login["refresh_token"], *(token["refresh_token"] for token in tokens)):
            assert not await world.refreshes(text)
        await root.do(f"/users/{sub}/enable")
    assert given, "nothing was refreshed meanwhile: there was no race"


async def refresh(world: World, text: str) -> dict[str, Any] | None:
    """Refresh; return the answer unless it was refused."""
    async with world.client() as client:
        form = {"grant_type": "refresh_token", "refresh_token": text}
        response = await client.post("/token", data=form)
    answer: dict[str, Any] = response.json()
    return answer if response.status_code == 200 else None
