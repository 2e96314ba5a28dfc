"""``keyturn doctor``: what is wrong with an installation, or with an issuer that is looked at from outside."""

import asyncio
from collections.abc import Sequence
from typing import Annotated

import typer

from keyturn.cli import diagnosis
from keyturn.cli.commands import FAILED, examples, noun
from keyturn.cli.options import ConfigOption, JsonOption
from keyturn.cli.output import print_json, working
from keyturn.errors import ConfigurationError
from keyturn.server.clock import Clock
from keyturn.server.doctor import catalogue
from keyturn.server.doctor.audit import Outcome, Patient, audit
from keyturn.server.doctor.catalogue import Chapters
from keyturn.server.doctor.findings import Severity
from keyturn.server.settings import Purpose
from keyturn.verify.locations import Transport, check_location

app = noun("doctor")


@app.command(
    epilog=examples(
        "keyturn doctor",
        "keyturn doctor --issuer-url http://127.0.0.1:8080 --fail-on high",
        "keyturn doctor https://auth.example.com --json",
        "keyturn doctor --only network --only keys --skip proxies-missing",
        "keyturn doctor --list",
    ),
)
def doctor(
    *,
    url: Annotated[
        str, typer.Argument(metavar="[URL]", help="An issuer to look at from outside alone, ours or not.")
    ] = "",
    fail_on: Annotated[
        Severity, typer.Option("--fail-on", help="The least severity of a finding for which the exit code is 1.")
    ] = Severity.MEDIUM,
    only: Annotated[
        list[str], typer.Option("--only", metavar="NAME", help="A check or a chapter to make; may be given again.")
    ] = [],  # noqa: B006 - typer's
    skip: Annotated[
        list[str], typer.Option("--skip", metavar="NAME", help="A check or a chapter to leave out; likewise.")
    ] = [],  # noqa: B006 - typer's
    issuer_url: Annotated[
        str, typer.Option("--issuer-url", metavar="URL", help="Where to ask the running issuer; else its own URL.")
    ] = "",
    offline: Annotated[bool, typer.Option("--offline", help="Ask no issuer.")] = False,
    purpose: Annotated[Purpose, typer.Option("--for", help="What the settings are to be good for.")] = Purpose.SERVE,
    list_checks: Annotated[bool, typer.Option("--list", help="List all checks and make none.")] = False,
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Audit settings, files, keys, database and a running issuer.

    Each finding says what it means, how to mend it, and what it goes by. Nothing is changed: no key is made or rotated,
    no schema upgraded, and no secret printed. With a URL it looks at that issuer from outside, and at nothing else. The
    exit code is 1 for a finding at or above --fail-on, and where not a single check could be made.
    """
    chapters = _chosen(only, skip)
    if list_checks:
        _print_list(chapters, as_json=as_json)
        return
    if url and offline:
        raise typer.BadParameter("With a URL there is nothing but an issuer to ask: leave out --offline.")
    patient = Patient(
        config=config,
        purpose=purpose,
        outside=_checked(url, "URL"),
        issuer_url=_checked(issuer_url, "--issuer-url"),
        is_offline=offline,
    )
    outcome = _audit(patient, chapters)
    if as_json:
        print_json(diagnosis.document(outcome))
    else:
        diagnosis.print_report(outcome, chapters)
    worst = outcome.report.worst()
    if not outcome.report.made or (worst is not None and worst.rank >= fail_on.rank):
        raise typer.Exit(FAILED)


def _audit(patient: Patient, chapters: Chapters) -> Outcome:
    with working("Looking …") as shown:

        def told(text: str) -> None:
            if (update := getattr(shown, "update", None)) is not None:
                update(text)

        return asyncio.run(audit(patient, chapters, clock=Clock(), told=told))


def _chosen(only: Sequence[str], skip: Sequence[str]) -> Chapters:
    unknown = sorted({*only, *skip} - catalogue.names())
    if unknown:
        raise typer.BadParameter(f"There is no check or chapter {unknown[0]!r}; 'keyturn doctor --list' tells them.")
    return catalogue.chosen(only=only, skip=skip)


def _checked(url: str, name: str) -> str:
    """Return *url* in the form that an issuer has.

    Raises:
        ConfigurationError: it is none.

    """
    if "?" in url:
        raise ConfigurationError(f"{name}: a query can't be part of an issuer.")
    return check_location(url.rstrip("/"), transport=Transport.ANY, name=name) if url else ""


def _print_list(chapters: Chapters, *, as_json: bool) -> None:
    if as_json:
        print_json({"items": [diagnosis.check_row(check, each.name) for each in chapters for check in each.checks]})
    else:
        diagnosis.print_checks(chapters)
