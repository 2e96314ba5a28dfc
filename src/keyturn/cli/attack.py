"""``keyturn attack``: play hostile tokens against an API, and report which it takes. Never prints a token."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from keyturn.attack.budget import MAX_REQUESTS, Budget, BudgetSpent
from keyturn.attack.campaign import begun
from keyturn.attack.case import Case
from keyturn.attack.cases import BY_ID, CASES
from keyturn.attack.judging import Standing
from keyturn.attack.model import Severity, Verdict
from keyturn.attack.observing import OBSERVED
from keyturn.attack.page import to_html
from keyturn.attack.report import to_json
from keyturn.attack.results import Report
from keyturn.attack.revocation import BOUND
from keyturn.cli.attack_inputs import Given, gather, hosts_of
from keyturn.cli.attack_output import print_cases, print_report
from keyturn.cli.commands import FAILED, examples, noun
from keyturn.cli.options import JsonOption
from keyturn.cli.output import note, print_json
from keyturn.cli.private_files import PRIVATE, replace
from keyturn.errors import ConfigurationError, TemporarilyUnavailable

app = noun("attack")


@app.command(
    epilog=examples(
        "keyturn attack https://api.example.com/orders --token-file token.txt",
        'keyturn attack http://localhost:8000 --route "GET /orders" --token-file - < token.txt',
        "keyturn attack http://localhost:8000 --openapi openapi.yaml --key issuer.pem --token-file token.txt",
        "keyturn attack http://localhost:8080 --route 'GET /me' --issuer http://localhost:8080 --username tester",
        "keyturn attack --list",
    )
)
def attack(
    url: Annotated[
        str | None, typer.Argument(metavar="URL", help="The API, or one URL of it.", show_default=False)
    ] = None,
    *,
    openapi: Annotated[
        str | None,
        typer.Option("--openapi", metavar="FILE_OR_URL", help="Its OpenAPI document; else URL/openapi.json."),
    ] = None,
    route: Annotated[
        list[str], typer.Option("--route", metavar='"GET /x"', help="A route that needs a token; may be given again.")
    ] = [],  # noqa: B006 - typer's
    token_file: Annotated[
        str | None,
        typer.Option(
            "--token-file", metavar="FILE", help="A good token; '-' is standard input. Else KEYTURN_ATTACK_TOKEN."
        ),
    ] = None,
    key: Annotated[
        Path | None,
        typer.Option("--key", metavar="FILE", help="The issuer's signing key, PEM or JWK: claims are attacked too."),
    ] = None,
    kid: Annotated[str | None, typer.Option("--kid", help="The key's name in a token.")] = None,
    algorithm: Annotated[str | None, typer.Option("--algorithm", metavar="ALG", help="What the key signs by.")] = None,
    claims: Annotated[
        Path | None,
        typer.Option("--claims", metavar="FILE", help="A good token's claims, as JSON, where there is none."),
    ] = None,
    issuer: Annotated[str | None, typer.Option("--issuer", metavar="URL", help="Who issues the tokens.")] = None,
    audience: Annotated[str | None, typer.Option("--audience", metavar="AUD", help="The API's name in them.")] = None,
    jwks: Annotated[
        str | None,
        typer.Option("--jwks", metavar="FILE_OR_URL", help="The issuer's public keys; else where Keyturn has them."),
    ] = None,
    username: Annotated[
        str | None,
        typer.Option(
            "--username",
            metavar="NAME",
            help="A test account at a Keyturn issuer, which is attacked too; its password is in"
            " KEYTURN_ATTACK_PASSWORD, or asked for.",
        ),
    ] = None,
    revoke_command: Annotated[
        str | None,
        typer.Option("--revoke-command", metavar="COMMAND", help="Revokes the token that it reads on standard input."),
    ] = None,
    revocation_bound: Annotated[
        float, typer.Option("--revocation-bound", metavar="SECONDS", min=0, help="How soon that has to work.")
    ] = BOUND,
    allow_host: Annotated[
        list[str],
        typer.Option("--allow-host", metavar="HOST", help="Another host that may be asked; may be given again."),
    ] = [],  # noqa: B006 - typer's
    max_requests: Annotated[
        int, typer.Option("--max-requests", min=1, help="How many requests may be sent at all.")
    ] = MAX_REQUESTS,
    rate: Annotated[
        float, typer.Option("--rate", metavar="N", min=0, help="Requests a second at most; 0 is no pause.")
    ] = 50,
    listen: Annotated[
        bool, typer.Option("--listen", help="Listen on a port of this machine for who follows a URL in a token.")
    ] = False,
    only: Annotated[
        list[str], typer.Option("--only", metavar="ID", help="Play this case alone; may be given again.")
    ] = [],  # noqa: B006 - typer's
    skip: Annotated[
        list[str], typer.Option("--skip", metavar="ID", help="Leave this case out; may be given again.")
    ] = [],  # noqa: B006 - typer's
    fail_on: Annotated[
        Severity, typer.Option("--fail-on", help="The exit code is 1 for a flaw that is at least so bad.")
    ] = Severity.LOW,
    html: Annotated[
        Path | None, typer.Option("--html", metavar="FILE", help="Write the report as a page too.", dir_okay=False)
    ] = None,
    as_json: JsonOption = False,
    list_cases: Annotated[bool, typer.Option("--list", help="List the cases, and attack nothing.")] = False,
) -> None:
    """Attack an API that takes bearer tokens, as a thief would.

    Hostile tokens are forged from the token and the keys that you hand over, and sent to the routes you name, or to
    those of the OpenAPI document whose method changes nothing. Only the host of URL is asked, and those you name.
    The exit code is 1 if there is a flaw. Attack only what is yours to attack.
    """
    cases = _chosen(only, skip)
    if list_cases:
        print_cases(cases, as_json=as_json)
        return
    if url is None:
        raise typer.BadParameter("Name the URL of the API.")
    if html is not None and not html.parent.is_dir():
        raise typer.BadParameter(f"--html: there is no directory {html.parent}.")
    given = Given(
        url=url,
        openapi=openapi,
        routes=tuple(route),
        token_file=token_file,
        key=key,
        kid=kid,
        algorithm=algorithm,
        claims=claims,
        issuer=issuer,
        audience=audience,
        jwks=jwks,
        username=username,
        revoke_command=revoke_command,
    )
    budget = Budget(hosts_of(url, allow_host), max_requests=max_requests, per_second=rate)
    with _progress() as told:
        report = asyncio.run(_attack(given, budget, cases, revocation_bound=revocation_bound, listen=listen, told=told))
    _refuse_empty(report)
    if as_json:
        print_json(to_json(report))
    else:
        print_report(report)
    if html is not None:
        replace(html, to_html(report), mode=PRIVATE)
        note(f"The page is {html}.")
    if report.fails(fail_on):
        raise typer.Exit(FAILED)
    if report.broken:
        raise ConfigurationError("\n".join(report.broken))
    if not _says_something(report):
        raise ConfigurationError("Nothing could be said of any case; why is told above.")


async def _attack(
    given: Given,
    budget: Budget,
    cases: tuple[Case, ...],
    *,
    revocation_bound: float,
    listen: bool,
    told: Callable[[int, int, str], None],
) -> Report:
    try:
        async with gather(given, budget) as (target, notes):
            canary: Literal["listening", "closed"] = "listening" if listen else "closed"
            async with begun(target, budget, canary=canary, revocation_bound=revocation_bound) as campaign:
                return await campaign.run(cases, notes=notes, told=told)
    except BudgetSpent:
        raise ConfigurationError("--max-requests: they were spent before the attack began.") from None
    except TemporarilyUnavailable as error:  # no flaw was found, which exit code 1 would say
        raise ConfigurationError(str(error)) from None


def _chosen(only: list[str], skip: list[str]) -> tuple[Case, ...]:
    for name in (*only, *skip):
        if name not in BY_ID:
            raise typer.BadParameter(f"There is no case {name!r}; keyturn attack --list names them.")
    return tuple(case for case in CASES if (not only or case.id in only) and case.id not in skip)


def _refuse_empty(report: Report) -> None:
    """Say that nothing was learned, where no route could be judged: that is no clean bill of health."""
    if all(baseline.standing is Standing.UNJUDGED for baseline in report.baselines):
        raise ConfigurationError("\n".join(("No route could be judged, so nothing was attacked.", *report.notes)))


def _says_something(report: Report) -> bool:
    """Say whether a flaw was found or excluded; what is seen in passing counts where nothing else was asked for."""
    told = [result for result in report.results if result.case.id not in OBSERVED] or report.results
    return bool(report.flaws) or any(result.verdict is Verdict.SOUND for result in told)


@contextmanager
def _progress() -> Iterator[Callable[[int, int, str], None]]:
    """Show a bar where somebody watches; nothing of it stays on the screen."""
    console = Console(stderr=True)
    bar = Progress(
        TextColumn("Attacking"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[case]}", markup=False),
        TimeElapsedColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )
    with bar:
        task = bar.add_task("", total=None, case="")

        def told(done: int, total: int, case: str) -> None:
            fields: dict[str, Any] = {"case": case}
            bar.update(task, completed=done, total=total, **fields)

        yield told
