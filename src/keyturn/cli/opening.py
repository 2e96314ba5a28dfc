"""Settings and services for the time of one command."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Final, TypeVar

from keyturn.cli.output import note
from keyturn.core.model import Origin
from keyturn.core.services import Services
from keyturn.server.clock import Clock
from keyturn.server.services import open_services
from keyturn.server.settings import Purpose, Settings

T = TypeVar("T")
Work = Callable[[Services, int], Awaitable[T]]

OPERATOR: Final = Origin(actor="operator")


def load(config: Path | None, *, purpose: Purpose = Purpose.ADMINISTER, **flags: Any) -> Settings:  # noqa: ANN401
    """Return the settings; warnings go to standard error.

    Args:
        config: the file; None where none was named.
        purpose: what they have to be good for.
        flags: what the command line itself says.

    Raises:
        ConfigurationError: every problem has its own line.

    """
    settings = Settings.load(purpose=purpose, config=config, **flags)
    for warning in settings.warnings:
        note(f"Warning: {warning}")
    return settings


def run(config: Path | None, work: Work[T]) -> T:
    """Return what *work* makes of the services and the time in epoch milliseconds, on the database of the settings.

    Raises:
        ConfigurationError: the settings or the database are not fit for use.

    """
    return run_with(load(config), work)


def run_with(settings: Settings, work: Work[T]) -> T:
    """Do what `run` does, with settings that were loaded already.

    Raises:
        ConfigurationError: the settings or the database are not fit for use.

    """
    return asyncio.run(_run(settings, work))


async def _run(settings: Settings, work: Work[T]) -> T:
    clock = Clock()
    opened = await open_services(settings, clock=clock)
    try:
        await clock.correct(opened.services.store.now_ms)
        return await work(opened.services, clock.now_ms())
    finally:
        await opened.close()
