"""``keyturn bench``: what this machine can do, measured here and now."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any, Final

import typer

from keyturn.cli import measuring
from keyturn.cli.commands import examples, noun
from keyturn.cli.options import ConfigOption, JsonOption
from keyturn.cli.output import Column, print_json, print_table, working
from keyturn.errors import ConfigurationError
from keyturn.server.settings import Settings

app = noun("bench")


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """One row: its name, what it means, and the function from settings and seconds to a rate."""

    name: str
    meaning: str
    measure: Callable[[Settings, float], float]


@app.command(epilog=examples("keyturn bench", "keyturn bench --seconds 10 --dir /var/lib/keyturn"))
def bench(
    *,
    seconds: Annotated[float, typer.Option("--seconds", min=0.01, max=600, help="For each measurement.")] = 1.0,
    directory: Annotated[
        Path, typer.Option("--dir", help="Where a database is made for a while: measure its disk.")
    ] = Path(),
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Measure what this machine can do.

    Signatures, verifications, password hashes and durable refreshes, each a second.
    """
    rows = _measure_all(seconds, directory, config)
    if as_json:
        print_json({"items": rows})
    else:
        print_table(rows, _COLUMNS)


def _measure_all(seconds: float, directory: Path, config: Path | None) -> list[dict[str, Any]]:
    try:
        with TemporaryDirectory(prefix=".keyturn-bench-", dir=directory) as scratch:
            settings = measuring.scratch_settings(Path(scratch), config)
            return [_row(measurement, settings, seconds) for measurement in MEASUREMENTS]
    except OSError as error:
        raise ConfigurationError(f"--dir: {directory} can't be written: {error.strerror}.") from None


def _row(measurement: Measurement, settings: Settings, seconds: float) -> dict[str, Any]:
    with working(f"Measuring {measurement.name} …"):
        rate = measurement.measure(settings, seconds)
    return {"name": measurement.name, "per_second": round(rate, 1), "meaning": measurement.meaning}


MEASUREMENTS: Final = (
    Measurement(
        name="ES256 signature",
        meaning="each login and each refresh makes one; one core",
        measure=lambda _, seconds: measuring.signatures(seconds),
    ),
    Measurement(
        name="ES256 verification",
        meaning="the bare primitive, the floor of the next row; one core",
        measure=lambda _, seconds: measuring.raw_verifications(seconds),
    ),
    Measurement(
        name="token, first time",
        meaning="an API verifies an access token that it has not seen; one core",
        measure=lambda _, seconds: measuring.first_verifications(seconds),
    ),
    Measurement(
        name="token, seen before",
        meaning="the same token again: age and revocations are checked, the signature is remembered; one core",
        measure=lambda _, seconds: measuring.repeated_verifications(seconds),
    ),
    Measurement(
        name="argon2id hash",
        meaning="the most logins there can be, with the configured parameters and threads",
        measure=lambda settings, seconds: asyncio.run(measuring.hashes(settings, seconds)),
    ),
    Measurement(
        name="durable refresh",
        meaning=f"{measuring.SESSIONS} sessions refresh at once on SQLite, each safe on the disk; without HTTP",
        measure=lambda settings, seconds: asyncio.run(measuring.refreshes(settings, seconds)),
    ),
)

_COLUMNS: Final = (
    Column("WHAT", "name"),
    Column("A SECOND", "per_second", lambda rate: f"{rate:,.0f}", "right"),
    Column("MEANING", "meaning"),
)
