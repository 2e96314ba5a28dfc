"""``GET /me``: who the token speaks for."""

import pytest
from http_world import AUDIENCE, ISSUER, NOW, OTHER_AUDIENCE, World, bearer

from keyturn.core import users
from keyturn.core.model import Origin


async def test_me_tells_the_user_and_what_the_token_may(world: World) -> None:
    """Exactly these fields; times are epoch seconds."""
    root = await world.add_user("root", roles=("admin", "user"))
    login = await world.login("root")
    world.clock.later(30)
    async with world.client() as client:
        response = await client.get("/me", headers=bearer(login["access_token"]))

    assert response.headers["cache-control"] == "no-store"
    assert response.json() == {
        "sub": root.sub,
        "username": "root",
        "roles": ["admin", "user"],
        "scope": "orders:read orders:write",
        "session_id": login["session_id"],
        "auth_time": NOW,
    }


@pytest.mark.parametrize("audience", [ISSUER, AUDIENCE, OTHER_AUDIENCE])
async def test_a_token_for_any_configured_audience_will_do(world: World, audience: str) -> None:
    """Reading who one is changes nothing."""
    assert await world.is_good((await world.login(resource=audience))["access_token"])


async def test_a_disabled_user_is_nobody(world: World) -> None:
    """A39: a token that is out is refused from then on."""
    eve = await world.add_user("eve")
    login = await world.login("eve")
    await users.disable(world.services, eve, origin=Origin(), now_ms=world.clock.ms)

    assert not await world.is_good(login["access_token"])
