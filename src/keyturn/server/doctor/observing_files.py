"""Looking at files and variables: who else can write them, and where each secret stands."""

import os
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from keyturn.errors import ConfigurationError
from keyturn.server.configuration import secret_files
from keyturn.server.configuration.problem import environment_name
from keyturn.server.configuration.sources import DEVELOPMENT_FILE, Found, Source, is_secret
from keyturn.server.doctor.files import Files
from keyturn.server.settings import Settings, all_names
from keyturn.store.sql.sqlite.opening import PREFIX, path_of
from keyturn.store.sql.sqlite.privacy import check_private

MASTER_KEY: Final = "keys.master_key"
MOUNTS: Final = Path("/proc/self/mountinfo")


def look(settings: Settings, found: Found, environ: Mapping[str, str]) -> Files:
    """Return what is to be seen of the files of an installation."""
    database = _database(settings)
    return Files(
        replaceable=tuple(map(str, dict.fromkeys(_replaceable(found, environ)))),
        exposed_database=_exposed(database),
        secrets_in_file=tuple(_plain(found, Source.FILE)),
        secrets_in_environment=tuple(name for name in _plain(found, Source.ENVIRONMENT) if not _file(name, environ)),
        key_beside_database=_beside(_secret_path(MASTER_KEY, found, environ), database),
        file_system=_file_system(database),
        relative_database=_relative(settings),
        sqlite_workers=settings.server.workers if database else 0,
        leftovers=tuple(_leftovers(found)),
    )


def file_system_of(path: Path, mounts: str) -> str:
    """Return the type of the file system that *path* lies on; nothing if it is not known.

    Args:
        path: an absolute one without links.
        mounts: what Linux says in ``/proc/self/mountinfo``.

    """
    lies_on = [(mount, kind) for mount, kind in map(_mount, mounts.splitlines()) if path.is_relative_to(mount)]
    # The last of several at one place covers the others.
    return max(enumerate(lies_on), key=lambda each: (len(each[1][0].parts), each[0]))[1][1] if lies_on else ""


def _mount(line: str) -> tuple[Path, str]:
    place, _, rest = line.partition(" - ")
    fields = place.split(" ")
    escaped = fields[_MOUNT_POINT] if len(fields) > _MOUNT_POINT else ""
    return Path(escaped.replace("\\040", " ")), rest.partition(" ")[0]


def _database(settings: Settings) -> Path | None:
    try:
        return path_of(settings.database.url)
    except ConfigurationError:
        return None


def _exposed(database: Path | None) -> str:
    if database is None or not _mode(database):
        return ""
    try:
        check_private(database)
    except ConfigurationError as error:
        return str(error).removeprefix("database.url: ").capitalize()
    return ""


def _plain(found: Found, source: Source) -> Iterator[str]:
    """Yield the settings whose secret stands in *source* itself."""
    kinds = all_names()
    for name, value in found.values.items():
        if found.sources.get(name) is source and name not in found.references and is_secret(kinds[name], value):
            yield name


def _file(name: str, environ: Mapping[str, str]) -> str:
    return environ.get(f"{environment_name(name)}_FILE", "")


def _secret_path(name: str, found: Found, environ: Mapping[str, str]) -> Path | None:
    """Return the file that a secret stands in, if it stands in one."""
    reference = found.references.get(name)
    if reference and reference.text.startswith(secret_files.REFERENCE):
        return reference.base / reference.text.removeprefix(secret_files.REFERENCE)
    file = _file(name, environ) if found.sources.get(name) is Source.ENVIRONMENT else ""
    return Path(file) if file else None


def _beside(key: Path | None, database: Path | None) -> str:
    if key is None or database is None or key.resolve().parent != database.resolve().parent:
        return ""
    return str(key.resolve().parent)


def _replaceable(found: Found, environ: Mapping[str, str]) -> Iterator[Path]:
    secrets = (_secret_path(name, found, environ) for name in all_names())
    for path in (found.config, *secrets):
        if path is not None and os.name == "posix":
            real = path.resolve()
            yield from (each for each in (real,) if _mode(each) & (stat.S_IWGRP | stat.S_IWOTH))
            yield from (each for each in (real.parent,) if _is_everybodys(_mode(each)))


def _is_everybodys(mode: int) -> bool:
    return bool(mode & stat.S_IWOTH) and not mode & stat.S_ISVTX  # the sticky bit lets owners alone replace a file


def _mode(path: Path) -> int:
    """Return the mode of *path*; 0 if it is not there, or not for us to see."""
    try:
        return path.stat().st_mode
    except OSError:
        return 0


def _file_system(database: Path | None) -> str:
    if database is None:
        return ""
    try:
        return file_system_of(database.resolve(), MOUNTS.read_text("utf-8", "replace"))
    except OSError:  # no Linux
        return ""


def _relative(settings: Settings) -> str:
    url = settings.database.url
    return url if url.startswith(PREFIX) and not Path(url.removeprefix(PREFIX)).is_absolute() else ""


def _leftovers(found: Found) -> Iterator[str]:
    in_use = found.config is not None and found.config.resolve() == DEVELOPMENT_FILE.resolve()
    if _mode(DEVELOPMENT_FILE) and not in_use:
        yield f"{DEVELOPMENT_FILE.parent}/"


_MOUNT_POINT: Final = 4
