"""GCRA: bursts, refills and refunds."""

from hypothesis import given
from hypothesis import strategies as st

from keyturn.core.ratelimit import Rate, charge, retry_after

SECOND = 1_000_000


def drain(rate: Rate, tat_us: int, now_us: int) -> tuple[int, int]:
    """Draw until refused; return how many went through and the state after."""
    count = 0
    while (charged := charge(tat_us, now_us, rate)) is not None:
        tat_us, count = charged, count + 1
    return count, tat_us


def test_five_a_minute_is_a_burst_of_five_then_one_each_twelve_seconds() -> None:
    """The rate ``5/1m`` lets five through at once and the sixth after twelve seconds."""
    rate = Rate.per(5, 60)

    burst, tat = drain(rate, 0, 100 * SECOND)

    assert burst == 5
    assert retry_after(tat, 100 * SECOND, rate) == 12
    assert charge(tat, 112 * SECOND - 1, rate) is None
    assert charge(tat, 112 * SECOND, rate) is not None


def test_what_is_given_back_can_be_drawn_again() -> None:
    """Giving one back makes room for exactly one."""
    rate = Rate.per(3, 60)
    _, tat = drain(rate, 0, 0)

    again, _ = drain(rate, tat - rate.interval_us, 0)

    assert again == 1


def test_ten_times_the_rate_is_ten_times_the_burst() -> None:
    """A /48 gets ten times what one address gets."""
    rate = Rate.per(5, 60).times(10)
    burst, tat = drain(rate, 0, 0)

    assert burst == 50
    assert charge(tat, 1_200_000 - 1, rate) is None
    assert charge(tat, 1_200_000, rate) is not None


def test_a_state_is_believed_as_far_ahead_as_it_can_have_come() -> None:
    """A microsecond beyond that it is the trace of a clock that was set back, and the burst is whole again."""
    rate, now = Rate.per(5, 60), 1_000 * SECOND

    assert charge(now + rate.horizon_us, now, rate) is None
    assert charge(now + rate.horizon_us + 1, now, rate) == now + rate.interval_us


def test_nobody_is_told_to_come_again_at_once() -> None:
    """``Retry-After`` is a second or more, also where the wait is over already."""
    rate = Rate.per(5, 60)

    assert retry_after(0, SECOND, rate) == 1
    assert retry_after(rate.tolerance_us, 0, rate) == 1
    assert retry_after(rate.tolerance_us + SECOND + 1, 0, rate) == 2


def test_no_rate_refills_faster_than_one_a_microsecond() -> None:
    """However much is let through, there is time between two, and a state to be kept of it."""
    for rate in (
        Rate.per(SECOND, 1),
        Rate.per(SECOND + 1, 1),
        Rate.per(SECOND // 2, 1).times(2),
        Rate.per(9, 1).times(SECOND),
    ):
        assert rate.interval_us == 1
    assert Rate.per(SECOND // 2, 1).interval_us == 2


@given(
    count=st.integers(1, 1000),
    seconds=st.integers(1, 3600),
    tat_us=st.integers(0, 10**12),
    now_us=st.integers(0, 10**12),
)
def test_waiting_as_told_is_enough_and_nothing_less_than_a_second_shorter(
    count: int, seconds: int, tat_us: int, now_us: int
) -> None:
    """PWD-06: after ``Retry-After`` the next request is taken; a whole second before it, it is not."""
    rate = Rate.per(count, seconds)
    if charge(tat_us, now_us, rate) is not None:
        return

    wait = retry_after(tat_us, now_us, rate)

    assert charge(tat_us, now_us + wait * SECOND, rate) is not None
    if wait > 1:
        assert charge(tat_us, now_us + (wait - 1) * SECOND, rate) is None


@given(gaps=st.lists(st.integers(0, 30 * SECOND), max_size=80))
def test_no_window_holds_more_than_the_burst_and_its_refill(gaps: list[int]) -> None:
    """A47: at no border of any window does more go through than the burst plus one each interval."""
    rate, now, tat, taken = Rate.per(5, 60), 0, 0, []
    for gap in gaps:
        now += gap
        charged = charge(tat, now, rate)
        if charged is not None:
            tat = charged
            taken.append(now)

    for first in range(len(taken)):
        for last in range(first, len(taken)):
            span = taken[last] - taken[first]
            assert last - first + 1 <= rate.burst + span // rate.interval_us + (span % rate.interval_us > 0)
