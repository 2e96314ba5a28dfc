"""The documents say what the code does: the reference, the links, the code, the commands, the settings, the URLs."""

import asyncio
import inspect
import re
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Mapping
from importlib import import_module
from pathlib import Path
from random import Random
from typing import Any, Final

import pytest
from starlette.testclient import TestClient
from typer import main as typer

from keyturn import store
from keyturn.cli.commands import NOUNS
from keyturn.errors import InvalidTokenReason
from keyturn.server.configuration.problem import environment_name
from keyturn.server.observing.metrics import Metrics
from keyturn.server.routes import URLS
from keyturn.server.settings import Settings, all_names
from keyturn.tokens import base64url

ROOT: Final = Path(__file__).parents[1]
GUIDES: Final = sorted((ROOT / "docs").glob("*.md"))
DOCUMENTS: Final = sorted(path for places in ("*.md", "docs/**/*.md", "examples/**/*.md") for path in ROOT.glob(places))
PLACES: Final = {"KEYTURN_CONFIG", "KEYTURN_KEEP", "KEYTURN_VECTORS", "KEYTURN_ATTACK_TOKEN", "KEYTURN_ATTACK_PASSWORD"}


def blocks(path: Path, language: str) -> list[str]:
    """Return the fenced blocks of *language*."""
    return re.findall(rf"^```{language}\n(.*?)^```", path.read_text("utf-8"), re.DOTALL | re.MULTILINE)


def code_of(guides: list[Path], language: str) -> list[Any]:
    """Return every block of *language* as a case of its own, named by the guide and its number."""
    return [
        pytest.param(block, id=f"{path.name}-{number}")
        for path in guides
        for number, block in enumerate(blocks(path, language), start=1)
    ]


def test_the_reference_is_what_the_code_gives() -> None:
    """``make docs`` would change nothing."""
    checked = subprocess.run(
        [sys.executable, str(ROOT / "scripts" / "make_reference.py"), "--check"],
        capture_output=True,
        text=True,
        check=False,
    )

    assert checked.returncode == 0, checked.stderr


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_leads_somewhere(path: Path) -> None:
    """A relative link names a file that is there, and a heading that it has."""
    for target, anchor in re.findall(r"\]\((?!https?:)([^)#\s]*)#?([^)\s]*)\)", path.read_text("utf-8")):
        found = (path.parent / target) if target else path
        assert found.exists(), target
        assert not anchor or anchor in _anchors(found), f"{target}#{anchor}"


@pytest.mark.parametrize("code", code_of(GUIDES, "python"))
def test_every_python_block_of_a_guide_works(code: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """It runs by itself; an app in it starts and refuses ``/orders`` without a token; a test in it passes."""
    names = _execute(code, monkeypatch, tmp_path)

    for name, value in list(names.items()):
        if name.startswith("test_") and not inspect.signature(value).parameters:  # others ask pytest for something
            value()
    if "app" in names:
        with TestClient(names["app"], base_url="https://shop.example.com") as client:
            assert client.get("/orders").status_code == (401 if '"/orders"' in code else 404)


def test_users_of_an_app_log_in_as_the_guide_says(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The guide's own user directory is asked at the login and again at the refresh."""
    code = next(block for block in blocks(ROOT / "docs" / "embedding.md", "python") if "class Members" in block)
    names = _execute(code, monkeypatch, tmp_path)
    form = {"username": "ada", "password": "ask your own table, with argon2id", "client": "native"}
    with TestClient(names["app"], base_url="https://auth.example.com") as client:
        login = client.post("/login", json=form)
        refresh_token = login.json()["refresh_token"]
        refreshed = client.post("/token", data={"grant_type": "refresh_token", "refresh_token": refresh_token})
        refused = client.post("/login", json=form | {"password": "a guess"})

    assert [login.status_code, refreshed.status_code, refused.status_code] == [200, 200, 401]


def test_every_command_exists_with_its_options() -> None:
    """Each ``keyturn …`` in a block of shell is one that the command line takes; prose names real ones."""
    shown = [line for path in DOCUMENTS for block in blocks(path, "sh") for line in _commands(block)]
    spoken = [words for path in DOCUMENTS for words in re.findall(r"`(keyturn [a-z][^`…]*)`", path.read_text("utf-8"))]

    assert len(shown) >= 15
    for line in shown:
        noun, *arguments = shlex.split(line, comments=True)[1:]
        command = _command(noun)
        if verbs := getattr(command, "commands", None):
            command = verbs[arguments.pop(0)]
        command.make_context(noun, arguments)
    for line in spoken:
        _check_words(line.split()[1:])


@pytest.mark.parametrize("block", code_of(GUIDES, "toml"))
def test_every_setting_in_a_block_is_one(block: str) -> None:
    """A file with these lines has no unknown setting, and each value is of the right kind."""
    written = tomllib.loads(block)

    Settings.model_validate(written)


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_name_in_prose_is_one(path: Path) -> None:
    """Settings, environment variables and URLs that a document names exist."""
    text = path.read_text("utf-8")
    variables = {environment_name(name) for name in all_names()}
    variables |= {f"{name}_FILE" for name in variables} | PLACES
    sections = {name.partition(".")[0] for name in all_names() if "." in name}
    urls = {(method, re.sub(r"\{.*?\}", "{}", url.path)) for url in URLS for method in url.handlers}

    for name in re.findall(r"\bKEYTURN_[A-Z_]*[A-Z]\b(?!…)", text):
        assert name in variables, name
    for name in re.findall(r"`([a-z_]+\.[a-z_]+)(?:`| = )", text):
        assert name in all_names() or name.partition(".")[0] not in sections, name
    for method, url in re.findall(r"`(GET|POST|DELETE) (/[^`?]*)`", text):
        assert (method, re.sub(r"\{.*?\}", "{}", url)) in urls, url


def test_every_reason_of_a_refusal_is_explained() -> None:
    """The guide to tokens has a row for each, and none for another."""
    text = (ROOT / "docs" / "tokens.md").read_text("utf-8")
    rows = re.findall(r"^\| `([a-z_]+)` \|", text.partition("## What the verifier refuses")[2], re.MULTILINE)

    assert set(rows) == {reason.value for reason in InvalidTokenReason}


def test_every_metric_that_is_to_be_watched_is_there() -> None:
    """The guide to operations names metrics as ``/metrics`` does."""
    text = (ROOT / "docs" / "operations.md").read_text("utf-8")
    families = [family.name for family in Metrics().registry.collect()]

    for name in re.findall(r"`(keyturn_[a-z_]+)", text):
        assert name.removesuffix("_total") in families, name


def _execute(code: str, monkeypatch: pytest.MonkeyPatch, folder: Path) -> dict[str, Any]:
    """Run *code* with the settings of an installation that has a database."""
    url = f"sqlite:///{folder / 'keyturn.db'}"
    environ = {
        "KEYTURN_DATABASE_URL": url,
        "KEYTURN_ACCESS_TOKEN_AUDIENCE": "https://shop.example.com/pages",
        "KEYTURN_KEYS_MASTER_KEY": base64url.encode(Random(7).randbytes(32)),
    }
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(folder)
    asyncio.run(store.upgrade(url))
    names: dict[str, Any] = {"__name__": "guide"}
    exec(compile(code, "guide", "exec"), names)  # noqa: S102 - our own documents
    return names


def _anchors(path: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", path.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def _commands(block: str) -> Iterator[str]:
    for line in block.replace("\\\n", " ").splitlines():
        yield from (found.strip() for found in re.findall(r"(?:^|[|&] )(keyturn [^|<>&]+)", line.strip()))


def _command(noun: str) -> Any:
    assert noun in NOUNS, noun
    return typer.get_command(import_module(f"keyturn.cli.{noun}").app)


def _check_words(words: list[str]) -> None:
    verbs: Mapping[str, Any] = getattr(_command(words[0]), "commands", {})
    assert not verbs or len(words) == 1 or words[1] in verbs, words
