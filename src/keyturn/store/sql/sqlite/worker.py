"""A thread that works on calls by the group."""

from collections import deque
from collections.abc import Callable, Sequence
from threading import Thread

from keyturn.store.sql.sqlite.call import Call, deliver
from keyturn.store.sql.sqlite.mailbox import Mailbox

GROUP = 256
"""Calls that are worked on together at most."""

CAPACITY = 8192
"""Calls that may wait. More are refused at once: whoever comes then would wait too long anyway."""


class Worker:
    """Gives *work* the calls that wait, group by group, and delivers their outcomes; then calls *finish*."""

    def __init__(self, name: str, work: Callable[[Sequence[Call]], None], finish: Callable[[], None]) -> None:
        self._work = work
        self._finish = finish
        self._errands: deque[Callable[[], None]] = deque(maxlen=1)
        self._mailbox: Mailbox[Call] = Mailbox(capacity=CAPACITY)
        # A daemon: a program that forgets to close the store still comes to its end.
        self._thread = Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def submit(self, call: Call) -> None:
        """Queue *call*.

        Raises:
            TemporarilyUnavailable: too many wait, or the worker is closed.

        """
        self._mailbox.put(call)

    def interject(self, errand: Callable[[], None]) -> None:
        """Have the thread run *errand* once, after the group that it works on. A later errand replaces it."""
        self._errands.append(errand)

    def close(self) -> None:
        """Take in nothing more, finish what waits and end the thread. Blocks until then."""
        self._mailbox.close()
        self._thread.join()

    def _run(self) -> None:
        while group := self._mailbox.take(GROUP):
            try:
                self._work(group)
            except Exception as error:  # noqa: BLE001 - the thread outlives whatever happens; its callers hear of it
                for call in group:
                    call.error = error
            deliver(group)
            while self._errands:
                self._errands.popleft()()
        self._finish()
