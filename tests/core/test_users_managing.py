"""Accounts of our own directory: what is refused, what ends with what, and what is not there."""

import uuid
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest
from house import ORIGIN, PASSWORD, House
from replaced import replace_steps

from keyturn.core import usernames, users
from keyturn.core.model import Origin
from keyturn.core.policy import RegistrationMode
from keyturn.errors import Conflict, Forbidden, InvalidCredentials, NotFound, ValidationFailed

OPERATOR = Origin(actor="operator")


async def test_who_is_not_there_is_not_found(house: House) -> None:
    """By name and by subject."""
    with pytest.raises(NotFound, match="no user of this name"):
        await users.get_by_name(house.services, "nobody")
    with pytest.raises(NotFound):
        await users.get_by_sub(house.services, "nobody")
    alice = await users.get_by_name(house.services, "ALICE")
    assert await users.get_by_sub(house.services, alice.sub) == alice


async def test_an_account_begins_with_its_first_version_and_a_random_subject(house: House) -> None:
    """ISS-05: a UUID of version 4, which says nothing of whose it is; and when it was made."""
    house.later(1_000_000.5)
    bob, carol = await house.add_user("bob"), await house.add_user("carol")
    for user in (bob, carol):
        assert (uuid.UUID(user.sub).version, str(uuid.UUID(user.sub))) == (4, user.sub)
        assert (user.version, user.created_at) == (1, house.now_ms // 1000)
    assert bob.sub != carol.sub


async def test_what_is_done_to_nobody_is_not_found(house: House) -> None:
    """A user who was deleted beside it is not changed in silence."""
    alice = await users.get_by_name(house.services, "alice")
    gone = replace(alice, sub="nobody")
    order: dict[str, Any] = {"origin": OPERATOR, "now_ms": house.now_ms}
    with pytest.raises(NotFound):
        await users.set_roles(house.services, gone, ("admin",), **order)
    with pytest.raises(NotFound):
        await users.disable(house.services, gone, **order)
    with pytest.raises(NotFound):
        await users.enable(house.services, gone, **order)


async def test_disabling_ends_the_sessions_at_once_and_enabling_brings_none_back(house: House) -> None:
    """The server's own view knows of it before the answer."""
    alice = await users.get_by_name(house.services, "alice")
    session = await house.login()
    await users.disable(house.services, alice, origin=OPERATOR, now_ms=house.now_ms)
    assert house.revoked(session.access_token)
    with pytest.raises(InvalidCredentials):
        await house.login()

    await users.enable(house.services, alice, origin=OPERATOR, now_ms=house.now_ms)

    assert await house.login()
    assert house.revoked(session.access_token)


@pytest.mark.parametrize(
    ("name", "password"),
    [
        ("", PASSWORD),
        ("a\u200bb", PASSWORD),
        ("bob", "kX7#q9Lw"),
        ("bob", "password1234"),
        ("dagobert", "dagobert-2026"),
    ],
)
async def test_no_account_is_made_with_a_bad_name_or_password(name: str, password: str, house: House) -> None:
    """PWD-02, PWD-03: whoever makes it, the operator too."""
    with pytest.raises(ValidationFailed):
        await users.add_user(house.services, name, password, roles=(), origin=OPERATOR, now_ms=house.now_ms)
    assert [user.username for user in await users.list_users(house.services, after="", most=10)] == ["alice"]


async def test_a_name_is_counted_as_it_is_written_and_as_it_is_compared(house: House) -> None:
    """Neither 400 characters that compose to 200 are a name, nor 100 that unfold to 1800."""
    for name in ("e\u0301" * 200, "\ufdfa" * 100):
        with pytest.raises(ValidationFailed):
            await users.add_user(house.services, name, PASSWORD, roles=(), origin=OPERATOR, now_ms=house.now_ms)
    for name in ("e\u0301" * 127, "n" * 254):
        await users.add_user(house.services, name, PASSWORD, roles=(), origin=OPERATOR, now_ms=house.now_ms)


async def test_where_an_app_keeps_its_users_there_is_nothing_to_manage(house: House) -> None:
    """Every step says so, also to strangers who try to register, whatever else the policy says."""
    alice = await users.get_by_name(house.services, "alice")
    house.services = replace(house.services, local_users=None)
    order: dict[str, Any] = {"origin": ORIGIN, "now_ms": house.now_ms}
    house.policy(registration=RegistrationMode.CLOSED)
    steps: list[Callable[[], Awaitable[object]]] = [
        lambda: users.register(house.services, "carol", PASSWORD, **order),
        lambda: users.add_user(house.services, "carol", PASSWORD, roles=(), **order),
        lambda: users.get_by_name(house.services, "alice"),
        lambda: users.get_by_sub(house.services, alice.sub),
        lambda: users.set_roles(house.services, alice, (), **order),
        lambda: users.disable(house.services, alice, **order),
    ]
    for step in steps:
        with pytest.raises(NotFound) as refused:
            await step()
        assert refused.value.reason == "external directory"


async def test_a_closed_registration_draws_on_no_limit(house: House) -> None:
    """The refusal says nothing about the name and costs the address nothing."""
    house.policy(registration=RegistrationMode.CLOSED)

    async def never(*_anything: object) -> int:
        raise AssertionError("a limit was drawn on")

    replace_steps(house, "rate_limits", reserve=never)
    with pytest.raises(Forbidden):
        await users.register(house.services, "alice", PASSWORD, origin=ORIGIN, now_ms=house.now_ms)


async def test_a_taken_name_is_a_conflict_in_every_spelling(house: House) -> None:
    """And the account that is there stays as it is."""
    for name in ("alice", "ALICE", "\uff41lice"):
        with pytest.raises(Conflict):
            await users.add_user(house.services, name, "another password", roles=(), origin=ORIGIN, now_ms=house.now_ms)
    assert await house.login(password=PASSWORD)


@pytest.mark.parametrize("unseen", [0x07, 0x0600, 0xD800, 0xE000, 0x0378, 0x2028, 0x2029], ids=hex)
def test_no_category_that_nobody_sees_is_in_a_name(unseen: int) -> None:
    """Controls, formats, half a pair, private use, what is not assigned, and both separators."""
    with pytest.raises(ValidationFailed):
        usernames.check_new(f"a{chr(unseen)}b")
