"""What was seen in a database that is ours, beside the settings that it is judged by."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from keyturn.core.policy import KeyPolicy
from keyturn.store import Survey

PATIENCE: Final = 3600
"""Seconds after which what happens each minute should have happened."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What a database holds.

    Attributes:
        keys: the schedule of the signing keys.
        roles: ``[roles]``.
        master_key_ids: the ids of the master keys in the settings, the current one first.
        now: the time by the database's clock, epoch seconds.
        offset_ms: by how much that clock is ahead of this host's.

    """

    survey: Survey
    keys: KeyPolicy
    roles: Mapping[str, tuple[str, ...]]
    master_key_ids: tuple[bytes, ...]
    now: int
    offset_ms: int
