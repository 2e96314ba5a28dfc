"""A tour of Keyturn in a terminal: two real processes, one client, and what each step proves.

It starts an authorization server with a grace of two seconds, so that nobody has to wait, and an API; then it logs
in as a native client would, and ends with a logout. Everything lives in a temporary directory.
"""

import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2
from rich.console import Console

PASSWORD = "a password for the tour"
GRACE_SECONDS = 2.0

console = Console(highlight=False, soft_wrap=True)


def main() -> int:
    """Walk through it; return 1 if a step does not hold."""
    with tempfile.TemporaryDirectory(prefix="keyturn-tour-") as folder, running(Path(folder)) as (server, api):
        tour(server, api)
    console.print("\n[bold green]Every step held.[/]")
    return 0


def tour(server: httpx2.Client, api: httpx2.Client) -> None:
    """Play the client's part."""
    title("Log in")
    form = {"username": "ada", "password": PASSWORD, "client": "native"}
    session = expect(server.post("/login", json=form), 200, "a native client gets both tokens in the body").json()

    title("Call the API")
    mine = bearer(session)
    expect(api.get("/orders"), 401, "without a token: refused, and told how to ask")
    expect(api.get("/orders", headers=mine), 200, "with it: the API verified it itself, asking nobody")
    expect(api.get("/admin/report", headers=mine), 403, "a good token without the role: 403, not 401")

    title("Refresh")
    next_one = refresh(server, session, 200, "good for one use; the answer holds its successor")

    title("A lost answer, or a second tab")
    again = refresh(server, session, 200, "within the grace the old one gets it once more")
    hold(again["refresh_token"] == next_one["refresh_token"], "the successor is the same")
    console.print(f"{'':<28}the same successor: nobody is logged out wrongly")

    title("A thief")
    console.print(f"  … waiting {GRACE_SECONDS:.0f} seconds for the grace to pass")
    time.sleep(GRACE_SECONDS + 0.1)
    refresh(server, session, 400, "after the grace the old token is a theft: refused")
    refresh(server, next_one, 400, "and the session has ended, for thief and victim")
    expect(server.get("/me", headers=bearer(next_one)), 401, "its access tokens are refused by the server at once")

    title("Log out")
    session = expect(server.post("/login", json=form), 200, "a new login is a new session").json()
    expect(server.get("/me", headers=bearer(session)), 200, "its access token works")
    expect(server.post("/logout", headers=bearer(session)), 204, "logout")
    expect(server.get("/me", headers=bearer(session)), 401, "the same access token, a moment later: refused")
    refresh(server, session, 400, "and so is the refresh token")


def refresh(server: httpx2.Client, session: dict[str, str], status: int, proves: str) -> dict[str, str]:
    """Present the refresh token of *session*, without its device token."""
    form = {"grant_type": "refresh_token", "refresh_token": session["refresh_token"]}
    answer: dict[str, str] = expect(server.post("/token", data=form), status, proves).json()
    return answer


def bearer(session: dict[str, str]) -> dict[str, str]:
    """Return the header that carries the access token."""
    return {"Authorization": f"Bearer {session['access_token']}"}


def title(text: str) -> None:
    """Begin a step."""
    console.print(f"\n[bold]{text}[/]")


def expect(response: httpx2.Response, status: int, proves: str) -> httpx2.Response:
    """Show a request, its answer and what it proves."""
    request = response.request
    console.print(f"  {request.method:<5}{request.url.path:<16}{response.status_code}  {proves}")
    hold(response.status_code == status, f"the status is {status}")
    return response


def hold(fact: object, claim: str) -> None:
    """Stop if *fact*, which *claim* says in words, does not hold."""
    if not fact:
        console.print(f"[bold red]  This does not hold:[/] {claim}")
        raise SystemExit(1)


@contextmanager
def running(folder: Path) -> Iterator[tuple[httpx2.Client, httpx2.Client]]:
    """Start an authorization server and an API, and stop them."""
    server_port, api_port = free_port(), free_port()
    issuer = f"http://127.0.0.1:{server_port}"
    environment = os.environ | {
        "KEYTURN_ISSUER": issuer,
        "KEYTURN_SERVER_PORT": str(server_port),
        "KEYTURN_ACCESS_TOKEN_AUDIENCE": "my-api",
        "KEYTURN_REFRESH_TOKEN_GRACE": f"{GRACE_SECONDS:.0f}s",
        "KEYTURN_ROLES": '{"user": ["orders:read"]}',
        "KEYTURN_LOG_LEVEL": "warning",
    }
    keyturn = [sys.executable, "-m", "keyturn"]
    console.print("Setting up a server and an API …")
    set_up(keyturn, folder, environment)
    uvicorn = [sys.executable, "-m", "uvicorn", "--app-dir", str(Path(__file__).parent), "--log-level", "warning"]
    api_environment = os.environ | {"ISSUER": issuer, "AUDIENCE": "my-api"}
    processes = [
        subprocess.Popen([*keyturn, "serve"], cwd=folder, env=environment, stdout=subprocess.DEVNULL),
        subprocess.Popen([*uvicorn, "orders_api:app", "--port", str(api_port)], cwd=folder, env=api_environment),
    ]
    try:
        with httpx2.Client(base_url=issuer) as server, httpx2.Client(base_url=f"http://127.0.0.1:{api_port}") as api:
            wait_for(server, "/readyz")
            wait_for(api, "/health")
            yield server, api
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.wait(timeout=10)


def set_up(keyturn: list[str], folder: Path, environment: dict[str, str]) -> None:
    """Make settings, a master key, a database and a user, as an operator would."""
    add_user = ["users", "add", "ada", "--role", "user"]
    for command in (["init"], ["db", "upgrade"], add_user):
        done = subprocess.run(
            [*keyturn, *command],
            cwd=folder,
            env=environment,
            input=f"{PASSWORD}\n",
            text=True,
            check=False,
            capture_output=True,
        )
        hold(done.returncode == 0, f"keyturn {' '.join(command)} succeeds\n{done.stderr}")


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def wait_for(client: httpx2.Client, path: str) -> None:
    """Wait until *path* answers 200."""
    for _ in range(200):
        try:
            if client.get(path).is_success:
                return
        except httpx2.TransportError:
            pass
        time.sleep(0.05)
    raise SystemExit(f"{client.base_url} did not start")


if __name__ == "__main__":
    sys.exit(main())
