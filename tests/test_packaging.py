"""An API that only accepts tokens installs, and loads, nothing of the server."""

import subprocess
import sys
import time
from importlib import resources
from importlib.metadata import entry_points, requires
from pathlib import Path

import pytest

import keyturn

ROOT = Path(__file__).parent.parent

#: Whatever the server needs, and what the SDK needs only once it fetches keys.
SERVER_ONLY = [
    "aiosmtplib",
    "anyio",
    "argon2",
    "asyncpg",
    "django",
    "fastapi",
    "flask",
    "httptools",
    "prometheus_client",
    "pydantic",
    "redis",
    "rich",
    "starlette",
    "structlog",
    "typer",
    "uvicorn",
    "uvloop",
    "zxcvbn",
]

BLOCK = f"""
import sys
class Block:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {SERVER_ONLY!r}:
            raise ModuleNotFoundError(f"{{name}} is blocked", name=name)
sys.meta_path.insert(0, Block())
"""


def run(code: str) -> subprocess.CompletedProcess[str]:
    """Run *code* in a Python of its own."""
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)


def test_the_sdk_verifies_without_any_server_dependency() -> None:
    """Contract §1, the row "SDK only"."""
    ran = run(
        BLOCK
        + "import keyturn, keyturn.testing as t, sys\n"
        + "assert t.default_issuer().verifier().verify(t.make_token('ada')).sub == 'ada'\n"
        + "assert 'httpx2' not in sys.modules and 'asyncio' not in sys.modules\n"
    )
    assert ran.returncode == 0, ran.stderr


def test_a_command_without_the_server_says_what_to_install() -> None:
    """Contract §1: and exits 2."""
    ran = run(
        "import importlib.util as u; real = u.find_spec\n"
        "u.find_spec = lambda name, *rest: None if name == 'typer' else real(name, *rest)\n"
        "from keyturn.__main__ import main; main()"
    )
    assert (ran.returncode, ran.stdout) == (2, "")
    assert "pip install 'keyturn[server]'" in ran.stderr


def test_the_pytest_plugin_loads_nothing_until_it_is_used() -> None:
    """Pytest imports every plugin that is installed, in projects too that make no token."""
    ran = run(
        "import keyturn.pytest_plugin, sys\n"
        "print(*(name for name in sys.modules if name.partition('.')[0] in ('keyturn', 'cryptography', 'asyncio')))"
    )
    assert ran.stdout.split() == ["keyturn", "keyturn.pytest_plugin"], ran.stderr


def test_a_verifier_that_follows_nothing_loads_no_thread_and_no_client() -> None:
    """A feed is described before its follower, and an HTTP client, are needed."""
    ran = run(
        "import keyturn, sys; described = keyturn.Revocations()\n"
        "assert not {'asyncio', 'httpx2', 'keyturn.verify.feed.follower'} & set(sys.modules)\n"
        "keyturn.Verifier('https://a.test', 'b', revocations=described)\n"
        "import threading; assert threading.active_count() == 1\n"
        "assert not {'asyncio', 'httpx2'} & set(sys.modules)"
    )
    assert ran.returncode == 0, ran.stderr


def test_a_name_that_the_package_does_not_have_is_told() -> None:
    """By the usual error, and each that it has is listed and is one object."""
    with pytest.raises(ImportError, match="Nope"):
        from keyturn import Nope  # type: ignore[attr-defined]  # noqa: F401, PLC0415
    assert set(keyturn.__all__) <= set(dir(keyturn))
    assert keyturn.Verifier is keyturn.verify.verifier.Verifier


def test_importing_the_sdk_is_quick() -> None:
    """P10: under 100 ms, beyond the start of Python itself; the best of several, as the machine is shared."""

    def best(code: str) -> float:
        took = []
        for _ in range(7):
            started = time.perf_counter()
            assert run(code).returncode == 0
            took.append(time.perf_counter() - started)
        return min(took)

    assert best("import keyturn") - best("pass") < 0.1


def test_the_package_offers_what_the_contract_names() -> None:
    """Contract §6."""
    names = (
        "Verifier AccessToken Revocations KeyturnError MissingToken InvalidToken TokenExpired InsufficientScope "
        "VerifierUnavailable"
    )
    assert set(names.split()) <= set(keyturn.__all__)
    assert all(hasattr(keyturn, name) for name in keyturn.__all__)
    assert resources.files("keyturn").joinpath("py.typed").is_file()


def test_the_package_asks_for_two_others() -> None:
    """A crypto library and an HTTP client; everything else is an extra."""
    needed = [name for name in requires("keyturn") or [] if "extra ==" not in name]
    assert sorted(name.partition(">")[0] for name in needed) == ["cryptography", "httpx2"]


def test_the_command_and_the_pytest_plugin_are_registered() -> None:
    """``keyturn`` and the fixtures are there once the package is installed."""
    assert [point.value for point in entry_points(group="console_scripts", name="keyturn")] == ["keyturn.__main__:main"]
    assert [point.value for point in entry_points(group="pytest11", name="keyturn")] == ["keyturn.pytest_plugin"]


@pytest.mark.slow
def test_a_clean_environment_gets_no_server_dependency(tmp_path: Path) -> None:
    """Contract §1: what pip itself installs for ``pip install keyturn``, and that this verifies a token."""
    subprocess.run([sys.executable, "-m", "venv", tmp_path / "env"], check=True, timeout=120)
    python = tmp_path / "env" / "bin" / "python"
    subprocess.run([python, "-m", "pip", "install", "--quiet", ROOT], check=True, timeout=300)
    code = (
        "import importlib.metadata as m, keyturn.testing as t\n"
        "assert t.default_issuer().verifier().verify(t.make_token('ada')).sub == 'ada'\n"
        "print(*(d.metadata['Name'].lower() for d in m.distributions()))"
    )
    ran = subprocess.run([python, "-c", code], capture_output=True, text=True, check=True, timeout=60, cwd=tmp_path)
    installed = {name.replace("-", "_") for name in ran.stdout.split()}
    assert {"keyturn", "cryptography", "httpx2"} <= installed
    assert not installed & ({*SERVER_ONLY, "argon2_cffi"} - {"anyio"})  # httpx2 brings anyio
    command = subprocess.run(
        [tmp_path / "env" / "bin" / "keyturn", "--help"], capture_output=True, text=True, check=False, timeout=60
    )
    assert command.returncode == 2
    assert "keyturn[server]" in command.stderr
