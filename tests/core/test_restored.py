"""After a restore from a backup nothing that was out is good, and everybody may log in again."""

import pytest
from house import ORIGIN, House

from keyturn.core.model import EndReason
from keyturn.core.restored import end_everything
from keyturn.errors import InvalidGrant


async def test_every_session_ends_and_every_access_token_is_refused(house: House) -> None:
    """Of every user, those included that the backup does not know; one event says how many sessions ended."""
    await house.add_user("bob")
    issued = [await house.login("alice"), await house.login("bob")]

    assert await end_everything(house.services, origin=ORIGIN, now_ms=house.now_ms) == 2

    assert all(house.revoked(one.access_token) for one in issued)
    for one in issued:
        with pytest.raises(InvalidGrant):
            await house.refresh(one.refresh_token)
    (event,) = [event for event in await house.audit() if event.kind == "store_restored"]
    assert (event.reason, event.details) == (EndReason.RESTORED, {"sessions": 2})


async def test_a_login_after_it_works_at_once(house: House) -> None:
    """The cut-off covers its whole second; a login within it is signed in the next."""
    await end_everything(house.services, origin=ORIGIN, now_ms=house.now_ms)

    again = await house.login("alice")

    house.later(2)
    assert not house.revoked(again.access_token)
    assert await house.refresh(again.refresh_token)
