import re
import tomllib
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[1]
PINNED: Final = sorted((ROOT / "requirements").glob("*.txt"))

#: The first version of each library that refuses what an older one let through.
FLOORS: Final = {"authlib": (1, 6, 9), "cryptography": (50,), "joserfc": (1, 6, 8), "pyjwt": (2, 13), "redis": (8,)}


@pytest.mark.parametrize("path", PINNED, ids=lambda path: path.name)
def test_every_package_is_pinned_and_hashed(path: Path) -> None:
    """A58: another file under the same name and version is not installed."""
    pins = [line for line in path.read_text("utf-8").splitlines() if line and not line.startswith((" ", "#"))]

    assert pins
    for pin in pins:
        assert re.fullmatch(r"[a-z0-9.\[\],-]+==[\w.]+( ;.*)? \\", pin), pin
    assert len(re.findall(r"==.*\\\n +--hash=sha256:[0-9a-f]{64}", path.read_text("utf-8"))) == len(pins)


@pytest.mark.parametrize("path", PINNED, ids=lambda path: path.name)
def test_no_pin_has_a_hole_that_is_known(path: Path) -> None:
    """A58: where a library of tokens had a flaw, what is pinned comes after it."""
    for name, version in re.findall(r"^([a-z0-9-]+)(?:\[.*\])?==([\d.]+)", path.read_text("utf-8"), re.MULTILINE):
        assert tuple(map(int, version.strip(".").split("."))) >= FLOORS.get(name, ()), (name, version)


def test_what_a_user_installs_has_a_floor() -> None:
    """A58: an old library that happens to be there does not do."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    extras = [each for extra in project["optional-dependencies"].values() for each in extra]

    for requirement in (*project["dependencies"], *extras):
        assert requirement.startswith("keyturn[") or ">=" in requirement, requirement
