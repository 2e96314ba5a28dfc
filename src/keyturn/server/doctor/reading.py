"""Checks of the settings as they were read: whether a server starts with them, and what it would pass over."""

from dataclasses import dataclass
from typing import Final

from keyturn.server.configuration.problem import Problem
from keyturn.server.doctor.findings import Chapter, Check, Sentences, Severity


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """What came of reading the settings.

    Attributes:
        unreadable: why the file can't be read at all; empty if it can.
        problems: what stops a start, but for what is merely missing: that has checks of its own.
        concerns: what is set and has no effect.
        strangers: variables that look like settings and are none.

    """

    unreadable: str = ""
    problems: tuple[Problem, ...] = ()
    concerns: tuple[Problem, ...] = ()
    strangers: tuple[str, ...] = ()


def _unreadable(read: Read) -> Sentences:
    if read.unreadable:
        yield read.unreadable


def _refused(read: Read) -> Sentences:
    yield from map(str, read.problems)


def _without_effect(read: Read) -> Sentences:
    yield from map(str, read.concerns)


def _stranger(read: Read) -> Sentences:
    yield from read.strangers


CHAPTER: Final = Chapter(
    name="reading",
    title="Settings, as they are read",
    subject=Read,
    checks=(
        Check(
            id="settings-unreadable",
            severity=Severity.CRITICAL,
            meaning="The file with the settings can't be read, so that no server starts and nothing can be said of it.",
            mend="Mend what the sentence names, or name another file with --config.",
            reference="OPS-05",
            judge=_unreadable,
        ),
        Check(
            id="settings-refused",
            severity=Severity.CRITICAL,
            meaning="A server refuses to start with this.",
            mend="Do what the sentence says; `keyturn config check` tells the same.",
            reference="OPS-05",
            judge=_refused,
        ),
        Check(
            id="setting-without-effect",
            severity=Severity.LOW,
            meaning="Somebody relies on a setting that changes nothing.",
            mend="Remove it.",
            reference="OPS-05",
            judge=_without_effect,
        ),
        Check(
            id="setting-unknown",
            severity=Severity.LOW,
            meaning="A variable looks like a setting and is ignored; the setting that was meant is at its default.",
            mend="Correct its name, or remove it from the environment.",
            reference="OPS-05",
            judge=_stranger,
        ),
    ),
)
