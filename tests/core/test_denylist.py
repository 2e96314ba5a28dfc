"""The server's own view of the revocation log: whom it wakes, and what two who read at once may not undo."""

import asyncio
from collections.abc import Sequence
from typing import Any

from builders import NOW

from keyturn.core.denylist import Denylist
from keyturn.tokens.revocation import RevocationEntry, RevocationKind, digest

PATIENCE = 20


def entry(seq: int) -> RevocationEntry:
    """Return the revocation of a session."""
    named = digest(RevocationKind.SID, str(seq))
    return RevocationEntry(seq=seq, kind=RevocationKind.SID, digest=named, before=None, expires_at=NOW + 3660)


class Log:
    """A log in memory, which may hold up who reads it."""

    def __init__(self, *seqs: int) -> None:
        self.entries = [entry(seq) for seq in seqs]
        self.gates: list[asyncio.Event] = []
        self.read = 0

    async def newest(self) -> int:
        """Return the place of the last entry."""
        return self.entries[-1].seq if self.entries else 0

    async def after(self, seq: int, most: int) -> Sequence[RevocationEntry]:
        """Return what is behind *seq*: as it was when asked, once the next gate is open."""
        self.read += 1
        found = [each for each in self.entries if each.seq > seq][:most]
        if self.gates:
            await self.gates.pop(0).wait()
        return found


def denylist_of(log: Log) -> Denylist:
    """Return a denylist over *log*."""
    port: Any = log
    return Denylist(port)


async def test_who_waits_for_what_is_known_does_not_wait() -> None:
    """Neither for a place that was passed, nor longer than asked for one that was not."""
    denylist = denylist_of(Log(1, 2, 3))
    await denylist.catch_up()
    async with asyncio.timeout(PATIENCE):
        await denylist.wait_beyond(2, 10 * PATIENCE)
        await denylist.wait_beyond(3, 0.01)


async def test_the_log_is_read_only_for_news() -> None:
    """Whoever has seen that it goes no further than what is known reads nothing; what is new is read once."""
    log = Log()
    denylist = denylist_of(log)
    assert denylist.seq == 0
    await denylist.catch_up_to(0)
    assert log.read == 0

    log.entries.extend(entry(seq) for seq in range(1, 4))
    for newest in (3, 3, 2):
        await denylist.catch_up_to(newest)
    assert log.read == 1
    assert [each.seq for each in denylist.behind(0, 2)] == [1, 2]


async def test_a_log_that_was_rolled_back_to_nothing_wakes_who_waits() -> None:
    """There is nothing new to tell, but what they know of the log is no longer true."""
    log = Log(1, 2, 3)
    denylist = denylist_of(log)
    await denylist.catch_up()
    waiting = asyncio.create_task(denylist.wait_beyond(3, 10 * PATIENCE))
    await asyncio.sleep(0)
    log.entries.clear()

    await denylist.catch_up_if_behind()

    await asyncio.wait_for(waiting, PATIENCE)
    assert denylist.seq == 0
    assert denylist.view.seq == 3


async def test_of_two_who_begin_again_the_slower_undoes_nothing() -> None:
    """What was read and appended meanwhile stays known, though the slower one has seen an older log."""
    log = Log(1, 2, 3)
    denylist = denylist_of(log)
    await denylist.catch_up()
    log.entries.pop()
    at_once, slow = asyncio.Event(), asyncio.Event()
    at_once.set()
    log.gates = [at_once, slow]  # the end of the log is seen, and then nothing for long
    slower = asyncio.create_task(denylist.catch_up_if_behind())
    await asyncio.sleep(0)
    await denylist.catch_up_if_behind()
    log.entries.append(entry(7))
    await denylist.catch_up()

    slow.set()
    await asyncio.wait_for(slower, PATIENCE)

    assert denylist.seq == 7
    assert [each.seq for each in denylist.behind(0, 10)] == [1, 2, 7]
