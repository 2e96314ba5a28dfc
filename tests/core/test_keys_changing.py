"""Signing keys over a real store: when one is made, and what is known at once."""

from dataclasses import replace

from builders import DAY
from house import ORIGIN, House, generate_key

from keyturn.core import keys
from keyturn.core.policy import REVOCATION_LIFETIME
from keyturn.core.rewrap import rewrap_keys
from keyturn.tokens.algorithms import Algorithm
from keyturn.tokens.keys import SigningKey
from keyturn.tokens.master_key import MasterKeys


async def test_no_key_is_made_while_none_is_due(house: House) -> None:
    """The job looks often, and a key costs a CPU second where it is RSA."""
    made = 0

    async def counted(algorithm: Algorithm) -> SigningKey:
        nonlocal made
        made += 1
        return await generate_key(algorithm)

    house.services = replace(house.services, generate_key=counted)
    assert not await keys.rotate_if_due(house.services, now_ms=house.now_ms)
    assert made == 0

    house.later(29 * DAY - 1)
    assert not await keys.rotate_if_due(house.services, now_ms=house.now_ms)
    assert made == 0

    house.later(1)
    assert await keys.rotate_if_due(house.services, now_ms=house.now_ms)
    assert made == 1


async def test_each_change_has_its_time(house: House) -> None:
    """In the record of the key, in the audit log, and in the revocation, which outlives every token of the key."""
    house.later(DAY + 0.5)
    now = house.now_ms // 1000
    published = await keys.rotate_now(house.services, origin=ORIGIN, now_ms=house.now_ms)
    active = house.services.keyring.signing_key().kid
    revoked = await keys.revoke_key(house.services, active, origin=ORIGIN, now_ms=house.now_ms)

    assert [record.published_at for record in published.insert] == [now]
    assert {record.kid: record.revoked_at for record in revoked.update}[active] == now
    assert [revoking.expires_at for revoking in revoked.revoke] == [now + REVOCATION_LIFETIME]
    assert {event.at_ms for event in (*published.events, *revoked.events)} == {now * 1000}


async def test_a_revoked_key_is_refused_here_before_the_answer(house: House) -> None:
    """KEY-04: nobody has to read the log first."""
    issued = await house.login()
    kid = house.read(issued.access_token).kid
    token = house.read(issued.access_token)
    await keys.revoke_key(house.services, kid, origin=ORIGIN, now_ms=house.now_ms)
    assert house.services.denylist.view.revokes_key(kid)
    assert house.services.denylist.view.revokes(token, house.now_ms / 1000)


async def test_what_was_sealed_anew_is_what_the_keyring_has(house: House, master_keys: MasterKeys) -> None:
    """The records here are those of the store, without a restart."""
    house.services = replace(house.services, master_keys=MasterKeys(master_keys.keys[::-1]))
    before = list(house.services.keyring.records())
    await rewrap_keys(house.services, origin=ORIGIN, now_ms=house.now_ms)
    after = list(house.services.keyring.records())
    assert after != before
    assert after == list(await house.services.store.signing_keys.list_all())
