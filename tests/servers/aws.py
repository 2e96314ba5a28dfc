"""AWS Secrets Manager on a free loopback port, as ``moto`` plays it. Whoever makes one closes it."""

import subprocess
import sys
import time
import urllib.request
from contextlib import suppress
from typing import Any

from watched import WATCHED

from free_ports import free_port

PATIENCE_SECONDS = 60.0


class Aws:
    """One server. It runs from the start.

    Attributes:
        environment: what a process needs in order to take it for AWS.

    """

    def __init__(self) -> None:
        port = free_port()
        endpoint = f"http://127.0.0.1:{port}"
        self.environment = {
            "AWS_ENDPOINT_URL": endpoint,
            "AWS_REGION": "eu-central-1",
            "AWS_ACCESS_KEY_ID": "testing",
            "AWS_SECRET_ACCESS_KEY": "testing",
            "AWS_EC2_METADATA_DISABLED": "true",
        }
        self._process = subprocess.Popen(
            [*WATCHED, sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            self._wait(endpoint)
        except BaseException:
            self.close()
            raise

    def put(self, name: str, **content: Any) -> str:
        """Make a secret with ``SecretString`` or ``SecretBinary``; return its ARN."""
        from boto3.session import Session  # noqa: PLC0415 - it takes a second

        client = Session().client(
            "secretsmanager",
            endpoint_url=self.environment["AWS_ENDPOINT_URL"],
            region_name=self.environment["AWS_REGION"],
            aws_access_key_id="testing",
            aws_secret_access_key="testing",
        )
        return client.create_secret(Name=name, **content)["ARN"]

    def close(self) -> None:
        """End it."""
        self._process.communicate(timeout=PATIENCE_SECONDS)

    def _wait(self, endpoint: str) -> None:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            with suppress(OSError), urllib.request.urlopen(f"{endpoint}/moto-api/data.json", timeout=5):  # noqa: S310
                return
            time.sleep(0.05)
        raise RuntimeError("moto did not start")
