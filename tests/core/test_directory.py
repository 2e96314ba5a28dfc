"""Our own user directory: who is let in, and what is seen of a user."""

import pytest
from house import PASSWORD, House, PlainHasher

from keyturn.core import users
from keyturn.core.directory import LocalUsers
from keyturn.core.model import Origin
from keyturn.errors import InvalidCredentials

OPERATOR = Origin(actor="operator")


def directory_of(house: House) -> LocalUsers:
    """Return the house's own directory."""
    assert house.services.local_users is not None
    return house.services.local_users


async def test_a_disabled_user_is_refused_by_the_directory_itself(house: House) -> None:
    """With the right password and with the reason for the log, after the hash was paid for."""
    alice = await users.get_by_name(house.services, "alice")
    await users.disable(house.services, alice, origin=OPERATOR, now_ms=house.now_ms)
    before = house.hasher.verified

    with pytest.raises(InvalidCredentials) as refused:
        await directory_of(house).authenticate("alice", PASSWORD)

    assert (refused.value.reason, refused.value.sub) == ("user_disabled", alice.sub)
    assert house.hasher.verified == before + 1


async def test_an_unknown_name_costs_the_hash_of_a_known_one(house: House) -> None:
    """PWD-04: one hash each, and the same error."""
    for name, reason in (("alice", "wrong_password"), ("nobody", "unknown_user")):
        before = house.hasher.verified
        with pytest.raises(InvalidCredentials) as refused:
            await directory_of(house).authenticate(name, "not the password")
        assert refused.value.reason == reason
        assert house.hasher.verified == before + 1


async def test_a_user_is_found_by_subject_as_they_are_now(house: House) -> None:
    """Or not at all."""
    alice = await users.get_by_name(house.services, "alice")
    found = await directory_of(house).find(alice.sub)
    assert found is not None
    assert (found.sub, found.username, found.roles, found.disabled) == (alice.sub, "alice", ("user",), False)
    assert await directory_of(house).find("nobody") is None


async def test_a_hash_of_old_parameters_is_made_anew_at_login(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """PWD-01: with the right password alone, and the version stays, so that no session ends."""
    alice = await users.get_by_name(house.services, "alice")

    async def stronger(_self: PlainHasher, password: str) -> str:
        return f"stronger:plain:{password}"

    monkeypatch.setattr(PlainHasher, "needs_rehash", lambda _self, encoded: encoded.startswith("plain:"))
    monkeypatch.setattr(PlainHasher, "hash", stronger)
    with pytest.raises(InvalidCredentials):
        await directory_of(house).authenticate("alice", "not the password")
    assert (await users.get_by_name(house.services, "alice")).password_hash == alice.password_hash

    assert await directory_of(house).authenticate("alice", PASSWORD)

    after = await users.get_by_name(house.services, "alice")
    assert (after.password_hash, after.version) == (f"stronger:plain:{PASSWORD}", alice.version)
