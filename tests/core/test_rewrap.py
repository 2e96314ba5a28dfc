"""The master key is changed while everything that it sealed or signed stays good."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from random import Random

import pytest
from house import ORIGIN, House

from keyturn.core import keys
from keyturn.core.keyring import master_key_id
from keyturn.core.rewrap import MasterKeyUse, master_key_uses, rewrap_keys
from keyturn.errors import ConfigurationError
from keyturn.tokens.base64url import encode
from keyturn.tokens.master_key import MasterKeys, parse_master_keys

MakeHouse = Callable[..., Awaitable[House]]


@pytest.fixture
def moved(master_keys: MasterKeys) -> MasterKeys:
    """The same master keys, the other one first."""
    return MasterKeys(master_keys.keys[::-1])


async def sealed_under(house: House) -> list[bytes]:
    """Return the id of the master key that each signing key is sealed under."""
    return [master_key_id(record) for record in await house.services.store.signing_keys.list_all()]


async def test_every_signing_key_is_sealed_anew(make_house: MakeHouse, moved: MasterKeys) -> None:
    """Retired and revoked ones too; each has an event, and a second time there is nothing to do."""
    before = await make_house()
    await keys.rotate_now(before.services, origin=ORIGIN, now_ms=before.now_ms)
    (first, *_) = [record.kid for record in before.services.keyring.records() if record.activated_at]
    await keys.revoke_key(before.services, first, origin=ORIGIN, now_ms=before.now_ms)
    house = await make_house(master_keys=moved)
    assert set(await sealed_under(house)) == {moved.keys[1].key_id}

    changes = await rewrap_keys(house.services, origin=ORIGIN, now_ms=house.now_ms)

    assert set(await sealed_under(house)) == {moved.current.key_id}
    assert len(changes.update) == 2
    assert (await house.kinds()).count("key_rewrapped") == 2
    assert not await rewrap_keys(house.services, origin=ORIGIN, now_ms=house.now_ms)
    assert (await house.kinds()).count("key_rewrapped") == 2


async def test_tokens_stay_good_and_the_old_master_key_may_go(make_house: MakeHouse, moved: MasterKeys) -> None:
    """With the old master key gone the same signing key verifies and signs, and a session refreshed since goes on."""
    before = await make_house()
    await before.add_user()
    issued = await before.login()
    between = await make_house(master_keys=moved)
    await rewrap_keys(between.services, origin=ORIGIN, now_ms=between.now_ms)
    refreshed = await between.refresh(issued.refresh_token)

    after = await make_house(master_keys=MasterKeys(moved.keys[:1]))

    assert after.read(issued.access_token).sid == after.read(refreshed.access_token).sid
    await after.refresh(refreshed.refresh_token)


async def test_a_running_server_goes_on(make_house: MakeHouse, moved: MasterKeys) -> None:
    """A server has unsealed its keys once, and takes the rows that another process has sealed anew."""
    running = await make_house(master_keys=MasterKeys(moved.keys[1:]))
    await running.add_user()
    issued = await running.login()
    other = await make_house(master_keys=moved)
    await rewrap_keys(other.services, origin=ORIGIN, now_ms=other.now_ms)

    await keys.rotate_if_due(running.services, now_ms=running.now_ms)

    assert running.read(issued.access_token)
    assert running.read((await running.login()).access_token)


async def test_a_key_of_an_unknown_master_key_stops_it_all(make_house: MakeHouse, moved: MasterKeys) -> None:
    """Then none is sealed anew, those that could be neither, and the sentence names the setting."""
    await make_house()
    house = await make_house(master_keys=moved)
    await keys.rotate_now(house.services, origin=ORIGIN, now_ms=house.now_ms)
    before = await sealed_under(house)
    strange = parse_master_keys(encode(Random(8).randbytes(32))).current
    services = replace(house.services, master_keys=MasterKeys((strange, moved.keys[0])))

    with pytest.raises(ConfigurationError, match=r"keys\.master_key .* Nothing was changed"):
        await rewrap_keys(services, origin=ORIGIN, now_ms=house.now_ms)

    assert await sealed_under(house) == before
    assert "key_rewrapped" not in await house.kinds()


async def test_what_needs_each_master_key_is_told(make_house: MakeHouse, moved: MasterKeys) -> None:
    """The current one first; behind the list whatever else keys and sessions still need."""
    before = await make_house()
    await before.add_user()
    issued = await before.login()
    await before.login()
    after = await make_house(master_keys=moved)
    await after.refresh(issued.refresh_token)
    now = after.now_ms // 1000

    new, old = moved.keys[0].key_id, moved.keys[1].key_id
    assert await master_key_uses(after.services, now=now) == [
        MasterKeyUse(key_id=new, listed=0, signing_keys=0, sessions=1),
        MasterKeyUse(key_id=old, listed=1, signing_keys=1, sessions=1),
    ]
    services = replace(after.services, master_keys=MasterKeys(moved.keys[:1]))
    assert await master_key_uses(services, now=now) == [
        MasterKeyUse(key_id=new, listed=0, signing_keys=0, sessions=1),
        MasterKeyUse(key_id=old, listed=None, signing_keys=1, sessions=1),
    ]


async def test_a_master_key_that_is_not_listed_is_told_whoever_needs_it(
    make_house: MakeHouse, moved: MasterKeys
) -> None:
    """A signing key without any session, and a session whose signing key has been sealed anew."""
    old = moved.keys[1].key_id
    before = await make_house()
    now = before.now_ms // 1000
    without = replace(before.services, master_keys=MasterKeys(moved.keys[:1]))
    key = MasterKeyUse(key_id=old, listed=None, signing_keys=1, sessions=0)
    assert (await master_key_uses(without, now=now))[1:] == [key]

    await before.add_user()
    await before.login()
    between = await make_house(master_keys=moved)
    await rewrap_keys(between.services, origin=ORIGIN, now_ms=between.now_ms)

    session = MasterKeyUse(key_id=old, listed=None, signing_keys=0, sessions=1)
    assert (await master_key_uses(without, now=now))[1:] == [session]
