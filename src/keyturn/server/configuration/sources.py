"""Where settings come from: flags, else the environment, else a file. Nothing here judges a value.

``KEYTURN_…_FILE`` names a file that holds the value. A secret may be a reference, see ``secret_references``; a path in
``keyturn.toml`` is relative to that file. Only the references that win are read. An environment variable that only
looks like a setting is a warning, since orchestrators inject such names; an unknown key in the file is a mistake.
"""

import os
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from pydantic import SecretStr

from keyturn.errors import ConfigurationError
from keyturn.server.configuration import secret_files
from keyturn.server.configuration.problem import PREFIX, Problem, environment_name
from keyturn.server.configuration.secret_references import Reference, References, is_reference, may_refer

CONFIG_VARIABLE: Final = "KEYTURN_CONFIG"
CONFIG_FILE: Final = Path("keyturn.toml")
DEVELOPMENT_FILE: Final = Path(".keyturn/keyturn.toml")
"""What `keyturn dev` leaves behind; taken only where nothing says which installation is meant."""

Names = Mapping[str, Any]


class Source(StrEnum):
    """Where a value came from."""

    DEFAULT = "default"
    FILE = "file"
    ENVIRONMENT = "environment"
    FLAG = "flag"


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What the sources hold together.

    Attributes:
        values: by the setting's name.
        sources: of each value, the source that won.
        references: of each value that was one, the reference that was followed.
        config: the file that was read, if there is one.

    """

    values: dict[str, Any] = field(default_factory=dict, repr=False)
    sources: dict[str, Source] = field(default_factory=dict)
    references: dict[str, Reference] = field(default_factory=dict)
    config: Path | None = None
    problems: list[Problem]
    warnings: tuple[str, ...]


def collect(names: Names, *, flags: Mapping[str, Any], environ: Mapping[str, str] | None, config: Path | None) -> Found:
    """Return the values of all sources, with what is wrong about them.

    Raises:
        ConfigurationError: the configuration file can't be read at all.

    """
    variables = os.environ if environ is None else environ
    problems: list[Problem] = []
    given = _deferred(names, _flatten(names, flags, "as a flag", problems), Path())
    set_outside = _from_environment(names, variables, problems)
    path = _config_path(config, variables, given.keys() | set_outside.keys())
    written = {} if path is None else _from_file(names, path, problems)
    found = Found(config=path, problems=problems, warnings=tuple(_strangers(names, variables)))
    for source, layer in ((Source.FILE, written), (Source.ENVIRONMENT, set_outside), (Source.FLAG, given)):
        found.values.update(layer)
        found.sources.update(dict.fromkeys(layer, source))
    _dereference(found, References(variables))
    return found


def _dereference(found: Found, references: References) -> None:
    """Put what the references lead to in their place; one that leads nowhere is a problem, and no value."""
    waiting = [(name, value) for name, value in found.values.items() if isinstance(value, Reference)]
    found.references.update(waiting)
    for name, reference in waiting:
        try:
            found.values[name] = references.read(reference)
        except ValueError as error:
            del found.values[name]
            found.problems.append(Problem((name,), f"{error}."))


def _config_path(config: Path | None, variables: Mapping[str, str], given: set[str]) -> Path | None:
    if config is not None:
        return config
    if variables.get(CONFIG_VARIABLE):
        return Path(variables[CONFIG_VARIABLE])
    if not _is_missing(CONFIG_FILE):
        return CONFIG_FILE
    if given.isdisjoint(_WHICH_INSTALLATION) and not _is_missing(DEVELOPMENT_FILE):
        return DEVELOPMENT_FILE
    return None


def _is_missing(path: Path) -> bool:
    """Tell whether there is surely no such file, rather than one that we may not see: whoever reads that is told so."""
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:
        return False
    return False


def _from_environment(names: Names, variables: Mapping[str, str], problems: list[Problem]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for name in names:
        variable = environment_name(name)
        file = variables.get(f"{variable}_FILE")
        if file and variable in variables:
            problems.append(Problem((name,), f"set either {variable} or {variable}_FILE, not both."))
        elif file:
            values |= _read_file_of(name, names[name], Path(file), problems)
        elif variable in variables:
            values |= _deferred(names, {name: variables[variable]}, Path())
    return values


def _from_file(names: Names, path: Path, problems: list[Problem]) -> dict[str, Any]:
    try:
        written = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise ConfigurationError(f"{path} can't be read: {error.strerror}. Name another file, or none.") from None
    except ValueError as error:  # TOML's own complaint names line and column; or it is no UTF-8
        raise ConfigurationError(f"{path} is not TOML: {error}.") from None
    values = _flatten(names, written, f"in {path}", problems)
    for name, value in values.items():
        if is_secret(names[name], value):
            problems.extend(_if_not_private(name, path))
    return _deferred(names, values, path.parent)


def _flatten(names: Names, nested: Mapping[str, Any], where: str, problems: list[Problem]) -> dict[str, Any]:
    """Return the values by dotted name, without those that no setting has."""
    flat: dict[str, Any] = {}
    for name, value in _pairs(names, nested):
        if name in names:
            flat[name] = value
        else:
            problems.append(
                Problem((), f"{name}: there is no such setting ({where}). {_nearest(name, names)}".rstrip())
            )
    return flat


def _pairs(names: Names, nested: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, value in nested.items():
        if name in names or not isinstance(value, Mapping):
            yield name, value
        else:
            yield from ((f"{name}.{key}", below) for key, below in value.items())


def _nearest(name: str, names: Names) -> str:
    """Name the setting that was meant: by its key in another section, or by its full name."""
    if any(known.startswith(f"{name}.") for known in names):
        return f"It is a section: write [{name}] and its keys below."
    key = name.rpartition(".")[2]
    moved = [known for known in names if known.rpartition(".")[2] == key]
    nearest = (moved or get_close_matches(name, names, n=1, cutoff=0.6))[:1]
    return "".join(f"Did you mean {found}?" for found in nearest)


def _deferred(names: Names, values: Mapping[str, Any], base: Path) -> dict[str, Any]:
    """Return *values*, those that are references as such."""
    return {
        name: Reference(value, base) if may_refer(name, names[name]) and is_reference(value) else value
        for name, value in values.items()
    }


def _read_file_of(name: str, kind: object, path: Path, problems: list[Problem]) -> dict[str, Any]:
    """Return the value in a file; there too a secret may be a reference."""
    read = secret_files.read_secret if kind is SecretStr else secret_files.read
    try:
        value = read(path)
    except ValueError as error:
        problems.append(Problem((name,), f"{error}."))
        return {}
    if is_secret(kind, value):
        problems.extend(_if_not_private(name, path))
    return _deferred({name: kind}, {name: value}, path.parent)


def is_secret(kind: object, value: object) -> bool:
    """Tell whether *value* is a secret itself, or a URL with a password in it."""
    if not isinstance(value, str) or is_reference(value):
        return False
    return bool(value) if kind is SecretStr else _PASSWORD_IN_URL.search(value) is not None


def _if_not_private(name: str, path: Path) -> Iterator[Problem]:
    try:
        secret_files.check_private(path)
    except ValueError as error:
        yield Problem((name,), f"{error}.")


def _strangers(names: Names, variables: Mapping[str, str]) -> Iterator[str]:
    known = {environment_name(name) for name in names}
    known |= {f"{variable}_FILE" for variable in known} | {CONFIG_VARIABLE}
    for variable in sorted(variables):
        if variable.startswith(PREFIX) and variable not in known:
            close = get_close_matches(variable, known, n=1, cutoff=0.8)
            hint = "".join(f" Did you mean {found}?" for found in close)
            yield f"{variable}: not a setting of ours, ignored.{hint}"


_WHICH_INSTALLATION: Final = frozenset({"issuer", "database.url", "keys.master_key"})
_PASSWORD_IN_URL: Final = re.compile(r"://(?!/).*:.*@|[?&][^=&#]*password", re.IGNORECASE | re.DOTALL)
