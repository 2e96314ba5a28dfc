"""Every check of ``keyturn doctor``, as the code has it."""

from collections.abc import Iterator
from typing import Any, Final

import pages
from keyturn.server.doctor.catalogue import CHAPTERS
from keyturn.server.doctor.findings import Check, Severity


def page() -> str:
    """Return the page."""
    return pages.page("Checks of keyturn doctor", _INTRO, _severities(), *_chapters())


def _severities() -> str:
    return pages.table(("severity", "meaning"), ((pages.code(each.value), _MEANINGS[each]) for each in Severity))


def _chapters() -> Iterator[str]:
    for chapter in CHAPTERS:
        yield f"## {chapter.title}"
        yield f"Chapter `{chapter.name}`."
        yield pages.table(("id", "severity", "what it means", "how to mend it", "goes by"), map(_row, chapter.checks))


def _row(check: Check[Any]) -> tuple[str, ...]:
    return pages.code(check.id), check.severity.value, check.meaning, check.mend, check.reference


_INTRO: Final = """\
`keyturn doctor` makes every check for which there is something to look at, and says which it could not make and why.
`--only` and `--skip` take ids and names of chapters. The exit code is 1 if a finding is at or above `--fail-on`, which
is `medium` unless told otherwise, and where no check could be made at all. Ids stay: a script may count on them. What a
check goes by is a norm, a guide here, or an id such as `KEY-03`, which the tests of that behaviour name too. How to use
it: [operations](../operations.md)."""

_MEANINGS: Final = {
    Severity.INFO: "worth knowing",
    Severity.LOW: "worth a thought",
    Severity.MEDIUM: "to be mended before the launch",
    Severity.HIGH: "to be mended now",
    Severity.CRITICAL: "lets strangers in, or nobody",
}
