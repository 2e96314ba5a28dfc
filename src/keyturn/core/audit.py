"""Reading the audit log: the newest entries first, those of one user or of one kind, a page at a time."""

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from keyturn.core.model import AuditEntry
from keyturn.core.ports import AuditFilter
from keyturn.core.services import Services

WINDOW: Final = 10_000
"""Entries that one page looks through at most: no index leads to those of a user, and nobody else is to wait for it."""

SKEW_MS: Final = 3_600_000
"""By how much clocks may have differed: entries come by their numbers, and by their times only nearly."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditPage:
    """A part of the log.

    Attributes:
        entries: the newest first. There may be none, and still more behind them.
        before: the next page has the entries below this number; None if there is no more.

    """

    entries: Sequence[AuditEntry]
    before: int | None


async def read_page(services: Services, wanted: AuditFilter, *, before: int | None, most: int) -> AuditPage:
    """Return up to *most* of the *wanted* entries below the number *before*, or the newest where it is None."""
    newest = await _next_below(services, sys.maxsize if before is None else before)
    if newest is None:
        return AuditPage(entries=(), before=None)
    end = newest.number + 1
    least = max(end - WINDOW, 1)
    found = await services.store.audit.newest(wanted, least=least, before=end, most=most)
    following = found[-1].number if len(found) == most else least
    if following <= 1 or await _is_too_old(services, wanted, following):
        return AuditPage(entries=found, before=None)
    return AuditPage(entries=found, before=following)


def details_of(entry: AuditEntry) -> Mapping[str, Any]:
    """Return the further facts of *entry*; as they stand there, if they can't be read, or can't be told as JSON."""
    try:
        details = json.loads(entry.details)
        json.dumps(details, ensure_ascii=False, allow_nan=False).encode()
    except (ValueError, RecursionError):
        return {"unreadable": legible(entry.details)}
    return details if isinstance(details, dict) else {"unreadable": legible(entry.details)}


def legible(text: str) -> str:
    """Return *text* with an escape for each byte that was no UTF-8, as only somebody else can have written it."""
    return text.encode("utf-8", "backslashreplace").decode()


async def _is_too_old(services: Services, wanted: AuditFilter, following: int) -> bool:
    """Say whether whatever comes below the number *following* is from before the time that is wanted."""
    if wanted.since_ms is None:
        return False
    below = await _next_below(services, following)
    return below is None or below.at_ms < wanted.since_ms - SKEW_MS


async def _next_below(services: Services, number: int) -> AuditEntry | None:
    """Return the newest entry below *number*: the counter may be far from it, if somebody has changed that."""
    found = await services.store.audit.newest(AuditFilter(), least=1, before=number, most=1)
    return found[0] if found else None
