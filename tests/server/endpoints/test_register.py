"""``POST /register``: an account for whoever asks, where that is allowed."""

from typing import Any

import pytest
from http_world import APP, PASSWORD, World, assert_problem

GOOD = {"username": "eve", "password": PASSWORD}


async def test_an_account_is_made(world: World) -> None:
    """201 with the subject; its password works at once."""
    async with world.client() as client:
        response = await client.post("/register", json=GOOD)

    assert response.status_code == 201
    assert set(response.json()) == {"sub", "username"}
    assert response.json()["username"] == "eve"
    assert (await world.login("eve"))["scope"] == ""


async def test_a_body_gives_itself_nothing(world: World) -> None:
    """A54: roles, a subject or a flag in the body are not read."""
    claims = {"roles": ["admin"], "sub": "root", "is_admin": True, "email_verified": True, "disabled": False}
    async with world.client() as client:
        response = await client.post("/register", json=GOOD | claims)

    assert response.json()["sub"] != "root"
    assert (await world.login("eve"))["scope"] == ""


@pytest.mark.parametrize("name", ["ada", "ADA", "\uff41\uff44\uff41"])
async def test_a_taken_name_is_409(world: World, name: str) -> None:
    """In any letter case and any spelling that Unicode has for it."""
    async with world.client() as client:
        assert_problem(await client.post("/register", json=GOOD | {"username": name}), 409, "conflict")


async def test_closed_registration_is_403(make_world: Any) -> None:
    """The default: nobody makes an account but the operator."""
    world = await make_world(registration={"mode": "closed"})
    async with world.client() as client:
        assert_problem(await client.post("/register", json=GOOD), 403, "forbidden")


@pytest.mark.parametrize(
    "body",
    [
        {},
        GOOD | {"password": "short"},
        GOOD | {"password": "p" * 1025},
        GOOD | {"username": ""},
        GOOD | {"username": " eve"},
        GOOD | {"username": "e\u200bve"},
        GOOD | {"username": "e\nve"},
        GOOD | {"username": "e" * 255},
        GOOD | {"username": 7},
    ],
)
async def test_a_name_or_password_that_can_not_be_taken_is_422(world: World, body: dict[str, Any]) -> None:
    """No account is made, and the answer does not repeat the value."""
    async with world.client() as client:
        assert_problem(await client.post("/register", json=body), 422, "validation_failed")

    assert sum(kind == "user_added" for kind, _ in await world.reasons()) == 1


@pytest.mark.parametrize(
    ("username", "password", "reason"),
    [
        ("eve", "Password-2026!", "with little added"),
        ("eve", "administrator", "among the most used ones"),
        ("evelyn", "evelyn-2026-!", "is the user name"),
        ("eve", "Keyturn-2026-!", "names this service"),
        ("eve", "abcabcabcabcabc", "repeats or counts on"),
    ],
)
async def test_pwd_03_a_guessable_password_is_422_and_told_why(
    world: World, username: str, password: str, reason: str
) -> None:
    """PWD-03: the sentence gives the reason and repeats nothing of the password; no account is made."""
    async with world.client() as client:
        response = await client.post("/register", json={"username": username, "password": password})

    assert_problem(response, 422, "validation_failed")
    assert reason in response.text
    assert password not in response.text
    assert sum(kind == "user_added" for kind, _ in await world.reasons()) == 1


async def test_pwd_03_a_list_of_stolen_passwords_may_be_asked(make_world: Any) -> None:
    """PWD-03: where it does not answer the account is made, and the metrics say that it was not asked."""
    world = await make_world(
        password={"memory_kib": 7168, "time_cost": 5, "breach_check": "on", "breach_url": "http://127.0.0.1:1/range/"}
    )
    async with world.client() as client:
        assert (await client.post("/register", json=GOOD)).status_code == 201
    async with world.client("127.0.0.1") as client:
        metrics = await client.get("/metrics")

    assert 'keyturn_breach_checks_total{result="failed"} 1.0' in metrics.text


async def test_too_many_accounts_from_an_address_are_limited(world: World) -> None:
    """PWD-04: asking which names are taken is limited with it."""
    async with world.client() as client:
        for number in range(5):
            await client.post("/register", json=GOOD | {"username": f"eve{number}"})
        response = await client.post("/register", json=GOOD)

    assert_problem(response, 429, "rate_limited")


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Origin": APP}, 201),
        ({"Sec-Fetch-Site": "same-origin"}, 201),
    ],
)
async def test_a_page_must_be_one_that_may(world: World, headers: dict[str, str], status: int) -> None:
    """A42: another site's page makes no account."""
    async with world.client(**headers) as client:
        assert (await client.post("/register", json=GOOD)).status_code == status
