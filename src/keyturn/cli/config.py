"""``keyturn config``: what the settings are, where each came from, and whether a server may start with them."""

from typing import Annotated, Any, Final

import typer

from keyturn.cli.commands import examples, noun
from keyturn.cli.opening import load
from keyturn.cli.options import ConfigOption, JsonOption
from keyturn.cli.output import Column, print_json, print_table, say
from keyturn.errors import ConfigurationError
from keyturn.server.settings import Purpose, Setting

app = noun("config", "keyturn config show", "keyturn config check")

PurposeOption = Annotated[Purpose, typer.Option("--for", help="What the settings are to be good for.")]


@app.command(epilog=examples("keyturn config show", "keyturn config show --json --config /etc/keyturn/keyturn.toml"))
def show(as_json: JsonOption = False, config: ConfigOption = None) -> None:
    """Show every setting, and where its value came from.

    Secrets are masked.
    """
    rows = [_row(setting) for setting in load(config).listing()]
    if as_json:
        print_json({"items": rows})
    else:
        print_table(rows, _COLUMNS)


@app.command(epilog=examples("keyturn config check", "keyturn config check --config staging.toml --json"))
def check(purpose: PurposeOption = Purpose.SERVE, as_json: JsonOption = False, config: ConfigOption = None) -> None:
    """Say whether the settings are safe and complete.

    Every problem is told, with its mend; the exit code is 2 if there is one.
    """
    try:
        load(config, purpose=purpose)
    except ConfigurationError as error:
        if as_json:
            print_json({"ok": False, "problems": str(error).splitlines()})
        raise
    if as_json:
        print_json({"ok": True, "problems": []})
    else:
        say("The settings are good.")


def _row(setting: Setting) -> dict[str, Any]:
    return {
        "name": setting.name,
        "value": setting.value,
        "source": setting.source.value,
        "environment": setting.environment,
    }


_COLUMNS: Final = (
    Column("SETTING", "name"),
    Column("VALUE", "value"),
    Column("SOURCE", "source"),
    Column("ENVIRONMENT", "environment"),
)
