"""What is said of a run: its progress, a table, and the survivors that nobody has explained."""

import sys
from collections.abc import Iterable, Sequence

from changing import Kind
from trials import Verdict
from trying import Tried

#: A line of progress after so many mutants.
_EVERY = 50


def show_progress(tried: Iterable[Tried], total: int) -> list[Tried]:
    """Say how far it is, and name each survivor at once; return them all."""
    seen: list[Tried] = []
    for each in tried:
        seen.append(each)
        if each.verdict is Verdict.SURVIVED:
            sys.stderr.write(f"survived: {each.mutant.name}\n")
        if len(seen) % _EVERY == 0 or len(seen) == total:
            sys.stderr.write(f"{len(seen)} of {total}\n")
            sys.stderr.flush()
    return seen


def table(room: str, tried: Sequence[Tried], explained: Iterable[str]) -> str:
    """Return the figures: of changes that remove or invert a check, of all others, and of both."""
    known = set(explained)
    lines = [f"{room:<10}{'mutants':>9}{'killed':>9}{'hung':>9}{'survived':>10}{'explained':>11}{'score':>9}"]
    for title, kinds in (("checks", {Kind.CHECK}), ("others", {Kind.OTHER}), ("all", set(Kind))):
        part = [each for each in tried if each.mutant.kind in kinds]
        lines.append(_row(title, part, known))
    return "\n".join(lines)


def _row(title: str, part: Sequence[Tried], explained: set[str]) -> str:
    survivors = [each.mutant.name for each in part if each.verdict is Verdict.SURVIVED]
    killed, hung = (sum(each.verdict is verdict for each in part) for verdict in (Verdict.KILLED, Verdict.TIMED_OUT))
    score = f"{(killed + hung) / len(part):.1%}" if part else "-"
    reasons = sum(name in explained for name in survivors)
    return f"{title:<10}{len(part):>9}{killed:>9}{hung:>9}{len(survivors):>10}{reasons:>11}{score:>9}"
