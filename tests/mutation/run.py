"""Changes the code under the tests, one change at a time, and tells which changes no test notices: ``make mutate``."""

import argparse
import json
import multiprocessing
import os
import random
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic
from typing import Any, Final

import pytest

from changes import Kind
from mutants import ROOT, Mutant, modules_of, mutants_of
from survey import is_mirror, survey
from survivors import outdated, read_reasons, unexplained
from trials import OPTIONS, Laboratory, Verdict, Watch, Way

#: The rooms, and the tests that hold each.
ROOMS: Final = {
    "tokens": ("tests/tokens",),
    "verify": ("tests/verify", "tests/test_fastapi.py", "tests/test_starlette.py"),
    "core": ("tests/core",),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What to do.

    Attributes:
        room: whose mutants.
        only: a part of the names of the mutants to try; empty for all.
        share: how many to try, chosen by *seed*, and only such as remove or invert a check; None for all.
        jobs: how many at once.

    """

    room: str
    only: str = ""
    share: int | None = None
    seed: int = 0
    jobs: int = 1
    kinds: frozenset[Kind] = frozenset(Kind)

    def choose(self) -> list[Mutant]:
        """Return the mutants to try."""
        found = [mutant for path in modules_of(self.room) for mutant in mutants_of(path)]
        found = [mutant for mutant in found if re.search(self.only, mutant.name) and mutant.kind in self.kinds]
        if self.share is None:
            return found
        checks = [mutant for mutant in found if mutant.kind is Kind.CHECK and not mutant.runs_at_import]
        return random.Random(self.seed).sample(checks, min(self.share, len(checks)))


@dataclass(slots=True, eq=False)
class Run:
    """A plugin that tries mutants where pytest would run its tests."""

    asked: Asked
    watch: Watch
    verdicts: dict[Mutant, Verdict] = field(default_factory=dict)

    def pytest_configure(self) -> None:
        """Let Hypothesis draw the same examples for each mutant, keep none, and not look for the smallest."""
        import hypothesis  # noqa: PLC0415 - pytest wants to import its plugins itself

        hypothesis.settings.register_profile(
            "mutation",
            database=None,
            derandomize=True,
            deadline=None,
            phases=[hypothesis.Phase.explicit, hypothesis.Phase.generate],
            suppress_health_check=list(hypothesis.HealthCheck),
        )
        hypothesis.settings.load_profile("mutation")

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Try every mutant that was asked for."""
        laboratory = Laboratory(items={item.nodeid: item for item in session.items}, watch=self.watch)
        mutants = self.asked.choose()
        choose_tests = _by_name(laboratory) if self.asked.share is not None else _by_survey(laboratory, mutants)
        print("surveyed", flush=True)
        for mutant, verdict, by, seconds in _tried(laboratory, mutants, choose_tests, self.asked.jobs):
            self.verdicts[mutant] = verdict
            _say(len(self.verdicts), len(mutants), mutant, verdict, by, seconds)
        return True


def _say(done, total, mutant, verdict, by, seconds):
    if verdict is not Verdict.KILLED or seconds > 5:
        print(f"{done}/{total} {verdict} {seconds:.1f}s {mutant.kind} {mutant.name} {by}", flush=True)
    elif done % 50 == 0:
        print(f"{done}/{total}", flush=True)


def _by_name(laboratory: Laboratory) -> Callable[[Mutant], list[str]]:
    return lambda mutant: (sorted(laboratory.items, key=lambda name: not is_mirror(name, mutant.path)), (Way.IN_PLACE, Way.ANEW))


def _by_survey(laboratory: Laboratory, mutants: Sequence[Mutant]) -> Callable[[Mutant], list[str]]:
    found = survey(laboratory, {mutant.path for mutant in mutants})
    return lambda mutant: (found.tests_of(mutant), (Way.ANEW if found.runs_at_import(mutant) else Way.IN_PLACE,))


_work: Callable[[int], Any]


def _tried(laboratory, mutants, choose_tests, jobs):
    killers: dict[str, None] = {}

    def work(index: int):
        mutant = mutants[index]
        began = monotonic()
        names, ways = choose_tests(mutant)
        known = set(names)
        first = [name for name in killers if name in known]
        names = list(dict.fromkeys([*first, *names]))
        if not names:
            return index, Verdict.SURVIVED, "no test", 0
        outcome = laboratory.judge(mutant, names, ways=ways)
        if outcome.by:
            killers.pop(outcome.by, None)
            kept = [outcome.by, *killers][:8]
            killers.clear()
            killers.update(dict.fromkeys(kept))
        return index, outcome.verdict, outcome.by, monotonic() - began

    global _work
    _work = work
    with multiprocessing.get_context("fork").Pool(jobs) as pool:
        for index, verdict, by, seconds in pool.imap_unordered(_call, range(len(mutants)), chunksize=4):
            yield mutants[index], verdict, by, seconds


def _call(index):
    return _work(index)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("room", choices=ROOMS)
    parser.add_argument("--only", default="")
    parser.add_argument("--kind", type=Kind, action="append")
    parser.add_argument("--share", type=int)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--tests", nargs="*")
    asked = parser.parse_args()
    watch = Watch()
    run = Run(Asked(room=asked.room, only=asked.only, share=asked.share, seed=asked.seed, jobs=asked.jobs, kinds=frozenset(asked.kind or Kind)), watch)
    began = monotonic()
    os.chdir(ROOT)
    os.environ["KEYTURN_VECTORS"] = os.devnull
    with TemporaryDirectory() as folder:
        status = pytest.main([*OPTIONS, f"--basetemp={folder}/t", *(asked.tests or ROOMS[asked.room])], plugins=[watch, run])
    print(status, Counter((m.kind, v) for m, v in run.verdicts.items()), monotonic() - began)


if __name__ == "__main__":
    main()
