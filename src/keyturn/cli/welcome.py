"""What a developer reads when ``keyturn dev`` starts: what to paste where. Nothing to paste is wrapped or boxed."""

import json
import os
import shlex
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

from rich.console import Console
from rich.panel import Panel
from rich.text import Text

from keyturn.cli.development import DIRECTORY, USERNAME, Development
from keyturn.server.settings import Settings

UNKNOWN_PASSWORD = "YOUR-PASSWORD"


def print_password(password: str) -> None:
    """Print the password of the user who was just made; nothing can print it again."""
    sys.stdout.write(f"Made the user {USERNAME} with the password {password} (it is shown this once).\n\n")
    sys.stdout.flush()


def print_welcome(development: Development, settings: Settings, *, password: str | None) -> None:
    """Print it on standard output; *password* is that of a user who was just made, else None."""
    title = Text.assemble(("Keyturn", "bold"), " for development, at ", (settings.issuer, "bold"))
    Console().print(Panel.fit(title))
    sys.stdout.write("\n".join(_lines(development, settings, password)) + "\n")
    sys.stdout.flush()


def curl_line(issuer: str, password: str | None) -> str:
    """Return the command that logs in and prints both tokens."""
    body = {"username": USERNAME, "password": password or UNKNOWN_PASSWORD, "client": "native"}
    data = shlex.quote(json.dumps(body, separators=(",", ":")))
    return f"curl -s {issuer}/login -H 'Content-Type: application/json' -d {data}"


def route_lines(issuer: str, audience: str) -> list[str]:
    """Return the five lines that protect a route of a FastAPI app."""
    return [
        "from typing import Annotated",
        "from keyturn.fastapi import AccessToken, Keyturn",
        f"auth = Keyturn(issuer={json.dumps(issuer)}, audience={json.dumps(audience)})",
        '@app.get("/orders")',
        'async def orders(token: Annotated[AccessToken, auth.require("orders:read")]): return {"sub": token.sub}',
    ]


def own_command() -> str:
    """Return how this very program is called from here: it may stand in a virtual environment that is not active."""
    script = Path(sys.argv[0])
    if script.name != "keyturn":
        return f"{shlex.quote(sys.executable)} -m keyturn"
    found = shutil.which("keyturn")
    if found is not None and Path(found).resolve() == script.resolve():
        return "keyturn"
    return shlex.quote(min(os.path.relpath(script), str(script), key=len))


def _lines(development: Development, settings: Settings, password: str | None) -> Iterator[str]:
    yield ""
    yield "Log in and get both tokens:"
    yield ""
    yield curl_line(settings.issuer, password)
    yield ""
    yield "Protect a route of a FastAPI app (pip install 'keyturn[fastapi]'):"
    yield ""
    yield from route_lines(settings.issuer, settings.access_token.audience[0])
    yield ""
    yield f"Set the password of {USERNAME} anew:"
    yield ""
    yield f"{own_command()} users passwd {USERNAME}{_config(development)}"
    yield ""
    yield f"Roles and scopes are in {development.settings_file}, the data beside it. Ctrl-C ends the server."
    yield ""


def _config(development: Development) -> str:
    beside = development.directory.absolute() == DIRECTORY.absolute()
    return "" if beside else f" --config {shlex.quote(str(development.settings_file))}"
