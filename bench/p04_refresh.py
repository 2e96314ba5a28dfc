"""P4: refreshes a second over HTTP: one worker on one core, SQLite, every commit on the disk, real rotation."""

from contextlib import ExitStack
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

from keyturn_server import serving_sessions
from load import Plan, post_json
from peer_servers import bare_starlette, simplejwt
from rounds import most
from rows import Options, Row, micros, millis, per_second
from served import Served, served

AT_ONCE = 64

#: Enough that a session rotates as seldom as a client would.
SESSIONS = 10_000

#: Refreshes a second: 25 times the 120 that Keycloak publishes for a core.
TARGET = 3_000


def measure(options: Options) -> list[Row]:
    """Let ours, simplejwt and an empty HTTP application take turns on one core; the load comes from the others."""
    with ExitStack() as stack:
        directory = Path(stack.enter_context(TemporaryDirectory(prefix="bench-")))
        ours = _ours(stack, directory, options)
        peers = (_simplejwt(stack, directory, "default"), _simplejwt(stack, directory, "tuned"))
        sides = [ours, *peers, _bare(stack, directory)]
        rates = most(options.turns, *(partial(side.turn, options.turn) for side in sides))
        return _rows(ours, *rates)


def _rows(served: Served, ours: float, peer: float, tuned: float, bare: float) -> list[Row]:
    return [
        Row(
            bar="P4",
            what=f"refreshes over HTTP, {AT_ONCE} at once, SQLite, fsync",
            measured=f"{per_second(ours)}, p50 {millis(served.p50)}, p99 {millis(served.p99)}",
            beside=f"{micros(served.cpu_per_answer)} of the processor each",
            target=f">= {TARGET:,}/s on a quiet core",
            met=ours >= TARGET,
        ),
        Row(
            bar="P4",
            what="the same against simplejwt with rotation and blacklist",
            measured=per_second(ours),
            beside=f"{per_second(peer)} simplejwt, SQLite as Django sets it up",
            ratio=ours / peer,
            target=">= 15 times as many",
            met=ours >= 15 * peer,
        ),
        Row(
            bar="P4",
            what="against simplejwt with a write-ahead log and a kept connection",
            measured=per_second(ours),
            beside=f"{per_second(tuned)} simplejwt, SQLite tuned as ours is",
            ratio=ours / tuned,
        ),
        Row(
            bar="P4",
            what="of what the HTTP stack alone gives",
            measured=per_second(ours),
            beside=f"{per_second(bare)} an empty Starlette endpoint",
            ratio=ours / bare,
        ),
    ]


def _ours(stack: ExitStack, directory: Path, options: Options) -> Served:
    number = options.scaled(SESSIONS)
    server, rotation = stack.enter_context(serving_sessions(directory, number, handed_out=number))
    plan = Plan(port=server.port, connections=AT_ONCE, rotation=rotation)
    return stack.enter_context(served(server, plan))


def _simplejwt(stack: ExitStack, directory: Path, setup: Literal["default", "tuned"]) -> Served:
    server, rotation = stack.enter_context(simplejwt(directory, AT_ONCE, setup=setup))
    plan = Plan(port=server.port, connections=AT_ONCE, rotation=rotation)
    return stack.enter_context(served(server, plan))


def _bare(stack: ExitStack, directory: Path) -> Served:
    server = stack.enter_context(bare_starlette(directory))
    request = post_json("/token", {"grant_type": "refresh_token", "refresh_token": "r" * 80})
    plan = Plan(port=server.port, connections=AT_ONCE, requests=(request,))
    return stack.enter_context(served(server, plan))
