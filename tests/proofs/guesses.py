"""Wrong passwords for three kinds of names, timed one at a time in an order that nobody can foresee.

Names of each kind are spelt alike, so that nothing but the account behind a name can make the difference. The order
is random within every round of three: whatever the machine does meanwhile, it does to all of them.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Final

from separation import Separation, separate
from stopwatch import Stopwatch, Timed
from wire import JSON, request

EXISTING: Final = "existing"
DISABLED: Final = "disabled"
UNKNOWN: Final = "unknown"
KINDS: Final = (EXISTING, DISABLED, UNKNOWN)

FEATURES: Final = ("first_us", "whole_us")

WARM_UP_ROUNDS = 20
ROUNDS_BETWEEN_WORDS = 500


@dataclass(slots=True)
class Measured:
    """What the answers of each kind were like.

    Attributes:
        timed: by kind and feature, microseconds, in the order of asking.
        shapes: each answer as it was, but for what differs from one request to the next.

    """

    timed: dict[str, dict[str, list[float]]] = field(default_factory=lambda: {kind: _no_times() for kind in KINDS})
    shapes: set[bytes] = field(default_factory=set)

    def note(self, kind: str, answer: Timed, *, counts: bool) -> None:
        """Note an answer; its times only if it *counts*."""
        self.shapes.add(shape_of(answer))
        for feature in FEATURES if counts else ():
            self.timed[kind][feature].append(getattr(answer, feature))

    def separation(self, one: str, other: str) -> dict[str, Separation]:
        """Return by feature how well it tells two kinds apart."""
        return {feature: separate(self.timed[one][feature], self.timed[other][feature]) for feature in FEATURES}


def names_of(kind: str, count: int) -> list[str]:
    """Return names as people have them: short ones, long ones, and in other letters; as long for each kind."""
    spellings = ("{}{}", "{}.{}@mail.example.com", "Zoë {} 陳{}", "{}{}" + "x" * 200)
    return [spellings[number % len(spellings)].format(f"{kind:x<8}", number) for number in range(count)]


def measure(
    port: int, names: Mapping[str, list[str]], rounds: int, random: Random, say: Callable[[str], None]
) -> Measured:
    """Log in with a wrong password, *rounds* times with a name of each kind, over one kept connection."""
    measured = Measured()
    with Stopwatch(port) as stopwatch:
        for number in range(-WARM_UP_ROUNDS, rounds):
            for kind, name in _one_of_each(names, random):
                measured.note(kind, stopwatch.ask(guess(name)), counts=number >= 0)
            if number > 0 and number % ROUNDS_BETWEEN_WORDS == 0:
                say(f"after {number} rounds: {measured.separation(EXISTING, UNKNOWN)[FEATURES[-1]]}")
    return measured


def guess(name: str, password: str = "not the password of anybody") -> bytes:
    """Return a login that fails."""
    body = {"username": name, "password": password, "client": "native"}
    return request("POST", "/login", json.dumps(body).encode(), JSON)


def shape_of(answer: Timed) -> bytes:
    """Return an answer, byte for byte and in its order, but for the request's id and the date."""
    lines = answer.head.split(b"\r\n")
    return b"\r\n".join([line for line in lines if not _differs(line)] + [b"", answer.body])


def _differs(line: bytes) -> bool:
    return line.lower().startswith((b"x-request-id:", b"date:"))


def _no_times() -> dict[str, list[float]]:
    return {feature: [] for feature in FEATURES}


def _one_of_each(names: Mapping[str, list[str]], random: Random) -> Iterator[tuple[str, str]]:
    """Yield a name of each kind in random order, spelt alike."""
    chosen = random.randrange(min(map(len, names.values())))
    for kind in random.sample(KINDS, len(KINDS)):
        yield kind, names[kind][chosen]
