"""``keyturn db``: the database's schema."""

import asyncio

import typer

from keyturn import store
from keyturn.cli.commands import FAILED, examples, noun
from keyturn.cli.opening import load
from keyturn.cli.options import ConfigOption, JsonOption
from keyturn.cli.output import note, print_json, say, working

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


def _advice(found: store.SchemaStatus) -> str:
    if found.current < found.newest:
        return "Run 'keyturn db upgrade'."
    return "A newer release upgraded it; run that one."
