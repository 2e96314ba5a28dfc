"""``/admin/api/sessions``: who is logged in where, and the end of it."""

from admin_api import new_admin
from http_world import ISSUER, NOW, World, assert_problem, bearer

from keyturn.core.model import AuditKind, EndReason


async def test_everybodys_sessions_are_listed(world: World) -> None:
    """As one's own list tells of them, and whose; never what a refresh token carries."""
    root = await new_admin(world)
    world.clock.later(60)
    ada = await world.login(device_name="Ada's laptop")

    items = {item["session_id"]: item for item in (await root.get("/sessions"))["items"]}

    assert set(items) == {root.login["session_id"], ada["session_id"]}
    assert items[root.login["session_id"]]["current"] is True
    sub = (await root.get("/users"))["items"][0]["sub"]
    assert items[ada["session_id"]] == {
        "sub": sub,
        "session_id": ada["session_id"],
        "client": "native",
        "device_name": "Ada's laptop",
        "browser": "Firefox",
        "os": "Linux",
        "address": "192.0.2.0/24",
        "created_at": NOW + 60,
        "last_used_at": NOW + 60,
        "current": False,
    }


async def test_only_live_sessions_are_listed(world: World) -> None:
    """Neither those that ended nor those whose time is over."""
    root = await new_admin(world)
    ended = await world.login()
    async with world.client() as client:
        await client.post("/logout", headers=bearer(ended["access_token"]))
    assert [item["session_id"] for item in (await root.get("/sessions"))["items"]] == [root.login["session_id"]]

    world.clock.later(8 * 86_400)
    root.login = await world.login("root", resource=ISSUER)

    assert [item["session_id"] for item in (await root.get("/sessions"))["items"]] == [root.login["session_id"]]


async def test_pages_hold_every_session_once(world: World) -> None:
    """Of everybody and of one user, in the order of their ids; what starts and ends meanwhile moves nothing."""
    root = await new_admin(world)
    sub = (await root.get("/users"))["items"][0]["sub"]
    mine = {(await world.login())["session_id"] for _ in range(7)}
    everybody = mine | {root.login["session_id"]}

    for params, expected in (({}, everybody), ({"sub": sub}, mine)):
        seen: list[str] = []
        cursor: dict[str, str] = {}
        while True:
            page = await root.get("/sessions", limit=3, **params, **cursor)
            seen += [item["session_id"] for item in page["items"]]
            if page["next"] is None:
                break
            passing = await world.login("ada")
            await root.do(f"/sessions/{passing['session_id']}/end")
            cursor = {"cursor": page["next"]}
        assert seen == sorted(expected)


async def test_a_user_without_sessions_has_an_empty_page(world: World) -> None:
    """And so has one that nobody knows; the parameter twice is 400."""
    root = await new_admin(world)

    assert await root.get("/sessions", sub="nobody") == {"items": [], "next": None}
    for query in ("sub=a&sub=b", "sub=", "sub=%00"):
        response = await root.ask("GET", f"/sessions?{query}")
        assert (response.status_code, response.json()["error"]) == (400, "invalid_request")


async def test_a_session_is_ended_at_once(world: World) -> None:
    """REF-12: with its access tokens; the user's others go on, and the log names the admin."""
    root, lost, other = await new_admin(world), await world.login(), await world.login()

    await root.do(f"/sessions/{lost['session_id']}/end")

    assert not await world.is_good(lost["access_token"])
    assert not await world.refreshes(lost["refresh_token"])
    assert await world.is_good(other["access_token"])
    (event,) = await root.events()
    assert (event.kind, event.sid) == (AuditKind.SESSION_ENDED, lost["session_id"])
    assert event.reason == EndReason.ENDED_BY_OPERATOR
    assert world.state.metrics.registry.get_sample_value("keyturn_revocations_total", {"kind": "sid"}) == 1


async def test_ending_again_is_fine_and_says_nothing_new(world: World) -> None:
    """204 for what has ended, whoever ended it; 404 for what never was."""
    root, lost, left = await new_admin(world), await world.login(), await world.login()
    async with world.client() as client:
        await client.post("/logout", headers=bearer(left["access_token"]))
    for sid in (lost["session_id"], lost["session_id"], left["session_id"]):
        await root.do(f"/sessions/{sid}/end")

    assert len(await root.events()) == 1
    assert_problem(await root.ask("POST", "/sessions/never/end"), 404, "not_found")


async def test_admins_may_end_their_own_session(world: World) -> None:
    """As by a logout: whoever can log in again is not shut out."""
    root = await new_admin(world)

    await root.do(f"/sessions/{root.login['session_id']}/end")

    assert (await root.ask("GET", "/users")).status_code == 401
    root.login = await world.login("root", resource=ISSUER)
    await root.get("/users")
