"""All settings of a server, and where each value comes from.

A value comes from a flag, else from the environment, else from ``keyturn.toml``, else from ``settings_sections``.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, Self, TypeVar

from pydantic import Field, PrivateAttr, SecretStr, ValidationError

from keyturn.errors import ConfigurationError
from keyturn.server.configuration import rules as settings_rules
from keyturn.server.configuration import sources as settings_sources
from keyturn.server.configuration.masking import mask_url
from keyturn.server.configuration.problem import Problem, environment_name
from keyturn.server.configuration.rules import Purpose
from keyturn.server.configuration.sections import (
    AccessToken,
    Cookie,
    Danger,
    Database,
    DeviceSection,
    Keys,
    Log,
    LogFormat,
    LogLevel,
    Password,
    RateLimit,
    Redis,
    RefreshToken,
    Registration,
    Section,
    Server,
)
from keyturn.server.configuration.sources import Found, Source
from keyturn.server.configuration.values import RoleTable, Text

__all__ = ["LogFormat", "LogLevel", "Purpose", "Reading", "Setting", "Settings", "Source", "all_names"]

S = TypeVar("S", bound="Settings")


class Setting(Section):
    """One line of ``keyturn config show``; a secret's value is masked."""

    name: str
    environment: str
    value: str
    source: Source


class Settings(Section):
    """All settings of a server."""

    issuer: Text = ""
    server: Server = Server()
    database: Database = Database()
    redis: Redis = Redis()
    access_token: AccessToken = AccessToken()
    refresh_token: RefreshToken = RefreshToken()
    roles: RoleTable = Field(default_factory=dict)
    keys: Keys = Keys()
    password: Password = Password()
    rate_limit: RateLimit = RateLimit()
    registration: Registration = Registration()
    device: DeviceSection = DeviceSection()
    cookie: Cookie = Cookie()
    log: Log = Log()
    danger: Danger = Danger()

    _sources: Mapping[str, Source] = PrivateAttr(default_factory=dict)
    _warnings: tuple[str, ...] = PrivateAttr(default=())

    @classmethod
    def load(
        cls,
        *,
        purpose: Purpose = Purpose.EMBED,
        config: Path | None = None,
        environ: Mapping[str, str] | None = None,
        **flags: Any,  # noqa: ANN401 - each setting has its own type
    ) -> Self:
        """Return the settings from flags, environment and file.

        Args:
            purpose: what they are for: a server needs more of them than a command does.
            config: the file; None takes ``KEYTURN_CONFIG``, ``./keyturn.toml`` or what ``keyturn dev`` has made.
            environ: the environment; None takes the process's.
            flags: what goes before everything else: ``issuer="…"``, ``server={"port": 9000}``.

        Raises:
            ConfigurationError: something is missing, unknown, malformed or unsafe. Every problem has its own line, and
                below them every variable that looks like a setting: one of them may be what is missing.

        """
        reading = cls.read(purpose=purpose, config=config, environ=environ, **flags)
        _raise_if_any(reading.problems, reading.found.warnings)
        return reading.settings

    @classmethod
    def read(
        cls,
        *,
        purpose: Purpose = Purpose.EMBED,
        config: Path | None = None,
        environ: Mapping[str, str] | None = None,
        **flags: Any,  # noqa: ANN401 - as in load
    ) -> "Reading[Self]":
        """Return what `load` would return, or refuse, and why; for who looks and does not start.

        Raises:
            ConfigurationError: the configuration file can't be read at all.

        """
        found = settings_sources.collect(all_names(), flags=flags, environ=environ, config=config)
        settings, malformed = cls._build(found.values)
        unread = {name for problem in (*found.problems, *malformed) for name in problem.names}
        unsafe = [each for each in settings_rules.problems(settings, purpose) if unread.isdisjoint(each.names)]
        settings._sources = found.sources  # noqa: SLF001 - its own
        settings._warnings = (*found.warnings, *map(str, settings_rules.concerns(settings)))  # noqa: SLF001 - its own
        return Reading(settings=settings, problems=[*found.problems, *malformed, *unsafe], found=found)

    def check(self, purpose: Purpose) -> None:
        """Return if these settings are safe for *purpose*.

        Raises:
            ConfigurationError: they are not. Every problem has its own line.

        """
        _raise_if_any(list(settings_rules.problems(self, purpose)))

    @property
    def warnings(self) -> tuple[str, ...]:
        """What looked like a setting in the environment and is none, and what was set and has no effect."""
        return self._warnings

    def listing(self) -> list[Setting]:
        """Return every setting with where its value came from."""
        return [self._line(name) for name in all_names()]

    @classmethod
    def _build(cls, values: Mapping[str, Any]) -> tuple[Self, list[Problem]]:
        """Return the settings, what can't be read at its default, and what is wrong with that."""
        try:
            return cls.model_validate(_nested(values)), []
        except ValidationError as error:
            problems = [_problem(detail) for detail in error.errors(include_input=False, include_url=False)]
        unread = {name for problem in problems for name in problem.names}
        read = {name: value for name, value in values.items() if name not in unread}
        return cls.model_validate(_nested(read)), problems

    def _line(self, name: str) -> Setting:
        section, _, key = name.partition(".")
        value = getattr(getattr(self, section), key) if key else getattr(self, section)
        source = self._sources.get(name, Source.DEFAULT)
        return Setting(name=name, environment=environment_name(name), value=_shown(value), source=source)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading(Generic[S]):
    """Settings that nobody has promised are safe.

    Attributes:
        settings: what could be read; what could not is at its default.
        problems: everything that stops a start.
        found: where each value came from.

    """

    settings: S
    problems: list[Problem]
    found: Found


def all_names() -> Mapping[str, type]:
    """Return the name of every setting, such as ``refresh_token.grace``, with its type."""
    names: dict[str, Any] = {}
    for name, field in Settings.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, Section):
            keys = field.annotation.model_fields.items()
            names |= {f"{name}.{key}": below.annotation for key, below in keys}
        else:
            names[name] = field.annotation
    return names


def _problem(detail: Any) -> Problem:  # noqa: ANN401 - pydantic's own
    names = all_names()
    dotted = ".".join(str(part) for part in detail["loc"][:2])
    name = dotted if dotted in names else str(detail["loc"][0])
    cause = detail.get("ctx", {}).get("error")
    return Problem((name,), f"{cause or detail['msg']}.")


def _nested(values: Mapping[str, Any]) -> dict[str, Any]:
    nested: dict[str, Any] = {}
    for name, value in values.items():
        section, _, key = name.partition(".")
        if key:
            nested.setdefault(section, {})[key] = value
        else:
            nested[section] = value
    return nested


def _shown(value: object) -> str:
    if isinstance(value, SecretStr):
        return "********" if value.get_secret_value() else ""
    if isinstance(value, tuple):
        return ", ".join(str(item) for item in value)
    if isinstance(value, dict):
        return "; ".join(f"{name}: {', '.join(items)}" for name, items in value.items())
    return str(value).lower() if isinstance(value, bool) else mask_url(str(value))


def _raise_if_any(problems: list[Problem], warnings: tuple[str, ...] = ()) -> None:
    if problems:
        raise ConfigurationError("\n".join(dict.fromkeys((*map(str, problems), *warnings))))
