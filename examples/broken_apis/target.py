"""A target by its name: the file that has it, the issuer whose tokens it takes, and the app.

A file of ``flaws``, ``sound`` and ``odd`` has either ``verify(token, issuer)``, and the app is the common one, or
``build(issuer)``, which returns the app. Where it says nothing else with ``make_issuer``, tokens are signed with ES256.
"""

import importlib
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Final

from starlette.types import ASGIApp

from broken_apis.issuer import Issuer, with_curve
from broken_apis.orders import orders_api

FLAWS: Final = "flaws"
ROOMS: Final = (FLAWS, "sound", "odd")


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """An app, and whose tokens it takes.

    Attributes:
        name: a flaw's own, else with its room before it, as ``odd/slow``.
        app: the app.
        issuer: signs tokens for it.
        story: what is wrong, or odd, about it.
        flaw: the flaw that it has; None for a sound one.

    """

    name: str
    app: ASGIApp
    issuer: Issuer
    story: str
    flaw: str | None


def names() -> list[str]:
    """Return the name of every target."""
    return [
        _name(room, file.stem)
        for room in ROOMS
        for file in sorted((Path(__file__).parent / room).glob("*.py"))
        if file.stem != "__init__"
    ]


def load(name: str) -> Target:
    """Return the target *name*, with an issuer of its own.

    Raises:
        ModuleNotFoundError: there is none of this name.

    """
    module = _module(name)
    issuer: Issuer = getattr(module, "make_issuer", with_curve)()
    build = getattr(module, "build", None)
    app = build(issuer) if build else orders_api(partial(module.verify, issuer=issuer))
    flaw = None if "/" in name else getattr(module, "FLAW", name)
    return Target(name=name, app=app, issuer=issuer, story=story(name), flaw=flaw)


def story(name: str) -> str:
    """Return the first line of what the file of *name* says of itself."""
    return (_module(name).__doc__ or "").partition("\n")[0]


def _module(name: str) -> ModuleType:
    room, _, stem = name.rpartition("/")
    return importlib.import_module(f"broken_apis.{room or FLAWS}.{stem.replace('-', '_')}")


def _name(room: str, stem: str) -> str:
    word = stem.replace("_", "-")
    return word if room == FLAWS else f"{room}/{word}"
