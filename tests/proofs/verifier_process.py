"""A verifier in a process of its own, under load: it judges every token that it was given again and again.

Its standard input says what to judge, a line of JSON at a time, until it is closed. Its standard output says each time
that a verdict changes, and how long the one before held. Moments are seconds of the monotonic clock, which all
processes of a machine share.
"""

import json
import os
import queue
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from fast_time import VARIABLE, FastTime

from keyturn import Revocations, Verifier
from keyturn.errors import InvalidToken, VerifierUnavailable
from keyturn.verify import fetch, key_cache

LEAST_REST_SECONDS = 0.003
MOST_REST_SECONDS = 0.05


@dataclass(slots=True)
class Judged:
    """A token, what was said of it last, and when."""

    text: str
    verdict: str | None = None
    at: float = 0.0


@dataclass(slots=True)
class Judge:
    """Judges all tokens, round after round, and says what changed."""

    verifier: Verifier
    tokens: dict[str, Judged] = field(default_factory=dict)
    judged: int = 0

    def obey(self, order: dict[str, Any]) -> None:
        """Judge other tokens from now on."""
        self.tokens |= {name: Judged(text) for name, text in order.get("judge", {}).items()}
        for name in order.get("forget", ()):
            self.tokens.pop(name, None)

    def judge_all(self) -> None:
        """Judge each token once."""
        changes = [change for name, token in self.tokens.items() if (change := self._judge(name, token))]
        self.judged += len(self.tokens)
        if changes:
            self.say(changes)

    def say(self, changes: list[list[Any]]) -> None:
        """Print a line."""
        sys.stdout.write(json.dumps({"judged": self.judged, "changes": changes}) + "\n")
        sys.stdout.flush()

    def _judge(self, name: str, token: Judged) -> list[Any] | None:
        began, verdict = time.monotonic(), self._verdict(token.text)
        was, until = token.verdict, token.at
        token.verdict, token.at = verdict, began
        return None if verdict == was else [name, was, until, verdict, time.monotonic()]

    def _verdict(self, text: str) -> str:
        try:
            self.verifier.verify(text)
        except InvalidToken as refusal:
            return refusal.reason
        except VerifierUnavailable:
            return "unavailable"
        return "good"


def main() -> None:
    """Judge until the standard input is closed."""
    told = json.loads(sys.argv[1])
    orders: queue.SimpleQueue[dict[str, Any] | None] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(orders,), daemon=True).start()
    with Verifier(
        told["issuer"],
        told["audience"],
        jwks_uri=f"{told['server']}/.well-known/jwks.json",
        revocations=Revocations(url=f"{told['server']}/revocations", **told["feed"])
        if told["feed"] is not None
        else None,
        clock=_clock(),
    ) as watching:
        judge = Judge(watching)
        watching.start()
        while _obey_all(judge, orders):
            began = time.monotonic()
            judge.judge_all()
            _rest(time.monotonic() - began)
        judge.say([])


def _listen(orders: "queue.SimpleQueue[dict[str, Any] | None]") -> None:
    for line in sys.stdin:
        orders.put(json.loads(line))
    orders.put(None)


def _obey_all(judge: Judge, orders: "queue.SimpleQueue[dict[str, Any] | None]") -> bool:
    """Take in what was ordered meanwhile; False if that is the end."""
    while not orders.empty():
        order = orders.get()
        if order is None:
            return False
        judge.obey(order)
    return True


def _rest(took: float) -> None:
    """Take a third of a core, so that several fit in two."""
    time.sleep(min(MOST_REST_SECONDS, LEAST_REST_SECONDS + 2 * took))


def _clock() -> Callable[[], float]:
    """Return the time; where it runs fast, the key cache goes by it too, for the lengths that are in its own rules."""
    if VARIABLE not in os.environ:
        return time.time
    fast = FastTime.told()
    planted: Any = partial(key_cache.KeyCache, clock=fast.time, deadline=fetch.DEADLINE * fast.factor)
    key_cache.KeyCache = planted  # type: ignore[misc]
    return fast.time


if __name__ == "__main__":
    main()
