"""``POST /revoke``: RFC 7009. What is revoked is refused from the answer on; what is unknown is answered alike."""

import asyncio

import pytest
from http_world import REFRESH, SAME_ORIGIN, World, assert_oauth_error


async def test_a_refresh_token_takes_its_session_along(world: World) -> None:
    """REF-14: its access tokens as well (RFC 7009 §2.1)."""
    login = await world.login()
    async with world.client() as client:
        response = await client.post("/revoke", data={"token": login["refresh_token"]})

    assert (response.status_code, response.content) == (200, b"")
    assert not await world.refreshes(login["refresh_token"])
    assert not await world.is_good(login["access_token"])


async def test_an_access_token_goes_alone(world: World) -> None:
    """Its session goes on, and gives another one."""
    login = await world.login()
    async with world.client() as client:
        response = await client.post("/revoke", data={"token": login["access_token"]})

    assert (response.status_code, response.content) == (200, b"")
    assert not await world.is_good(login["access_token"])
    assert await world.refreshes(login["refresh_token"])


@pytest.mark.parametrize("hint", ["access_token", "refresh_token", "something_else"])
async def test_a_wrong_hint_does_not_matter(world: World, hint: str) -> None:
    """RFC 7009 §2.1: the server looks further."""
    login = await world.login()
    async with world.client() as client:
        await client.post("/revoke", data={"token": login["refresh_token"], "token_type_hint": hint})

    assert not await world.refreshes(login["refresh_token"])


async def test_what_is_not_ours_is_200_and_changes_nothing(world: World) -> None:
    """REF-14, RFC 7009 §2.2: unknown, forged and mangled tokens."""
    login = await world.login()
    before = await world.reasons()
    forged = [login["refresh_token"][:-2] + "AA", login["access_token"][:-2] + "AA"]
    async with world.client() as client:
        for text in ["x", "ktr_", "a.b.c", *forged]:
            assert (await client.post("/revoke", data={"token": text})).status_code == 200

    assert await world.reasons() == before
    assert await world.is_good(login["access_token"])
    assert await world.refreshes(login["refresh_token"])


async def test_a_token_is_revoked_once(world: World) -> None:
    """Asking again, or after its time, adds nothing to the log: nobody can fill it with one token."""
    login, expired = await world.login(), await world.login()
    async with world.client() as client:
        for _ in range(3):
            await client.post("/revoke", data={"token": login["access_token"]})
        world.clock.later(700)
        assert (await client.post("/revoke", data={"token": expired["access_token"]})).status_code == 200

    assert len([kind for kind, _ in await world.reasons() if kind == "token_revoked"]) == 1


async def test_a_token_that_many_revoke_at_once_is_revoked_once(world: World) -> None:
    """REF-14: none of the requests has seen another's entry, and yet there is one; each is answered when it counts."""
    login = await world.login()

    async def ask() -> bool:
        async with world.client() as client:
            answer = await client.post("/revoke", data={"token": login["access_token"]})
        return answer.status_code == 200 and not await world.is_good(login["access_token"])

    assert all(await asyncio.gather(*(ask() for _ in range(16))))
    assert len([kind for kind, _ in await world.reasons() if kind == "token_revoked"]) == 1
    assert len(await world.services.store.revocations.after(0, 100)) == 1


async def test_a_device_token_can_not_be_revoked(world: World) -> None:
    """RFC 7009 §2.2.1: there is no row of it that could end."""
    login = await world.login()
    async with world.client() as client:
        response = await client.post("/revoke", data={"token": login["device_token"]})

    assert_oauth_error(response, 400, "unsupported_token_type")


async def test_the_cookie_is_never_read(world: World) -> None:
    """A42: so there is nothing to forge."""
    browser = await world.browser()
    async with world.client(Cookie=f"{REFRESH}={browser.cookies[REFRESH]}", **SAME_ORIGIN) as client:
        response = await client.post("/revoke", data={"token_type_hint": "refresh_token"})

    assert_oauth_error(response, 400, "invalid_request")
    assert (await browser.post("/token", data={"grant_type": "refresh_token"})).status_code == 200


async def test_a_browsers_refresh_token_can_be_revoked(world: World) -> None:
    """Whoever found one somewhere can end its session: that is what the endpoint is for."""
    browser = await world.browser()
    async with world.client() as client:
        await client.post("/revoke", data={"token": browser.cookies[REFRESH]})

    assert (await browser.post("/token", data={"grant_type": "refresh_token"})).status_code == 400


@pytest.mark.parametrize(
    "body", ["", "token=", "token_type_hint=access_token", "token=a&token=b", "token=" + "x" * 8193]
)
async def test_without_one_token_it_is_invalid_request(world: World, body: str) -> None:
    """A56: missing, empty, there twice, too long."""
    async with world.client() as client:
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        assert_oauth_error(await client.post("/revoke", content=body, headers=headers), 400, "invalid_request")


async def test_a_store_that_is_down_is_503(world: World) -> None:
    """RFC 7009 §2.2.1: the client must assume that the token still exists."""
    login = await world.login()
    world.take_store_down()
    async with world.client() as client:
        for token in (login["refresh_token"], login["access_token"]):
            response = await client.post("/revoke", data={"token": token})
            assert_oauth_error(response, 503, "temporarily_unavailable")
            assert response.headers["retry-after"] == "1"


async def test_revocations_are_counted_by_kind(world: World) -> None:
    """``keyturn_revocations_total`` tells tokens from sessions."""
    login = await world.login()
    async with world.client() as client:
        await client.post("/revoke", data={"token": login["access_token"]})
        await client.post("/revoke", data={"token": login["refresh_token"]})

    def count(kind: str) -> float | None:
        return world.state.metrics.registry.get_sample_value("keyturn_revocations_total", {"kind": kind})

    assert (count("jti"), count("sid")) == (1, 1)
