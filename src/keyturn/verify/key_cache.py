"""The issuer's keys in memory: asked for seldom, by one thread, and replaced by a good answer alone.

Every fetch runs in a thread of its own. Callers, whether threads or tasks of any event loop, wait for the same one
or do not wait at all; no event loop is ever blocked. Times are seconds on a monotonic clock.

====================  ============================================================================
age of the key set    what a caller gets
====================  ============================================================================
none yet              waits for the fetch, else :class:`VerifierUnavailable`
young                 the keys
from 80 % of fresh    the keys; a fetch starts in the background
past fresh            waits for the fetch; if the last one failed, the keys at once
an hour past fresh    as if there were none: no access token lives longer than that anyway
====================  ============================================================================
"""

import concurrent.futures
import contextlib
import logging
import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from keyturn.errors import InvalidKey, VerifierUnavailable
from keyturn.verify.fetch import DEADLINE, FetchFailed
from keyturn.verify.key_source import Keys, KeySet

#: Seconds between the starts of two fetches while there are keys, whatever asks for them.
COOLDOWN: Final = 30.0

#: The same for what the issuer itself has sent: no stranger can make it name a key that nobody knows.
HASTY_COOLDOWN: Final = 1.0

#: Seconds past fresh that keys still serve while the issuer can't be reached.
MAX_STALE: Final = 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Held:
    keys: Keys
    flight: int
    renew_at: float
    fresh_until: float
    usable_until: float


@dataclass(frozen=True, slots=True, kw_only=True)
class _Flight:
    number: int
    over_at: float
    landed: concurrent.futures.Future[None]


class KeyCache:
    """Keeps the keys that *load* brings. Free for any number of threads and event loops."""

    def __init__(
        self,
        load: Callable[[], KeySet],
        *,
        cooldown: float = COOLDOWN,
        max_stale: float = MAX_STALE,
        deadline: float = DEADLINE,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Keep what *load* brings.

        Args:
            load: fetches the keys, in a thread of its own; whatever it raises is a failed fetch.
            cooldown: seconds between two fetches while there are keys.
            max_stale: seconds that keys serve past their freshness if no fetch succeeds.
            deadline: seconds after which nobody waits for a fetch any more, nor counts it as running.
            clock: monotonic seconds.

        """
        self._load = load
        self._cooldown = cooldown
        self._max_stale = max_stale
        self._deadline = deadline
        self._clock = clock
        self._lock = threading.Lock()
        self._held: _Held | None = None
        self._flight: _Flight | None = None
        self._flights = 0
        self._failures = 0
        self._next_at = -math.inf
        self._closed = False

    def at_hand(self) -> Keys | None:
        """Return the keys while they are young, else None."""
        held = self._held
        return held.keys if held is not None and self._clock() < held.renew_at else None

    def get_keys(self) -> Keys:
        """Return the keys, waiting for a fetch if need be.

        Raises:
            VerifierUnavailable: there are none.

        """
        keys = self.at_hand()
        if keys is not None:
            return keys
        flight = self._needed()
        if flight is not None:
            self._wait(flight)
        return self._usable_keys()

    async def get_keys_async(self) -> Keys:
        """Do what :meth:`get_keys` does without blocking the event loop."""
        keys = self.at_hand()
        if keys is not None:
            return keys
        flight = self._needed()
        if flight is not None:
            await self._wait_async(flight)
        return self._usable_keys()

    def get_newer(self, keys: Keys) -> Keys | None:
        """Return other keys than *keys*, in which a ``kid`` was not found; None if these are all that there are.

        Raises:
            VerifierUnavailable: the keys are past their freshness and no newer ones can be had, so that nobody
                can tell whether the ``kid`` exists.

        """
        flight = self._newer_flight(keys)
        if flight is not None:
            self._wait(flight)
        return self._judge_newer(keys)

    async def get_newer_async(self, keys: Keys) -> Keys | None:
        """Do what :meth:`get_newer` does without blocking the event loop."""
        flight = self._newer_flight(keys)
        if flight is not None:
            await self._wait_async(flight)
        return self._judge_newer(keys)

    async def get_newest_async(self, keys: Keys) -> Keys | None:
        """Return other keys than *keys*, for a ``kid`` that the issuer itself has used; None if there are none yet.

        It waits out :data:`HASTY_COOLDOWN` alone: a key may have replaced a stolen one a moment ago.
        """
        flight = None if self._has_other(keys) else self._start(haste=self._cooldown - HASTY_COOLDOWN)
        if flight is not None:
            await self._wait_async(flight)
        held = self._held
        return held.keys if held is not None and held.keys is not keys else None

    def close(self) -> None:
        """Start no more fetches."""
        with self._lock:
            self._closed = True

    def _needed(self) -> _Flight | None:
        """Return the fetch that a caller must wait for, or None."""
        held, now = self._held, self._clock()
        flight = self._start()
        if held is None or now >= held.usable_until:
            return flight
        return flight if now >= held.fresh_until and not self._failures else None

    def _newer_flight(self, keys: Keys) -> _Flight | None:
        return None if self._has_other(keys) else self._start()

    def _has_other(self, keys: Keys) -> bool:
        held = self._held
        return held is not None and held.keys is not keys

    def _judge_newer(self, keys: Keys) -> Keys | None:
        held, now = self._held, self._clock()
        if held is not None and held.keys is not keys:
            return held.keys
        if held is None or now >= held.fresh_until:
            raise self._unavailable(now)
        return None

    def _usable_keys(self) -> Keys:
        held, now = self._held, self._clock()
        if held is None or now >= held.usable_until:
            raise self._unavailable(now)
        return held.keys

    def _unavailable(self, now: float) -> VerifierUnavailable:
        wait = self._next_at - now
        return VerifierUnavailable("no usable key set", retry_after=math.ceil(min(max(wait, 1), self._cooldown)))

    def _start(self, haste: float = 0) -> _Flight | None:
        """Return the running fetch, or a new one; None while it is too early for another, less *haste* in seconds."""
        with self._lock:
            now = self._clock()
            if self._flight is not None and now < self._flight.over_at:
                return self._flight
            if self._closed or now < self._next_at - haste:
                return None
            self._flights += 1
            landed: concurrent.futures.Future[None] = concurrent.futures.Future()
            landed.set_running_or_notify_cancel()  # so that no waiting task can cancel it for the others
            flight = _Flight(number=self._flights, over_at=now + self._deadline, landed=landed)
            self._flight, self._next_at = flight, now + self._cooldown
        threading.Thread(target=self._fly, args=(flight,), name="keyturn-keys", daemon=True).start()
        return flight

    def _fly(self, flight: _Flight) -> None:
        try:
            loaded = self._load()
        except Exception as error:  # noqa: BLE001 - the HTTP client is the user's choice, and may raise anything
            _log.warning("the key set could not be fetched: %s", _reason(error))
            self._note_failure(flight)
        else:
            self._install(flight, loaded)
        finally:
            self._land(flight)

    def _install(self, flight: _Flight, loaded: KeySet) -> None:
        with self._lock:
            if self._held is not None and flight.number < self._held.flight:
                return  # a later fetch was faster, and what it brought is newer
            now = self._clock()
            fresh_until = now + loaded.fresh_for
            self._held = _Held(
                keys=loaded.keys,
                flight=flight.number,
                renew_at=now + 0.8 * loaded.fresh_for,
                fresh_until=fresh_until,
                usable_until=fresh_until + self._max_stale,
            )
            self._failures = 0

    def _note_failure(self, flight: _Flight) -> None:
        """Without usable keys try again sooner than after a cooldown: after 1, 2, 4 … seconds."""
        with self._lock:
            if self._held is not None and flight.number < self._held.flight:
                return  # a later fetch has succeeded
            now = self._clock()
            self._failures += 1
            if self._held is None or now >= self._held.usable_until:
                self._next_at = min(self._next_at, now + min(2.0 ** (self._failures - 1), self._cooldown))

    def _land(self, flight: _Flight) -> None:
        with self._lock:
            if self._flight is flight:
                self._flight = None
        flight.landed.set_result(None)

    def _wait(self, flight: _Flight) -> None:
        concurrent.futures.wait([flight.landed], timeout=self._deadline + _GRACE)

    async def _wait_async(self, flight: _Flight) -> None:
        import asyncio  # noqa: PLC0415 - already loaded wherever this runs, and 25 ms wherever it does not

        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(asyncio.wrap_future(flight.landed), timeout=self._deadline + _GRACE)


def _reason(error: Exception) -> str:
    """Name what happened; the text of a stranger's error may hold anything."""
    if isinstance(error, InvalidKey):
        return error.reason
    return str(error) if isinstance(error, FetchFailed) else type(error).__name__


_GRACE: Final = 0.25
_log: Final = logging.getLogger("keyturn.verify")
