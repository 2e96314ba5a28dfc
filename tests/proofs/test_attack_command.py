"""The command ``keyturn attack`` and its pytest plugin, run as people run them, against the example APIs.

What the command prints is searched for every token that its target saw; what it asks is counted by the target, and by
a host that nobody named.
"""

import json
import re
import shlex
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final
from xml.etree import ElementTree as ET

import pytest
from attacked import EXAMPLES, check_silence, expected_of, watched

from broken_apis import target as targets
from broken_apis.odd import elsewhere, hostile
from example_world import environment

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::joserfc.errors.SecurityWarning"),  # what is wrong is meant to be
    pytest.mark.filterwarnings("ignore::jwt.warnings.InsecureKeyLengthWarning"),
]

SERVE: Final = str(EXAMPLES / "broken_apis" / "serve.py")
PATIENCE_SECONDS: Final = 120


def test_the_command_finds_what_is_there(full: bool, say: Callable[[str], None], tmp_path: Path) -> None:
    """The command that ``serve.py`` prints finds the flaw and exits with 1, or finds none and exits with 0."""
    for name in targets.names() if full else ("sound/fastapi", "issuers/replay-unnoticed"):
        folder = tmp_path / name
        folder.mkdir(parents=True)
        with watched(name) as target:
            ended, page = _attack(target.command(folder), folder, "--json")

        report = json.loads(ended.stdout)
        found = {item["id"] for item in report["items"] if item["verdict"] == "flaw"}
        say(f"{name}: {', '.join(found) or 'nothing'} in {report['requests']} requests and {report['seconds']} s")
        assert found == expected_of(name)
        assert ended.returncode == (1 if found else 0), ended.stderr
        assert target.witness.requests <= report["requests"] <= report["max_requests"]
        check_silence(target.witness, ended.stdout, ended.stderr, page)


def test_what_people_read_has_no_token_in_it(tmp_path: Path) -> None:
    """The table, the sentences below it and the page name the flaw and its mend, and repeat no token."""
    with watched("expired") as target:
        ended, page = _attack(target.command(tmp_path), tmp_path)

    assert ended.returncode == 1
    for text in (ended.stdout, page):
        assert "An expired token is accepted" in text
        assert "GET /orders" in text
    check_silence(target.witness, ended.stdout, ended.stderr, page)


@pytest.mark.parametrize("most", [1, 40])
def test_no_more_is_sent_than_is_allowed(most: int, tmp_path: Path) -> None:
    """The target counts at most ``--max-requests``, the description and the key set included; the report says so."""
    with watched("expired") as target:
        ended, _ = _attack(target.command(tmp_path), tmp_path, "--json", "--max-requests", str(most))

    assert target.witness.requests <= most
    assert "budget of requests is spent" in ended.stdout + ended.stderr


def test_a_host_that_was_not_named_is_never_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the target points to, in its description, its redirects or its tokens, only named hosts are asked."""
    with _bystander() as (url, visits):
        monkeypatch.setattr(elsewhere, "URL", url)
        with watched("odd/elsewhere") as target:
            command = [word for word in target.command(tmp_path) if not word.endswith("jwks.json") and word != "--jwks"]
            unnamed, page = _attack(command, tmp_path, "--json")
            visits_unnamed = len(visits)
            named, _ = _attack(command, tmp_path, "--json", "--allow-host", "127.0.0.2", "--only", "alg-confusion")

    assert visits_unnamed == 0
    assert unnamed.returncode == 0, unnamed.stdout + unnamed.stderr
    assert target.witness.requests > 100
    assert len(visits) == 1, "the bystander is there, and is asked for keys once it is named"
    check_silence(target.witness, unnamed.stdout, unnamed.stderr, page, named.stdout, named.stderr)


def test_a_hostile_target_gets_nothing_into_the_report(tmp_path: Path) -> None:
    """Answers without an end are cut, and no markup and no escape sequence of the target's reaches page or terminal."""
    with watched("odd/hostile") as target:
        ended, page = _attack(target.command(tmp_path), tmp_path, "--only", "any-signature", "--only", "expired")

    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "No flaw" in ended.stdout
    assert hostile.MARKUP not in page
    assert "<script" not in page
    assert not set(ended.stdout + ended.stderr + page) & {"\x1b", "\x07"}
    check_silence(target.witness, ended.stdout, ended.stderr, page)


def test_an_example_runs_as_its_readme_says(tmp_path: Path) -> None:
    """``serve.py`` lists the targets, and serves one until Ctrl-C; the command that it prints works as it stands."""
    listed = subprocess.run([sys.executable, SERVE], capture_output=True, text=True, check=True, timeout=30).stdout
    with subprocess.Popen([sys.executable, SERVE, "no-expiry"], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        command = next(line for line in process.stdout if "keyturn attack" in line).strip()
        ended, _ = _attack(shlex.split(command), tmp_path, "--only", "no-expiry")
        process.send_signal(signal.SIGINT)

    assert "\nno-expiry " in listed
    assert ended.returncode == 1
    assert "no-expiry" in ended.stdout
    assert process.returncode == 0
    assert not Path(re.findall(r"--token-file (\S+)", command)[0]).parent.exists()


def test_the_plugin_fails_the_tests_of_the_flaws_that_are_there(full: bool, tmp_path: Path) -> None:
    """One test a case: of a broken app in this process the right one fails, of a sound one none does."""
    apis = [name for name in targets.names() if not name.startswith("issuers/")]
    for name in apis if full else ("wrong-audience",):
        folder = tmp_path / name
        folder.mkdir(parents=True)
        (folder / "test_api.py").write_text(_MODULE.format(examples=str(EXAMPLES), name=name), "utf-8")

        outcomes, said = _pytest(folder)

        assert outcomes["failed"] == {f"test_hostile_tokens[{case}]" for case in expected_of(name)}, said
        assert outcomes["skipped"] >= {f"test_hostile_tokens[{case}]" for case in _UNPLAYED}
        assert not re.search(r"eyJ[\w-]+\.eyJ", said)


def test_the_plugin_passes_over_a_sound_app_of_ours(tmp_path: Path) -> None:
    """What the plugin's own documentation says works: an app, an issuer in memory, and every test passes."""
    (tmp_path / "test_api.py").write_text(_OURS, "utf-8")

    outcomes, said = _pytest(tmp_path)

    assert outcomes["failed"] == set(), said
    assert outcomes["skipped"] == {f"test_hostile_tokens[{case}]" for case in _UNPLAYED - {"revoked-late"}}
    assert "test_hostile_tokens[revoked-late]" in outcomes["passed"]


def _attack(command: Sequence[str], folder: Path, *further: str) -> tuple[subprocess.CompletedProcess[str], str]:
    """Run the printed *command* with the ``keyturn`` of this environment; return what it did, and its page."""
    ours = [sys.executable, "-m", "keyturn"]
    words = [part for word in command for part in (ours if word == "keyturn" else [word])]
    page = folder / "report.html"
    ended = subprocess.run(
        [*words, "--rate", "0", "--html", str(page), *further],
        cwd=folder,
        env=environment(COLUMNS="400"),
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_SECONDS,
    )
    return ended, page.read_text("utf-8") if page.exists() else ""


def _pytest(folder: Path) -> tuple[dict[str, set[str]], str]:
    """Run the tests in *folder* as somebody else's project; return the names by outcome, and all that was said."""
    results = folder / "results.xml"
    command = [sys.executable, "-m", "pytest", "-p", "keyturn.pytest_plugin", "--showlocals", "-rA", "-W", "error"]
    command += ["-W", "ignore::joserfc.errors.SecurityWarning", "-W", "ignore::jwt.warnings.InsecureKeyLengthWarning"]
    ended = subprocess.run(
        [*command, f"--junitxml={results}", "test_api.py"],
        cwd=folder,
        env=environment(PYTEST_DISABLE_PLUGIN_AUTOLOAD="1"),
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_SECONDS,
    )
    outcomes: dict[str, set[str]] = {"passed": set(), "failed": set(), "skipped": set()}
    for case in ET.parse(results).iter("testcase"):  # noqa: S314 - pytest wrote it
        kinds = {child.tag for child in case}
        outcome = "failed" if kinds & {"failure", "error"} else "skipped" if "skipped" in kinds else "passed"
        outcomes[outcome].add(case.attrib["name"])
    return outcomes, ended.stdout + ended.stderr + results.read_text("utf-8")


@contextmanager
def _bystander() -> Iterator[tuple[str, list[object]]]:
    """Listen at another address of this machine as long as the ``with`` runs; yield its URL and who came."""
    visits: list[object] = []

    def listen(listener: socket.socket) -> None:
        while True:
            try:
                connection, peer = listener.accept()
            except OSError:
                return
            visits.append(peer)
            connection.close()

    with socket.create_server(("127.0.0.2", 0)) as listener:
        thread = threading.Thread(target=listen, args=(listener,), daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.2:{listener.getsockname()[1]}", visits
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join(PATIENCE_SECONDS)


#: What needs a way to revoke, or an account at an issuer.
_UNPLAYED: Final = {"revoked-late", "refresh-twice", "replay-unnoticed", "csrf", "no-limits"}

_MODULE: Final = """
import json
import sys

import pytest

sys.path.append({examples!r})
from broken_apis import target as targets

from keyturn.attack.keyfile import read_signer
from keyturn.attack.routes import parse_route
from keyturn.attack.target import Target


@pytest.fixture(scope="module")
def keyturn_attack_target():
    made = targets.load({name!r}, "http://app.test")
    return Target(
        url="http://app.test",
        app=made.app,
        routes=(parse_route("GET /orders"), parse_route("GET /admin")),
        token=made.issuer.token(),
        signer=read_signer(json.dumps(made.issuer.private_jwk).encode()),
        public_keys=(made.issuer.public_jwk,),
    )


def test_hostile_tokens(keyturn_attack):
    keyturn_attack.check()
"""

_OURS: Final = '''
from typing import Annotated

import pytest
from fastapi import FastAPI

from keyturn.attack.target import Target
from keyturn.fastapi import AccessToken, Keyturn
from keyturn.testing import TestIssuer

auth = Keyturn(issuer="https://auth.example.com", audience="https://api.example.com")
app = FastAPI()


@app.get("/orders")
async def orders(token: Annotated[AccessToken, auth.require("orders:read", roles=["user"])]) -> str:
    """List them."""
    return token.sub


@pytest.fixture(scope="module")
def keyturn_attack_target():
    issuer = TestIssuer("https://auth.example.com", "https://api.example.com")
    with issuer.trusted_by(auth):
        yield Target.in_process(app, issuer, ["GET /orders"], scopes=["orders:read"], roles=["user"])


def test_hostile_tokens(keyturn_attack):
    keyturn_attack.check()
'''
