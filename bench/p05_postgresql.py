"""P5: refreshes a second on PostgreSQL, one worker and two, beside SQLite; what each costs the processor."""

from contextlib import ExitStack
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from keyturn_server import install_sessions, serving
from load import Plan
from p04_refresh import AT_ONCE, SESSIONS, TARGET
from postgresql import Postgres, moved_to, postgresql
from processes import cores_beyond
from rounds import most
from rows import Options, Row, micros, millis, per_second
from served import Served, served

#: How many times the refreshes of one worker two give, where a core is free for the second.
GAIN = 1.4

SQLITE = "SQLite"
POSTGRESQL = "PostgreSQL"

Side = tuple[str, int]


def measure(options: Options) -> list[Row]:
    """Let one worker and two, on SQLite and on PostgreSQL, take turns. Each worker has a core if there are so many."""
    with ExitStack() as stack:
        database = stack.enter_context(postgresql())
        sides = {
            (store, workers): _serve(stack, database if store == POSTGRESQL else None, workers, options)
            for store in (SQLITE, POSTGRESQL)
            for workers in (1, 2)
        }
        rates = most(options.turns, *(partial(side.turn, options.turn) for side in sides.values()))
    return _rows(sides, dict(zip(sides, rates, strict=True)))


def _serve(stack: ExitStack, database: Postgres | None, workers: int, options: Options) -> Served:
    directory = Path(stack.enter_context(TemporaryDirectory(prefix="bench-")))
    number = options.scaled(SESSIONS)
    installation, rotation = install_sessions(directory, number, handed_out=number)
    if database:
        installation = moved_to(database, installation)
    server = stack.enter_context(serving(installation, workers=workers))
    plan = Plan(port=server.port, connections=AT_ONCE, rotation=rotation, cores=cores_beyond(workers))
    return stack.enter_context(served(server, plan, database=database.pid if database else None))


def _rows(sides: dict[Side, Served], rates: dict[Side, float]) -> list[Row]:
    ours, beside = (POSTGRESQL, 1), (SQLITE, 1)
    row = Row(
        bar="P5",
        what=f"refreshes over HTTP, {AT_ONCE} at once, PostgreSQL, fsync, one worker",
        measured=f"{per_second(rates[ours])}, p50 {millis(sides[ours].p50)}, p99 {millis(sides[ours].p99)}",
        beside=f"{per_second(rates[beside])} SQLite",
        ratio=rates[ours] / rates[beside],
        target=f">= {TARGET:,}/s",
        met=rates[ours] >= TARGET,
    )
    return [
        row,
        _cost(sides, 1),
        _gain(POSTGRESQL, sides, rates),
        _cost(sides, 2),
        _gain(SQLITE, sides, rates),
    ]


def _cost(sides: dict[Side, Served], workers: int) -> Row:
    ours, beside = sides[POSTGRESQL, workers], sides[SQLITE, workers]
    return Row(
        bar="P5",
        what=f"processor a refresh, {workers} worker(s)",
        measured=f"{micros(ours.cpu_per_answer)} ours + {micros(ours.database_cpu_per_answer)} PostgreSQL's own",
        beside=f"{micros(beside.cpu_per_answer)} SQLite",
    )


def _gain(store: str, sides: dict[Side, Served], rates: dict[Side, float]) -> Row:
    """Compare two workers with one. Nobody gains by a second one where the machine had no core left for it."""
    one, two = rates[store, 1], rates[store, 2]
    idle = sides[store, 1].idle_cores
    free = "a core was free" if idle >= 1 else f"no core was free: {idle:.1f} idle beside one worker"
    return Row(
        bar="P5",
        what=f"two workers, {store}",
        measured=f"{per_second(two)}, p99 {millis(sides[store, 2].p99)}",
        beside=f"{per_second(one)} one worker; {free}",
        ratio=two / one,
        target=f">= {GAIN} where a core is free",
        met=True if two / one >= GAIN else False if idle >= 1 else None,
    )
