"""P6: logins a second over HTTP, against the argon2id hashes that the same core gives with nothing around them."""

import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

from argon2.low_level import Type, hash_secret_raw

from keyturn_server import install, serving
from load import Plan, post_json
from processes import SERVER_CORES, pinned
from rounds import most
from rows import Options, Row, per_second
from served import served
from sessions import PASSWORD, add_users

AT_ONCE = 32

#: Seconds; in less than that, whole logins are too few to count.
SHORTEST_TURN = 2.0

#: So many that none meets the limit of live sessions a user may have.
USERS = 64

#: Failures are limited; tries under way count as such, and here all come from one address.
NO_LIMITS = {
    "KEYTURN_RATE_LIMIT_LOGIN_PER_IP": "1000000/1s",
    "KEYTURN_RATE_LIMIT_LOGIN_PER_ACCOUNT": "1000000/1s",
}


def measure(options: Options) -> list[Row]:
    """Let logins and bare hashes take turns on the server's cores, with as many hashing threads on both sides."""
    with ExitStack() as stack:
        directory = Path(stack.enter_context(TemporaryDirectory(prefix="bench-")))
        installation = install(directory)
        names = add_users(installation.database, USERS)
        server = stack.enter_context(serving(installation, NO_LIMITS))
        flood = stack.enter_context(served(server, logins(server.port, names)))
        turn = max(options.turn, SHORTEST_TURN)
        ours, raw = most(options.turns, lambda: flood.turn(turn), lambda: _hash_rate(turn))
    ratio = ours / raw
    row = Row(
        bar="P6",
        what=f"logins over HTTP, {AT_ONCE} at once",
        measured=per_second(ours),
        beside=f"{per_second(raw)} argon2id alone, {len(SERVER_CORES)} thread(s)",
        ratio=ratio,
        target=">= 0.85",
        met=ratio >= 0.85,
    )
    return [row]


def logins(port: int, names: list[str]) -> Plan:
    """Return the plan of logging in with the right password, 32 at once, user after user."""
    bodies = ({"username": name, "password": PASSWORD, "client": "native"} for name in names)
    return Plan(port=port, connections=AT_ONCE, requests=tuple(post_json("/login", body) for body in bodies))


def _hash_rate(seconds: float) -> float:
    with pinned(SERVER_CORES), ThreadPoolExecutor(len(SERVER_CORES)) as pool:
        start = time.perf_counter()
        counts = [pool.submit(_hash_until, start + seconds) for _ in SERVER_CORES]
        hashed = sum(count.result() for count in counts)
        return hashed / (time.perf_counter() - start)


def _hash_until(deadline: float) -> int:
    hashed = 0
    while time.perf_counter() < deadline:
        hash_secret_raw(
            PASSWORD.encode(),
            b"sixteen bytes ..",
            time_cost=2,
            memory_cost=19456,
            parallelism=1,
            hash_len=32,
            type=Type.ID,
        )
        hashed += 1
    return hashed
