"""A part of the house with some of its steps replaced, where only a race or a fault would make them go that way."""

from dataclasses import replace
from typing import Any

from house import House


class Replaced:
    """Does what *part* does, but for the steps that are given."""

    def __init__(self, part: Any, **steps: Any) -> None:
        self._part = part
        self.__dict__.update(steps)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._part, name)


def replace_steps(house: House, port: str, **steps: Any) -> None:
    """Replace steps of one port of the house's store."""
    store: Any = house.services.store
    changed: Any = Replaced(store, **{port: Replaced(getattr(store, port), **steps)})
    house.services = replace(house.services, store=changed)
