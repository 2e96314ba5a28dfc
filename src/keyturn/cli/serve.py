"""``keyturn serve``: the authorization server in production."""

from typing import Annotated, Any

import typer

from keyturn.cli.commands import examples, noun
from keyturn.cli.opening import load
from keyturn.cli.options import ConfigOption
from keyturn.server import run
from keyturn.server.settings import Purpose, Settings

app = noun("serve")


@app.command(
    epilog=examples(
        "keyturn serve", "keyturn serve --workers 4", "keyturn serve --config /etc/keyturn/keyturn.toml --port 9000"
    ),
)
def serve(
    *,
    host: Annotated[str | None, typer.Option("--host", help="The address to listen on (server.host).")] = None,
    port: Annotated[int | None, typer.Option("--port", min=1, max=65535, help="The TCP port (server.port).")] = None,
    workers: Annotated[int | None, typer.Option("--workers", min=1, max=64, help="Processes (server.workers).")] = None,
    config: ConfigOption = None,
) -> None:
    """Run the authorization server.

    It never changes the database's schema, and refuses to start with an unsafe setting, naming it. With several
    workers, SIGHUP reads the settings anew and replaces them one by one while they serve.
    """
    flags: dict[str, Any] = {"host": host, "port": port, "workers": workers}
    given = {name: value for name, value in flags.items() if value is not None}

    def read() -> Settings:
        return load(config, purpose=Purpose.SERVE, server=given)

    run.serve(read(), reload=read)
