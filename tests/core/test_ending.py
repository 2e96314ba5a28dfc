import pytest

from keyturn.core.ending import ending
from keyturn.core.model import EndReason, Origin


def test_a_revocation_lasts_as_long_as_anybody_takes_the_token() -> None:
    """An hour's life and a minute's leeway from now on, whenever the session was last used."""
    order = ending(EndReason.LOGOUT, sid="sid-1", origin=Origin(), now_ms=1_800_000_000_999)
    assert order.revocation_expires_at == 1_800_000_000 + 3660
    assert (order.at_ms, order.event.at_ms) == (1_800_000_000_999, 1_800_000_000_999)


@pytest.mark.parametrize("selectors", [{}, {"sid": "a", "sub": "b"}, {"handle": b"a", "sid": "b"}])
def test_an_ending_names_one_thing(selectors: dict[str, object]) -> None:
    """Nothing ends by nothing, and nothing by two names."""
    with pytest.raises(ValueError, match="exactly one"):
        ending(EndReason.LOGOUT, origin=Origin(), now_ms=0, **selectors)  # type: ignore[arg-type] # the mistake under test
