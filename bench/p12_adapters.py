"""P12: a route behind the adapter, its token seen before, against the same route without it."""

import json
import urllib.request
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

from load import HOST, Plan, get
from peer_servers import uvicorn
from rounds import most
from rows import Options, Row, micros, per_second
from served import Served, served

AT_ONCE = 32

TARGETS = {"FastAPI": 0.85, "Starlette": 0.90}

_APPS = Path(__file__).with_name("apps")


def measure(options: Options) -> list[Row]:
    """Measure both frameworks."""
    return [_measure(options, framework, target) for framework, target in TARGETS.items()]


def _measure(options: Options, framework: str, target: float) -> Row:
    with ExitStack() as stack:
        directory = Path(stack.enter_context(TemporaryDirectory(prefix="bench-")))
        guarded, unguarded = (
            _serve(stack, f"{framework.lower()}_app:{app}", directory / f"{app}.log")
            for app in ("guarded", "unguarded")
        )
        ours, without = most(options.turns, lambda: guarded.turn(options.turn), lambda: unguarded.turn(options.turn))
    ratio = ours / without
    return Row(
        bar="P12",
        what=f"{framework} route behind the adapter, token seen before",
        measured=f"{per_second(ours)}, {micros(guarded.cpu_per_answer)} of the processor each",
        beside=f"{per_second(without)}, {micros(unguarded.cpu_per_answer)} without it",
        ratio=ratio,
        target=f">= {target:.2f}",
        met=ratio >= target,
    )


def _serve(stack: ExitStack, app: str, log: Path) -> Served:
    """Run *app*; the requests carry tokens in both cases, so that they differ in nothing."""
    server = stack.enter_context(uvicorn(_APPS, app, log))
    requests = tuple(get("/orders", token=token) for token in _tokens(server.port))
    return stack.enter_context(served(server, Plan(port=server.port, connections=AT_ONCE, requests=requests)))


def _tokens(port: int) -> list[str]:
    with urllib.request.urlopen(f"http://{HOST}:{port}/tokens", timeout=10) as answer:
        tokens: list[str] = json.load(answer)
        return tokens
