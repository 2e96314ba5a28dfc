"""Changes the code under the tests, one change at a time, and tells which change no test notices: ``make mutate``."""

import argparse
import os
import random
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import pytest
from changing import Kind
from mutants import ROOT, Mutant, modules_of, mutants_of
from report import show_progress, table
from survey import by_name, survey
from survivors import outdated, read_reasons, unexplained
from trials import OPTIONS, Laboratory, Verdict, Watch
from trying import Choose, Tried, try_all


@dataclass(frozen=True, slots=True)
class Room:
    """A room, the tests that hold it, and how many of its mutants a core tries at once."""

    tests: tuple[str, ...]
    a_core: int = 1


ROOMS: Final = {
    "tokens": Room(("tests/tokens",)),
    # Most of its tests wait for a thread, and a mutant for what does not happen.
    "verify": Room(("tests/verify", "tests/test_fastapi.py", "tests/test_starlette.py"), a_core=4),
    "core": Room(("tests/core",)),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What to try.

    Attributes:
        room: whose code.
        only: what the names of the mutants must match.
        kinds: which kinds of change.
        share: how many, chosen by *seed* from those in functions; None for all there are.
        seed: of the choice.
        jobs: how many at once.

    """

    room: str
    only: str
    kinds: frozenset[Kind]
    share: int | None
    seed: int
    jobs: int

    @property
    def is_whole(self) -> bool:
        """Whether it is the whole room, so that every reason can be held against it."""
        return not self.only and self.share is None and self.kinds == frozenset(Kind)

    def choose(self) -> list[Mutant]:
        """Return the mutants to try."""
        found = [mutant for path in modules_of(self.room) for mutant in mutants_of(path)]
        found = [mutant for mutant in found if re.search(self.only, mutant.name) and mutant.kind in self.kinds]
        if self.share is None:
            return found
        quick = [mutant for mutant in found if not mutant.runs_at_import]
        return random.Random(self.seed).sample(quick, min(self.share, len(quick)))


@dataclass(slots=True, eq=False)
class Run:
    """A plugin that tries mutants where pytest would run its tests.

    Attributes:
        asked: what to try.
        watch: the plugin that watches over the tests.
        tried: what became of them.

    """

    asked: Asked
    watch: Watch
    tried: list[Tried] = field(default_factory=list)

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
        if self.asked.share is None:
            choose: Choose = survey(laboratory, {mutant.path for mutant in mutants}).choose
        else:
            choose = by_name(laboratory)
        self.tried = show_progress(try_all(laboratory, mutants, choose, self.asked.jobs), len(mutants))
        return True


def main(arguments: Sequence[str] | None = None) -> int:
    """Run. Returns 0; 1 if a survivor has no reason or a reason no survivor, 2 if the tests do not even run."""
    options = _parser().parse_args(arguments)
    asked = Asked(
        room=options.room,
        only=options.only,
        kinds=frozenset(options.kind or Kind),
        share=options.share,
        seed=options.seed,
        jobs=options.jobs or ROOMS[options.room].a_core * (os.cpu_count() or 1),
    )
    run = _run(asked, options.tests or ROOMS[asked.room].tests)
    return 2 if run is None else _judge(run)


def _run(asked: Asked, tests: Sequence[str]) -> Run | None:
    os.chdir(ROOT)
    os.environ["KEYTURN_VECTORS"] = os.devnull  # they are not part of the project: the score must not depend on them
    watch = Watch()
    run = Run(asked, watch)
    status = pytest.main([*OPTIONS, *tests], plugins=[watch, run])
    return run if status == pytest.ExitCode.OK and run.tried else None


def _judge(run: Run) -> int:
    reasons, room = read_reasons(), run.asked.room
    survivors = [each.mutant.name for each in run.tried if each.verdict is Verdict.SURVIVED]
    missing = unexplained(survivors, reasons)
    stale = outdated(survivors, reasons, room) if run.asked.is_whole else []
    sys.stdout.write(f"{table(room, run.tried, reasons)}\n")
    sys.stdout.writelines(f"no test notices, and no reason is given: {name}\n" for name in missing)
    sys.stdout.writelines(f"a reason is given, but there is no such survivor: {name}\n" for name in stale)
    return 1 if missing or stale else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description="Change the code under the tests, one change at a time, and tell which change no test notices.",
        epilog="example: tests/mutation/run.py tokens --only jws.py --kind check",
    )
    parser.add_argument("room", choices=ROOMS, help="whose code is changed")
    parser.add_argument("--only", default="", metavar="REGEX", help="only mutants whose name matches")
    parser.add_argument("--kind", type=Kind, action="append", choices=list(Kind), help="only this kind of change")
    parser.add_argument("--share", type=int, metavar="N", help="only so many, chosen by --seed")
    parser.add_argument("--seed", type=int, default=0, help="of the choice (default: 0)")
    parser.add_argument("--jobs", type=int, help="how many at once (default: one a core, four of verify's)")
    parser.add_argument("--tests", nargs="+", metavar="PATH", help="other tests than the room's own")
    return parser


if __name__ == "__main__":
    sys.exit(main())
