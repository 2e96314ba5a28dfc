"""In every process of a test run: notes of the secrets that our code issues, and a copy of what our code says.

Our functions are wrapped as their modules are imported, so that nothing else in a process changes. What a process
notes goes into files of its own in the folder of the run, written at once: the process may be killed at any time.

``tokens-PID``: 8 bytes of SHA-256 for each token, over what identifies it; `whole_run.search` looks for them by shape.
``secrets-PID``: a line for each key and password, its kind and its bytes in hex.
``said-PID``: log lines, texts of errors, metrics; before each, who said it and in which test.

Nothing but the standard library is imported: a process under test must not have more in it than it would have.
"""

import os
import sys
from collections.abc import Callable, Sequence
from functools import wraps
from hashlib import sha256
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType
from typing import Any

TOKEN_BYTES = 8
OPAQUE_CHARACTERS = 60
"""Of an opaque token: all that is public and a part of the MAC; so a token that was cut is found as well."""

SIGNATURE_CHARACTERS = 40
SHORTEST_SECRET = 15
"""Bytes; what is shorter is found by accident too."""

BEGINS = "\x1e"
"""Stands before each record of what was said; the first line of a record is its source."""

LEAST_DIFFERENT = 8
MOST_REMEMBERED = 10_000


def begin(folder: str) -> "Notes":
    """Note into *folder* from now on."""
    notes = Notes(folder)
    sys.meta_path.insert(0, Wrapping(notes))
    for name in WRAPPED.keys() & sys.modules.keys():
        WRAPPED[name](sys.modules[name], notes)
    return notes


class Notes:
    """The files of this process; after a fork, of the child."""

    def __init__(self, folder: str) -> None:
        self._folder = folder
        self._files: dict[tuple[int, str], int] = {}
        self._seen: set[int] = set()

    def token(self, text: str) -> None:
        """Note a token."""
        self._write("tokens", fingerprint(text))

    def secret(self, kind: str, value: bytes) -> None:
        """Note a key or a password, once."""
        if len(value) >= SHORTEST_SECRET and len(set(value)) >= LEAST_DIFFERENT and self._is_new(value):
            self._write("secrets", f"{kind} {value.hex()}\n".encode())

    def said(self, source: str, text: str) -> None:
        """Write down what was said, once, and who said it."""
        if self._is_new(text):
            told = f"{BEGINS}{source}{during()}\n{text}\n"
            self._write("said", told.encode("utf-8", "surrogatepass"))

    def _is_new(self, value: object) -> bool:
        if hash(value) in self._seen:
            return False
        if len(self._seen) >= MOST_REMEMBERED:
            self._seen.clear()
        self._seen.add(hash(value))
        return True

    def _write(self, name: str, data: bytes) -> None:
        key = (os.getpid(), name)
        if key not in self._files:
            flags = os.O_CREAT | os.O_APPEND | os.O_WRONLY
            try:
                self._files[key] = os.open(f"{self._folder}/{name}-{key[0]}", flags, 0o600)
            except OSError:  # another user's process, or the run is over
                self._files[key] = os.open(os.devnull, os.O_WRONLY)
        os.write(self._files[key], data)


def fingerprint(token: str) -> bytes:
    """Return what stands for a token in the notes."""
    part = token.rpartition(".")[2][:SIGNATURE_CHARACTERS] if token.startswith("eyJ") else token[:OPAQUE_CHARACTERS]
    return sha256(part.encode()).digest()[:TOKEN_BYTES]


def during() -> str:
    """Return in which test this is said, as far as pytest has told this process."""
    test = os.environ.get("PYTEST_CURRENT_TEST", "")
    return test and f" in {name_of(test.partition(' ')[0])}"


def name_of(test: str) -> str:
    """Return the name of a test without its parameters, of which some are secrets."""
    return test.partition("[")[0]


class Wrapping:
    """Finds the modules of `WRAPPED`, and wraps them once they are loaded."""

    def __init__(self, notes: Notes) -> None:
        self._notes = notes

    def find_spec(self, name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        """Return the usual spec of a module that is to be wrapped, with a loader that wraps."""
        wrap = WRAPPED.get(name)
        spec = PathFinder.find_spec(name, path, target) if wrap else None
        if wrap is None or spec is None or spec.loader is None:
            return None
        load = spec.loader.exec_module

        def exec_module(module: ModuleType) -> None:
            load(module)
            wrap(module, self._notes)

        spec.loader.exec_module = exec_module  # type: ignore[method-assign]
        return spec


def after(function: Callable[..., Any], note: Callable[..., object]) -> Callable[..., Any]:
    """Return *function*, after which *note* is told its result and its arguments."""

    @wraps(function)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        result = function(*args, **kwargs)
        note(result, *args, **kwargs)
        return result

    return wrapped


def wrap_issue(module: Any, notes: Notes) -> None:
    """Note the tokens that are issued."""
    module.issue = after(module.issue, lambda token, *_, **__: notes.token(token))


def wrap_master_keys(module: Any, notes: Notes) -> None:
    """Note master keys and what is derived from them."""

    def note(made: Any, _: Any, secret: bytes) -> None:
        notes.secret("master key", secret)
        notes.secret("key of refresh tokens", made.refresh_token_key.secret)
        notes.secret("key of device tokens", made.device_token_key.secret)

    module.MasterKey.from_bytes = classmethod(after(module.MasterKey.from_bytes.__func__, note))


def wrap_signing_keys(module: Any, notes: Notes) -> None:
    """Note the private numbers of signing keys, and shared secrets."""

    def note(made: Any, *_: Any, **__: Any) -> None:
        for number in private_numbers(made._private):
            notes.secret("signing key", number)

    module.SigningKey._of = classmethod(after(module.SigningKey._of.__func__, note))


def private_numbers(private: Any) -> list[bytes]:
    """Return what nobody but the issuer may know of a key."""
    if isinstance(private, bytes):
        return [private]
    if hasattr(private, "private_bytes_raw"):
        return [private.private_bytes_raw()]
    numbers = private.private_numbers()
    values = (numbers.private_value,) if hasattr(numbers, "private_value") else (numbers.d, numbers.p, numbers.q)
    return [value.to_bytes((value.bit_length() + 7) // 8) for value in values]


def wrap_passwords(module: Any, notes: Notes) -> None:
    """Note each password on its way to the hash."""
    module.normalise = after(
        module.normalise, lambda plain, *_: notes.secret("password", plain.encode("utf-8", "surrogatepass"))
    )


def wrap_errors(module: Any, notes: Notes) -> None:
    """Write down what our errors say, to anybody and to the audit log alone."""

    def note(_: None, error: Any, *__: Any, **___: Any) -> None:
        notes.said("an error", f"{type(error).__name__}: {error} [{error.reason}]")

    module.KeyturnError.__init__ = after(module.KeyturnError.__init__, note)


def wrap_log(module: Any, notes: Notes) -> None:
    """Write down the lines of the log, whatever its level and wherever it goes."""
    module.LineWriter.write = after(module.LineWriter.write, lambda _, __, line: notes.said("the log", line))


def wrap_metrics(module: Any, notes: Notes) -> None:
    """Write down the metrics that were asked for."""
    module.generate_latest = after(
        module.generate_latest, lambda text, *_, **__: notes.said("the metrics", text.decode())
    )


def wrap_runner(module: Any, notes: Notes) -> None:
    """Write down what commands print that run in the process of their test."""
    module.CliRunner.invoke = after(
        module.CliRunner.invoke, lambda result, *_, **__: notes.said("a command", result.output)
    )


WRAPPED: dict[str, Callable[[Any, Notes], None]] = {
    "keyturn.tokens.access_token": wrap_issue,
    "keyturn.tokens.refresh_token": wrap_issue,
    "keyturn.tokens.device_token": wrap_issue,
    "keyturn.tokens.master_key": wrap_master_keys,
    "keyturn.tokens.keys": wrap_signing_keys,
    "keyturn.core.password_rules": wrap_passwords,
    "keyturn.errors": wrap_errors,
    "keyturn.server.observing.log_output": wrap_log,
    "keyturn.server.endpoints.metrics": wrap_metrics,
    "typer.testing": wrap_runner,
}
