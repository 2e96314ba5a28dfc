"""Measures every bar, each beside its peer or primitive in the same run: ``make bench``.

Ratios hold from machine to machine, absolute figures move with it: what it was doing stands below the table.
"""

import argparse
import json
import os
import platform
import sys
import traceback
from collections.abc import Sequence
from dataclasses import asdict
from importlib import import_module
from typing import cast

from rich import box
from rich.console import Console
from rich.table import Table

from rows import Bar, Options, Row

#: Each bar's module, which is imported when it is measured: a peer that is not installed spoils only its own bar.
BARS = {
    "P1": "p01_first_verification",
    "P2": "p02_pyjwt",
    "P3": "p03_seen_before",
    "P4": "p04_refresh",
    "P5": "p05_postgresql",
    "P6": "p06_login",
    "P7": "p07_login_flood",
    "P8": "p08_million_sessions",
    "P9": "p09_revocations",
    "P10": "p10_start",
    "P11": "p11_fresh_clone",
    "P12": "p12_adapters",
    "P13": "p13_memory",
}

#: How wide the table is where it goes to no terminal.
FILE_COLUMNS = 200


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print. Returns 0; 1 if a bar could not be measured, or, with ``--strict``, was missed."""
    asked = _parser().parse_args(arguments)
    options = Options(seconds=asked.seconds, turns=asked.turns)
    rows: list[Row] = []
    broken: list[str] = []
    for name in asked.only or BARS:
        try:
            module = import_module(BARS[name])
            print((module.__doc__ or "").partition("\n")[0], file=sys.stderr, flush=True)
            rows += cast("Bar", module.measure)(options)
        except Exception:  # noqa: BLE001 - the other bars can still be measured
            traceback.print_exc()
            broken.append(name)
    _print_json(rows) if asked.json else _print_table(rows)
    missed = asked.strict and any(row.met is False for row in rows)
    return 1 if broken or missed else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description="Measure every bar, each beside its peer or primitive in the same run.",
        epilog="example: bench/run.py --only P4 --only P8 --seconds 10",
    )
    parser.add_argument("--only", action="append", choices=BARS, metavar="P4", help="this bar; may be repeated")
    parser.add_argument("--seconds", type=float, default=5.0, help="for each side of a measurement (default: 5)")
    parser.add_argument("--turns", type=int, default=5, help="turns that whole servers take in them (default: 5)")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--strict", action="store_true", help="exit with 1 if a bar is missed")
    return parser


def _print_json(rows: list[Row]) -> None:
    print(json.dumps({"machine": _machine(), "rows": [asdict(row) for row in rows]}, indent=2, ensure_ascii=False))


def _print_table(rows: list[Row]) -> None:
    table = Table(box=box.SIMPLE_HEAD)
    for title in ("", "what", "measured", "beside it", "ratio", "bar", "met"):
        table.add_column(title, justify="right" if title == "ratio" else "left")
    for row in rows:
        ratio = "" if row.ratio is None else f"{row.ratio:.2f}"
        table.add_row(row.bar, row.what, row.measured, row.beside, ratio, row.target, _MET[row.met])
    console = Console(width=None if sys.stdout.isatty() else FILE_COLUMNS)
    console.print(table)
    console.print(" · ".join(f"{name} {value}" for name, value in _machine().items()), style="dim")


def _machine() -> dict[str, str]:
    """Return what the figures were taken on. A load above the number of cores means: somebody else was working."""
    return {
        "Python": platform.python_version(),
        "machine": platform.machine(),
        "cores": str(os.cpu_count()),
        "load": f"{os.getloadavg()[0]:.1f}",
    }


_MET = {True: "[green]yes[/green]", False: "[red]no[/red]", None: "-"}


if __name__ == "__main__":
    sys.exit(main())
