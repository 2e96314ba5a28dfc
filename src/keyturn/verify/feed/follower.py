"""Follows a revocation feed in a daemon thread with an event loop of its own, so that no app's loop ever stands still.

It goes on for ever: whatever fails is tried again from where the last good page ended. There is no thread before the
first :meth:`~FeedFollower.start`, and a forked process starts its own at the first token.
"""

import concurrent.futures
import contextlib
import logging
import os
import threading
import time
import weakref
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, NoReturn

from keyturn.errors import InvalidToken
from keyturn.verify.feed.fetch import Ask, connection
from keyturn.verify.feed.intake import FeedIntake, PageRefused
from keyturn.verify.feed.pace import Pace, retry_after
from keyturn.verify.fetch import ClientFactory, FetchFailed

if TYPE_CHECKING:
    import asyncio

#: Seconds after a start that a token waits for the first view.
PATIENCE: Final = 3.0


@dataclass(slots=True, kw_only=True, eq=False)
class _Run:
    """One life of the thread."""

    thread: threading.Thread | None = None
    loop: "asyncio.AbstractEventLoop | None" = None
    task: "asyncio.Task[Any] | None" = None
    over: bool = False
    patient_until: float = field(default_factory=lambda: time.monotonic() + PATIENCE)
    fresh: "concurrent.futures.Future[None]" = field(default_factory=concurrent.futures.Future)

    def __post_init__(self) -> None:
        self.fresh.set_running_or_notify_cancel()  # so that no waiting task can cancel it for the others

    def patience_left(self) -> float:
        """Return the seconds that a token may still wait for the first view."""
        return 0.0 if self.fresh.done() else self.patient_until - time.monotonic()

    def end(self) -> None:
        """Stop soon, whether it has begun or not."""
        self.over = True
        if self.loop is not None and self.task is not None:
            with contextlib.suppress(RuntimeError):  # the loop is closed
                self.loop.call_soon_threadsafe(self.task.cancel)


class FeedFollower:
    """Keeps what an intake has taken in up to date. Free for any number of threads and event loops."""

    def __init__(self, intake: FeedIntake, *, url: str, pace: Pace, new_client: ClientFactory | None) -> None:
        """Follow nothing yet.

        Args:
            intake: takes the pages in.
            url: where the feed is.
            pace: how often to ask.
            new_client: makes the HTTP client; None for httpx2's defaults.

        """
        self.intake: Final = intake
        self._url = url
        self._pace = pace
        self._new_client = new_client
        self._failures = 0
        self._closed = False
        self._users = 0
        self._lock = threading.Lock()
        self._run: _Run | None = None
        self._of_parent: _Run | None = None
        _followers.add(self)

    def start(self) -> None:
        """Follow, unless it does so already or was closed."""
        with self._lock:
            if self._closed or (self._run is not None and not self._run.over):
                return
            before, run = self._run, _Run()
            run.thread = threading.Thread(
                target=self._live, args=(run, before), name="keyturn-revocations", daemon=True
            )
            run.thread.start()
            self._run = run

    def stop(self) -> None:
        """Follow no more; the next :meth:`start` goes on from there. The thread ends soon, without being waited for."""
        with self._lock:
            run = self._run
        if run is not None:
            run.end()

    def close(self) -> None:
        """Stop for good. What is known goes on to count until it is too old."""
        self._closed = True
        self.stop()

    def enter(self) -> None:
        """Start for one more user."""
        with self._lock:
            self._users += 1
        self.start()

    def leave(self) -> None:
        """Stop if no user is left."""
        with self._lock:
            self._users -= 1
            last = self._users == 0
        if last:
            self.stop()

    def wait(self) -> None:
        """Start if need be, and wait for the first view while a start may still take its time."""
        self.start()
        run = self._run
        if run is not None and (left := run.patience_left()) > 0:
            concurrent.futures.wait([run.fresh], timeout=left)

    async def wait_async(self) -> None:
        """Do what :meth:`wait` does without blocking the event loop."""
        import asyncio  # noqa: PLC0415 - already loaded wherever this runs

        self.start()
        run = self._run
        if run is not None and (left := run.patience_left()) > 0:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(asyncio.wrap_future(run.fresh), timeout=left)

    def forget_thread(self) -> None:
        """Begin anew in a forked process, which has no other thread than the one that forked."""
        self._of_parent = self._run  # never freed: its loop would disturb the parent's, which shares its descriptors
        self._run, self._users = None, 0
        self._lock = threading.Lock()
        self.intake.freshness.forget()

    def _live(self, run: _Run, before: _Run | None) -> None:
        import asyncio  # noqa: PLC0415 - only this thread waits for it

        if before is not None and before.thread is not None:
            before.thread.join()  # one thread at a time takes pages in
        try:
            with contextlib.suppress(asyncio.CancelledError):
                asyncio.run(self._follow(run))
        finally:
            run.over = True
            if not run.fresh.done():
                run.fresh.set_result(None)

    async def _follow(self, run: _Run) -> None:
        import asyncio  # noqa: PLC0415

        run.loop, run.task = asyncio.get_running_loop(), asyncio.current_task()
        self._failures = 0
        while not run.over:
            try:
                async with connection(self._url, new_client=self._new_client, grace=self._pace.grace) as ask:
                    await self._read_on(run, ask)
            except Exception as error:  # noqa: BLE001 - the HTTP client is the user's choice, and may raise anything
                self._note_failure(error)
            await asyncio.sleep(retry_after(self._failures))

    async def _read_on(self, run: _Run, ask: Ask) -> NoReturn:
        """Take page after page in, until one fails."""
        import asyncio  # noqa: PLC0415

        waited = 0  # the first question is not held: how things stand is needed at once
        while True:
            started = time.monotonic()
            taken = await self.intake.take(await ask(self.intake.after, waited))
            self.intake.tick()
            self._note_success()
            if taken.more:
                waited = 0
                continue
            if not run.fresh.done() and self.intake.is_fresh:
                run.fresh.set_result(None)
            took = time.monotonic() - started
            await asyncio.sleep(self._pace.pause(waited=waited, took=took, news=taken.news))
            waited = self._pace.wait

    def _note_failure(self, error: Exception) -> None:
        """Log the second in a row: one alone is a server that was restarted."""
        self._failures += 1
        self.intake.tick()
        if self._failures == _WORTH_A_LINE:
            _log.warning("the revocation feed could not be read: %s", _reason(error))

    def _note_success(self) -> None:
        if self._failures >= _WORTH_A_LINE:
            _log.warning("the revocation feed is read again")
        self._failures = 0


def _reason(error: Exception) -> str:
    """Name what happened; the text of a stranger's error may hold anything."""
    if isinstance(error, InvalidToken):
        return f"page refused, {error.reason}"
    return str(error) if isinstance(error, FetchFailed | PageRefused) else type(error).__name__


def _forget_threads() -> None:
    for follower in list(_followers):
        follower.forget_thread()


_WORTH_A_LINE: Final = 2
_log: Final = logging.getLogger("keyturn.verify")
_followers: Final["weakref.WeakSet[FeedFollower]"] = weakref.WeakSet()

if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_threads)
