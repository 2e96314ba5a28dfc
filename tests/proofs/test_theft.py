"""How long a thief of a refresh token keeps the session: the real flows, an owner, a thief, a clock that is moved."""

import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from statistics import median
from typing import Final

import pytest
from world import MEMORY, UNLIMITED, World

from keyturn.core import users
from keyturn.core.model import Origin
from keyturn.errors import InvalidGrant

PASSWORD: Final = "correct horse battery"
MINUTE_MS: Final = 60_000
EVERY_MS: Final = 9 * MINUTE_MS
"""A client refreshes shortly before its access token, of ten minutes, expires."""

HORIZON_MS: Final = 24 * 60 * MINUTE_MS
NEVER_MS: Final = 2**62
GRACE_MS: Final = 60_000

Pace = Callable[[Random, "Holder", "Holder", int], int]
"""When the thief presents their token next: given thief and owner, and when the thief is due so far."""


DEVICE, NO_DEVICE = "device", "no device"


class TheftWorld(World):
    """A server, and the dice of what happens there."""

    rng: Random


MakeWorld = Callable[[int], TheftWorld]
Say = Callable[[str], None]


@dataclass
class Holder:
    """Somebody who holds a refresh token, and presents it at *due_ms*, as a native client with its device token."""

    token: str
    due_ms: int
    device_token: str | None = None
    used_ms: int = 0


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a theft went.

    Attributes:
        held_ms: from the thief's first use to the end of the session.
        seen: whether the session ended.

    """

    held_ms: int
    seen: bool


def at_own_pace(rng: Random, thief: Holder, _: Holder, due_ms: int) -> int:
    """Refresh as often as the owner does, whenever that is."""
    return due_ms if thief.used_ms < due_ms else thief.used_ms + _interval(rng)


def behind(rng: Random, thief: Holder, owner: Holder, due_ms: int) -> int:
    """Follow each use of the owner's within the grace."""
    return due_ms if thief.used_ms < due_ms else owner.due_ms + rng.randrange(1, GRACE_MS)


def ahead(_: Random, thief: Holder, owner: Holder, due_ms: int) -> int:
    """Come two minutes before each use of the owner's, once."""
    if owner.used_ms >= thief.used_ms:
        return owner.due_ms - 2 * MINUTE_MS
    return due_ms if thief.used_ms < due_ms else NEVER_MS


@pytest.fixture
def make_world(seed: int) -> Iterator[MakeWorld]:
    """Make a server with this grace, and alice."""
    made: list[TheftWorld] = []
    folder = Path(tempfile.mkdtemp(prefix="keyturn-theft-", dir=MEMORY))

    def make(grace_ms: int) -> TheftWorld:
        world = TheftWorld(folder / f"{len(made)}.db", replace(UNLIMITED, grace_ms=grace_ms))
        world.rng = Random(seed)
        made.append(world)
        operator = Origin(actor="operator")
        world.run(users.add_user(world.services, "alice", PASSWORD, roles=(), origin=operator, now_ms=world.now_ms))
        return world

    yield make
    for world in made:
        world.close()
    shutil.rmtree(folder)


def test_a_thief_is_seen_when_a_used_token_comes_back_outside_the_grace(
    make_world: MakeWorld, full: bool, say: Say
) -> None:
    """A40, REF-04: two who refresh as often as each other have soon drifted apart."""
    world = make_world(GRACE_MS)

    thefts = [_theft(world, at_own_pace, has_device=NO_DEVICE) for _ in range(500 if full else 30)]

    _say(say, "as often as an owner without a device token, grace 60 s", thefts)
    assert all(theft.seen for theft in thefts)


def test_a_thief_without_the_device_token_outlasts_an_owner_who_has_it(
    make_world: MakeWorld, full: bool, say: Say
) -> None:
    """A40: what is not promised: the owner may come late by one use, so a thief is seen when it is two."""
    world = make_world(GRACE_MS)

    thefts = [_theft(world, at_own_pace) for _ in range(500 if full else 5)]

    _say(say, "as often as an owner with a device token, grace 60 s", thefts)
    assert sum(theft.seen for theft in thefts) >= (480 if full else 1)


def test_without_a_grace_the_next_refresh_of_the_other_shows_the_thief(
    make_world: MakeWorld, full: bool, say: Say
) -> None:
    """A40: with ``grace = "0s"`` no use of a used token is taken for a lost answer."""
    world = make_world(0)

    thefts = [_theft(world, at_own_pace) for _ in range(500 if full else 20)]

    _say(say, "as often as the owner, grace 0 s", thefts)
    assert all(theft.seen for theft in thefts)
    assert max(theft.held_ms for theft in thefts) <= EVERY_MS + MINUTE_MS


def test_a_thief_has_the_session_for_as_long_as_the_owner_stays_away(
    make_world: MakeWorld, full: bool, say: Say
) -> None:
    """A40: nobody can tell two holders apart while one is silent; the owner's return ends it."""
    world, away_ms = make_world(GRACE_MS), 8 * 60 * MINUTE_MS

    thefts = [_theft(world, at_own_pace, away_ms=away_ms) for _ in range(50 if full else 2)]

    _say(say, "as often as an owner who is away for 8 h", thefts)
    assert all(theft.seen for theft in thefts)
    assert all(away_ms - EVERY_MS <= theft.held_ms <= away_ms + 2 * EVERY_MS for theft in thefts)


@pytest.mark.parametrize("pace", [behind, ahead])
def test_a_thief_who_keeps_in_step_with_the_owner_is_not_seen(
    make_world: MakeWorld, full: bool, say: Say, pace: Pace
) -> None:
    """A40: what is not promised, and said so; without a grace the same thief is out at the next use."""
    world, strict = make_world(GRACE_MS), make_world(0)

    thefts = [_theft(world, pace) for _ in range(10 if full else 1)]
    without = [_theft(strict, pace) for _ in range(10 if full else 1)]

    _say(say, f"always {pace.__name__}, grace 60 s", thefts)
    _say(say, f"always {pace.__name__}, grace 0 s", without)
    assert not any(theft.seen for theft in thefts)
    assert all(theft.seen and theft.held_ms <= 2 * MINUTE_MS for theft in without)


def test_the_end_of_the_session_ends_every_access_token_that_came_of_it(make_world: MakeWorld) -> None:
    """A40, REF-04: the thief's access token and the owner's are refused from the same moment on."""
    world = make_world(GRACE_MS)
    stolen = world.run(world.login("alice", PASSWORD))
    of_thief = world.run(world.refresh(stolen.refresh_token))
    world.now_ms += 2 * MINUTE_MS

    with pytest.raises(InvalidGrant):
        world.run(world.refresh(stolen.refresh_token))

    view = world.services.denylist.view
    for issued in (stolen, of_thief):
        assert view.revokes(world.read(issued.access_token), world.now_ms / 1000)


def _theft(world: TheftWorld, pace: Pace, *, away_ms: int = 0, has_device: str = DEVICE) -> Outcome:
    """Let an owner log in, and a thief copy the token at once; return what became of it."""
    world.now_ms += 25 * 60 * MINUTE_MS  # another session, long after the last one
    login = world.run(world.login("alice", PASSWORD))
    start_ms = world.now_ms
    owner = Holder(login.refresh_token, start_ms + away_ms + _interval(world.rng), used_ms=start_ms)
    owner.device_token = login.device_token if has_device == DEVICE else None
    thief = Holder(login.refresh_token, start_ms + world.rng.randrange(1, EVERY_MS))
    thief.due_ms = thief.due_ms if pace is at_own_pace else pace(world.rng, thief, owner, 0)
    first_ms = thief.due_ms
    while min(owner.due_ms, thief.due_ms) < start_ms + HORIZON_MS:
        holder = owner if owner.due_ms <= thief.due_ms else thief
        world.now_ms = holder.used_ms = holder.due_ms
        try:
            holder.token = world.run(world.refresh(holder.token, holder.device_token)).refresh_token
        except InvalidGrant:
            return Outcome(max(world.now_ms - first_ms, 0), seen=True)
        if holder is owner:
            owner.due_ms += _interval(world.rng)
        thief.due_ms = pace(world.rng, thief, owner, thief.due_ms)
    return Outcome(HORIZON_MS, seen=False)


def _interval(rng: Random) -> int:
    return EVERY_MS + rng.randrange(-MINUTE_MS, MINUTE_MS)


def _say(say: Say, thief: str, thefts: list[Outcome]) -> None:
    held = sorted(theft.held_ms / MINUTE_MS for theft in thefts)
    say(
        f"thief {thief}: {sum(theft.seen for theft in thefts)} of {len(thefts)} seen; had access for"
        f" {median(held):.1f} min (median), {held[len(held) * 95 // 100]:.1f} (95 of 100), {held[-1]:.1f} (most)"
    )
