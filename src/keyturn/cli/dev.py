"""``keyturn dev``: a server for development that asks for nothing and tells everything."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from keyturn import store
from keyturn.cli.commands import examples, noun
from keyturn.cli.development import DIRECTORY, Development, make_user
from keyturn.cli.opening import run_with
from keyturn.cli.welcome import print_password, print_welcome
from keyturn.errors import ConfigurationError
from keyturn.server.cors import LoopbackOrigins
from keyturn.server.run import serve
from keyturn.verify.locations import is_loopback

app = noun("dev")


@app.command(epilog=examples("keyturn dev", "keyturn dev --port 9000"))
def dev(
    *,
    port: Annotated[int, typer.Option("--port", min=1, max=65535, help="The TCP port.")] = 8080,
    host: Annotated[str, typer.Option("--host", help="The address; of this machine alone.")] = "127.0.0.1",
    directory: Annotated[Path, typer.Option("--dir", help="Where everything is kept.")] = DIRECTORY,
) -> None:
    """Run a development server, for this machine alone.

    It needs no configuration and keeps everything in ./.keyturn/. The first start makes a user 'dev'; every start
    prints how to log in, how to protect a route, and how to set the password anew.
    """
    if not is_loopback(host):
        raise ConfigurationError(
            "--host: a development server is for this machine alone; use 127.0.0.1, ::1 or localhost."
        )
    development = Development(directory=directory, host=host, port=port)
    settings = development.prepare()
    asyncio.run(store.upgrade(settings.database.url))
    password = run_with(settings, make_user)
    if password is not None:  # said before the start, which may still fail
        print_password(password)
    serve(
        settings,
        loopback_origins=LoopbackOrigins.ALLOWED,
        announce=lambda _: print_welcome(development, settings, password=password),
    )
