"""The first screen of the README, done as it is written: start, paste the curl line, protect a route, call it."""

import json
import re
import shlex
import shutil
import subprocess
from pathlib import Path
from typing import Any

import httpx2
import pytest

from example_world import KEYTURN, ROOT, UVICORN, environment, get, running
from free_ports import free_port

README = (ROOT / "README.md").read_text("utf-8")
FIVE_LINES = re.findall(r"```python\n(.*?)```", README, re.DOTALL)[0]
ISSUER = "http://localhost:8080"


@pytest.mark.slow
def test_the_first_screen_leads_to_a_protected_route(tmp_path: Path) -> None:
    """The printed curl line returns both tokens; the five lines accept the access token and nothing else."""
    issuer, api = (f"http://localhost:{free_port()}" for _ in range(2))
    app = f"from fastapi import FastAPI\napp = FastAPI()\n{FIVE_LINES.replace(ISSUER, issuer)}"
    (tmp_path / "shop.py").write_text(app, "utf-8")
    dev, shop = ((*KEYTURN, "dev", "--port", _port(issuer)), (*UVICORN, "shop:app", "--port", _port(api)))
    with (
        running(tmp_path, *dev, answers=f"{issuer}/readyz", env=environment()) as printed,
        running(tmp_path, *shop, answers=f"{api}/openapi.json", env=environment()),
    ):
        tokens = _paste(_curl_line(printed.read_text("utf-8")))

        assert {"access_token", "refresh_token"} <= tokens.keys()
        assert get(f"{api}/orders", tokens["access_token"]).status_code == 200
        assert get(f"{api}/orders", tokens["access_token"][:-4] + "AAAA").status_code == 401
        assert get(f"{api}/orders").headers["www-authenticate"] == f'Bearer realm="{issuer}"'


@pytest.mark.slow
def test_keyturn_dev_prints_the_readme(tmp_path: Path) -> None:
    """The lines that a start prints are those of the README, with the issuer of this start."""
    issuer = f"http://localhost:{free_port()}"
    with running(
        tmp_path, *KEYTURN, "dev", "--port", _port(issuer), answers=f"{issuer}/readyz", env=environment()
    ) as out:
        printed = out.read_text("utf-8").replace(issuer, ISSUER)

    assert len(_code(FIVE_LINES)) == 5
    for line in _code(FIVE_LINES):
        assert line.removesuffix(" ...") in printed
    assert shlex.split(_curl_line(printed))[:-1] == shlex.split(_curl_line(README.replace("\\\n", "")))[:-1]
    assert (tmp_path / ".keyturn").stat().st_mode & 0o777 == 0o700


def _curl_line(text: str) -> str:
    return next(line for line in text.splitlines() if line.startswith("curl "))


def _paste(command: str) -> dict[str, str]:
    """Run the command, or send the same request where there is no curl."""
    words = shlex.split(command)
    if shutil.which("curl"):
        answer: Any = subprocess.run(words, check=True, capture_output=True, timeout=60).stdout
    else:
        url = next(word for word in words if word.startswith("http"))
        answer = httpx2.post(url, content=words[-1], headers={"Content-Type": "application/json"}).content
    tokens: dict[str, str] = json.loads(answer)
    return tokens


def _code(text: str) -> list[str]:
    return [line for line in text.splitlines() if line]


def _port(url: str) -> str:
    return url.rpartition(":")[2]
