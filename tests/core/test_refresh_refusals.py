"""Refreshes that meet what only a race, a fault or another operator's key brings about."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from house import House
from replaced import replace_steps

from keyturn.core.model import Device, User
from keyturn.core.policy import Enforcement
from keyturn.core.ports import Advanced, KeyChanges
from keyturn.errors import InvalidCredentials, InvalidGrant, TemporarilyUnavailable
from keyturn.tokens.master_key import MasterKeys


class Theirs:
    """An app that keeps its own users."""

    def __init__(self) -> None:
        self.user: User | None = User("their-42", "bob", ("user",))

    async def authenticate(self, username: str, password: str) -> User | None:
        """Let anybody in."""
        return self.user

    async def find(self, sub: str) -> User | None:
        """Return the one user."""
        return self.user


def move_out(house: House) -> Theirs:
    """Let an app keep the users of *house*."""
    theirs = Theirs()
    house.services = replace(house.services, users=theirs, local_users=None)
    return theirs


async def refused(house: House, token: str, **changes: Any) -> str:
    """Return why a refresh is refused."""
    with pytest.raises(InvalidGrant) as refusal:
        await house.refresh(token, **changes)
    return refusal.value.reason


@pytest.mark.parametrize("whose", ["ours", "theirs"])
async def test_a_session_that_is_gone_is_unknown(whose: str, house: House) -> None:
    """A genuine token whose row was pruned, wherever the users are kept."""
    if whose == "theirs":
        move_out(house)
    first = await house.login()

    async def nothing(*_anything: object) -> None:
        return None

    replace_steps(house, "sessions", find=nothing, find_with_user=nothing)
    assert await refused(house, first.refresh_token) == "unknown_session"


async def test_a_session_that_goes_during_the_refresh_is_unknown(house: House) -> None:
    """The advance finds no row: the refusal is the same, and nothing else is raised."""
    first = await house.login()

    async def no_row(*_anything: object) -> Advanced:
        return Advanced(moved=False, session=None, newest_revocation=0)

    replace_steps(house, "sessions", advance=no_row)
    assert await refused(house, first.refresh_token) == "unknown"


async def test_that_a_session_is_over_is_told_before_anything_else(house: House) -> None:
    """REF-04: an ended session is refused as ended, whatever else the request asks for."""
    first = await house.login()
    second = await house.refresh(first.refresh_token)
    house.later(61)
    assert await refused(house, first.refresh_token) == "reused"
    assert await refused(house, second.refresh_token, scope=("more:than:granted",)) == "ended"
    assert await refused(house, second.refresh_token, resource="https://nowhere.example") == "ended"


async def test_a_session_that_ends_during_the_refresh_is_refused(house: House) -> None:
    """REF-04: between the look at the row and the advance."""
    first = await house.login()
    second = await house.refresh(first.refresh_token)
    ended = replace(second.session, ended_at=house.now_ms // 1000)

    async def over(*_anything: object) -> Advanced:
        return Advanced(moved=False, session=ended, newest_revocation=0)

    replace_steps(house, "sessions", advance=over)
    assert await refused(house, second.refresh_token) == "ended"


async def test_an_app_s_user_who_is_disabled_or_gone_neither_logs_in_nor_refreshes(house: House) -> None:
    """A directory of an app need not refuse by itself."""
    theirs = move_out(house)
    first = await house.login("bob")
    for user in (replace(theirs.user or User("x", "x", ()), disabled=True), None):
        theirs.user = user
        assert await refused(house, first.refresh_token) == "user_disabled"
        with pytest.raises(InvalidCredentials) as refusal:
            await house.login("bob")
        assert refusal.value.reason == ("user_disabled" if user else "not_authenticated")


@pytest.mark.parametrize("gone", [True, False])
async def test_a_rolled_back_row_that_will_not_move_is_a_fault_of_ours(gone: bool, house: House) -> None:
    """REF-08: a store that says twice that its row is behind is asked no third time, and nobody is called a thief."""
    token = (await house.login()).refresh_token
    for _ in range(3):
        issued = await house.refresh(token)
        token = issued.refresh_token
    behind = replace(issued.session, generation=1)
    asked = 0

    async def stuck(*_anything: object) -> Advanced:
        nonlocal asked
        asked += 1
        return Advanced(moved=False, session=None if gone and asked > 1 else behind, newest_revocation=0)

    replace_steps(house, "sessions", advance=stuck)
    with pytest.raises(TemporarilyUnavailable):
        await house.refresh(token)
    assert asked == 2


async def test_a_row_that_others_move_forward_is_followed(house: House) -> None:
    """REF-08: each round sees a higher generation, until the token is the current one or a replay."""
    first = (await house.login()).refresh_token
    second = (await house.refresh(first)).refresh_token
    third = await house.refresh(second)
    rounds = [replace(third.session, generation=0), third.session]

    async def moving(*_anything: object) -> Advanced:
        return Advanced(moved=False, session=rounds.pop(0), newest_revocation=0)

    replace_steps(house, "sessions", advance=moving)
    assert (await house.refresh(second)).refresh_token == third.refresh_token
    assert rounds == []


async def test_a_session_under_a_key_that_was_taken_away_is_refused(
    make_house: Callable[..., Any], master_keys: MasterKeys
) -> None:
    """REF-08: a replay whose successor another host's master key made can't be answered here."""
    old, new = MasterKeys(master_keys.keys[:1]), MasterKeys(master_keys.keys[::-1])
    here = await make_house(master_keys=old)
    await here.add_user()
    first = await here.login()
    there = await make_house(master_keys=new)
    assert await there.refresh(first.refresh_token)

    assert await refused(here, first.refresh_token) == "unknown_key"


async def test_what_changed_about_the_device_is_written_down_or_ends_the_session(house: House) -> None:
    """Contract §3: once per rotation under ``observe``; under ``enforce`` the refusal says which rule it was."""
    curl = Device(browser="curl", os="unknown", address="")
    first = await house.login()
    second = await house.refresh(first.refresh_token, device=curl)
    assert (await house.kinds()).count("device_changed") == 1
    assert (await house.audit())[-1].reason == "Firefox to curl"

    house.policy(device_binding=Enforcement.ENFORCE)
    assert await refused(house, second.refresh_token) == "device_changed"
    assert await refused(house, second.refresh_token, device=curl) == "ended"


@pytest.mark.parametrize("text", ["", "ktd_nonsense", "ktr_" + "A" * 76])
async def test_a_bad_device_token_only_makes_the_device_unknown(text: str, house: House) -> None:
    """At the login and at a refresh."""
    first = await house.login(device_token=text)
    assert first.device_token not in {None, text}
    assert await house.refresh(first.refresh_token, device_token=text)


async def test_a_plan_with_anything_in_it_is_a_plan() -> None:
    """What only inserts, only replaces or only deletes is carried out; events alone are none."""
    record: Any = object()
    assert KeyChanges(insert=(record,))
    assert KeyChanges(update=(record,))
    assert KeyChanges(delete=("kid",))
    assert not KeyChanges()
