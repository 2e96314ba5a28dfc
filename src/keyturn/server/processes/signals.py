"""Dealing with signals for a while: by a function each, or as bytes that can be waited for beside other things."""

import os
import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import FrameType
from typing import Final


@contextmanager
def handling(handlers: Mapping[signal.Signals, Callable[[int, FrameType | None], object]]) -> Iterator[None]:
    """Have these signals call these functions; afterwards as before."""
    before = {each: signal.signal(each, handler) for each, handler in handlers.items()}
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)


@contextmanager
def arriving_as_bytes(signals: frozenset[signal.Signals]) -> Iterator[int]:
    """Yield the end of a pipe that brings the number of each of *signals* as it comes."""
    inbox, outbox = os.pipe()
    for each in (inbox, outbox):
        os.set_blocking(each, False)
    before = signal.set_wakeup_fd(outbox, warn_on_full_buffer=False)
    try:
        with handling(dict.fromkeys(signals, lambda *_: None)):
            yield inbox
    finally:
        signal.set_wakeup_fd(before)
        os.close(inbox)
        os.close(outbox)


class Terminal:
    """The terminal that this was started in, if any. A SIGHUP says that it is gone, else that settings have changed."""

    def __init__(self) -> None:
        self._was_there = os.isatty(_STANDARD_INPUT)

    def is_gone(self) -> bool:
        """Tell whether there was one and is none any more: then nobody is left to end what was started in it."""
        return self._was_there and not os.isatty(_STANDARD_INPUT)


_STANDARD_INPUT: Final = 0
