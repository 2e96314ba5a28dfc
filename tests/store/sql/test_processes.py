"""Real processes on one file: they share it, and one that is killed takes nothing with it."""

import asyncio
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from keyturn.store.sql.store import SqlStore

REFRESHER = """
import asyncio, sys
from keyturn.core.model import Device
from keyturn.core.ports import Advance
from keyturn.core.ratelimit import Rate
from keyturn.store import open_store

async def main(url, now_ms, most, *handles):
    store = await open_store(url)

    async def refresh(number, handle):
        for generation in range(int(most)):
            outcome = await store.sessions.advance(Advance(
                handle=bytes.fromhex(handle), from_generation=generation, to_generation=generation + 1, key_id=b"k",
                now_ms=int(now_ms), idle=60, rate=Rate(burst=10**6, interval_us=1),
                device=Device(browser="", os="", address=""),
            ))
            assert outcome.moved, outcome
            print(number, generation + 1, flush=True)

    await asyncio.gather(*(refresh(number, handle) for number, handle in enumerate(handles)))
    await store.close()

asyncio.run(main(*sys.argv[1:]))
"""


def refresher(url: str, given: Any, most: int, numbers: range) -> subprocess.Popen[str]:
    """Start a process that refreshes these sessions side by side, and prints each success."""
    handles = [given.session(number).handle.hex() for number in numbers]
    command = [sys.executable, "-c", REFRESHER, url, str(given.now_ms), str(most), *handles]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


async def test_two_processes_write_at_once(store: SqlStore, url: str, given: Any) -> None:
    """No refresh of either is refused because of the other."""
    for number in range(16):
        await store.sessions.start(given.start(given.session(number)))
    processes = [refresher(url, given, 50, numbers) for numbers in (range(8), range(8, 16))]

    outputs = [await asyncio.to_thread(process.communicate, timeout=20) for process in processes]

    assert [error for _, error in outputs] == ["", ""]
    assert {(await store.sessions.find(given.session(number).handle)).generation for number in range(16)} == {50}


async def test_what_was_answered_survives_a_kill(store: SqlStore, url: str, path: Path, given: Any) -> None:
    """After SIGKILL in the midst of it, each session is at the generation that was told, or at most one beyond."""
    for number in range(8):
        await store.sessions.start(given.start(given.session(number)))
    process = refresher(url, given, 10**6, range(8))
    lines = [await asyncio.to_thread(process.stdout.readline) for _ in range(400)]
    process.send_signal(signal.SIGKILL)
    rest = await asyncio.to_thread(process.stdout.read)  # not communicate: it passes over what readline read ahead
    await asyncio.to_thread(process.communicate, timeout=20)
    told: dict[int, int] = {}
    for line in ("".join(lines) + rest).splitlines():
        if len(numbers := line.split()) == 2:
            told[int(numbers[0])] = int(numbers[1])

    kept = {number: (await store.sessions.find(given.session(number).handle)).generation for number in range(8)}

    assert all(told[number] <= kept[number] <= told[number] + 2 for number in range(8)), (told, kept)
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


pytestmark = pytest.mark.slow
