"""Threads for work that keeps a core busy: few, at low priority, with a short queue whose places are given back.

What waits is refused beyond a bound, because whoever comes then would wait longer than anybody does. The threads are
nicer than the rest of the process, so that the event loop, whose turns are short, goes before them.
"""

import asyncio
import os
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from typing import TypeVar

from keyturn.errors import TemporarilyUnavailable

T = TypeVar("T")

WAITING_PER_THREAD = 64
"""Calls that may wait for each thread: a hash of 25 ms keeps the last of them waiting for under two seconds."""

RETRY_AFTER = 2
"""Seconds after which a queue that was full has been worked off."""

NICENESS = 10


class HashThreads:
    """*threads* threads, each with `WAITING_PER_THREAD` calls waiting for it at most. For one event loop at a time."""

    def __init__(self, threads: int) -> None:
        self._free = threads * (1 + WAITING_PER_THREAD)
        self._places = threading.Lock()
        self._executor = ThreadPoolExecutor(threads, "keyturn-hash", initializer=_be_nice)

    async def run(self, work: Callable[[], T]) -> T:
        """Return what *work* returns. Cancelled while it waits, it never runs, and its place is free at once.

        Raises:
            TemporarilyUnavailable: too many wait, or the threads are closed.

        """
        self._take_place()
        try:
            future = self._executor.submit(work)
        except RuntimeError:
            self._give_back(None)
            raise TemporarilyUnavailable("hasher: closed") from None
        future.add_done_callback(self._give_back)
        return await asyncio.wrap_future(future)

    async def close(self) -> None:
        """Drop what waits and end the threads once their hash is made."""
        await asyncio.to_thread(self._executor.shutdown, cancel_futures=True)

    def _take_place(self) -> None:
        with self._places:
            if not self._free:
                raise TemporarilyUnavailable("hasher: too much is waiting", retry_after=RETRY_AFTER)
            self._free -= 1

    def _give_back(self, _: Future[T] | None) -> None:
        with self._places:
            self._free += 1


def default_threads(processes: int = 1) -> int:
    """Return the share that one of so many *processes* has of the cores we may use less one, at least 1."""
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, (usable - 1) // processes)


def _be_nice() -> None:
    """On Linux a niceness belongs to the thread; elsewhere it would be the process's, and is left alone."""
    if hasattr(os, "sched_getaffinity"):
        with suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)
