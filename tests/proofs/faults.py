"""What may befall a database or a Valkey, each as a `Fault` that strikes and is mended. Nothing is left behind."""

import shutil
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from postgres import Commits, Postgres, Standby, as_user, shared
from slow_link import SlowLink
from valkey_servers import SERVICE, Sentinels, Valkey

DISK_MIB = 256
LAG_SECONDS = 1.5


@dataclass(slots=True, kw_only=True)
class Fault:
    """One thing that goes wrong.

    Attributes:
        name: in words.
        url: of an empty database, or of a Valkey.
        strike: makes it happen.
        mend: ends it; when it returns, the other side is back.
        seconds: how long it lasts in between.
        is_outage: whether nothing works meanwhile.
        forgets: whether a Valkey comes back empty.
        may_lose_from: since when what was acknowledged may be lost, by the monotonic clock.

    """

    name: str
    url: str
    strike: Callable[[], None]
    mend: Callable[[], None]
    seconds: float
    is_outage: bool = True
    forgets: bool = False
    may_lose_from: float = float("inf")


@contextmanager
def postgres_killed() -> Iterator[Fault]:
    """``kill -9`` of all its processes, then a start."""
    server = Postgres()
    with server:
        url = server.url_of_new_database()
        yield Fault(name="PostgreSQL killed", url=url, strike=server.kill, mend=server.start, seconds=1)


@contextmanager
def postgres_paused() -> Iterator[Fault]:
    """SIGSTOP: connections stay open and nobody answers."""
    server = shared()
    url = server.url_of_new_database()
    try:
        yield Fault(name="PostgreSQL paused", url=url, strike=server.pause, mend=server.resume, seconds=6)
    finally:
        server.resume()


@contextmanager
def postgres_slowed() -> Iterator[Fault]:
    """50 to 300 ms more for each question to it."""
    with _link(shared()) as (url, link):
        name = "PostgreSQL slowed by 50 to 300 ms"
        yield Fault(name=name, url=url, strike=link.slow, mend=link.flow, seconds=5, is_outage=False)


@contextmanager
def postgres_stalled() -> Iterator[Fault]:
    """The way to it stands still; what was under way arrives late."""
    with _link(shared()) as (url, link):
        yield Fault(name="PostgreSQL stalled", url=url, strike=link.stall, mend=link.flow, seconds=6)


@contextmanager
def postgres_full() -> Iterator[Fault]:
    """No room on its disk, until there is again."""
    with _disk() as disk, Postgres(folder=disk.folder) as server:

        def mend() -> None:
            disk.make_room(server)
            _bring_back(server)

        name = f"PostgreSQL's disk full ({disk.kind})"
        yield Fault(name=name, url=server.url_of_new_database(), strike=lambda: disk.fill(server), mend=mend, seconds=3)


@contextmanager
def failed_over_synchronous() -> Iterator[Fault]:
    """The primary is killed, and the standby, which has every commit, is promoted."""
    with Postgres() as primary, primary.standby(Commits.SYNCHRONOUS) as standby:
        url = primary.url_of_new_database()
        name = "PostgreSQL failed over, synchronous"
        yield Fault(name=name, url=_both(url, primary, standby), strike=primary.kill, mend=standby.promote, seconds=1)


@contextmanager
def failed_over_asynchronous() -> Iterator[Fault]:
    """The standby lags behind when the primary is killed, and is promoted without what it missed."""
    with Postgres() as primary, primary.standby(Commits.ASYNCHRONOUS) as standby:
        url = primary.url_of_new_database()

        def strike() -> None:
            fault.may_lose_from = time.monotonic()
            _catch_up(primary, standby)
            standby.sql("ALTER SYSTEM SET primary_conninfo = ''", "SELECT pg_reload_conf()")
            time.sleep(LAG_SECONDS)
            primary.kill()

        fault = Fault(
            name=f"PostgreSQL failed over, asynchronous, {LAG_SECONDS} s behind",
            url=_both(url, primary, standby),
            strike=strike,
            mend=standby.promote,
            seconds=1,
        )
        yield fault


@contextmanager
def valkey_killed() -> Iterator[Fault]:
    """``kill -9``; it comes back empty."""
    with Valkey() as server:
        yield Fault(
            name="Valkey killed", url=server.url, strike=server.kill, mend=server.start, seconds=1, forgets=True
        )


@contextmanager
def valkey_paused() -> Iterator[Fault]:
    """SIGSTOP: connections stay open and nobody answers."""
    with Valkey() as server:
        yield Fault(name="Valkey paused", url=server.url, strike=server.pause, mend=server.resume, seconds=3)


@contextmanager
def valkey_slowed() -> Iterator[Fault]:
    """50 to 300 ms more for each question to it: it goes on to keep the limits."""
    with Valkey() as server, SlowLink(server.port) as link:
        url = server.url.replace(f":{server.port}/", f":{link.port}/")
        name = "Valkey slowed by 50 to 300 ms"
        yield Fault(name=name, url=url, strike=link.slow, mend=link.flow, seconds=3, is_outage=False)


@contextmanager
def valkey_stalled() -> Iterator[Fault]:
    """The way to it stands still; what was under way arrives late."""
    with Valkey() as server, SlowLink(server.port) as link:
        url = server.url.replace(f":{server.port}/", f":{link.port}/")
        yield Fault(name="Valkey stalled", url=url, strike=link.stall, mend=link.flow, seconds=3)


@contextmanager
def valkey_full() -> Iterator[Fault]:
    """No memory left, and nothing that it may throw away: writes are refused."""
    with Valkey(options=["maxmemory-policy noeviction"]) as server:

        def limit(most: str) -> None:
            with server.client() as client:
                client.config_set("maxmemory", most)

        yield Fault(name="Valkey full", url=server.url, strike=lambda: limit("1kb"), mend=lambda: limit("0"), seconds=2)


@contextmanager
def valkey_failed_over() -> Iterator[Fault]:
    """The primary is killed, and the Sentinels make the replica primary."""
    with Sentinels() as group:
        for sentinel in group.sentinels:  # long enough to be seen
            with sentinel.client() as client:
                client.execute_command("SENTINEL", "SET", SERVICE, "down-after-milliseconds", "3000")

        def mend() -> None:
            with group.replica.client() as client:
                _wait(lambda: client.info("replication")["role"] == "master")

        yield Fault(
            name="Valkey failed over by Sentinel", url=group.url, strike=group.primary.kill, mend=mend, seconds=0
        )


class _Disk:
    """A small disk of its own; where no disk may be mounted, a limit on the size of files does for a full one."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="keyturn-disk-"))
        self.folder.chmod(0o755)
        mount = [
            shutil.which("mount") or "false",
            "-t",
            "tmpfs",
            "-o",
            f"size={DISK_MIB}m,mode=755",
            "tmpfs",
            str(self.folder),
        ]
        self._filling = True
        self.is_mounted = subprocess.run(mount, capture_output=True, check=False).returncode == 0
        self.kind = f"a tmpfs of {DISK_MIB} MiB" if self.is_mounted else "files may not grow"
        self._watcher = subprocess.Popen(
            ["/bin/sh", "-c", _UNMOUNT, str(self.folder)],
            stdin=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def fill(self, server: Postgres) -> None:
        """Leave no room, and take what becomes free, until `make_room`."""
        if not self.is_mounted:
            _limit_files(server, "1000000")
            _use_up_the_log(server)
            return
        self._full = threading.Event()
        self._filler = threading.Thread(target=self._keep_full, args=(server,), daemon=True)
        self._filler.start()
        self._full.wait()

    def make_room(self, server: Postgres) -> None:
        """Make room."""
        if not self.is_mounted:
            _limit_files(server, "unlimited")
            return
        self._filling = False
        self._filler.join()
        (self.folder / "ballast").unlink()

    def _keep_full(self, server: Postgres) -> None:
        """Fill it; and use up the log again and again: the server has room in files that it made in advance."""
        with (self.folder / "ballast").open("wb", buffering=0) as ballast:
            while self._filling:
                with suppress(OSError):
                    while ballast.write(bytes(4096)):
                        pass
                with suppress(RuntimeError):
                    _use_up_the_log(server)
                self._full.set()
                time.sleep(0.05)

    def close(self) -> None:
        """Remove it, whatever is in it."""
        self._filling = False
        self._watcher.communicate()


@contextmanager
def _disk() -> Iterator[_Disk]:
    disk = _Disk()
    try:
        yield disk
    finally:
        disk.close()


@contextmanager
def _link(server: Postgres) -> Iterator[tuple[str, SlowLink]]:
    with SlowLink(server.port) as link:
        yield server.url_of_new_database().replace(f":{server.port}/", f":{link.port}/"), link


def _both(url: str, primary: Postgres, standby: Standby) -> str:
    hosts = f":{primary.port},127.0.0.1:{standby.port}/"
    return url.replace(f":{primary.port}/", hosts) + "?target_session_attrs=primary"


def _catch_up(primary: Postgres, standby: Standby) -> None:
    """Wait until the standby has all that the primary has now."""
    position = primary.sql("SELECT pg_current_wal_flush_lsn()")
    _wait(lambda: standby.sql(f"SELECT pg_last_wal_receive_lsn() >= '{position}'") == "t")


def _use_up_the_log(server: Postgres) -> None:
    """Take what files of its log were made in advance, until the server notices that there are no more."""
    for _ in range(20):
        try:
            server.sql("SELECT pg_logical_emit_message(false, 'full', 'disk')", "SELECT pg_switch_wal()")
        except RuntimeError:
            return
    raise RuntimeError("the disk never was full")


def _bring_back(server: Postgres) -> None:
    """Start it anew if it gave up, or else wait until it takes writes."""
    try:
        _wait(lambda: server.sql("SELECT pg_switch_wal()") != "", seconds=3)
    except RuntimeError:
        server.kill()
        server.start()


def _limit_files(server: Postgres, size: str) -> None:
    """Let no process of the server make a file grow beyond *size* bytes, nor any that they start."""
    assert server._process
    pid = server._process.pid
    with suppress(OSError):
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        for one in (pid, *children):
            command = ["prlimit", f"--pid={one}", f"--fsize={size}:unlimited"]
            subprocess.run(command, capture_output=True, check=False, **as_user())


def _wait(reached: Callable[[], bool], seconds: float = 30.0) -> None:
    give_up_at = time.monotonic() + seconds
    while time.monotonic() < give_up_at:
        with suppress(RuntimeError):
            if reached():
                return
        time.sleep(0.02)
    raise RuntimeError(f"not reached within {seconds} s")


_UNMOUNT = 'read -r _; umount -l "$0"; rm -rf "$0"'
