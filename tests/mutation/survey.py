"""Which test runs which lines, and how long it takes: what is run against a mutant follows from that."""

import json
import sys
import threading
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from types import FrameType
from typing import Any

from mutants import Mutant
from trials import Laboratory, Verdict, Way, fork
from trying import Choose

Spot = tuple[str, int]

#: How often a test may fail with nothing changed, on a busy machine, before that is taken for the truth.
_ATTEMPTS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """What the tests run.

    Attributes:
        lines: the tests that run a line of a file.
        at_import: the lines that run when a file is imported, those of functions included.
        seconds: how long each test takes.

    """

    lines: Mapping[Path, Mapping[int, frozenset[str]]]
    at_import: frozenset[Spot]
    seconds: Mapping[str, float]

    def choose(self, mutant: Mutant) -> tuple[Sequence[str], Sequence[Way]]:
        """Return the tests that may notice, those of its own file first and of these the quickest, and the way."""
        lines = self.lines.get(mutant.path, {})
        at_import = mutant.runs_at_import or any((str(mutant.path), line) in self.at_import for line in mutant.lines)
        near = {name for line in (lines if at_import else mutant.lines) for name in lines.get(line, ())}
        names = self.seconds if at_import else near  # what came of an import, any test may meet in any module
        ordered = sorted(
            names, key=lambda each: (not is_mirror(each, mutant.path), each not in near, self.seconds[each])
        )
        return ordered, (Way.ANEW if at_import else Way.IN_PLACE,)


def by_name(laboratory: Laboratory) -> Choose:
    """Return a choice that needs no survey: every test, those of the mutant's own file first, both ways."""
    return lambda mutant: (sorted(laboratory.items, key=lambda name: not is_mirror(name, mutant.path)), tuple(Way))


def is_mirror(name: str, path: Path) -> bool:
    """Tell whether a test is in the file that mirrors *path*."""
    return Path(name.partition("::")[0]).name.startswith(f"test_{path.stem}")


def survey(laboratory: Laboratory, paths: Iterable[Path]) -> Survey:
    """Run every test three times: as it is, after a new import, and line by line.

    Raises:
        ValueError: a test fails although nothing is changed.

    """
    names = list(laboratory.items)
    files = frozenset(map(str, paths))
    seconds = _told(lambda wire: _timed(laboratory, names, wire))
    laboratory.watch.seconds = seconds
    at_import = _told(lambda wire: _imported(laboratory, names, files, wire))
    lines: dict[Path, dict[int, set[str]]] = defaultdict(lambda: defaultdict(set))
    for name, spots in _told(lambda _wire: _traced(laboratory, names, files)).items():
        for file, line in spots:
            lines[Path(file)][line].add(name)
    frozen = {path: {line: frozenset(tests) for line, tests in found.items()} for path, found in lines.items()}
    return Survey(lines=frozen, at_import=frozenset((file, line) for file, line in at_import), seconds=seconds)


def _told(work: Callable[[int], Any]) -> Any:
    """Return what *work* returns in a fork."""
    with TemporaryDirectory() as folder:
        paper = Path(folder) / "told.json"
        for _ in range(_ATTEMPTS):
            outcome = fork(lambda wire: paper.write_text(json.dumps(work(wire)), "utf-8"))
            if outcome.verdict is Verdict.SURVIVED:
                return json.loads(paper.read_text("utf-8"))
    raise ValueError(f"fails with nothing changed: {outcome.by or outcome.status}")


def _timed(laboratory: Laboratory, names: Iterable[str], wire: int) -> dict[str, float]:
    seconds = {}
    for name in names:
        began = perf_counter()
        laboratory.run([name], wire)
        seconds[name] = perf_counter() - began
    return seconds


def _imported(laboratory: Laboratory, names: Sequence[str], files: frozenset[str], wire: int) -> list[Spot]:
    """Run every test after a new import, and return the lines of *files* that ran before the first."""
    spots: set[Spot] = set()
    sys.settrace(_tracer(files, spots))
    laboratory.run_anew(names, wire, ready=lambda: sys.settrace(None))
    return sorted(spots)


def _traced(laboratory: Laboratory, names: Iterable[str], files: frozenset[str]) -> dict[str, list[Spot]]:
    """Return the lines of *files* that each test runs. A test that minds being slow may fail; it is not judged here."""
    found: dict[str, list[Spot]] = {}
    spots: set[Spot] = set()
    trace = _tracer(files, spots)
    threading.settrace(trace)
    for name in names:
        sys.settrace(trace)
        laboratory.run([name])
        sys.settrace(None)
        found[name] = sorted(spots)
        spots.clear()
    return found


def _tracer(files: frozenset[str], spots: set[Spot]) -> Callable[[FrameType, str, object], Any]:
    """Return what writes the lines of *files* that run into *spots*."""

    def trace(frame: FrameType, _event: str, _arg: object) -> Any:
        return note(frame, "line", None) if frame.f_code.co_filename in files else None

    def note(frame: FrameType, _event: str, _arg: object) -> Any:
        spots.add((frame.f_code.co_filename, frame.f_lineno))
        return note

    return trace
