"""Changing a password: what is asked first, what ends with it, and what a race may not do."""

from dataclasses import replace
from typing import Any

import pytest
from house import ORIGIN, PASSWORD, House
from replaced import Replaced, replace_steps

from keyturn.core import passwords, users
from keyturn.core.issue import Issued
from keyturn.core.model import Origin
from keyturn.errors import Conflict, InvalidCredentials, InvalidToken, TemporarilyUnavailable, ValidationFailed

OPERATOR = Origin(actor="operator")
NEW = "an entirely new password"


async def change(house: House, mine: Issued, *, current: str = PASSWORD, new: str = NEW) -> None:
    """Change alice's password from *mine*."""
    sub, sid = mine.session.sub, mine.session.sid
    await passwords.change_password(house.services, sub, sid, current, new, origin=ORIGIN, now_ms=house.now_ms)


async def reset(house: House, new: str) -> None:
    """Reset alice's password as the operator does."""
    alice = await users.get_by_name(house.services, "alice")
    await passwords.reset_password(house.services, alice, new, origin=OPERATOR, now_ms=house.now_ms)


async def test_the_others_end_at_once_and_the_one_that_asked_stays(house: House) -> None:
    """PWD-10: the server's own view knows of it before the answer."""
    mine, other = await house.login(), await house.login()
    await change(house, mine)
    assert house.revoked(other.access_token)
    assert not house.revoked(mine.access_token)
    assert await house.login(password=NEW)


@pytest.mark.parametrize("new", ["short", "x" * 1025])
async def test_a_bad_new_password_changes_nothing(new: str, house: House) -> None:
    """PWD-02: by the user and by the operator, and before the current one is looked at."""
    mine = await house.login()
    before = house.hasher.verified
    with pytest.raises(ValidationFailed):
        await change(house, mine, new=new)
    with pytest.raises(ValidationFailed):
        await reset(house, new)
    assert house.hasher.verified == before
    assert await house.login()


@pytest.mark.parametrize("new", ["password1234", "alice-2026-!"])
async def test_a_new_password_that_is_tried_first_changes_nothing(new: str, house: House) -> None:
    """PWD-03: by the user and by the operator."""
    mine = await house.login()
    with pytest.raises(ValidationFailed):
        await change(house, mine, new=new)
    with pytest.raises(ValidationFailed):
        await reset(house, new)
    assert await house.login()


async def test_a_user_who_is_gone_or_disabled_changes_nothing(house: House) -> None:
    """A token that outlives its user is no way back in."""
    mine = await house.login()
    with pytest.raises(InvalidToken):
        await change(house, replace(mine, session=replace(mine.session, sub="nobody")))
    alice = await users.get_by_name(house.services, "alice")
    await users.disable(house.services, alice, origin=OPERATOR, now_ms=house.now_ms)
    with pytest.raises(InvalidToken):
        await change(house, mine)
    await users.enable(house.services, alice, origin=OPERATOR, now_ms=house.now_ms)
    assert await house.login()


async def test_of_two_changes_at_once_one_is_told(house: House) -> None:
    """Whoever read the user before somebody else changed them overwrites nothing."""
    mine = await house.login()
    assert house.services.local_users is not None

    async def too_late(*_anything: object) -> bool:
        return False

    raced: Any = Replaced(house.services.local_users.rows, set_password=too_late)
    house.services.local_users.rows = raced
    with pytest.raises(Conflict, match="meanwhile"):
        await change(house, mine)
    with pytest.raises(Conflict, match="meanwhile"):
        await reset(house, NEW)


async def test_a_right_password_and_a_full_queue_are_given_back(house: House) -> None:
    """PWD-10: only a wrong current password costs the account something."""
    given: list[object] = []
    store = house.services.store

    async def give_back(reservations: Any) -> None:
        given.append(reservations)
        await store.rate_limits.give_back(reservations)

    mine = await house.login()
    replace_steps(house, "rate_limits", give_back=give_back)
    with pytest.raises(InvalidCredentials):
        await change(house, mine, current="a wrong password")
    assert len(given) == 0
    house.hasher.full = True
    with pytest.raises(TemporarilyUnavailable):
        await change(house, mine)
    assert len(given) == 1
    house.hasher.full = False
    await change(house, mine)
    assert len(given) == 2


async def test_a_reset_ends_every_session(house: House) -> None:
    """The operator's reset spares none."""
    mine = await house.login()
    await reset(house, NEW)
    await house.services.denylist.catch_up()
    assert house.revoked(mine.access_token)
    with pytest.raises(InvalidCredentials):
        await house.login()
    assert await house.login(password=NEW)
