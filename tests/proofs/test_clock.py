"""A clock that is set back: what was spent stays spent, and whoever is in order goes on."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from builders import POLICY
from world import PEER, World

from keyturn.core import sessions, users
from keyturn.core.model import Origin
from keyturn.errors import InvalidGrant

HOUR_MS = 3_600_000
PASSWORD = "correct horse battery"


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """One server with the limits it has by default, and alice."""
    made = World(tmp_path / "keyturn.db", POLICY)
    operator = Origin(actor="operator")
    made.run(users.add_user(made.services, "alice", PASSWORD, roles=(), origin=operator, now_ms=made.now_ms))
    yield made
    made.close()


def test_a_refresh_works_after_the_clock_was_set_back_an_hour(world: World) -> None:
    """A59: the limit of rotations does not count the hour that is to come again."""
    second = world.run(_refreshed_once(world))
    world.now_ms -= HOUR_MS

    third = world.run(world.refresh(second))

    assert third.session.generation == 3


def test_a_login_works_after_the_clock_was_set_back_an_hour(world: World) -> None:
    """A59: nor do the limits of logins, for an address and an account that have just logged in."""
    world.run(world.login("alice", PASSWORD))
    world.now_ms -= HOUR_MS

    assert world.run(world.login("alice", PASSWORD)).session.generation == 1


def test_a_token_that_was_ended_stays_so_when_its_hour_comes_again(world: World) -> None:
    """REF-08, A59: an access token from before the clock was set back is refused as long as it lives."""
    issued = world.run(world.login("alice", PASSWORD))
    token = world.read(issued.access_token)
    world.now_ms -= HOUR_MS
    logout = sessions.logout_by_refresh_token(world.services, issued.refresh_token, origin=PEER, now_ms=world.now_ms)
    world.run(logout)

    refused = [
        world.services.denylist.view.revokes(token, second)
        for second in range(int(token.issued_at), int(token.expires_at))
    ]

    assert all(refused)


def test_a_token_that_was_spent_stays_spent_when_the_clock_was_set_back(world: World) -> None:
    """REF-08, A59: a token two generations old ends its session, whatever the clock says."""
    first = world.run(world.login("alice", PASSWORD)).refresh_token
    second = world.run(world.refresh(first)).refresh_token
    world.run(world.refresh(second))
    world.now_ms -= 1000

    with pytest.raises(InvalidGrant):
        world.run(world.refresh(first))
    with pytest.raises(InvalidGrant):
        world.run(world.refresh(second))


async def _refreshed_once(world: World) -> str:
    first = await world.login("alice", PASSWORD)
    second = await world.refresh(first.refresh_token)
    return second.refresh_token
