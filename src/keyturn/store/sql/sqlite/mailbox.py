"""A bounded queue whose one taker gets everything that waits, in one go."""

from collections import deque
from threading import Condition
from typing import Generic, TypeVar

from keyturn.errors import TemporarilyUnavailable

T = TypeVar("T")


class Mailbox(Generic[T]):
    """Many threads put, one takes."""

    def __init__(self, *, capacity: int) -> None:
        self._capacity = capacity
        self._items: deque[T] = deque()
        self._changed = Condition()
        self._closed = False

    def put(self, item: T) -> None:
        """Add *item*.

        Raises:
            TemporarilyUnavailable: the mailbox is full or closed.

        """
        with self._changed:
            if self._closed:
                raise TemporarilyUnavailable("store: closed")
            if len(self._items) >= self._capacity:
                raise TemporarilyUnavailable("store: too much is waiting")
            self._items.append(item)
            if len(self._items) == 1:  # the taker sleeps only while there is nothing
                self._changed.notify()

    def take(self, most: int) -> list[T]:
        """Wait until there is something; return up to *most*, the oldest first. Empty only after `close`."""
        with self._changed:
            while not (self._items or self._closed):
                self._changed.wait()
            return [self._items.popleft() for _ in range(min(most, len(self._items)))]

    def close(self) -> None:
        """Take in nothing more. What waits can still be taken."""
        with self._changed:
            self._closed = True
            self._changed.notify()
