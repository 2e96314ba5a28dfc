"""``POST /password``: the current one is asked for again, and every other session ends (PWD-10)."""

from typing import Any

import pytest
from http_world import AUDIENCE, ISSUER, PASSWORD, World, assert_problem, bearer

from keyturn.core.model import User

NEW = "another horse battery"
GOOD = {"current_password": PASSWORD, "new_password": NEW}


async def change(world: World, login: dict[str, Any], body: dict[str, Any]) -> Any:
    """Ask for a change and return the answer."""
    async with world.client() as client:
        return await client.post("/password", json=body, headers=bearer(login["access_token"]))


async def test_the_password_changes_and_all_other_sessions_end(world: World) -> None:
    """PWD-10, REF-12: the session that asked goes on; nothing else does, and the old password is none."""
    mine, other = await world.login(resource=ISSUER), await world.login()

    response = await change(world, mine, GOOD)

    assert (response.status_code, response.content) == (204, b"")
    assert await world.is_good(mine["access_token"])
    assert await world.refreshes(mine["refresh_token"])
    assert not await world.is_good(other["access_token"])
    assert not await world.refreshes(other["refresh_token"])
    assert await world.login(password=NEW)
    async with world.client() as client:
        assert (await client.post("/login", json={"username": "ada", "password": PASSWORD})).status_code == 401


async def test_a_wrong_current_password_is_403_and_changes_nothing(world: World) -> None:
    """The token is good, so this is no 401; and it is told in the audit log."""
    mine, other = await world.login(resource=ISSUER), await world.login()

    response = await change(world, mine, GOOD | {"current_password": "wrong"})

    assert_problem(response, 403, "invalid_credentials")
    assert ("password_refused", "wrong_password") in await world.reasons()
    assert await world.is_good(other["access_token"])
    assert await world.login()


async def test_pwd_03_a_guessable_new_password_is_422_and_changes_nothing(world: World) -> None:
    """PWD-03: the reason is told; a wrong current password goes before it, so that nobody learns more by it."""
    mine, other = await world.login(resource=ISSUER), await world.login()

    refused = await change(world, mine, GOOD | {"new_password": "Password-2026!"})
    wrong = await change(world, mine, {"current_password": "wrong", "new_password": "Password-2026!"})

    assert_problem(refused, 422, "validation_failed")
    assert "with little added" in refused.text
    assert_problem(wrong, 403, "invalid_credentials")
    assert await world.is_good(other["access_token"])
    assert await world.login()


async def test_wrong_current_passwords_are_limited_like_failed_logins(world: World) -> None:
    """A47: this is no second door to guess at."""
    mine = await world.login(resource=ISSUER)
    for _ in range(5):
        assert (await change(world, mine, GOOD | {"current_password": "wrong"})).status_code == 403

    response = await change(world, mine, GOOD)

    assert_problem(response, 429, "rate_limited")
    assert int(response.headers["retry-after"]) >= 1
    async with world.client() as client:
        assert (await client.post("/login", json={"username": "ada", "password": PASSWORD})).status_code == 429


async def test_a_token_that_an_api_was_handed_changes_no_password(world: World) -> None:
    """Contract §3: only a token for the issuer itself may."""
    login = await world.login(resource=AUDIENCE)

    response = await change(world, login, GOOD)

    assert (response.status_code, response.json()["error"]) == (401, "invalid_token")
    assert await world.login()


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"current_password": PASSWORD},
        GOOD | {"new_password": "short"},
        GOOD | {"new_password": "p" * 1025},
        GOOD | {"new_password": ""},
        GOOD | {"new_password": 123456789012},
        GOOD | {"current_password": ["x"]},
    ],
)
async def test_a_new_password_that_can_not_be_taken_is_422(world: World, body: dict[str, Any]) -> None:
    """PWD-02: nothing was tried, so nothing counts as a failed login."""
    login = await world.login(resource=ISSUER)
    for _ in range(6):
        assert_problem(await change(world, login, body), 422, "validation_failed")
    assert (await change(world, login, GOOD)).status_code == 204


class Elsewhere:
    """A directory that an app keeps itself."""

    ada = User("sub-1", "ada", ("user",))

    async def authenticate(self, username: str, password: str) -> User | None:
        """Know one user."""
        return self.ada if (username, password) == ("ada", PASSWORD) else None

    async def find(self, sub: str) -> User | None:
        """Know one user."""
        return self.ada if sub == "sub-1" else None


async def test_with_an_apps_own_users_there_is_no_such_thing(make_world: Any) -> None:
    """Contract §6: ``/password`` and ``/register`` are then 404; logging in works."""
    world = await make_world(users=Elsewhere())
    login = await world.login(resource=ISSUER)

    assert_problem(await change(world, login, GOOD), 404, "not_found")
    async with world.client() as client:
        assert_problem(await client.post("/register", json={"username": "a", "password": NEW}), 404, "not_found")
        me = await client.get("/me", headers=bearer(login["access_token"]))
    assert me.json()["username"] == "ada"
