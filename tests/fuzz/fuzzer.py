"""A mutation fuzzer that is led by coverage: what reached a place that none before it had reached is mutated further.

A place is where a refusal was raised, which costs nothing to know; and for a share of the tokens every step from line
to line. What is presented is judged by where it comes from: whatever nobody signed must be refused, and what the
issuer's key signed must be refused if and only if the model names a rule that it breaks.
"""

import contextlib
import sys
import time
import tracemalloc
from dataclasses import dataclass, field
from random import Random
from types import CodeType, FrameType, TracebackType
from typing import Any, Final

from drafts import Draft, Token, good_draft, good_token, make
from model import Rule, broken_form, broken_rule
from mutations import change_text, mutate
from target import ALGORITHMS, MAX_SECONDS, target

import keyturn
from keyturn import InvalidToken

MAX_BYTES: Final = 1024 * 1024

Place = tuple[Any, ...]


@dataclass(slots=True, kw_only=True)
class Findings:
    """What came of a run; several add up.

    Attributes:
        hostile: tokens that had to be refused.
        sound: tokens that had to be accepted.
        failures: one text for each that was accepted, refused or answered as it must not be, was slow or took much.
        slowest: seconds of CPU that the slowest took.
        largest: bytes that the largest took, of those that were measured.
        found: drafts that reached new places.

    """

    hostile: int = 0
    sound: int = 0
    failures: list[str] = field(default_factory=list)
    slowest: float = 0.0
    largest: int = 0
    found: list[Draft] = field(default_factory=list)

    def add(self, other: "Findings") -> None:
        """Count *other* in."""
        self.hostile += other.hostile
        self.sound += other.sound
        self.failures += other.failures
        self.slowest = max(self.slowest, other.slowest)
        self.largest = max(self.largest, other.largest)
        self.found += other.found


class Fuzzer:
    """Mutates a corpus that grows by what it finds."""

    def __init__(self, corpus: list[Draft], seed: int) -> None:
        self._random = Random(seed)
        self._corpus: list[Draft] = []
        self._places: set[Place] = set()
        self._count = 0
        self._sound: list[Draft] = [*map(good_draft, ALGORITHMS)]
        for draft in [*self._sound, *corpus]:
            self.learn(draft)

    def learn(self, draft: Draft) -> bool:
        """Take *draft* into the corpus if it reaches a new place, and say whether it does."""
        token = make(draft)
        rule = broken(draft, token)
        places = _steps(draft, token) | {("rule", rule)}
        if places <= self._places:
            return False
        self._places |= places
        self._corpus.append(draft)
        if rule is None:
            self._sound.append(draft)
        return True

    def run(self, tokens: int) -> Findings:
        """Present *tokens* hostile tokens."""
        findings = Findings()
        while findings.hostile < tokens and len(findings.failures) < _ENOUGH:
            # What is wrong in one thing alone is what a verifier takes by mistake: half of all begin with a sound one.
            parents = self._sound if self._random.random() < _FROM_SOUND else self._corpus
            draft = mutate(self._random, self._random.choice(parents), self._random.choice(self._corpus))
            # Most of the cost is to make and sign one: so its text is presented in a few spellings too.
            for each in (draft, *(change_text(self._random, draft, draft) for _ in range(_SPELLINGS))):
                self._present(each, make(each), findings)
        return findings

    def _present(self, draft: Draft, token: Token, findings: Findings) -> None:
        self._count += 1
        verify = target(draft.algorithm).verifier.verify
        began = time.perf_counter()
        try:
            verify(token.text)
        except InvalidToken as refusal:
            seconds = time.perf_counter() - began
            findings.hostile += 1
            self._judge_refusal(draft, token, findings)
            self._look_at(draft, (refusal.reason, *_path(refusal.__traceback__)), findings)
        except Exception as error:  # noqa: BLE001 - that there is none is what is to be shown
            seconds = 0.0
            findings.failures.append(f"{type(error).__name__} instead of InvalidToken: {draft.to_json()[:_SHOWN]}")
        else:
            seconds = time.perf_counter() - began
            self._judge_acceptance(draft, token, findings)
        self._judge_cost(draft, token, seconds, findings)

    def _judge_acceptance(self, draft: Draft, token: Token, findings: Findings) -> None:
        if rule := broken(draft, token):
            findings.failures.append(f"accepted, though it breaks the rule {rule}: {draft.to_json()[:_SHOWN]}")
            return
        findings.sound += 1
        if findings.sound % _MODEL_EVERY == 0 and self.learn(draft):
            findings.found.append(draft)

    def _judge_refusal(self, draft: Draft, token: Token, findings: Findings) -> None:
        """Ask the model about a share of the refusals too: a verifier that refuses all is no good either."""
        if not token.is_genuine or self._count % _MODEL_EVERY:
            return
        if broken(draft, token) is None:
            findings.failures.append(f"refused, though it breaks no rule: {draft.to_json()[:_SHOWN]}")

    def _judge_cost(self, draft: Draft, token: Token, seconds: float, findings: Findings) -> None:
        if seconds > findings.slowest:  # by the wall; now by its CPU, and what is slow is slow each time
            seconds = min(_seconds(draft, token) for _ in range(4))
            findings.slowest = max(seconds, findings.slowest)
            if seconds > MAX_SECONDS:
                findings.failures.append(f"took {seconds * 1000:.1f} ms: {draft.to_json()[:_SHOWN]}")
        if self._count % _MEASURE_EVERY == 0:
            taken = _bytes(draft, token)
            findings.largest = max(taken, findings.largest)
            if taken > MAX_BYTES:
                findings.failures.append(f"took {taken} bytes: {draft.to_json()[:_SHOWN]}")

    def _look_at(self, draft: Draft, place: Place, findings: Findings) -> None:
        """Keep *draft* if its refusal came from a new place, or if it is its turn to be followed line by line."""
        if place not in self._places:
            self._places.add(place)
            self._corpus.append(draft)
            findings.found.append(draft)
        elif self._count % _FOLLOW_EVERY == 0 and self.learn(draft):
            findings.found.append(draft)


def broken(draft: Draft, token: Token) -> Rule | None:
    """Return the rule that *token* breaks."""
    if token.text == good_token(draft.algorithm):
        return None
    if len(token.text) > _MAX_TOKEN:
        return Rule.SIZE
    return broken_rule(draft.algorithm, draft.head, draft.payload) if token.is_genuine else broken_form(token.text)


def _path(trace: TracebackType | None) -> Place:
    """Return the lines through which a refusal came."""
    lines = []
    while trace is not None:
        lines.append(trace.tb_lineno)
        trace = trace.tb_next
    return tuple(lines)


def _steps(draft: Draft, token: Token) -> set[Place]:
    """Return each step from line to line that our own code takes over *token*."""
    steps: set[Place] = set()
    last: dict[FrameType, int] = {}

    def follow(frame: FrameType, event: str, _argument: object) -> Any:
        if not frame.f_code.co_filename.startswith(_OURS):
            return None
        if event == "line":
            steps.add((_name(frame.f_code), last.get(frame, 0), frame.f_lineno))
            last[frame] = frame.f_lineno
        return follow

    before = sys.gettrace()
    sys.settrace(follow)
    try:
        target(draft.algorithm).verifier.verify(token.text)
    except Exception:  # noqa: BLE001, S110 - only where it went is of interest
        pass
    finally:
        sys.settrace(before)
    return steps


def _name(code: CodeType) -> str:
    return f"{code.co_filename}:{code.co_name}"


def _seconds(draft: Draft, token: Token) -> float:
    began = time.thread_time()
    _try(draft, token)
    return time.thread_time() - began


def _bytes(draft: Draft, token: Token) -> int:
    tracemalloc.start()
    try:
        _try(draft, token)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def _try(draft: Draft, token: Token) -> None:
    with contextlib.suppress(Exception):  # judged when it was presented
        target(draft.algorithm).verifier.verify(token.text)


_FROM_SOUND: Final = 0.5
_OURS: Final = keyturn.__path__[0]
_ENOUGH: Final = 20
_SHOWN: Final = 2000
_MAX_TOKEN: Final = 8192
# Odd numbers, so that a draft and its spellings each have their turn.
_MODEL_EVERY: Final = 17
_FOLLOW_EVERY: Final = 257
_SPELLINGS: Final = 3
_MEASURE_EVERY: Final = 251
