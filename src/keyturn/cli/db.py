"""``keyturn db``: the database's schema, a move to another database, and what follows a restore from a backup."""

import asyncio
import os
from functools import partial
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.status import Status

from keyturn import store
from keyturn.cli.commands import FAILED, examples, noun
from keyturn.cli.opening import OPERATOR, load, run
from keyturn.cli.options import ConfigOption, JsonOption, YesOption
from keyturn.cli.output import Column, note, print_json, print_table, say, working
from keyturn.cli.prompting import confirm
from keyturn.core.restored import end_everything
from keyturn.errors import ConfigurationError
from keyturn.server.configuration.secret_references import Reference, References, is_reference
from keyturn.server.settings import Purpose, Settings
from keyturn.store import copy as copying

app = noun("db", "keyturn db status", "keyturn db upgrade")


@app.command(epilog=examples("keyturn db upgrade"))
def upgrade(config: ConfigOption = None) -> None:
    """Create the database, or upgrade its schema.

    A server never does this by itself. Back the database up first.
    """
    url = load(config).database.url
    with working("Upgrading the database …"):
        applied = asyncio.run(store.upgrade(url))
    for name in applied:
        say(f"applied {name}")
    note("The database is up to date.")


@app.command(epilog=examples("keyturn db status", "keyturn db status --json"))
def status(as_json: JsonOption = False, config: ConfigOption = None) -> None:
    """Say whether the schema is the one that this release needs.

    The exit code is 1 if it is not.
    """
    found = asyncio.run(store.status(load(config).database.url))
    fits = found.current == found.newest
    if as_json:
        print_json({"current": found.current, "newest": found.newest, "up_to_date": fits})
    else:
        say(f"The schema has version {found.current}; this release needs {found.newest}.")
        if not fits:
            note(_advice(found))
    if not fits:
        raise typer.Exit(FAILED)


@app.command(
    epilog=examples(
        "KEYTURN_DATABASE_URL=postgresql://keyturn@db/keyturn keyturn db upgrade",
        "keyturn db copy --from sqlite:///keyturn.db --to postgresql://keyturn@db/keyturn",
        "keyturn db copy --from sqlite:////var/lib/keyturn/keyturn.db --to file:/etc/keyturn/postgres-url",
    )
)
def copy(
    source: Annotated[str, typer.Option("--from", metavar="URL", help="The database that is in use now.")],
    target: Annotated[str, typer.Option("--to", metavar="URL", help="An upgraded, empty one: SQLite or PostgreSQL.")],
) -> None:
    """Copy everything from one database into another, so that nobody is logged out.

    Stop every server first. The target has everything at the end, or nothing. Then set database.url to it; the master
    key stays. A URL with a password in it is better given as a reference: file:path, vault:… or awssm:….
    """
    urls = [_url_of(source, "--from"), _url_of(target, "--to")]
    with working("Copying …") as shown:
        counts = asyncio.run(copying.copy(*urls, told=partial(_show, shown)))
    print_table([{"table": table, "rows": rows} for table, rows in counts.items()], _COUNTS)
    note("Everything is copied. Set database.url to the new database, and keep keys.master_key.")


@app.command(epilog=examples("keyturn db restored", "keyturn db restored --yes"))
def restored(yes: YesOption = False, config: ConfigOption = None) -> None:
    """After a restore from a backup, before any traffic: end all sessions and refuse all access tokens up to now.

    The backup brings back sessions that have been logged out since, and knows nothing of later ones. Everybody logs in
    again. Accounts are as they were then: look for users that were disabled since, and for changed passwords.
    """
    if not yes:
        confirm("End every session of everybody, and refuse every access token up to now?")
    with working("Ending every session …"):
        ended = run(config, lambda services, now_ms: end_everything(services, origin=OPERATOR, now_ms=now_ms))
    say(f"Sessions that ended: {ended}.")
    note("Every access token that was issued up to now is refused.")


def _url_of(text: str, option: str) -> str:
    """Return the URL that *text* is or refers to, if it is one that a server may use too."""
    try:
        url = References(os.environ).read(Reference(text, Path())) if is_reference(text) else text
    except ValueError as error:
        raise ConfigurationError(f"{option}: {error}.") from None
    try:
        Settings.model_validate({"database": {"url": url}}).check(Purpose.ADMINISTER)
    except ConfigurationError as error:
        raise ConfigurationError(str(error).replace("database.url (KEYTURN_DATABASE_URL)", option)) from None
    return url


def _show(shown: object, table: str, rows: int) -> None:
    if isinstance(shown, Status):
        shown.update(f"Copying {table}: {rows} rows …")


def _advice(found: store.SchemaStatus) -> str:
    if found.current < found.newest:
        return "Run 'keyturn db upgrade'."
    return "A newer release upgraded it; run that one."


_COUNTS: Final = (Column("TABLE", "table"), Column("ROWS", "rows", justify="right"))
