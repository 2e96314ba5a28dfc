"""PWD-04, A46: by how an answer looks and by when it comes, nobody learns which accounts there are.

A stranger on the same machine, with one kept connection and a clock of nanoseconds, tries wrong passwords. Measured
are the server as it ships and one whose hashes cost next to nothing: there a difference anywhere else in a login has
nothing to hide behind. Servers with a planted difference are told apart by the same measure.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

import pytest
from guesses import DISABLED, EXISTING, KINDS, UNKNOWN, Measured, measure, names_of
from planted_login import CHEAPEST
from separation import area, false_alarm, separate

from keyturn.core import users
from keyturn.server.clock import Clock
from keyturn.server.hash_threads import HashThreads
from keyturn.server.hashing import Argon2Hasher, HashCost
from server import OPERATOR, SERVE, Installation, beside, install, serving

pytestmark = pytest.mark.slow

LAUNCHER = str(Path(__file__).with_name("planted_login.py"))
CHEAP = (LAUNCHER, "cheap")
NAMES = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """A server, how often each kind of name is tried at it, and how well they may be told apart.

    Attributes:
        share: rounds where not all of it is run, and the bound that goes with so few.
        whole: the same in full.

    """

    command: Sequence[str]
    share: tuple[int, float]
    whole: tuple[int, float]


TRIALS = {
    "as it ships": Trial(command=SERVE, share=(300, 0.60), whole=(5000, 0.55)),
    "hashes of no cost": Trial(command=CHEAP, share=(1000, 0.60), whole=(5000, 0.60)),
}
"""By chance alone three hundred of each are beyond 0.60 once in forty thousand runs; `false_alarm` says how often."""

AS_IT_SHIPS = {"KEYTURN_PASSWORD_MEMORY_KIB": "19456", "KEYTURN_PASSWORD_TIME_COST": "2"}
HASHES = {False: HashCost(memory_kib=19_456, time_cost=2, parallelism=1), True: CHEAPEST}

Say = Callable[[str], None]


@pytest.mark.parametrize("what", TRIALS)
def test_a_stranger_with_a_clock_learns_of_no_account(
    tmp_path: Path, what: str, full: bool, seed: int, say: Say
) -> None:
    """PWD-04, A46: existing and disabled accounts answer like unknown ones, to the byte and in time."""
    trial = TRIALS[what]
    rounds, most = trial.whole if full else trial.share

    measured = measured_at(tmp_path, trial.command, rounds, seed, say)

    assert len(measured.shapes) == 1
    say(f"{what}: {rounds} logins of each kind; by chance alone beyond {most}: {false_alarm(most, rounds):.1g}")
    for kind in (EXISTING, DISABLED):
        for feature, separation in measured.separation(kind, UNKNOWN).items():
            say(f"{what}, {kind} against unknown by {feature}: {separation}")
            assert separation.auc <= most


@pytest.mark.parametrize(
    ("plants", "rounds", "least"),
    [
        pytest.param(("hasty",), 30, 0.95, id="no hash for an unknown name"),
        pytest.param(("cheap", "counting"), 300, 0.60, id="a count of failures with the account"),
    ],
)
def test_the_clock_sees_a_login_that_tells(
    tmp_path: Path, plants: Sequence[str], *, rounds: int, least: float, seed: int, say: Say
) -> None:
    """A46: the proof can fail: a login without the dummy hash is seen at once, one that writes more soon after."""
    measured = measured_at(tmp_path, (LAUNCHER, *plants), rounds, seed, say)

    separation = measured.separation(EXISTING, UNKNOWN)["whole_us"]
    say(f"planted {' '.join(plants)}: {separation}")
    assert separation.auc >= least


def test_the_area_is_the_share_of_pairs_in_order(seed: int) -> None:
    """The measure itself, held against its definition; groups that don't differ are a coin."""
    random = Random(seed)
    one = [float(random.randrange(50)) for _ in range(80)]
    other = [float(random.randrange(40)) for _ in range(60)]
    pairs = sum((a > b) + (a == b) / 2 for a in one for b in other)
    alike = separate([random.gauss() for _ in range(4000)], [random.gauss() for _ in range(4000)])
    apart = separate([random.gauss(2) for _ in range(4000)], [random.gauss() for _ in range(4000)])

    assert area(one, other) == pytest.approx(pairs / len(one) / len(other))
    assert alike.auc < 0.54
    assert abs(alike.accuracy - 0.5) < 0.05
    assert 0.90 < apart.auc < 0.94
    assert 0.80 < apart.accuracy < 0.88


def measured_at(folder: Path, command: Sequence[str], rounds: int, seed: int, say: Say) -> Measured:
    """Serve accounts that are open and accounts that are disabled, and measure."""
    installation = install(folder / "timing", **AS_IT_SHIPS)
    names = {kind: names_of(kind, NAMES) for kind in KINDS}
    asyncio.run(populate(installation, names, HASHES["cheap" in command]))
    with serving(installation, command) as server:
        return measure(server.port, names, rounds, Random(seed), say)


async def populate(installation: Installation, names: Mapping[str, list[str]], cost: HashCost) -> None:
    """Make the accounts, hashed as the server will hash."""
    async with beside(installation) as opened:
        local = opened.services.local_users
        assert local is not None
        local.hasher = Argon2Hasher(cost, HashThreads(1))
        await opened.add_users(*names[EXISTING], *names[DISABLED])
        for name in names[DISABLED]:
            user = await users.get_by_name(opened.services, name)
            await users.disable(opened.services, user, origin=OPERATOR, now_ms=Clock().now_ms())
