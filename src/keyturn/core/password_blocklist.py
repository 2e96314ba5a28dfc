"""Which passwords anybody would try first: the most used ones, what names the user or this service, what repeats.

Digits and signs around a word, digits in place of letters, and writing it twice or backwards help nobody who guesses
(NIST SP 800-63B-4 §3.1.1.2; OWASP ASVS 6.1.2, 6.2.4, 6.2.11). Passwords that hold a word and much else are fine.
"""

import re
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from typing import Final
from urllib.parse import urlsplit


class Objection(StrEnum):
    """Why a new password is refused."""

    COMMON = "common"
    NEARLY_COMMON = "nearly_common"
    REPETITIVE = "repetitive"
    NAMES_USER = "names_user"
    NAMES_SERVICE = "names_service"
    BREACHED = "breached"


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """Words that stand for somebody or something in a password, in lower case.

    Attributes:
        user: the user name and its parts.
        service: the issuer's and the APIs' names and their parts, and ours.

    """

    user: frozenset[str]
    service: frozenset[str]


def names_of(username: str, *, issuer: str, audiences: tuple[str, ...]) -> Names:
    """Return the names that a password of this user must not be made of."""
    places = (_host(place) for place in (issuer, *audiences))
    service = {part for place in places for part in _parts(place) if part not in _EVERYWHERE}
    return Names(user=frozenset(_parts(username)), service=frozenset({"keyturn", *service}))


def objection_to(password: str, *, names: Names, is_common: Callable[[str], bool]) -> Objection | None:
    """Return what stands against *password*, if anything.

    Args:
        password: as it will be hashed.
        names: of the user and the service.
        is_common: whether a text, in lower case, is in the list of what is used most.

    """
    plain = _fold(password)
    if _is_repetitive(plain):
        return Objection.REPETITIVE
    if is_common(plain):
        return Objection.COMMON
    if _is_little_but(plain, names.user):
        return Objection.NAMES_USER
    if _is_little_but(plain, names.user | names.service):
        return Objection.NAMES_SERVICE
    rest = _without(plain, names.user | names.service)
    return Objection.NEARLY_COMMON if any(map(is_common, _cores(plain, rest))) else None


def _cores(plain: str, rest: str) -> set[str]:
    """Return what *plain* comes down to without its ornaments, and *rest*, what is left without the names in it."""
    spelled = {
        each.translate(table) for each in (plain, rest) for table in (_AS_IT_IS, _SPELLING, _SPELLING | _ONE_AS_L)
    }
    inner = {core for text in spelled if len(core := _ORNAMENTS.sub("", text)) >= _SHORT}
    letters = {"".join(filter(str.isalpha, text)) for text in spelled}
    inner |= {core for core in letters if len(core) >= max(_WORD, len(plain) / 2)}
    return {each for core in inner for each in (core, core[::-1], _unit(core))}


def _is_repetitive(plain: str) -> bool:
    """Say whether *plain* is a short piece over and over, or goes up or down by one at each character."""
    steps = {ord(after) - ord(before) for before, after in pairwise(plain)}
    counts_on = steps <= {1, ord("0") - ord("9")} or steps <= {-1, ord("9") - ord("0")}
    return counts_on or len(_unit(plain)) <= _SHORT or len(set(plain)) <= _SHORT // 2


def _is_little_but(plain: str, names: frozenset[str]) -> bool:
    """Say whether *plain* holds one of *names*, and hardly a letter beside them."""
    for text in (plain, plain.translate(_SPELLING)):
        rest = _without(text, names)
        if rest != text and sum(map(str.isalpha, rest)) < _SHORT:
            return True
    return False


def _without(text: str, names: frozenset[str]) -> str:
    for name in sorted(names, key=len, reverse=True):
        text = text.replace(name, "")
    return text


def _unit(text: str) -> str:
    """Return the shortest piece that *text* is made of, over and over."""
    return text[: (text + text).find(text, 1)]


def _fold(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold()


def _parts(name: str) -> Iterator[str]:
    folded = _fold(name)
    for part in (folded, *_BETWEEN.split(folded)):
        if len(part) >= _SHORTEST_NAME:
            yield part


def _host(place: str) -> str:
    """Return the host of a URL; a name that is no URL is itself."""
    try:
        return urlsplit(place).hostname or place
    except ValueError:
        return place


_SHORT: Final = 4
"""So many characters are no password by themselves."""
_WORD: Final = 7
"""So many letters, with signs between them, may be a word that was meant to be one."""
_SHORTEST_NAME: Final = 3
_EVERYWHERE: Final = frozenset({"www", "com", "org", "net", "api", "app", "https", "http", "localhost"})
_BETWEEN: Final = re.compile(r"[\W_\d]+")
_ORNAMENTS: Final = re.compile(r"^[\W\d_]+|[\W\d_]+$")
_AS_IT_IS: Final[dict[int, int]] = {}
_SPELLING: Final = str.maketrans("013457@$!8", "oieastasib")
_ONE_AS_L: Final = str.maketrans("1!", "ll")
