"""Revoking what is out: once for whoever holds a token, and for as long as anybody would take it."""

import pytest
from house import ORIGIN, House

from keyturn.core import revoke
from keyturn.core.model import Origin
from keyturn.errors import ValidationFailed

LASTS = 3660
"""Seconds: an hour's life and a minute's leeway."""


async def test_a_token_is_revoked_once_and_who_asks_is_told(house: House) -> None:
    """REF-14: again is fine and changes nothing; another token of the session goes on."""
    issued = await house.login()
    other = await house.refresh(issued.refresh_token)
    token = house.read(issued.access_token)

    first = await revoke.revoke_access_token(house.services, token, origin=ORIGIN, now_ms=house.now_ms)
    again = await revoke.revoke_access_token(house.services, token, origin=ORIGIN, now_ms=house.now_ms)

    assert (first, again) == (True, False)
    assert house.revoked(issued.access_token)
    assert not house.revoked(other.access_token)
    assert (await house.kinds()).count("token_revoked") == 1


async def test_an_entry_is_kept_as_long_as_anybody_takes_the_token(house: House) -> None:
    """Counted in whole seconds from the request, whatever was left of the token."""
    house.now_ms += 999
    await revoke.revoke_jti(house.services, "j1", origin=Origin(), now_ms=house.now_ms)
    (entry,) = await house.services.store.revocations.after(0, 10)

    assert entry.expires_at == house.now_ms // 1000 + LASTS


async def test_a_cut_off_may_be_now_and_not_later(house: House) -> None:
    """Tokens that nobody has asked for yet are not refused beforehand."""
    now = house.now_ms // 1000
    await revoke.revoke_all(house.services, now, origin=Origin(), now_ms=house.now_ms)
    (entry,) = await house.services.store.revocations.after(0, 10)

    assert entry.before == now
    with pytest.raises(ValidationFailed):
        await revoke.revoke_all(house.services, now + 1, origin=Origin(), now_ms=house.now_ms)
