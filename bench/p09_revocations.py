"""P9: a verification costs the same with no revocation in view and with a million; what these take in memory."""

import gc
import time
import tracemalloc
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx2

from keyturn import Revocations, Verifier
from keyturn.errors import InvalidToken, VerifierUnavailable
from keyturn_server import AUDIENCE, install, serving
from p01_first_verification import BATCH
from processes import Running
from rounds import Work, cost, least
from rows import Options, Row, micros
from sessions import add_revocations, add_sessions

MANY = 1_000_000

#: Seconds that a view may take to be complete.
PATIENCE = 300.0

_MIB = 2**20


def measure(options: Options) -> list[Row]:
    """Verify seen tokens of two issuers whose feeds are followed: with a signature the difference would drown."""
    with ExitStack() as stack:
        none, many = (_follow(stack, number) for number in (0, options.scaled(MANY)))
        empty, full = least(options.seconds, none.work, many.work)
    ratio = full / empty
    speed = Row(
        bar="P9",
        what=f"verification of a token seen before, {many.entries:,} revocations in view",
        measured=micros(full),
        beside=f"{micros(empty)} with none",
        ratio=ratio,
        target="<= 1.2",
        met=ratio <= 1.2,
    )
    memory = Row(
        bar="P9",
        what=f"memory of the view that follows the feed, {many.entries:,} revocations",
        measured=f"{many.size / _MIB:.0f} MiB, {many.size / many.entries:,.0f} bytes an entry",
        target="stated",
    )
    return [speed, memory]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Followed:
    """A verifier whose view is complete: what it does, how many entries it has, how many bytes they take."""

    work: Work
    entries: int
    size: int


def _follow(stack: ExitStack, number: int) -> _Followed:
    """Serve *number* revocations and follow them, until the one that is made meanwhile is known too."""
    directory = Path(stack.enter_context(TemporaryDirectory(prefix="bench-")))
    installation = install(directory)
    last, *others = add_sessions(installation.database, BATCH + 1, installation.master_key, handed_out=BATCH + 1)
    add_revocations(installation.database, number)
    server = stack.enter_context(serving(installation))
    client = stack.enter_context(httpx2.Client(base_url=f"http://127.0.0.1:{server.port}", timeout=PATIENCE))
    revoked, tokens = _refresh(client, last), [_refresh(client, each) for each in others]
    client.post("/revoke", data={"token": revoked["refresh_token"]}).raise_for_status()
    verifier = stack.enter_context(_verifier(server))
    size = _filled(verifier, revoked["access_token"])
    texts = [each["access_token"] for each in tokens]
    for text in texts:
        verifier.verify(text)
    return _Followed(work=lambda: cost(verifier.verify, texts * 10), entries=number + 1, size=size)


def _refresh(client: httpx2.Client, token: str) -> dict[str, str]:
    answer = client.post("/token", data={"grant_type": "refresh_token", "refresh_token": token})
    tokens: dict[str, str] = answer.raise_for_status().json()
    return tokens


def _verifier(server: Running) -> Verifier:
    return Verifier(f"http://127.0.0.1:{server.port}", AUDIENCE, revocations=Revocations())


def _filled(verifier: Verifier, revoked: str) -> int:
    """Follow until *revoked*, which is the last entry, is refused; return how many bytes the allocator gave out."""
    gc.collect()
    tracemalloc.start()
    deadline = time.perf_counter() + PATIENCE
    while not _refuses(verifier, revoked):
        if time.perf_counter() > deadline:
            raise RuntimeError("the view did not become complete")
    gc.collect()
    size, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return size


def _refuses(verifier: Verifier, revoked: str) -> bool:
    try:
        verifier.verify(revoked)
    except VerifierUnavailable:
        time.sleep(0.05)
    except InvalidToken:
        return True
    return False
