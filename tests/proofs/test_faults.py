"""Each dependency is killed, paused, slowed, filled and failed over under load: nobody is logged out by it.

Tokens are verified all the time without exception. A refresh is answered, or 503, and can be repeated; a logout that
was acknowledged holds. With the dependency back, everything is back within seconds, without a restart.
"""

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from random import Random

import faults
import pytest
from backends import new_database
from faults import Fault
from population import Population, living, login_request
from wire import ask, request

from server import Installation, install

pytestmark = pytest.mark.slow

RECOVERY_SECONDS = 5.0
BURST = 8
PATIENCE_SECONDS = 30.0

Befall = Callable[[], AbstractContextManager[Fault]]

OF_POSTGRES: tuple[Befall, ...] = (
    faults.failed_over_asynchronous,
    faults.postgres_killed,
    faults.failed_over_synchronous,
    faults.postgres_paused,
    faults.postgres_slowed,
    faults.postgres_stalled,
    faults.postgres_full,
)
OF_VALKEY: tuple[Befall, ...] = (
    faults.valkey_killed,
    faults.valkey_paused,
    faults.valkey_slowed,
    faults.valkey_stalled,
    faults.valkey_full,
    faults.valkey_failed_over,
)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Have all faults in full; the share has the first of each, which has a kill in it."""
    full = metafunc.config.getoption("--full")
    for argument, all_of_them in (("of_postgres", OF_POSTGRES), ("of_valkey", OF_VALKEY)):
        if argument in metafunc.fixturenames:
            chosen = all_of_them if full else all_of_them[:1]
            metafunc.parametrize(argument, chosen, ids=lambda befall: befall.__name__)


@pytest.fixture(scope="module")
def told(pytestconfig: pytest.Config, full: bool) -> Iterator[list[str]]:
    """The lines of all faults, which a run in full shows once more at the end."""
    lines: list[str] = []
    yield lines
    if not full:
        return
    capture = pytestconfig.pluginmanager.getplugin("capturemanager")
    with capture.global_and_fixture_disabled():
        print("\n  " + "\n  ".join(["all faults:", *lines]))  # noqa: T201 - the figures are the result


def test_a_fault_of_the_database_burns_no_session(
    of_postgres: Befall, tmp_path: Path, seed: int, say: Callable[[str], None], told: list[str]
) -> None:
    """REF-07, A36: 200 or 503 and nothing else; every session goes on; acknowledged logouts hold; back within 5 s."""
    with of_postgres() as fault:
        installation = install(tmp_path / "fault", fault.url)
        line = asyncio.run(strike_the_database(installation, fault, Random(seed)))
        assert rolled_back(installation, fault)
    say(line)
    told.append(line)


async def strike_the_database(installation: Installation, fault: Fault, rng: Random) -> str:
    """Let it happen under load; return the figures."""
    async with living(installation, rng) as people:
        await people.settle()
        await asyncio.to_thread(fault.strike)
        struck_at, refused_before, verified_before = time.monotonic(), people.refused, people.verified
        await asyncio.sleep(fault.seconds)
        assert people.verified > verified_before, "nobody verified meanwhile"
        if fault.is_outage:
            assert people.refused > refused_before, "nobody noticed: there was no fault"
        else:
            assert people.refreshed_at[-1] > struck_at + fault.seconds / 2, "nothing went on"
        await asyncio.to_thread(fault.mend)
        seconds = await people.recovered(time.monotonic())
        assert seconds < RECOVERY_SECONDS
        await asyncio.sleep(1)
        await people.rest()
        lost = await people.check(may_be_lost_from=fault.may_lose_from)
    return f"{fault.name}: {figures(people)}; {lost} lost; back after {seconds:.2f} s"


def rolled_back(installation: Installation, fault: Fault) -> bool:
    """Tell whether sessions fell back where they had to, and nowhere else."""
    ((jumps,),) = installation.query("SELECT count(*) FROM audit WHERE kind = 'store_rolled_back'")
    return bool(jumps) == (fault.may_lose_from < float("inf"))


def test_a_fault_of_redis_stops_nothing_and_frees_nobody(
    of_valkey: Befall, tmp_path: Path, seed: int, say: Callable[[str], None], told: list[str]
) -> None:
    """Logins and refreshes go on. Limits fall back to SQL: a guesser has one burst more and no other."""
    with of_valkey() as fault:
        limit = {"KEYTURN_RATE_LIMIT_LOGIN_PER_ACCOUNT": f"{BURST}/60m"}
        installation = install(tmp_path / "fault", new_database("postgresql"), KEYTURN_REDIS_URL=fault.url, **limit)
        line = asyncio.run(strike_redis(installation, fault, Random(seed)))
    say(line)
    told.append(line)


async def strike_redis(installation: Installation, fault: Fault, rng: Random) -> str:
    """Let it happen under load, with somebody who guesses passwords; return the figures."""
    async with living(installation, rng) as people:
        await people.settle()
        got_through = [await guess(people)]
        await asyncio.to_thread(fault.strike)
        if fault.is_outage:
            await until_redis_is(people, "degraded")
        got_through.append(await guess(people))
        await asyncio.sleep(fault.seconds)
        await asyncio.to_thread(fault.mend)
        seconds = await until_redis_is(people, "ok")
        got_through.append(await guess(people))
        await people.rest()
        await people.check()
    assert got_through[0] == BURST, "the limit did not hold before anything had happened"
    assert got_through[1] <= (BURST if fault.is_outage else 1)
    assert got_through[2] <= (BURST if fault.forgets else 1)
    assert seconds < RECOVERY_SECONDS
    assert (people.refused, people.broken, people.counts["login", 503]) == (0, 0, 0), "something stopped"
    return (
        f"{fault.name}: {figures(people)}; {people.counts['login', 200]} logins; guesses that were let through before,"
        f" meanwhile and after: {got_through}, of {2 * BURST} each; back after {seconds:.2f} s"
    )


async def guess(people: Population) -> int:
    """Try twice as many wrong passwords as the limit allows; return how many were looked at."""
    answers = [await people.ask("guess", login_request("victim", f"wrong password {n}")) for n in range(2 * BURST)]
    statuses = [answer.status for answer in answers if answer is not None]
    assert len(statuses) == 2 * BURST
    assert set(statuses) <= {401, 429}
    return statuses.count(401)


async def until_redis_is(people: Population, state: str) -> float:
    """Wait until all servers say so, while they are ready; return the seconds."""
    began_at = time.monotonic()
    for server in people.servers:
        while True:
            answer = await ask(server.port, request("GET", "/readyz"))
            assert answer.status == 200, answer.body
            if answer.json()["redis"] == state:
                break
            assert time.monotonic() < began_at + PATIENCE_SECONDS, f"redis never was {state}"
            await asyncio.sleep(0.05)
    return time.monotonic() - began_at


def figures(people: Population) -> str:
    """Return what came of a population."""
    return (
        f"{len(people.refreshed_at)} refreshes, {people.refused} times 503, {people.broken} not answered,"
        f" 0 sessions burnt; {people.verified} verifications, 100 % good; {len(people.left)} logouts acknowledged"
    )


def test_a_server_that_takes_an_outage_for_a_refusal_is_seen(tmp_path: Path, seed: int) -> None:
    """The proof can fail: a server that answers 400 while the database is down makes the same assertion red."""
    launcher = str(Path(__file__).with_name("planted_outage.py"))

    async def strike(installation: Installation, fault: Fault) -> None:
        async with living(installation, Random(seed), [launcher]) as people:
            await people.settle()
            await asyncio.to_thread(fault.strike)
            await asyncio.sleep(PATIENCE_SECONDS)

    with faults.postgres_killed() as fault, pytest.raises(ExceptionGroup) as found:
        asyncio.run(strike(install(tmp_path / "planted", fault.url), fault))

    assert found.group_contains(AssertionError, match="a client in order was refused: 400")
