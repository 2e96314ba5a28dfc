"""Debian's PgBouncer in transaction mode before the shared PostgreSQL, on a free loopback port."""

import atexit
import os
import shutil
import socket
import subprocess
import tempfile
import time
from contextlib import suppress
from functools import cache
from pathlib import Path

import postgres

PROGRAM = shutil.which("pgbouncer", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
"""Where it is; None where it is not installed."""

# Few connections to the server, so that callers really change places on them. What a client leaves behind is not reset.
_CONFIG = """
[databases]
* = host=127.0.0.1 port={server_port}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = scram-sha-256
auth_file = {folder}/users
pool_mode = transaction
default_pool_size = 3
max_client_conn = 200
server_reset_query =
server_idle_timeout = 1
logfile = {folder}/log
"""

_WATCHER = 'read -r _; kill -KILL "$1"; rm -rf "$0"'


class PgBouncer:
    """One pooler before *server*. It runs from the start; whoever makes one closes it."""

    def __init__(self, server: postgres.Postgres) -> None:
        assert PROGRAM
        self._server = server
        self.folder = Path(tempfile.mkdtemp(prefix="keyturn-pgbouncer-"))
        self.folder.chmod(0o755)
        self.port = postgres.free_port()
        config = self.folder / "pgbouncer.ini"
        config.write_text(_CONFIG.format(server_port=server.port, port=self.port, folder=self.folder))
        (self.folder / "users").write_text(f'"{postgres.USER}" "{postgres.PASSWORD}"\n')
        (self.folder / "log").touch()
        if os.geteuid() == 0:
            os.chown(self.folder / "log", postgres.NOBODY, postgres.NOBODY)
        self._process = subprocess.Popen(
            [PROGRAM, str(config)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **postgres.as_user()
        )
        self._watcher = subprocess.Popen(
            ["/bin/sh", "-c", _WATCHER, str(self.folder), str(self._process.pid)],
            stdin=subprocess.PIPE,
            start_new_session=True,
        )
        self._wait_until_ready()

    def url_of(self, url: str) -> str:
        """Return the URL of a database of the server as it is reached through the pooler."""
        return url.replace(f":{self._server.port}/", f":{self.port}/")

    def close(self) -> None:
        """End it and remove everything."""
        self._watcher.communicate()
        self._process.wait(postgres.PATIENCE_SECONDS)

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + postgres.PATIENCE_SECONDS
        while self._process.poll() is None and time.monotonic() < deadline:
            with suppress(OSError), socket.create_connection(("127.0.0.1", self.port)):
                return
            time.sleep(0.01)
        raise RuntimeError(f"PgBouncer did not start:\n{(self.folder / 'log').read_text()[-2000:]}")


@cache
def shared() -> PgBouncer:
    """Return the one pooler of this process, before the one server; it is ended with the process."""
    pooler = PgBouncer(postgres.shared())
    atexit.register(pooler.close)
    return pooler
