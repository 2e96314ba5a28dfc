"""The whole audit: observe what there is to observe, as far as the chosen checks need it, then judge."""

import asyncio
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from keyturn.core.model import KeyState
from keyturn.errors import ConfigurationError
from keyturn.server.clock import Clock
from keyturn.server.configuration import rules
from keyturn.server.doctor import asking, observing_database, observing_files, observing_machine
from keyturn.server.doctor.asking import Asking
from keyturn.server.doctor.database import Looked
from keyturn.server.doctor.examination import Observed, Report, examine
from keyturn.server.doctor.files import Files
from keyturn.server.doctor.findings import Chapter
from keyturn.server.doctor.identity import Identity
from keyturn.server.doctor.kept import Kept
from keyturn.server.doctor.machine import Machine
from keyturn.server.doctor.published import Published, Reach
from keyturn.server.doctor.reading import Read
from keyturn.server.settings import Purpose, Reading, Settings
from keyturn.tokens.algorithms import SYMMETRIC
from keyturn.verify.fetch import ClientFactory

Told = Callable[[str], object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Patient:
    """What is to be audited.

    Attributes:
        outside: the URL of an issuer that is looked at from outside alone; empty for an installation.
        issuer_url: where the running issuer of the installation is asked; empty for its own URL.
        is_offline: whether no issuer is asked.
        new_client: makes the client that asks; None for httpx2's defaults.

    """

    config: Path | None = None
    purpose: Purpose = Purpose.SERVE
    outside: str = ""
    issuer_url: str = ""
    is_offline: bool = False
    environ: Mapping[str, str] = field(default_factory=lambda: os.environ, repr=False)
    new_client: ClientFactory | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """A report, what was measured on the way, and the settings file; None if none was read."""

    report: Report
    machine: Machine | None
    config: Path | None


async def audit(
    patient: Patient, chapters: Sequence[Chapter[Any]], *, clock: Clock, told: Told = lambda _: None
) -> Outcome:
    """Return what is wrong with *patient*, as far as *chapters* look. Nothing of it is changed.

    Args:
        patient: what is to be audited.
        chapters: the checks.
        clock: the time.
        told: called with what is going on.

    """
    observing = _Observing(patient, frozenset(chapter.subject for chapter in chapters), clock, told)
    await observing.run()
    observed = Observed(subjects=observing.subjects, reasons=observing.reasons)
    machine = observing.subjects.get(Machine)
    return Outcome(
        report=examine(chapters, observed),
        machine=machine if isinstance(machine, Machine) else None,
        config=observing.config,
    )


class _Observing:
    """One observation: what has been seen so far, and why the rest has not been."""

    def __init__(self, patient: Patient, wanted: frozenset[type], clock: Clock, told: Told) -> None:
        self.subjects: dict[type, object] = {}
        self.reasons: dict[type, str] = {}
        self.config: Path | None = None
        self._patient = patient
        self._wanted = wanted
        self._clock = clock
        self._told = told

    async def run(self) -> None:
        """See whatever can be seen."""
        if self._patient.outside:
            self.reasons |= dict.fromkeys(_OF_AN_INSTALLATION, "an issuer's URL was given, and no installation")
            await self._ask(self._whom(self._patient.outside))
            return
        reading = self._read()
        if reading is None:
            self.reasons |= dict.fromkeys({*_OF_AN_INSTALLATION, *_OF_AN_ISSUER}, "the settings can't be read")
            return
        await self._look_at_machine(reading)
        kept = await self._look_into_database(reading)
        await self._ask_own(reading, kept)

    def _read(self) -> Reading[Settings] | None:
        patient = self._patient
        try:
            reading = Settings.read(purpose=patient.purpose, config=patient.config, environ=patient.environ)
        except ConfigurationError as error:
            self.subjects[Read] = Read(unreadable=str(error))
            return None
        self.config = reading.found.config
        self.subjects[Settings] = reading.settings
        missing = frozenset(rules.required(reading.settings))  # each has a check of its own
        problems = tuple(each for each in reading.problems if each not in missing)
        refused = frozenset(name for problem in problems for name in problem.names[:1])
        self.subjects[Identity] = Identity(settings=reading.settings, refused=refused)
        self.subjects[Read] = Read(
            problems=problems,
            concerns=tuple(each for each in rules.concerns(reading.settings) if "redis.url" not in each.names),
            strangers=reading.found.warnings,
        )
        return reading

    async def _look_at_machine(self, reading: Reading[Settings]) -> None:
        self.subjects[Files] = observing_files.look(reading.settings, reading.found, self._patient.environ)
        if Machine not in self._wanted:
            return
        if (why := _refused(reading, "password.")) is not None:
            self.reasons[Machine] = why
            return
        self._told("Measuring a password hash …")
        now = self._clock.now_ms() // 1000
        self.subjects[Machine] = await asyncio.to_thread(observing_machine.measure, reading.settings, now=now)

    async def _look_into_database(self, reading: Reading[Settings]) -> Kept | None:
        if self._wanted.isdisjoint({Looked, Kept, Published}):
            return None
        if (why := _refused(reading, "database.")) is not None:
            self.reasons |= dict.fromkeys((Looked, Kept), why)
            return None
        self._told("Looking into the database …")
        looked, kept = await observing_database.look(reading.settings, now_ms=self._clock.now_ms())
        self.subjects[Looked] = looked
        if kept is None:
            self.reasons[Kept] = "the database can't be looked into"
        else:
            self.subjects[Kept] = kept
        return kept

    async def _ask_own(self, reading: Reading[Settings], kept: Kept | None) -> None:
        if (why := self._why_nobody_is_asked(reading)) is not None:
            self.reasons |= dict.fromkeys(_OF_AN_ISSUER, why)
            return
        settings = reading.settings
        at = self._patient.issuer_url or settings.issuer
        kids = None if kept is None else _published_kids(kept)
        ahead = settings.keys.publish_ahead.seconds
        await self._ask(replace(self._whom(at), issuer=settings.issuer or at, kids=kids, publish_ahead=ahead))

    def _why_nobody_is_asked(self, reading: Reading[Settings]) -> str | None:
        if self._patient.is_offline:
            return "--offline was given"
        if self._patient.issuer_url:
            return None
        return _refused(reading, "issuer") or (None if reading.settings.issuer else "there is no issuer to ask")

    def _whom(self, at: str) -> Asking:
        return Asking(issuer=at, at=at, new_client=self._patient.new_client)

    async def _ask(self, whom: Asking) -> None:
        if self._wanted.isdisjoint(_OF_AN_ISSUER):
            return
        self._told(f"Asking {whom.at} …")
        reached, published = await asking.ask(whom, now_ms=self._clock.now_ms)
        silent = f"{whom.at} does not answer: {reached.silence}"
        if reached.silence and not reached.is_distrusted and not (self._patient.outside or self._patient.issuer_url):
            self.reasons[Reach] = silent  # before the launch nobody runs there
        else:
            self.subjects[Reach] = reached
        if published is None:
            self.reasons[Published] = silent
        else:
            self.subjects[Published] = published


def _refused(reading: Reading[Settings], section: str) -> str | None:
    """Return why what *section* says can't be used, if that is so."""
    missing = frozenset(rules.required(reading.settings))
    unusable = (problem for problem in reading.problems if problem not in missing)
    names = [name for problem in unusable for name in problem.names[:1] if name.startswith(section)]
    return f"{names[0]} is refused" if names else None


def _published_kids(kept: Kept) -> frozenset[str]:
    live = (record for record in kept.survey.keys if record.state is not KeyState.REVOKED)
    return frozenset(record.kid for record in live if record.algorithm not in SYMMETRIC)


_OF_AN_INSTALLATION: Final[tuple[type, ...]] = (Read, Identity, Settings, Files, Machine, Looked, Kept)
_OF_AN_ISSUER: Final[tuple[type, ...]] = (Reach, Published)
