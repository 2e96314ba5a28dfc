"""Reading the audit log: the newest entries first, those of one user or of one kind, a page at a time."""

import json
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
    end = (await services.store.audit_seals.extent()).last + 1 if before is None else before
    least = max(end - WINDOW, 1)
    found = await services.store.audit.newest(wanted, least=least, before=end, most=most)
    following = found[-1].number if len(found) == most else least
    if following <= 1 or await _is_too_old(services, wanted, following):
        return AuditPage(entries=found, before=None)
    return AuditPage(entries=found, before=following)


def details_of(entry: AuditEntry) -> Mapping[str, Any]:
    """Return the further facts of *entry*; as they stand there, if they can't be read."""
    try:
        details = json.loads(entry.details)
    except ValueError:
        return {"unreadable": entry.details}
    return details if isinstance(details, dict) else {"unreadable": entry.details}


async def _is_too_old(services: Services, wanted: AuditFilter, following: int) -> bool:
    """Say whether whatever comes below the number *following* is from before the time that is wanted."""
    if wanted.since_ms is None:
        return False
    next_below = await services.store.audit.newest(AuditFilter(), least=1, before=following, most=1)
    return not next_below or next_below[0].at_ms < wanted.since_ms - SKEW_MS
