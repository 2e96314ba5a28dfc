"""Every example runs, against real processes."""

import subprocess
import sys
from pathlib import Path

import pytest

from example_world import EXAMPLES, KEYTURN, UVICORN, environment, get, install, keyturn, log_in, running
from free_ports import free_port

pytestmark = pytest.mark.slow


def test_the_tour_holds_at_every_step(tmp_path: Path) -> None:
    """``make tour`` ends well, and says so."""
    toured = subprocess.run(
        [sys.executable, str(EXAMPLES / "tour.py")],
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )

    assert toured.returncode == 0, toured.stdout + toured.stderr
    assert "Every step held." in toured.stdout
    assert "does not hold" not in toured.stdout


def test_the_orders_api_accepts_the_tokens_of_a_server_beside_it(tmp_path: Path) -> None:
    """Three answers for three tokens: none, one without the role, one that is good."""
    issuer, api = (f"http://127.0.0.1:{free_port()}" for _ in range(2))
    settings = _settings(issuer)
    install(tmp_path, **settings)
    orders_api = (*UVICORN, "--app-dir", str(EXAMPLES), "orders_api:app", "--port", _port(api))
    with (
        running(tmp_path, *KEYTURN, "serve", answers=f"{issuer}/readyz", env=environment(**settings)),
        running(tmp_path, *orders_api, answers=f"{api}/health", env=environment(ISSUER=issuer, AUDIENCE="my-api")),
    ):
        token = log_in(issuer)["access_token"]

        assert get(f"{api}/orders").status_code == 401
        assert get(f"{api}/admin/report", token).status_code == 403
        assert get(f"{api}/orders", token).json()["orders"] == ["tea", "biscuits"]
        assert get(f"{api}/health").status_code == 200


def test_the_embedded_app_knows_of_a_logout_at_once(tmp_path: Path) -> None:
    """One process logs in, protects a route, and refuses the token the moment its session has ended."""
    issuer = f"http://127.0.0.1:{free_port()}"
    settings = _settings(issuer)
    install(tmp_path, **settings)
    app = (*UVICORN, "--app-dir", str(EXAMPLES), "embedded_app:app", "--port", _port(issuer))
    with running(tmp_path, *app, answers=f"{issuer}/readyz", env=environment(**settings)):
        token = log_in(issuer)["access_token"]
        assert get(f"{issuer}/orders", token).status_code == 200
        assert get(f"{issuer}/admin/report", token).status_code == 403
        assert get(f"{issuer}/.well-known/oauth-authorization-server").json()["issuer"] == issuer

        sid = get(f"{issuer}/me", token).json()["session_id"]
        keyturn(tmp_path, "sessions", "end", "--", sid, **settings)

        assert get(f"{issuer}/orders", token).status_code == 401


def _settings(issuer: str) -> dict[str, str]:
    return {
        "KEYTURN_ISSUER": issuer,
        "KEYTURN_SERVER_PORT": _port(issuer),
        "KEYTURN_ACCESS_TOKEN_AUDIENCE": "my-api",
        "KEYTURN_ROLES": '{"user": ["orders:read"]}',
    }


def _port(url: str) -> str:
    return url.rpartition(":")[2]
