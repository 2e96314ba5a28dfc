"""Every setting: its environment variable, what it takes, its default and what it does, from the settings models."""

from collections.abc import Iterator
from enum import StrEnum
from typing import Any, Final, TypeGuard, get_args

from annotated_types import Ge, Le
from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

import pages
from keyturn.cli.settings_file import SENTENCES
from keyturn.server.configuration.durations import Duration, Limit
from keyturn.server.configuration.problem import environment_name
from keyturn.server.settings import Settings


def page() -> str:
    """Return the page."""
    return pages.page("Settings", _INTRO, *_sections())


def _sections() -> Iterator[str]:
    titles = ("setting", "environment", "takes", "default", "meaning")
    yield pages.table(titles, _rows("", Settings))
    for name, field in Settings.model_fields.items():
        section = field.annotation
        if _is_section(section) and (rows := list(_rows(f"{name}.", section))):
            yield f"## [{name}]"
            yield pages.table(titles, rows)


def _rows(prefix: str, model: type[BaseModel]) -> Iterator[tuple[str, ...]]:
    for key, field in model.model_fields.items():
        name = f"{prefix}{key}"
        if not _is_section(field.annotation) and name not in _WITHOUT_EFFECT:
            default = pages.code(_default(field))
            yield (
                pages.code(name),
                pages.code(environment_name(name)),
                _takes(name, field),
                default,
                SENTENCES[name],
            )


def _is_section(annotation: Any) -> TypeGuard[type[BaseModel]]:  # noqa: ANN401 - any type a setting may have
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def _takes(name: str, field: FieldInfo) -> str:
    """Return what may be written: the kind of value, its unit, its range or its choices."""
    kind: Any = field.annotation
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        return ", ".join(pages.code(choice.value) for choice in kind)
    if choices := [choice for choice in get_args(kind) if isinstance(choice, str)]:
        return ", ".join(map(pages.code, choices))
    origin = getattr(kind, "__origin__", kind)
    said = _KINDS[origin]
    unit = _UNITS.get(name, "")
    return " ".join(part for part in (said, unit, _range(field)) if part)


def _range(field: FieldInfo) -> str:
    least = next((rule.ge for rule in field.metadata if isinstance(rule, Ge)), None)
    most = next((rule.le for rule in field.metadata if isinstance(rule, Le)), None)
    return "" if least is None or most is None else f"{least} to {most}"


def _default(field: FieldInfo) -> str:
    value = field.get_default(call_default_factory=True)
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    if isinstance(value, tuple | dict):
        return "[]" if isinstance(value, tuple) else "{}"
    return str(value).lower() if isinstance(value, bool) else str(value)


_WITHOUT_EFFECT: Final = frozenset({"rate_limit.token_per_client"})
"""Nothing that this release does depends on them."""

_KINDS: Final[dict[Any, str]] = {
    str: "text",
    int: "number",
    bool: "`true`, `false`",
    tuple: "list",
    dict: "table",
    SecretStr: "secret",
    Duration: "duration",
    Limit: "rate",
}
_UNITS: Final = {
    "password.min_length": "of characters,",
    "password.memory_kib": "of KiB,",
    "password.time_cost": "of passes,",
    "password.parallelism": "of lanes,",
    "password.concurrency": "of threads,",
}

_INTRO: Final = """\
A value comes from a flag, else from the environment, else from `keyturn.toml`, else from here. The file is the one
that `--config` names, else `KEYTURN_CONFIG`, else `./keyturn.toml`, else what `keyturn dev` has left in `./.keyturn/`.

- A **duration** is a whole number with a unit: `500ms`, `60s`, `10m`, `12h`, `30d`.
- A **rate** is a count and a duration: `5/1m` lets 5 through at once and then one each 12 seconds.
- A **list** is an array in the file; in the environment a JSON array, or values with commas between them.
- A **table** is a table in the file, and a JSON object in the environment.
- A **secret**, and a URL with a password in it, may be a reference to where it is kept: `file:`, `credential:`,
  `vault:` or `awssm:`, see [secrets](../secrets.md). For every setting, `KEYTURN_…_FILE` names a file that holds the
  value. A file with a secret must be readable for its owner alone.

An unknown setting in the file stops the start and names the nearest real one. An unknown `KEYTURN_…` variable is only
warned of. `keyturn config show` prints every value with its source, secrets masked; `keyturn config check` says every
setting that would stop a start, and reaches no database."""
