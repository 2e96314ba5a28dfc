"""The mutants that no test kills, each with the reason why that is right: ``survivors.toml``."""

import tomllib
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Final

PLACE: Final = Path(__file__).with_name("survivors.toml")


def read_reasons(path: Path = PLACE) -> dict[str, str]:
    """Return the reason for each survivor, by the name of the mutant.

    Raises:
        ValueError: a mutant is named twice, or a reason is empty.

    """
    reasons: dict[str, str] = {}
    for group in tomllib.loads(path.read_text("utf-8")).get("survivors", []):
        for name in group["mutants"]:
            if name in reasons or not group["because"].strip():
                raise ValueError(f"named twice, or without a reason: {name}")
            reasons[name] = group["because"]
    return reasons


def unexplained(survivors: Collection[str], reasons: Mapping[str, str]) -> list[str]:
    """Return the survivors that nobody has given a reason for."""
    return [name for name in survivors if name not in reasons]


def outdated(survivors: Collection[str], reasons: Mapping[str, str], room: str) -> list[str]:
    """Return what has a reason in *room* and needs none: it is killed by now, or no mutant any more."""
    return [name for name in reasons if name.startswith(f"{room}/") and name not in survivors]
