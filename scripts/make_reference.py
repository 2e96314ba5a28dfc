#!/usr/bin/env python3
"""Writes docs/reference from the code: ``make docs``. With ``--check`` it only says whether the files are current."""

import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

import reference_attacks
import reference_cli
import reference_doctor
import reference_errors
import reference_http
import reference_settings

REFERENCE: Final = Path(__file__).parents[1] / "docs" / "reference"

PAGES: Final[Mapping[str, Callable[[], str]]] = {
    "settings.md": reference_settings.page,
    "http.md": reference_http.page,
    "cli.md": reference_cli.page,
    "errors.md": reference_errors.page,
    "doctor.md": reference_doctor.page,
    "attacks.md": reference_attacks.page,
}


def main(arguments: Sequence[str]) -> int:
    """Write the pages, or check them; return 1 if a checked page is not what the code gives."""
    if list(arguments) == ["--check"]:
        stale = [name for name, page in PAGES.items() if _committed(name) != page()]
        for name in stale:
            sys.stderr.write(f"docs/reference/{name} is not what the code gives: run make docs\n")
        return 1 if stale else 0
    REFERENCE.mkdir(exist_ok=True)
    for name, page in PAGES.items():
        (REFERENCE / name).write_text(page(), encoding="utf-8")
    return 0


def _committed(name: str) -> str:
    path = REFERENCE / name
    return path.read_text(encoding="utf-8") if path.exists() else ""


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
