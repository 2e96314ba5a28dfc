"""Every check there is, in the order in which they are told. A new topic is a file and a line here."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from typing import Any, Final

from keyturn.server.doctor import (
    accounts,
    answers,
    database,
    feed,
    files,
    identity,
    key_set,
    lifetimes,
    machine,
    metadata,
    network,
    origins,
    people,
    reach,
    reading,
    signing_keys,
)
from keyturn.server.doctor.findings import Chapter, Check

Chapters = Sequence[Chapter[Any]]

CHAPTERS: Final[Chapters] = (
    reading.CHAPTER,
    identity.CHAPTER,
    lifetimes.CHAPTER,
    network.CHAPTER,
    origins.CHAPTER,
    accounts.CHAPTER,
    files.CHAPTER,
    machine.CHAPTER,
    database.CHAPTER,
    database.ROWS,
    signing_keys.CHAPTER,
    people.CHAPTER,
    reach.CHAPTER,
    reach.WIRE,
    metadata.CHAPTER,
    key_set.CHAPTER,
    feed.CHAPTER,
    answers.CHAPTER,
)


def all_checks() -> Iterator[Check[Any]]:
    """Yield every check."""
    for chapter in CHAPTERS:
        yield from chapter.checks


def names() -> frozenset[str]:
    """Return what checks can be chosen by: their ids, and the names of their chapters."""
    return frozenset({*(chapter.name for chapter in CHAPTERS), *(check.id for check in all_checks())})


def chosen(*, only: Collection[str] = (), skip: Collection[str] = ()) -> Chapters:
    """Return the chapters with the checks that *only* names, all if it is empty, but for those that *skip* names."""
    kept = (_kept(chapter, only, skip) for chapter in CHAPTERS)
    return tuple(chapter for chapter in kept if chapter.checks)


def _kept(chapter: Chapter[Any], only: Collection[str], skip: Collection[str]) -> Chapter[Any]:
    def is_chosen(check: Check[Any]) -> bool:
        named = {chapter.name, check.id}
        return (not only or not named.isdisjoint(only)) and named.isdisjoint(skip)

    return replace(chapter, checks=tuple(filter(is_chosen, chapter.checks)))
