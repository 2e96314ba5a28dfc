"""What an audit is made of: checks, each with what it means and how to mend it, and what they found.

A check is a pure rule: it is given what was observed and yields a sentence for each thing that is wrong with it.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Generic, TypeVar

T = TypeVar("T")

Sentences = Iterator[str]


class Severity(StrEnum):
    """How bad it is, the least first.

    ``info`` is worth knowing. ``low`` is worth a thought, ``medium`` should be mended before the launch, ``high`` now.
    ``critical`` lets strangers in, or nobody.
    """

    INFO = "info"
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"

    @property
    def rank(self) -> int:
        """The place in the order, 0 for the least."""
        return list(Severity).index(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Check(Generic[T]):
    """One rule.

    Attributes:
        id: its name, which stays.
        meaning: what follows if it is broken.
        mend: what to do.
        reference: the requirement, the norm or the guide behind it.
        judge: yields what is wrong; never a secret.

    """

    id: str
    severity: Severity
    meaning: str
    mend: str
    reference: str
    judge: Callable[[T], Sentences] = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Chapter(Generic[T]):
    """Checks of one kind, and what all of them look at, a *subject*."""

    name: str
    title: str
    subject: type[T]
    checks: tuple[Check[T], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something that is wrong: which check says so, in which chapter, and what it saw."""

    check: Check[Any]
    chapter: str
    seen: str
