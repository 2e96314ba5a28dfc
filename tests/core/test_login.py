"""Login: what it gives, what it refuses, what it counts."""

from dataclasses import replace
from typing import Any

import pytest
from house import ORIGIN, PASSWORD, House

from keyturn.core import sessions, users
from keyturn.core.model import Origin, User
from keyturn.core.policy import REVOCATION_LIFETIME
from keyturn.errors import (
    InvalidCredentials,
    InvalidScope,
    InvalidTarget,
    RateLimited,
    TemporarilyUnavailable,
)

OPERATOR = Origin(actor="operator")


async def fail(house: House, times: int, **changes: Any) -> None:
    """Fail to log in."""
    for _ in range(times):
        with pytest.raises(InvalidCredentials):
            await house.login(**({"password": "wrong password"} | changes))


async def test_a_login_gives_a_token_with_the_claims_of_the_contract(house: House) -> None:
    """ISS-01, ISS-05: an RFC 9068 token for the first audience, with sub, sid, roles and scopes, and no name."""
    issued = await house.login()
    token = house.read(issued.access_token)

    assert token.audience == ("https://api.example.com",)
    assert token.client_id == "first-party"
    assert (token.roles, token.scopes) == (("user",), frozenset({"orders:read"}))
    assert token.sid == issued.session.sid
    assert token.expires_at - token.issued_at == issued.expires_in == 600
    assert "alice" not in str(dict(token.claims))
    assert issued.refresh_token.startswith("ktr_")
    assert await house.kinds() == ["key_created", "key_activated", "user_added", "login"]


async def test_every_login_is_a_new_session(house: House) -> None:
    """REF-19: nothing of an earlier session is used again."""
    one, other = await house.login(), await house.login()

    assert one.session.sid != other.session.sid
    assert one.session.handle != other.session.handle
    assert one.refresh_token != other.refresh_token
    assert len(one.session.sid) == 22  # 128 bits
    assert one.session.refresh_tat_us == 0  # nothing was drawn on its limit


async def test_a_login_that_ends_the_oldest_session_revokes_its_tokens(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """REF-16: until nobody takes an access token of it any more."""
    monkeypatch.setattr("keyturn.core.login.MAX_SESSIONS_PER_USER", 1)
    await house.login()
    house.later(100)
    await house.login()
    entries = await house.services.store.revocations.after(0, 10)
    assert [entry.expires_at for entry in entries] == [house.now_ms // 1000 + REVOCATION_LIFETIME]


@pytest.mark.parametrize("case", ["wrong", "unknown", "disabled"])
async def test_three_refusals_are_one_answer_with_a_private_reason(house: House, case: str) -> None:
    """PWD-04: the same error, after one hash each; only the audit log knows why."""
    user = await users.get_by_name(house.services, "alice")
    if case == "disabled":
        await users.disable(house.services, user, origin=OPERATOR, now_ms=house.now_ms)
    name, password = ("nobody", PASSWORD) if case == "unknown" else ("alice", PASSWORD)

    with pytest.raises(InvalidCredentials) as refusal:
        await house.login(name, "wrong password" if case == "wrong" else password)

    reasons = {"wrong": "wrong_password", "unknown": "unknown_user", "disabled": "user_disabled"}
    assert str(refusal.value) == "The username or the password is wrong."
    assert house.hasher.verified == 1
    event = (await house.audit())[-1]
    assert event.reason == reasons[case]
    assert event.sub == (None if case == "unknown" else user.sub)


async def test_the_sixth_failure_of_an_address_in_a_minute_waits(house: House) -> None:
    """PWD-06: ``5/1m``, whatever the names; and the wait is told."""
    await fail(house, 3)
    await fail(house, 2, name="nobody")

    with pytest.raises(RateLimited) as limited:
        await house.login()

    assert limited.value.retry_after == 12
    house.later(12)
    await house.login()


async def test_successes_are_not_counted(house: House) -> None:
    """What was reserved is given back when the password was right."""
    for _ in range(12):
        await house.login()


async def test_a_success_does_not_clear_what_failures_drew(house: House) -> None:
    """PWD-05: a success gives back its own reservation and nothing else."""
    await fail(house, 4)
    await house.login()

    await fail(house, 1)
    with pytest.raises(RateLimited):
        await house.login()


async def test_nobody_is_locked_out_on_a_known_device(house: House) -> None:
    """PWD-07, A48: failures from everywhere use the account's limit up, and the owner's device has its own."""
    mine = await house.login()
    for number in range(10):
        origin = replace(ORIGIN, address=f"198.51.100.{number}")
        await fail(house, 1, origin=origin)

    elsewhere = replace(ORIGIN, address="203.0.113.9")
    with pytest.raises(RateLimited):
        await house.login(origin=elsewhere)
    again = await house.login(origin=elsewhere, device_token=mine.device_token)

    assert again.session.device_id == mine.session.device_id


async def test_a_neighbour_behind_the_same_address_locks_no_known_device_out(house: House) -> None:
    """PWD-07, A48: whoever shares the owner's address uses the address's limit up, and the device has its own."""
    mine = await house.login()
    await fail(house, 5, name="nobody")

    with pytest.raises(RateLimited):
        await house.login()
    await house.login(device_token=mine.device_token)


async def test_a_known_device_has_a_limit_of_its_own(house: House) -> None:
    """PWD-05: whoever stole it guesses ten times at once, from however many addresses."""
    mine = await house.login()
    for number in range(10):
        await fail(house, 1, device_token=mine.device_token, origin=replace(ORIGIN, address=f"198.51.100.{number}"))

    with pytest.raises(RateLimited) as limited:
        await house.login(device_token=mine.device_token)

    assert limited.value.retry_after == 90


async def test_a_device_token_is_for_one_account_alone(house: House) -> None:
    """A48: whoever has a device of his own does not get another limit for somebody else's account."""
    await house.add_user("mallory")
    his = await house.login("mallory")
    for number in range(10):
        await fail(house, 1, origin=replace(ORIGIN, address=f"198.51.100.{number}"))

    elsewhere = replace(ORIGIN, address="203.0.113.9")
    with pytest.raises(RateLimited):
        await house.login(origin=elsewhere, device_token=his.device_token, password="wrong password")


async def test_devices_made_by_the_dozen_give_no_limits_by_the_dozen(house: House) -> None:
    """PWD-05: all known devices of an account together admit at most a hundred failures."""
    devices = [(await house.login()).device_token for _ in range(12)]
    failures = 0
    for number, device in enumerate(devices):
        for turn in range(10):
            origin = replace(ORIGIN, address=f"198.51.{number}.{turn}")
            try:
                await house.login(password="wrong password", device_token=device, origin=origin)
            except InvalidCredentials:
                failures += 1
            except RateLimited:
                pass

    assert failures == 100


async def test_a_full_queue_counts_nothing(house: House) -> None:
    """A 503 has judged no password, so it costs no try."""
    house.hasher.full = True
    for _ in range(20):
        with pytest.raises(TemporarilyUnavailable):
            await house.login()

    house.hasher.full = False
    await house.login()


async def test_more_scope_than_the_roles_give_is_refused(house: House) -> None:
    """A30, REF-10: asked for less, it gives less; asked for more, it starts no session."""
    issued = await house.login(scope=("orders:read",))

    with pytest.raises(InvalidScope):
        await house.login(scope=("orders:read", "orders:write"))

    assert issued.scopes == ("orders:read",)
    assert len(await sessions.list_sessions(house.services, issued.session.sub, now_ms=house.now_ms)) == 1


async def test_an_unknown_resource_is_refused_before_the_password_is_looked_at(house: House) -> None:
    """ISS-03: it is told without a hash and without a try."""
    with pytest.raises(InvalidTarget):
        await house.login(resource="https://evil.example")

    assert house.hasher.verified == 0


async def test_the_oldest_session_ends_beyond_a_hundred(house: House) -> None:
    """Contract: at most 100 live sessions; the oldest one's tokens are refused at once."""
    first = await house.login()
    for _ in range(100):
        house.later(1)
        last = await house.login()

    live = await sessions.list_sessions(house.services, last.session.sub, now_ms=house.now_ms)

    assert len(live) == 100
    assert house.revoked(first.access_token)
    assert not house.revoked(last.access_token)


async def test_a_session_does_not_start_for_a_user_who_changed_during_the_hash(house: House) -> None:
    """A37: a password change or a disabling between check and start wins."""
    user = await users.get_by_name(house.services, "alice")

    class Slow:
        async def authenticate(self, username: str, password: str) -> User | None:
            seen = await house.services.local_users.authenticate(username, password)
            await users.disable(house.services, user, origin=OPERATOR, now_ms=house.now_ms)
            await users.enable(house.services, user, origin=OPERATOR, now_ms=house.now_ms)
            return seen

        async def find(self, sub: str) -> User | None:
            return None

    house.services = replace(house.services, users=Slow())

    with pytest.raises(InvalidCredentials):
        await house.login()

    assert (await house.audit())[-1].reason == "changed_meanwhile"


async def test_an_app_may_keep_its_own_users(house: House) -> None:
    """A `UserDirectory` of five lines is enough; its ``sub`` and roles go into the token."""

    class Theirs:
        async def authenticate(self, username: str, password: str) -> User | None:
            return User("their-42", username, ("admin",)) if password == "their password" else None

        async def find(self, sub: str) -> User | None:
            return User(sub, "bob", ("user",))

    house.services = replace(house.services, users=Theirs(), local_users=None)

    issued = await house.login("bob", "their password")
    again = await house.refresh(issued.refresh_token)

    assert house.read(issued.access_token).sub == "their-42"
    assert house.read(again.access_token).roles == ("user",)
    with pytest.raises(InvalidCredentials):
        await house.login("bob", "not theirs")


async def test_a_login_right_after_a_cut_off_waits_its_second_out(house: House) -> None:
    """Contract §4: a cut-off covers its second, so the next token is signed in the one after it."""
    from keyturn.core import revoke  # noqa: PLC0415 - one test's own subject

    first = await house.login()
    await revoke.revoke_sub(house.services, first.session.sub, origin=OPERATOR, now_ms=house.now_ms)
    second = await house.login()

    assert house.revoked(first.access_token)
    assert not house.revoked(second.access_token)
    assert house.waited == [house.now_ms // 1000 + 1]


async def test_nobody_waits_for_a_cut_off_that_lies_far_ahead(house: House) -> None:
    """REF-08: a clock was put back: no request is held for an hour, and none that is refused consumes anything."""
    from keyturn.core import revoke, sessions  # noqa: PLC0415 - one test's own subject

    first = await house.login()
    ahead_ms = house.now_ms + 3_600_000
    await revoke.revoke_sub(house.services, first.session.sub, origin=OPERATOR, now_ms=ahead_ms)
    for _ in range(20):
        with pytest.raises(TemporarilyUnavailable):
            await house.login()
        with pytest.raises(TemporarilyUnavailable):
            await house.refresh(first.refresh_token)

    assert house.waited == []
    assert len(await sessions.list_sessions(house.services, first.session.sub, now_ms=house.now_ms)) == 1
    house.later(3_601)
    assert (await house.refresh(first.refresh_token)).session.generation == 2


async def test_the_password_is_checked_the_way_it_was_set(house: House) -> None:
    """PWD-02: composed and decomposed characters log in alike."""
    await users.add_user(house.services, "zoë", "cafe\u0301 au lait !", roles=(), origin=OPERATOR, now_ms=house.now_ms)

    await house.login("ZOË", "caf\u00e9 au lait !")
