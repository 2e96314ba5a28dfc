"""A57: the search over the whole run is red where something was left behind, and says what, where and by whom."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

TESTS = Path(__file__).parent.parent

CONFTEST = f"""
import sys
sys.path.insert(0, {str(TESTS)!r})
from whole_run import plugin
pytest_configure = plugin.install
"""

PREAMBLE = '''
import logging, os, pytest, subprocess, sys
from keyturn.core import password_rules
from keyturn.errors import KeyturnError
from keyturn.tokens import device_token, refresh_token
from keyturn.tokens.access_token import Claims, issue
from keyturn.tokens.algorithms import Algorithm
from keyturn.tokens.keys import SigningKey
from keyturn.tokens.master_key import MasterKey

SECRET = os.urandom(32)
MASTER_KEY = MasterKey.from_bytes(SECRET)
SIGNING_KEY = SigningKey.generate(Algorithm.ES256)
NUMBER = SIGNING_KEY._private.private_numbers().private_value.to_bytes(32)
PASSWORD = password_rules.normalise("velvet anchor seventeen lamps")
REFRESH_TOKEN = refresh_token.issue(MASTER_KEY.refresh_token_key, handle=os.urandom(16), generation=3)
DEVICE_TOKEN = device_token.issue(MASTER_KEY.device_token_key, device_id=os.urandom(16), sub="a")
ACCESS_TOKEN = issue(
    Claims(issuer="https://a.example", subject="a", audience="b", client_id="c", session_id="d", auth_time=1,
           scope=(), roles=(), issued_at=1, expires_at=2, token_id="e"),
    SIGNING_KEY,
)
OTHER = """
import os
from keyturn.tokens import opaque_token, refresh_token
key = opaque_token.TokenKey(key_id=bytes(4), secret=os.urandom(32))
print(refresh_token.issue(key, handle=bytes(16), generation=3))
"""
'''

SOUND = """
def test_secrets_where_they_belong(tmp_path):
    (tmp_path / "master.key").write_bytes(SECRET)
    (tmp_path / "fake.db").write_text(f"plain:{PASSWORD}")
    (tmp_path / "random.db").write_bytes(os.urandom(100_000))

def test_a_word_of_our_code():
    print(password_rules.normalise("master-key-missing"))
"""

LEAKS = """
@pytest.mark.parametrize("password", [PASSWORD])
def test_what_is_said(password):
    logging.getLogger().error("refused %s", REFRESH_TOKEN)
    KeyturnError(f"bad {DEVICE_TOKEN}")
    print(ACCESS_TOKEN)
    print("?password=" + PASSWORD.replace(" ", "%20"))
    print(MASTER_KEY.refresh_token_key.secret.hex())

def test_files(tmp_path):
    (tmp_path / "cut.log").write_text(REFRESH_TOKEN[:62] + "...")
    (tmp_path / "sealed.db").write_bytes(os.urandom(4099) + SECRET + os.urandom(99))
    (tmp_path / "keys.sql").write_bytes(b"xyz" + NUMBER)

def test_another_process(tmp_path):
    with (tmp_path / "out").open("wb") as out:
        subprocess.run([sys.executable, "-c", OTHER], env={}, stdout=out, check=True)
"""

LEFT_BEHIND = {
    ("token ktr_…", "said"),
    ("token ktd_…", "said"),
    ("token eyJ…", "said"),
    ("password", "said"),
    ("key of refresh tokens", "said"),
    ("token ktr_…", "cut.log"),
    ("master key", "sealed.db"),
    ("signing key", "keys.sql"),
    ("token ktr_…", "out"),
}


@pytest.mark.parametrize("arguments", [(), ("-p", "xdist.plugin", "-n", "2")], ids=["alone", "two workers"])
def test_a_run_that_leaks_fails_by_each_leak(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    """A57: every kind of secret, in every kind of place, of another process too; none of it is told again."""
    done = run(tmp_path, LEAKS, *arguments)

    found = re.findall(
        r"^SECRET LEFT BEHIND: (.+?) in \S+/([a-z.]+)(?:-\d+)?(?:, by (.+))?$", done.stdout, re.MULTILINE
    )
    assert "3 passed" in done.stdout
    assert done.returncode == pytest.ExitCode.TESTS_FAILED
    assert {(kind, place) for kind, place, _ in found} == LEFT_BEHIND
    assert all(bool(source) is (place == "said") for _, place, source in found)
    assert "an error in test_it.py::test_what_is_said" in done.stdout
    assert "Captured stdout call of test_it.py::test_what_is_said" in done.stdout
    assert "velvet" not in done.stdout
    assert not re.search("ktr_[A-Za-z0-9]", done.stdout)


def test_a_run_that_keeps_its_secrets_passes(tmp_path: Path) -> None:
    """What may be there is no leak, and neither is what only happens to be random."""
    done = run(tmp_path, SOUND)

    assert done.returncode == pytest.ExitCode.OK, done.stdout + done.stderr


def run(folder: Path, tests: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run tests with the search at their end."""
    (folder / "conftest.py").write_text(CONFTEST)
    (folder / "test_it.py").write_text(PREAMBLE + tests)
    command = [sys.executable, "-m", "pytest", "-q", f"--basetemp={folder / 'temporary'}", *arguments, "."]
    environ = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    return subprocess.run(command, cwd=folder, env=environ, capture_output=True, text=True, check=False)
