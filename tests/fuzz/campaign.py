"""The fuzzer in several processes, round by round: what one finds, the others mutate in the next."""

import concurrent.futures
import multiprocessing
import resource
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from drafts import CORPUS, Draft, make, read_corpus
from fuzzer import Findings, Fuzzer
from target import target

from keyturn import InvalidToken

ROUND = 50_000


@dataclass(slots=True, kw_only=True)
class Campaign:
    """A long run.

    Attributes:
        tokens: hostile tokens to present.
        processes: how many work at it.
        seed: where randomness begins.
        say: told how it goes.
        findings: what came of it.

    """

    tokens: int
    processes: int
    seed: int
    say: Callable[[str], None]
    findings: Findings = field(default_factory=Findings)
    grown: int = 0
    _began: float = field(default_factory=time.monotonic)

    def run(self) -> None:
        """Present all of them, or stop at the first round with a failure."""
        context = multiprocessing.get_context("spawn")
        with concurrent.futures.ProcessPoolExecutor(self.processes, mp_context=context) as pool:
            number, told = 0, 0
            while self.findings.hostile < self.tokens and not self.findings.failures:
                known, told = self.findings.found[told:], len(self.findings.found)
                rounds = [pool.submit(_round, self.seed, number + each, ROUND, known) for each in range(self.processes)]
                number += self.processes
                for done in concurrent.futures.as_completed(rounds):
                    findings, grown = done.result()
                    self.findings.add(findings)
                    self.grown = max(self.grown, grown)
                self._tell(number)

    def _tell(self, number: int) -> None:
        if number % (10 * self.processes) == 0 or self.findings.hostile >= self.tokens:
            self.say(self.progress())

    def progress(self) -> str:
        """Return how far it is."""
        findings, seconds = self.findings, time.monotonic() - self._began
        rate = f"{findings.hostile / seconds:,.0f} a second"
        slowest = f"slowest {findings.slowest * 1000:.2f} ms"
        return f"fuzz: {findings.hostile:,} of {self.tokens:,}, {rate}, {len(findings.failures)} failures, {slowest}"

    def summary(self) -> list[str]:
        """Return the figures of the run."""
        findings, seconds = self.findings, time.monotonic() - self._began
        failed = f"{len(findings.failures)} accepted, answered otherwise, slow or large"
        cost = f"slowest {findings.slowest * 1000:.2f} ms of CPU; largest {findings.largest / 1024:.0f} KiB"
        return [
            f"fuzz: {findings.hostile:,} hostile tokens in {seconds:,.0f} s, {self.processes} processes: {failed}",
            f"fuzz: {findings.sound:,} tokens that break no rule, all accepted",
            f"fuzz: {cost} (one in 251 measured); a process grew by at most {self.grown / 1024:.0f} MiB",
            f"fuzz: {len(findings.found)} drafts reached places that were new to their process",
        ]


def keep(found: list[Draft]) -> int:
    """Add what was found to the corpus of the project, the shortest first; return how many drafts are new there."""
    fuzzer = Fuzzer(read_corpus(), 0)
    short = sorted(
        (draft for draft in found if len(draft.to_json()) < _LONGEST), key=lambda draft: len(draft.to_json())
    )
    new = [draft for draft in short if fuzzer.learn(draft)]
    for draft in new:
        with (CORPUS / f"{_verdict(draft)}.jsonl").open("a", encoding="ascii") as file:
            file.write(f"{draft.to_json()}\n")
    return len(new)


def _verdict(draft: Draft) -> str:
    try:
        target(draft.algorithm).verifier.verify(make(draft).text)
    except InvalidToken as refusal:
        return refusal.reason.value
    return "accepted"


def _round(seed: int, number: int, tokens: int, known: list[Draft]) -> tuple[Findings, int]:
    """Present *tokens* in this process; return what came of it, and by how many KiB the process has grown."""
    fuzzer, before = _fuzzer(seed + number)
    for draft in known:
        fuzzer.learn(draft)
    findings = fuzzer.run(tokens)
    return findings, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before


_HERE: list[tuple[Fuzzer, int]] = []


def _fuzzer(seed: int) -> tuple[Fuzzer, int]:
    """Return the fuzzer of this process, made once, and the memory it began with, in KiB."""
    if not _HERE:
        _HERE.append((Fuzzer(read_corpus(), seed), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss))
    return _HERE[0]


_LONGEST = 4096
