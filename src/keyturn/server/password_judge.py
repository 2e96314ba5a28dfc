"""Judges new passwords by the lists of what is used most, in a thread, and, if told to, by a list of stolen ones."""

from collections.abc import Mapping
from functools import cache, partial

from keyturn.core.password_blocklist import Names, Objection, objection_to
from keyturn.server.breach_check import BreachCheck
from keyturn.server.hash_threads import HashThreads
from keyturn.tokens.guessing.dictionary import frequency_lists


class ListJudge:
    """A `core.ports.PasswordJudge` by zxcvbn's lists, and by *breaches* where there is such a check."""

    def __init__(self, threads: HashThreads, breaches: BreachCheck | None = None) -> None:
        self._threads = threads
        self._breaches = breaches

    async def objection(self, password: str, names: Names) -> Objection | None:
        """Return what stands against *password*. The list of the stolen is asked last, and not for what is refused.

        Raises:
            TemporarilyUnavailable: too many passwords wait.

        """
        found = await self._threads.run(partial(objection_to, password, names=names, is_common=is_common))
        if found is None and self._breaches is not None and await self._breaches.has(password):
            return Objection.BREACHED
        return found


def is_common(text: str) -> bool:
    """Say whether *text*, in lower case, is one of the most used passwords, words and names."""
    return f"\n{text}\n" in _common().get(len(text), "")


@cache
def _common() -> Mapping[int, str]:
    """Return all of them, by their length, a line each: under a megabyte, where a set of them would take ten."""
    by_length: dict[int, set[str]] = {}
    for words in frequency_lists().values():
        for word in words:
            by_length.setdefault(len(word), set()).add(word)
    return {length: "\n".join(("", *words, "")) for length, words in by_length.items()}
