"""A57 over the whole run of tests: no secret that was issued in it is in anything that it leaves behind.

Issued is every access, refresh and device token, master key, derived key, signing key and password to be hashed, in
the processes of the tests and in every Python process that they start (`whole_run.noting`). Left behind is

- what those processes said: their log lines, the texts of our errors, metrics, output of commands;
- what was captured of the tests themselves: standard output, standard error, log records, warnings;
- what other programs printed to whoever started them;
- every file below the temporary folder of the run: databases and their logs, output of servers, dumps of PostgreSQL.

No secret is a password that stands in our code: tests that make up their input take such words for it, too. A secret
may be where it has to be: in an answer that carries it, in the file that is there to hold it (`HOLDERS`), in
what ``keyturn dev`` shows to its developer once and ``curl`` was answered, and in the tests. At the end of the run, in
one process, everything that was left behind is searched for everything that was issued, and any hit fails the run. It
is told by the name of the file and the kind of the secret, never by the secret.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from fnmatch import fnmatch
from functools import wraps
from pathlib import Path
from typing import Any

import pytest

from whole_run import noting
from whole_run.search import Search

NAME = "whole-run"
FOLDER = "KEEP_WHOLE_RUN"
HOOK = str(Path(__file__).with_name("hook"))
CODE = Path(__file__).parents[2] / "src"
PIECE = 1 << 25
OVERLAP = 1 << 12

HOLDERS = ("*.key", "key", "*master_key*", "*master-key*", "*.toml", "*.pem", "*.py", "*.pyc", "*.sh", "*-dev.out")
"""Files that hold secrets because they are made for it, and the programs that tests run, which say examples."""

SHOWN = frozenset({"dev", "curl"})
"""Commands that show a secret to who is to have it: a developer their password, once; a client what was answered."""


class WholeRun:
    """The run, in the process that leads it; with ``-n``, in each worker a part of it."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._leads = not hasattr(config, "workerinput")
        self._hits: list[str] = []
        self._searched = 0
        if self._leads:
            os.environ[FOLDER] = tempfile.mkdtemp(prefix="keyturn-whole-run-")
            os.environ["PYTHONPATH"] = with_hook(os.environ.get("PYTHONPATH"))
        self._folder = Path(os.environ[FOLDER])
        self._notes = noting.begin(str(self._folder))
        hook_processes(self._notes)

    @pytest.hookimpl
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Keep what was captured of a test that passed; one that failed shows its secrets itself."""
        if report.passed and self._is_ours(report):
            for name, text in report.sections:
                self._notes.said(f"{name} of {noting.name_of(report.nodeid)}", text)

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Search, once all workers have ended."""
        dump_postgres(self._folder)
        if not self._leads:
            return
        self._hits = sorted(self._search())
        if self._hits and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """Say what was found."""
        for hit in self._hits:
            terminalreporter.write_line(f"SECRET LEFT BEHIND: {hit}", red=True)

    def pytest_unconfigure(self) -> None:
        """Leave nothing."""
        if self._leads:
            shutil.rmtree(self._folder, ignore_errors=True)
            os.environ.pop(FOLDER, None)

    def _is_ours(self, report: pytest.TestReport) -> bool:
        return not (self._leads and hasattr(report, "node"))  # the worker has kept it already

    def _search(self) -> Iterator[str]:
        search = Search(*noted(self._folder))
        for path in left_behind(self._folder, self._config._tmp_path_factory.getbasetemp()):  # type: ignore[attr-defined]
            for piece in pieces(path):
                for kind in search(piece):
                    by = sources(search, piece, kind) if path.name.startswith("said-") else ""
                    yield f"{kind} in {path}{by}"


def install(config: pytest.Config) -> None:
    """Note from now on, in this process and in those that it starts; not with ``-p no:whole-run``."""
    if not config.pluginmanager.is_blocked(NAME):
        config.pluginmanager.register(WholeRun(config), NAME)


def with_hook(path: str | None) -> str:
    """Return a ``PYTHONPATH`` with the hook before everything else."""
    return HOOK if path is None else f"{HOOK}{os.pathsep}{path}"


def hook_processes(notes: noting.Notes) -> None:
    """Let processes with an environment of their own note as well, and keep what they print to a pipe."""
    start, talk = subprocess.Popen.__init__, subprocess.Popen.communicate

    @wraps(start)
    def started(self: Any, *args: Any, env: Any = None, **kwargs: Any) -> None:
        if env is not None and FOLDER in os.environ:
            env = {**env, "PYTHONPATH": with_hook(env.get("PYTHONPATH")), FOLDER: os.environ[FOLDER]}
        start(self, *args, env=env, **kwargs)

    @wraps(talk)
    def talked(self: Any, *args: Any, **kwargs: Any) -> Any:
        printed = talk(self, *args, **kwargs)
        for text in filter(None, () if shows_a_secret(self.args) else printed):
            notes.said(program(self.args), text if isinstance(text, str) else text.decode("utf-8", "replace"))
        return printed

    subprocess.Popen.__init__ = started  # type: ignore[method-assign]
    subprocess.Popen.communicate = talked  # type: ignore[method-assign]


def shows_a_secret(command: Any) -> bool:
    """Say whether *command*, or a word of it, is one of `SHOWN`."""
    return not SHOWN.isdisjoint(Path(word).name for word in words(command))


def program(command: Any) -> str:
    """Return the name of the program that *command* starts."""
    return Path(words(command)[0]).name


def words(command: Any) -> list[str]:
    """Return the words of *command*, however `subprocess` was given them."""
    given = [command] if isinstance(command, str | bytes | os.PathLike) else command
    return [os.fsdecode(word) for word in given]


def dump_postgres(folder: Path) -> None:
    """Write down every row of every database of this process's PostgreSQL, if it has one."""
    module = sys.modules.get("postgres")
    if module is None or not module.shared.cache_info().currsize:
        return
    server = module.shared()
    for database in server.sql("SELECT datname FROM pg_database WHERE datname LIKE 'keyturn%'").split():
        tables = server.sql("SELECT tablename FROM pg_tables WHERE schemaname = 'public'", database=database).split()
        rows = server.sql(*(f"COPY {table} TO STDOUT" for table in tables), database=database) if tables else ""
        (folder / f"dump-{os.getpid()}-{database}").write_text(rows)


def noted(folder: Path) -> tuple[Iterator[bytes], Iterator[tuple[str, bytes]]]:
    """Return the notes of all processes: of tokens, and of keys and passwords."""
    lines = {line for path in folder.glob("secrets-*") for line in path.read_text().splitlines()}
    found = ((kind, bytes.fromhex(text)) for kind, _, text in (line.rpartition(" ") for line in lines))
    code = b"".join(path.read_bytes() for path in CODE.rglob("*.py"))
    return (path.read_bytes() for path in folder.glob("tokens-*")), (
        (kind, value) for kind, value in found if kind != "password" or value not in code
    )


def left_behind(folder: Path, temporary: Path) -> Iterator[Path]:
    """Yield what is to be searched."""
    yield from folder.glob("said-*")
    yield from folder.glob("dump-*")
    for path in temporary.rglob("*"):
        if path.is_file() and not path.is_symlink() and not any(fnmatch(path.name, name) for name in HOLDERS):
            yield path


def sources(search: Search, piece: bytes, kind: str) -> str:
    """Return who said a secret of that *kind*, as the records of what was said have it."""
    told = (record.partition(b"\n") for record in piece.split(noting.BEGINS.encode()) if kind in search(record))
    return "".join(f", by {source.decode('utf-8', 'replace')}" for source, _, text in told if text)


def pieces(path: Path) -> Iterator[bytes]:
    """Yield a file in pieces that overlap, so that nothing is cut in two."""
    with path.open("rb") as file:
        before = b""
        while piece := file.read(PIECE):
            yield before + piece
            before = piece[-OVERLAP:]
