"""P8: a refresh costs the same among ten thousand sessions and among a million."""

from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

from keyturn_server import serving_sessions
from load import Plan
from p04_refresh import AT_ONCE
from rounds import most
from rows import Options, Row, per_second
from served import Served, served

FEW = 10_000
MANY = 1_000_000

#: Refresh tokens in use, drawn from all over the sessions.
IN_USE = 10_000


def measure(options: Options) -> list[Row]:
    """Let two servers take turns, one with few sessions and one with many."""
    with ExitStack() as stack:
        few = _serve(stack, options.scaled(FEW), options)
        many = _serve(stack, options.scaled(MANY), options)
        fast, slow = most(options.turns, lambda: few.turn(options.turn), lambda: many.turn(options.turn))
    ratio = fast / slow
    row = Row(
        bar="P8",
        what=f"cost of a refresh with {options.scaled(MANY):,} sessions",
        measured=per_second(slow),
        beside=f"{per_second(fast)} with {options.scaled(FEW):,}",
        ratio=ratio,
        target="<= 1.2",
        met=ratio <= 1.2,
    )
    return [row]


def _serve(stack: ExitStack, sessions: int, options: Options) -> Served:
    directory = Path(stack.enter_context(TemporaryDirectory(prefix="bench-")))
    in_use = options.scaled(IN_USE)
    server, rotation = stack.enter_context(serving_sessions(directory, sessions, handed_out=in_use))
    plan = Plan(port=server.port, connections=AT_ONCE, rotation=rotation)
    return stack.enter_context(served(server, plan))
