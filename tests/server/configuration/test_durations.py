"""How long and how often, as an operator writes it."""

import pytest

from keyturn.core.ratelimit import Rate
from keyturn.server.configuration.durations import Duration, Limit


@pytest.mark.parametrize(
    ("text", "milliseconds"),
    [("0s", 0), ("500ms", 500), ("60s", 60_000), ("10m", 600_000), ("12h", 43_200_000), ("30d", 2_592_000_000)],
)
def test_a_duration_is_a_number_and_a_unit(text: str, milliseconds: int) -> None:
    """It is kept to the millisecond, and shown as it was written."""
    duration = Duration.parse(text)

    assert duration.milliseconds == milliseconds
    assert str(duration) == text


@pytest.mark.parametrize(
    "text", ["", "10", "m", "10 m", "-1s", "+1s", "1.5h", "1h30m", "10M", "\u0661s", "1s\n", "9" * 10 + "s"]
)
def test_a_duration_has_no_other_spelling(text: str) -> None:
    """What could be read in two ways is refused, and the sentence shows the right way."""
    with pytest.raises(ValueError, match="such as '10m'"):
        Duration.parse(text)


def test_the_same_time_in_other_words_is_the_same_duration() -> None:
    """60 seconds are a minute."""
    assert Duration.parse("60s") == Duration.parse("1m")
    assert Duration.parse("999ms") < Duration.parse("1s")


def test_a_limit_is_a_burst_and_then_one_each_part_of_the_time() -> None:
    """``5/1m`` is five at once, then one each 12 seconds."""
    assert Limit.parse("5/1m").rate == Rate(burst=5, interval_us=12_000_000)
    assert str(Limit.parse("5/1m")) == "5/1m"


def test_no_millisecond_of_a_limit_is_lost() -> None:
    """PWD-06: a limit is never laxer than it is written; what a rate can't keep is refused."""
    for text in ("5/1999ms", "1/1500ms"):
        with pytest.raises(ValueError, match="whole number of seconds"):
            Limit.parse(text)
    assert Limit.parse("5/60000ms").rate == Rate(burst=5, interval_us=12_000_000)


@pytest.mark.parametrize("text", ["", "5", "5/", "/1m", "5/1", "5 / 1m", "-5/1m", "5/1m/2", "5.0/1m", "1_0/1m"])
def test_a_limit_has_no_other_spelling(text: str) -> None:
    """The sentence shows the right way."""
    with pytest.raises(ValueError, match="such as '5/1m'"):
        Limit.parse(text)


@pytest.mark.parametrize("text", ["0/1m", "1000001/1m", "5/999ms", "5/2d", "5/0s"])
def test_a_limit_that_limits_nothing_or_everything_is_refused(text: str) -> None:
    """PWD-06: neither a typing error nor haste switches a limit off."""
    with pytest.raises(ValueError, match="the count is"):
        Limit.parse(text)
