"""Secrets in files: read only where nobody else on the machine can read them too."""

import os
import stat
from pathlib import Path
from typing import Final

REFERENCE: Final = "file:"
"""What a secret begins with that stands in a file of its own."""

MAX_BYTES: Final = 64 * 1024
ROOT: Final = 0


def read(path: Path) -> str:
    """Return the text in the file without the blanks around it.

    Raises:
        ValueError: it can't be read; the message says what to do, and holds nothing of the content.

    """
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise ValueError(f"{path} can't be read: {error.strerror}") from None
    if len(data) > MAX_BYTES:
        raise ValueError(f"{path} is far larger than a setting; name another file")
    try:
        return data.decode().strip()
    except UnicodeDecodeError:
        raise ValueError(f"{path} is no UTF-8 text") from None


def read_secret(path: Path) -> str:
    """Return the secret in the file.

    Raises:
        ValueError: it can't be read, or others can read it.

    """
    check_private(path)
    return read(path)


def check_private(path: Path) -> None:
    """Return if only its owner can read the file, or if root lets us read it through a group of ours.

    The latter is how Kubernetes mounts a secret for a pod with ``fsGroup``, how systemd hands over a credential (whose
    group bits then stand for us alone), and how an administrator owns what a service may only read.

    Raises:
        ValueError: the group or everybody can, or it is not there.

    """
    _refuse(path, stat.S_IWGRP | stat.S_IRWXO if _is_handed_over(path) else stat.S_IRWXG | stat.S_IRWXO)


def check_not_public(path: Path) -> None:
    """Return if only its owner can write the file, and beside them only its group can read it.

    For what systems hand to servers through a group: Debian's ``ssl-cert`` owns keys of TLS.

    Raises:
        ValueError: others can, or it is not there.

    """
    _refuse(path, stat.S_IWGRP | stat.S_IRWXO)


def _is_handed_over(path: Path) -> bool:
    """Tell whether root owns the file, we are somebody else, and its group is root's or one of ours."""
    if os.name != "posix" or os.geteuid() == ROOT:
        return False
    found = _stat(path)
    return found.st_uid == ROOT and found.st_gid in {ROOT, os.getegid(), *os.getgroups()}


def _refuse(path: Path, shared: int) -> None:
    found = _stat(path)
    if os.name == "posix" and found.st_mode & shared:
        verb = _verb(found.st_mode & shared)
        raise ValueError(f"others can {verb} {path}, which holds a secret; {_mend(path, found.st_uid)}")


def _stat(path: Path) -> os.stat_result:
    try:
        return path.stat()
    except OSError as error:
        raise ValueError(f"{path} can't be read: {error.strerror}") from None


def _mend(path: Path, owner: int) -> str:
    if owner == os.geteuid():
        return f"run: chmod 600 {path}"
    return "let its owner and our group alone read it, mode 0440; in Kubernetes: defaultMode: 0440, with fsGroup"


def _verb(shared: int) -> str:
    return "read" if shared & (stat.S_IRGRP | stat.S_IROTH) else "write"
