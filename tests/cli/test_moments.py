"""Points in time as an operator types them."""

import pytest
import typer

from keyturn.cli.moments import parse_moment


@pytest.mark.parametrize(
    ("text", "second"),
    [
        ("now", 1_800_000_000),
        ("1700000000", 1_700_000_000),
        ("2027-01-15T08:00:00Z", 1_800_000_000),
        ("2027-01-15T09:00:00+01:00", 1_800_000_000),
        ("2027-01-15 08:00:00", 1_800_000_000),
    ],
)
def test_a_moment_is_read(text: str, second: int) -> None:
    """Now, epoch seconds and ISO 8601, in UTC unless it says otherwise."""
    assert parse_moment(text, now=1_800_000_000) == second


@pytest.mark.parametrize("text", ["", "yesterday", "-1", "1.5", "٣"])
def test_anything_else_is_wrong_usage(text: str) -> None:
    """What could be read in two ways is not read."""
    with pytest.raises(typer.BadParameter):
        parse_moment(text, now=0)
