"""The schema: numbered SQL files beside this one, applied in order and recorded in a table of our own.

What only one database is told stands in a file of the same number, as in ``0001_initial.postgres.sql``. A statement
ends with a semicolon at the end of a line.
"""

import re
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from keyturn.errors import ConfigurationError
from keyturn.store.sql.script import Script

CREATE_VERSIONS = "CREATE TABLE IF NOT EXISTS schema_version (version BIGINT NOT NULL PRIMARY KEY, name TEXT NOT NULL)"

CURRENT = "SELECT COALESCE(MAX(version), 0) FROM schema_version"

UPGRADE_HINT = "run 'keyturn db upgrade'"

RECORD = "INSERT INTO schema_version (version, name) VALUES (:version, :name)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Migration:
    """One file: its number, its name without the suffix, its statements."""

    number: int
    name: str
    statements: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SchemaStatus:
    """The *current* version of a database's schema, 0 for none, and the *newest* that this release knows."""

    current: int
    newest: int


@cache
def all_migrations(dialect: str = "") -> tuple[Migration, ...]:
    """Return every migration, the oldest first, each with what stands in it for *dialect* alone."""
    names = sorted(entry.name for entry in files(__name__).iterdir() if entry.name.endswith(".sql"))
    return tuple(_read(name.removesuffix(".sql"), dialect) for name in names if name.count(".") == 1)


def newest_version() -> int:
    """Return the version that this release needs."""
    return all_migrations()[-1].number


def check_version(found: SchemaStatus, *, named: str) -> None:
    """Return if the schema is the one of this release. *named* is how the database is called in the sentence.

    Raises:
        ConfigurationError: it is older or newer; says what to do.

    """
    if found.current > found.newest:
        raise ConfigurationError(
            f"database.url: {named} has schema version {found.current}, and this release knows {found.newest};"
            " run the release that upgraded it."
        )
    if found.current < found.newest:
        raise ConfigurationError(
            f"database.url: {named} has schema version {found.current} and needs {found.newest}; {UPGRADE_HINT}."
        )


def apply_missing(dialect: str) -> Script[list[str]]:
    """Bring the schema to the newest version; return the names of what was applied. Run it where nobody else can."""
    yield CREATE_VERSIONS, {}
    ((current,),) = yield CURRENT, {}
    missing = [migration for migration in all_migrations(dialect) if migration.number > current]
    for migration in missing:
        for statement in migration.statements:
            yield statement, {}
        yield RECORD, {"version": migration.number, "name": migration.name}
    return [migration.name for migration in missing]


def _read(name: str, dialect: str) -> Migration:
    statements = _statements(f"{name}.sql")
    if files(__name__).joinpath(f"{name}.{dialect}.sql").is_file():
        statements += _statements(f"{name}.{dialect}.sql")
    return Migration(number=int(name.partition("_")[0]), name=name, statements=statements)


def _statements(file_name: str) -> tuple[str, ...]:
    text = files(__name__).joinpath(file_name).read_text("utf-8")
    bare = re.sub(r"^\s*--.*$", "", text, flags=re.MULTILINE)
    return tuple(part.strip() for part in re.split(r";\s*$", bare, flags=re.MULTILINE) if part.strip())
