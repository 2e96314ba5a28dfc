"""Tries many mutants, a few at a time: the test that killed one is asked first about its neighbours."""

import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from mutants import Mutant
from trials import Laboratory, Verdict, Way

#: Chooses the tests for a mutant, and the ways to put it in its place.
Choose = Callable[[Mutant], tuple[Sequence[str], Sequence[Way]]]

#: How many killers each worker remembers.
_REMEMBERED = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """What became of a mutant: *by* names the test that killed it."""

    mutant: Mutant
    verdict: Verdict
    by: str


def try_all(laboratory: Laboratory, mutants: Sequence[Mutant], choose: Choose, jobs: int) -> Iterator[Tried]:
    """Try *mutants*, as many as *jobs* at once, and return each as soon as it is known what became of it."""
    worker = _Worker(laboratory, mutants, choose)
    with multiprocessing.get_context("fork").Pool(jobs, initializer=_employ, initargs=(worker,)) as pool:
        for index, verdict, by in pool.imap_unordered(_work, range(len(mutants)), chunksize=4):
            yield Tried(mutant=mutants[index], verdict=verdict, by=by)


class _Worker:
    """What one process of the pool does; it never leaves the process that it was inherited by."""

    def __init__(self, laboratory: Laboratory, mutants: Sequence[Mutant], choose: Choose) -> None:
        self._laboratory = laboratory
        self._mutants = mutants
        self._choose = choose
        self._killers: list[str] = []

    def work(self, index: int) -> tuple[int, Verdict, str]:
        """Try one mutant."""
        names, ways = self._choose(self._mutants[index])
        if not names:
            return index, Verdict.SURVIVED, "no test runs it"
        known = set(names)
        first = [killer for killer in self._killers if killer in known]
        outcome = self._laboratory.judge(self._mutants[index], list(dict.fromkeys([*first, *names])), ways=ways)
        if outcome.by:
            self._killers = [outcome.by, *(each for each in self._killers if each != outcome.by)][:_REMEMBERED]
        return index, outcome.verdict, outcome.by


_employed: list[_Worker] = []


def _employ(worker: _Worker) -> None:
    _employed[:] = [worker]


def _work(index: int) -> tuple[int, Verdict, str]:
    return _employed[0].work(index)
