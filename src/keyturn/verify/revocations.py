"""How a verifier learns what was revoked: it follows the issuer's feed, and knows how old its view is.

This is the description alone. Each verifier that is given one follows the feed by itself.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from keyturn.errors import ConfigurationError

#: Bounds of ``max_age`` in seconds: a page says the second it was made in and no fraction, and no token lives longer.
MIN_MAX_AGE: Final = 2.0
MAX_MAX_AGE: Final = 3600.0

#: The shortest time between two polls, in seconds.
MIN_INTERVAL: Final = 0.1


class OnStale(StrEnum):
    """What to do with a good token while the view is too old."""

    REJECT = "reject"
    """Say that it can't be judged: :class:`~keyturn.errors.VerifierUnavailable`, a 503."""
    ACCEPT = "accept"
    """Judge it by the last view."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Revocations:
    """Follow the issuer's revocation feed; what is known to be revoked is refused in any case.

    One may be given to several verifiers. In each, an entry takes about 170 bytes and one of a ``sub`` about 260
    (measured: 161 MiB for 1,000,000), and reading a full page about 25 MiB meanwhile. It is dropped when its time has
    come, after about an hour.

    Attributes:
        max_age: seconds, 2 to 3600, after which a view that nobody has renewed is too old.
        on_stale: what then happens to good tokens: ``reject`` (503) or ``accept``.
        interval: seconds between two polls, at least 0.1 and less than *max_age*; None for a long poll, which
            brings a revocation within a fraction of a second.
        url: where the feed is; ``{issuer}/revocations`` unless named.
        max_entries: a view that would hold more takes nothing more in, and so gets too old.

    Raises:
        ConfigurationError: a value makes no sense.

    """

    max_age: float = 10
    on_stale: str = OnStale.REJECT
    interval: float | None = None
    url: str | None = None
    max_entries: int = 5_000_000

    def __post_init__(self) -> None:
        if not _is_number(self.max_age) or not MIN_MAX_AGE <= self.max_age <= MAX_MAX_AGE:
            raise ConfigurationError("revocations: max_age is 2 to 3600 seconds.")
        if self.interval is not None and not self._suits(self.interval):
            raise ConfigurationError("revocations: interval is at least 0.1 seconds and less than max_age.")
        if type(self.max_entries) is not int or self.max_entries < 1:
            raise ConfigurationError("revocations: max_entries is a whole number above 0.")
        check_on_stale(self.on_stale, name="revocations")

    def _suits(self, interval: float) -> bool:
        return _is_number(interval) and MIN_INTERVAL <= interval < self.max_age


def check_on_stale(value: str, *, name: str) -> str:
    """Return *value* if it is a policy.

    Args:
        value: ``reject`` or ``accept``.
        name: what takes it, for the message.

    Raises:
        ConfigurationError: it is neither.

    """
    if value not in set(OnStale):
        raise ConfigurationError(f'{name}: on_stale is "reject" or "accept".')
    return value


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)  # the bounds keep out what is not finite
