"""An hour of password spraying by the rules of the limits alone: which try is let through, and who is refused for it.

The limits are drawn by `core.login.login_limits` and judged by `core.ratelimit.charge`, the rule that every store is
held against; only where the counters lie is a dictionary, so that millions of tries are a matter of seconds.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address
from random import Random
from types import SimpleNamespace
from typing import Any, Final

from builders import POLICY

from keyturn.core.login import login_limits
from keyturn.core.ratelimit import Reservation, charge
from keyturn.tokens.device_token import DeviceToken

HOUR: Final = 3600
PAUSE: Final = 12
"""Seconds between two tries from one address: as often as an address may, once its burst is spent."""

SERVICES: Final[Any] = SimpleNamespace(policy=POLICY)
MISTYPED: Final = 0.1
"""The share of logins before which people mistype their password once."""


@dataclass(kw_only=True)
class Tally:
    """What came of an hour. Of *logins* people make in it, some are on a known device; refused are two counts."""

    addresses: int
    tries: int = 0
    guesses: int = 0
    logins: int = 0
    refused_unknown: int = 0
    refused_known: int = 0

    def __str__(self) -> str:
        unknown, known = self.refused_unknown / self.logins * 2, self.refused_known / self.logins * 2
        sent = f"{self.tries:,} tries from {self.addresses:,} addresses, {self.guesses:,} guesses let through"
        return f"{sent}; people refused: {unknown:.2%} on new devices, {known:.2%} on known ones"


class Limits:
    """The counters, in microseconds."""

    def __init__(self) -> None:
        self._tat: dict[str, int] = {}

    def reserve(self, reservations: Sequence[Reservation], now_us: int) -> bool:
        """Draw on all or on none."""
        drawn = {each.key: charge(self._tat.get(each.key, 0), now_us, each.rate) for each in reservations}
        if None in drawn.values():
            return False
        self._tat.update({key: tat for key, tat in drawn.items() if tat is not None})
        return True

    def give_back(self, reservations: Sequence[Reservation]) -> None:
        """Return what was drawn."""
        for each in reservations:
            self._tat[each.key] -= each.rate.interval_us


def spray(*, addresses: int, accounts: int, random: Random) -> Tally:
    """Let an hour pass in which each address tries as often as it may, while every account's owner logs in once."""
    limits, tally = Limits(), Tally(addresses=addresses)
    people = sorted((random.uniform(0, HOUR), number) for number in range(accounts))
    for second, address in _tries(addresses):
        while people and people[0][0] <= second:
            at, number = people.pop(0)
            _live(limits, tally, number, at, random)
        tally.tries += 1
        account = f"user{random.randrange(accounts)}"
        tally.guesses += limits.reserve(login_limits(SERVICES, account, address, None), int(second * 1_000_000))
    return tally


def _tries(addresses: int) -> Iterator[tuple[float, str]]:
    names = [str(IPv4Address("100.64.0.0") + number) for number in range(addresses)]
    for tick in range(HOUR // PAUSE):
        for number, name in enumerate(names):
            yield (tick + number / addresses) * PAUSE, name


def _live(limits: Limits, tally: Tally, number: int, at: float, random: Random) -> None:
    """Log one person in, every second one on a known device; some mistype first."""
    known = DeviceToken(device_id=number.to_bytes(16), account=b"") if number % 2 else None
    draw = login_limits(SERVICES, f"user{number}", str(IPv4Address("10.0.0.0") + number), known)
    if random.random() < MISTYPED:
        limits.reserve(draw, int(at * 1_000_000))
    tally.logins += 1
    if limits.reserve(draw, int(at * 1_000_000)):
        limits.give_back(draw)
    elif known:
        tally.refused_known += 1
    else:
        tally.refused_unknown += 1
