"""A target by its name: the file that has it, the issuer whose tokens it takes, and the app.

Each file has either ``verify(token, issuer)``, and the app is the common one, or ``build(issuer)``, which returns the
app. Where it says nothing else with ``make_issuer``, tokens are signed with ES256. A file of ``issuers`` is an issuer
itself, so that its URL is where it answers.
"""

import importlib
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Final

from starlette.types import ASGIApp

from broken_apis.issuer import Issuer, with_curve
from broken_apis.orders import orders_api

FLAWS: Final = "flaws"
ISSUERS: Final = "issuers"
ROOMS: Final = (FLAWS, ISSUERS, "sound", "odd")


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """An app, and whose tokens it takes.

    Attributes:
        name: as in :func:`names`.
        app: the app.
        issuer: signs tokens for it.
        story: what is wrong with it, or odd about it.
        flaw: the flaw that it has, as ``keyturn attack`` names it; None for a sound one.

    """

    name: str
    app: ASGIApp
    issuer: Issuer
    story: str
    flaw: str | None


def names() -> list[str]:
    """Return the name of every target: of a flaw in an API its own, of others with their room, such as ``odd/slow``."""
    return [
        file.stem.replace("_", "-") if room == FLAWS else f"{room}/{file.stem.replace('_', '-')}"
        for room in ROOMS
        for file in sorted((Path(__file__).parent / room).glob("*.py"))
        if file.stem != "__init__"
    ]


def load(name: str, url: str) -> Target:
    """Return the target *name*, which is to answer at *url*, with an issuer of its own.

    Raises:
        ModuleNotFoundError: there is none of this name.

    """
    room, module = _module(name)
    issuer: Issuer = getattr(module, "make_issuer", with_curve)()
    if room == ISSUERS:
        issuer = replace(issuer, url=url, audience=url)
    build = getattr(module, "build", None)
    app = build(issuer) if build else orders_api(partial(module.verify, issuer=issuer))
    own_flaw = name.rpartition("/")[2] if room in {FLAWS, ISSUERS} else None
    return Target(name=name, app=app, issuer=issuer, story=story(name), flaw=getattr(module, "FLAW", own_flaw))


def story(name: str) -> str:
    """Return the first line of what the file of *name* says of itself."""
    return (_module(name)[1].__doc__ or "").partition("\n")[0]


def _module(name: str) -> tuple[str, ModuleType]:
    room, _, stem = name.rpartition("/")
    room = room or FLAWS
    return room, importlib.import_module(f"broken_apis.{room}.{stem.replace('-', '_')}")
