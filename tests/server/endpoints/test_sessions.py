"""``GET /sessions`` and ``DELETE /sessions/{session_id}``: one's own, and nobody else's (REF-20, A55)."""

import pytest
from http_world import NOW, World, assert_problem, bearer


async def test_the_list_tells_where_the_user_is_logged_in(world: World) -> None:
    """REF-20: device, first and last use, which one this is; never an id that a token carries."""
    first = await world.login(device_name="Ada's laptop")
    world.clock.later(60)
    second = await world.login()
    world.clock.later(60)
    await world.refreshes(first["refresh_token"])
    async with world.client() as client:
        response = await client.get("/sessions", headers=bearer(second["access_token"]))

    shared = {"client": "native", "browser": "Firefox", "os": "Linux", "address": "192.0.2.0/24"}
    assert response.headers["cache-control"] == "no-store"
    assert response.json() == {
        "sessions": [
            shared
            | {
                "session_id": first["session_id"],
                "device_name": "Ada's laptop",
                "created_at": NOW,
                "last_used_at": NOW + 120,
                "current": False,
            },
            shared
            | {
                "session_id": second["session_id"],
                "device_name": "",
                "created_at": NOW + 60,
                "last_used_at": NOW + 60,
                "current": True,
            },
        ]
    }


async def test_the_list_holds_nobody_elses(world: World) -> None:
    """A55: and no session that has ended."""
    await world.add_user("eve")
    mine, ended, hers = await world.login(), await world.login(), await world.login("eve")
    async with world.client() as client:
        await client.post("/logout", headers=bearer(ended["access_token"]))
        listed = (await client.get("/sessions", headers=bearer(hers["access_token"]))).json()["sessions"]
        own = (await client.get("/sessions", headers=bearer(mine["access_token"]))).json()["sessions"]

    assert [session["session_id"] for session in listed] == [hers["session_id"]]
    assert [session["session_id"] for session in own] == [mine["session_id"]]


async def test_a_session_is_ended_from_another_device(world: World) -> None:
    """REF-12: it and its access tokens, at once; the one that asked goes on."""
    lost, mine = await world.login(), await world.login()
    async with world.client() as client:
        response = await client.delete(f"/sessions/{lost['session_id']}", headers=bearer(mine["access_token"]))

    assert (response.status_code, response.content) == (204, b"")
    assert not await world.is_good(lost["access_token"])
    assert not await world.refreshes(lost["refresh_token"])
    assert await world.is_good(mine["access_token"])


async def test_somebody_elses_session_is_not_there(world: World) -> None:
    """A55: 404 for it as for one that never was, and it goes on."""
    await world.add_user("eve")
    hers, mine = await world.login("eve"), await world.login()
    async with world.client(X_Request_Id="same") as client:
        response = await client.delete(f"/sessions/{hers['session_id']}", headers=bearer(mine["access_token"]))
        never = await client.delete("/sessions/never", headers=bearer(mine["access_token"]))

    assert_problem(response, 404, "not_found")
    assert response.content == never.content
    assert await world.refreshes(hers["refresh_token"])


async def test_an_ended_session_is_not_there(world: World) -> None:
    """Ending it twice is 404."""
    other, mine = await world.login(), await world.login()
    async with world.client() as client:
        url = f"/sessions/{other['session_id']}"
        assert (await client.delete(url, headers=bearer(mine["access_token"]))).status_code == 204
        assert_problem(await client.delete(url, headers=bearer(mine["access_token"])), 404, "not_found")


@pytest.mark.parametrize("name", ["%00", "' OR 1=1--", "a" * 3000, "%F0%9F%98%80", "%ff", "..%2f..", "a%0d%0ab"])
async def test_a_naughty_id_is_not_there(world: World, name: str) -> None:
    """A52: it is a name that no session has."""
    login = await world.login()
    async with world.client() as client:
        response = await client.delete(f"/sessions/{name}", headers=bearer(login["access_token"]))

    assert_problem(response, 404, "not_found")
    assert await world.is_good(login["access_token"])
