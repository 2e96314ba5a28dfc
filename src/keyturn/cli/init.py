"""``keyturn init``: a settings file that explains itself, and a master key file. Nothing is ever overwritten."""

from pathlib import Path
from typing import Annotated, Any, Final

import typer

from keyturn.cli.commands import examples, noun
from keyturn.cli.output import note, say
from keyturn.cli.private_files import READABLE, make_directory, write_new, write_new_master_key
from keyturn.cli.settings_file import render
from keyturn.errors import Conflict
from keyturn.server.settings import Purpose, Settings

SETTINGS_FILE: Final = "keyturn.toml"
MASTER_KEY_FILE: Final = "keyturn.key"

app = noun("init")


@app.command(
    epilog=examples(
        "keyturn init --issuer https://auth.example.com --audience https://api.example.com",
        "keyturn init --dir /etc/keyturn",
    ),
)
def init(
    *,
    issuer: Annotated[str, typer.Option("--issuer", metavar="URL", help="Where clients reach the server.")] = "",
    audience: Annotated[
        list[str], typer.Option("--audience", metavar="NAME", help="An API that tokens are for; may be given again.")
    ] = [],  # noqa: B006 - typer's
    directory: Annotated[Path, typer.Option("--dir", help="Where to write both files; made if need be.")] = Path(),
) -> None:
    """Write a keyturn.toml with every setting, and a master key file.

    keyturn.key can be read by its owner alone. Nothing is overwritten.
    """
    values: dict[str, Any] = {"issuer": issuer, "access_token.audience": tuple(audience)}
    Settings.model_validate({"issuer": issuer, "access_token": {"audience": audience}}).check(Purpose.ADMINISTER)
    settings_path, key_path = directory / SETTINGS_FILE, directory / MASTER_KEY_FILE
    for path in (settings_path, key_path):
        if path.exists():
            raise Conflict("file exists", sentence=f"{path} is there already; nothing was overwritten.")
    make_directory(directory)
    write_new_master_key(key_path)
    values["keys.master_key"] = f"file:{MASTER_KEY_FILE}"
    write_new(settings_path, render(values, intro=_INTRO), mode=READABLE)
    note(f"Wrote {settings_path} and {key_path}.")
    note(f"Back {key_path} up, apart from the database, and keep it out of version control.")
    for step in _next_steps(settings_path, complete=bool(issuer and audience)):
        say(step)


def _next_steps(path: Path, *, complete: bool) -> list[str]:
    config = "" if path == Path(SETTINGS_FILE) else f" --config {path}"
    first = [] if complete else [f"Set issuer and access_token.audience in {path}."]
    return [
        "Next:",
        *(f"  {step}" for step in first),
        f"  keyturn config check{config}",
        f"  keyturn db upgrade{config}",
        f"  keyturn users add alice --role user{config}",
        f"  keyturn serve{config}",
    ]


_INTRO: Final = """\
Settings of a Keyturn authorization server. Each can also be set in the environment, which goes before this file:
[refresh_token] grace is KEYTURN_REFRESH_TOKEN_GRACE; KEYTURN_..._FILE names a file that holds the value.

Check them with: keyturn config check"""
