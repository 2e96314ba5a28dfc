"""P8: a refresh costs the same among ten thousand sessions and among a million, on SQLite and on PostgreSQL."""

from contextlib import ExitStack
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from keyturn_server import Installation, install_sessions, serving
from load import Plan, Rotation
from p04_refresh import AT_ONCE
from postgresql import Postgres, moved_to, postgresql
from rounds import most
from rows import Options, Row, per_second
from served import Served, served

FEW = 10_000
MANY = 1_000_000

#: Refresh tokens in use, drawn from all over the sessions.
IN_USE = 10_000


def measure(options: Options) -> list[Row]:
    """Let four servers take turns, with few sessions and with many; both databases hold the same ones."""
    with ExitStack() as stack:
        database = stack.enter_context(postgresql())
        few = _serve(stack, database, options.scaled(FEW), options)
        many = _serve(stack, database, options.scaled(MANY), options)
        rates = most(options.turns, *(partial(side.turn, options.turn) for side in (*few, *many)))
    return [_row("SQLite", rates[0], rates[2], options), _row("PostgreSQL", rates[1], rates[3], options)]


def _row(store: str, fast: float, slow: float, options: Options) -> Row:
    ratio = fast / slow
    return Row(
        bar="P8",
        what=f"cost of a refresh with {options.scaled(MANY):,} sessions, {store}",
        measured=per_second(slow),
        beside=f"{per_second(fast)} with {options.scaled(FEW):,}",
        ratio=ratio,
        target="<= 1.2",
        met=ratio <= 1.2,
    )


def _serve(stack: ExitStack, database: Postgres, sessions: int, options: Options) -> tuple[Served, Served]:
    """Serve so many sessions from SQLite, and the same from PostgreSQL."""
    directory = Path(stack.enter_context(TemporaryDirectory(prefix="bench-")))
    installation, rotation = install_sessions(directory, sessions, handed_out=options.scaled(IN_USE))
    there = moved_to(database, installation)
    return _load(stack, installation, rotation), _load(stack, there, rotation)


def _load(stack: ExitStack, installation: Installation, rotation: Rotation) -> Served:
    server = stack.enter_context(serving(installation))
    return stack.enter_context(served(server, Plan(port=server.port, connections=AT_ONCE, rotation=rotation)))
