"""P7: refreshes, the key set, the event loop and a protected route while logins saturate the hash, all on one core."""

import json
import time
import urllib.request
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from keyturn_server import install, serving
from load import HOST, Load, Outcome, Plan, get, keyturn_rotation
from p06_login import NO_LIMITS, SHORTEST_TURN, USERS, logins
from rows import Options, Row, millis, per_second
from sessions import PASSWORD, add_sessions, add_users

AT_ONCE = 16
SESSIONS = 10_000

#: Seconds between the requests of the probe, one under way at a time: it measures the event loop, not a queue.
PROBE_PAUSE = 0.005

MOST_TURNS = 3
WARM_UP_SECONDS = 1.0

#: Seconds of logins before the other load starts.
FLOOD_LEAD = 0.3

MOST_P99 = 0.050
MOST_LAG_P99 = 0.010
LEAST_KEPT = 0.35


def measure(options: Options) -> list[Row]:
    """Measure each in turn, alone and with 32 logins at once beside it."""
    with ExitStack() as stack:
        directory = Path(stack.enter_context(TemporaryDirectory(prefix="bench-")))
        installation = install(directory)
        names = add_users(installation.database, USERS)
        number = options.scaled(SESSIONS)
        tokens = add_sessions(installation.database, number, installation.master_key, handed_out=number)
        server = stack.enter_context(serving(installation, NO_LIMITS))
        flood = stack.enter_context(Load(logins(server.port, names)))
        rotation = keyturn_rotation(tokens)
        sides = [
            Plan(port=server.port, connections=AT_ONCE, rotation=rotation),
            Plan(port=server.port, connections=AT_ONCE, requests=(get("/.well-known/jwks.json"),)),
            Plan(port=server.port, connections=1, requests=(get("/healthz"),), pause=PROBE_PAUSE),
            Plan(
                port=server.port,
                connections=AT_ONCE,
                requests=(get("/me", token=_access_token(server.port, names[0])),),
            ),
        ]
        refresh, jwks, probe, route = [_Side(stack.enter_context(Load(plan)), flood) for plan in sides]
        for side in (refresh, jwks, probe, route):
            side.measure(options)
    return [_p99(refresh, "a refresh"), _p99(jwks, "the JWK Set"), _lag(probe), _route(route)]


class _Side:
    """One load, and its outcomes alone and beside the flood."""

    def __init__(self, load: Load, flood: Load) -> None:
        self.alone: list[Outcome] = []
        self.beside: list[Outcome] = []
        self._load = load
        self._flood = flood

    def measure(self, options: Options) -> None:
        seconds = max(options.turn, SHORTEST_TURN)
        self._load.run(WARM_UP_SECONDS)
        for _ in range(min(options.turns, MOST_TURNS)):
            self.alone.append(self._load.run(seconds))
            self._flood.begin(seconds + FLOOD_LEAD)
            time.sleep(FLOOD_LEAD)
            self.beside.append(self._load.run(seconds))
            self._flood.finish()


def _p99(side: _Side, of: str) -> Row:
    alone, beside = (median(outcome.p99 for outcome in outcomes) for outcomes in (side.alone, side.beside))
    return Row(
        bar="P7",
        what=f"p99 of {of}, {AT_ONCE} at once, while logins saturate the hash",
        measured=millis(beside),
        beside=f"{millis(alone)} without logins",
        target=f"< {millis(MOST_P99)}",
        met=beside < MOST_P99,
    )


def _lag(side: _Side) -> Row:
    """Take as the lag what GET /healthz takes longer, at its p99, than it usually does on an idle server."""
    idle = median(outcome.p50 for outcome in side.alone)
    lag = median(outcome.p99 for outcome in side.beside) - idle
    return Row(
        bar="P7",
        what="event-loop lag meanwhile: p99 of a lone GET /healthz, less its idle median",
        measured=millis(lag),
        beside=f"{millis(idle)} idle median",
        target=f"< {millis(MOST_LAG_P99)}",
        met=lag < MOST_LAG_P99,
    )


def _route(side: _Side) -> Row:
    alone, beside = (max(outcome.rate for outcome in outcomes) for outcomes in (side.alone, side.beside))
    kept = beside / alone
    return Row(
        bar="P7",
        what=f"rate that GET /me keeps meanwhile, {AT_ONCE} at once",
        measured=per_second(beside),
        beside=f"{per_second(alone)} without logins",
        ratio=kept,
        target=f">= {LEAST_KEPT:.0%} kept",
        met=kept >= LEAST_KEPT,
    )


def _access_token(port: int, name: str) -> str:
    body = json.dumps({"username": name, "password": PASSWORD, "client": "native"}).encode()
    request = urllib.request.Request(f"http://{HOST}:{port}/login", body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310 - likewise
        return str(json.load(answer)["access_token"])
