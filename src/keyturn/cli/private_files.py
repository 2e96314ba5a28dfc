"""Files that are written once, whole, and the one that nobody else may read: the master key."""

import os
import secrets
from pathlib import Path
from typing import Final

from keyturn.errors import Conflict
from keyturn.tokens import base64url
from keyturn.tokens.master_key import MASTER_KEY_BYTES

PRIVATE: Final = 0o600
READABLE: Final = 0o644


def make_directory(path: Path) -> None:
    """Make a directory, and those above it, where there is none.

    Raises:
        Conflict: the system does not let us.

    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Conflict("not writable", sentence=f"{path} can't be made: {error.strerror}.") from None


def write_new(path: Path, text: str, *, mode: int) -> None:
    """Make a file with *text*, on the disk before this returns.

    Raises:
        Conflict: it is there already; nothing was changed.

    """
    try:
        descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, mode)
    except FileExistsError:
        raise Conflict("file exists", sentence=f"{path} is there already; nothing was overwritten.") from None
    except OSError as error:
        raise Conflict("not writable", sentence=f"{path} can't be written: {error.strerror}.") from None
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def write_new_master_key(path: Path) -> None:
    """Make a master key file that only its owner can read.

    Raises:
        Conflict: it is there already; nothing was changed.

    """
    write_new(path, f"{new_master_key()}\n", mode=PRIVATE)


def new_master_key() -> str:
    """Return a new master key, as the setting ``keys.master_key`` takes it."""
    return base64url.encode(secrets.token_bytes(MASTER_KEY_BYTES))


def replace(path: Path, text: str, *, mode: int) -> None:
    """Put a file with *text* in the place of what is there; whoever reads meanwhile sees the one or the other.

    Raises:
        Conflict: the system does not let us; nothing is left behind.

    """
    fresh = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    write_new(fresh, text, mode=mode)
    try:
        fresh.replace(path)
    except OSError as error:
        fresh.unlink()
        raise Conflict("not writable", sentence=f"{path} can't be written: {error.strerror}.") from None
