"""A call: a script, and the caller who awaits its outcome in an event loop. Outcomes go back by the group."""

from asyncio import AbstractEventLoop, Future, get_running_loop
from collections import defaultdict
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from keyturn.store.sql.script import Abort, Script


class Call:
    """Made in the caller's event loop, worked on in another thread."""

    __slots__ = ("error", "future", "loop", "result", "script")

    def __init__(self, script: Script[Any]) -> None:
        self.script = script
        self.loop: AbstractEventLoop = get_running_loop()
        self.future: Future[Any] = self.loop.create_future()
        self.result: Any = None
        self.error: Exception | None = None

    def fail(self, error: Exception) -> None:
        """Keep *error* as the outcome, or the result that an `Abort` carries."""
        if isinstance(error, Abort):
            self.result = error.result
        else:
            self.error = error


def deliver(calls: Sequence[Call]) -> None:
    """Hand the outcomes over, waking each event loop once."""
    by_loop: defaultdict[AbstractEventLoop, list[Call]] = defaultdict(list)
    for call in calls:
        by_loop[call.loop].append(call)
    for loop, its_calls in by_loop.items():
        with suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(_settle, its_calls)


def _settle(calls: Sequence[Call]) -> None:
    for call in calls:
        if call.future.done():  # cancelled meanwhile
            continue
        if call.error is None:
            call.future.set_result(call.result)
        else:
            call.future.set_exception(call.error)
