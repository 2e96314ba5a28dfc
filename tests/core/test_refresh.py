"""Refresh: rotation, replay, reuse and everything a refusal must not change."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from builders import DAY
from house import ORIGIN, PASSWORD, House

from keyturn.core import passwords, sessions, users
from keyturn.core.model import ClientKind, Device, Origin
from keyturn.core.policy import Enforcement
from keyturn.core.ratelimit import Rate
from keyturn.errors import InvalidGrant, InvalidScope, InvalidTarget, KeyturnError, RateLimited, TemporarilyUnavailable
from keyturn.tokens import refresh_token
from keyturn.tokens.master_key import MasterKeys

OPERATOR = Origin(actor="operator")


async def test_each_refresh_gives_the_next_token(house: House) -> None:
    """REF-02: one lineage, a new access token each time, the same session."""
    first = await house.login()
    second = await house.refresh(first.refresh_token)
    third = await house.refresh(second.refresh_token)

    assert len({first.refresh_token, second.refresh_token, third.refresh_token}) == 3
    assert third.session.sid == first.session.sid
    assert third.session.generation == 3
    assert house.read(third.access_token).jti != house.read(second.access_token).jti


async def test_within_the_grace_the_predecessor_gets_the_same_successor(house: House) -> None:
    """REF-05, REF-06: a lost answer is asked for again and nothing is lost."""
    first = await house.login()
    second = await house.refresh(first.refresh_token)
    house.later(60)

    again = await house.refresh(first.refresh_token)

    assert again.refresh_token == second.refresh_token
    assert "refresh_replayed" in await house.kinds()


async def test_after_the_grace_the_predecessor_is_reuse_and_everything_ends(house: House) -> None:
    """REF-04, A40: thief and victim are both out, the access token too, and the log knows why."""
    first = await house.login()
    second = await house.refresh(first.refresh_token)
    house.later(60.001)

    with pytest.raises(InvalidGrant, match="Log in again"):
        await house.refresh(first.refresh_token)

    with pytest.raises(InvalidGrant):
        await house.refresh(second.refresh_token)
    assert house.revoked(second.access_token)
    assert "token_reused" in await house.kinds()


async def test_the_device_token_keeps_a_phone_that_slept_logged_in(house: House) -> None:
    """REF-05: with the session's device token the age of the rotation does not matter; another one's helps nobody."""
    first = await house.login()
    other = await house.login()
    second = await house.refresh(first.refresh_token)
    house.later(3 * DAY)

    again = await house.refresh(first.refresh_token, device_token=first.device_token)
    with pytest.raises(InvalidGrant):
        await house.refresh(first.refresh_token, device_token=other.device_token)

    assert again.refresh_token == second.refresh_token


async def test_once_the_successor_was_used_nothing_brings_the_predecessor_back(house: House) -> None:
    """REF-05: two generations back is reuse, with the device token and inside the grace alike."""
    first = await house.login()
    second = await house.refresh(first.refresh_token)
    await house.refresh(second.refresh_token)

    with pytest.raises(InvalidGrant):
        await house.refresh(first.refresh_token, device_token=first.device_token)


async def test_a_reused_token_is_reuse_whatever_else_is_wrong_with_the_request(house: House) -> None:
    """REF-04: asking for a scope or a resource that nobody has does not let a used token be tried unseen."""
    for wrong in ({"scope": ("nobody:has",)}, {"resource": "https://evil.example"}):
        first = await house.login()
        second = await house.refresh(first.refresh_token)
        third = await house.refresh(second.refresh_token)

        with pytest.raises(InvalidGrant):
            await house.refresh(first.refresh_token, **wrong)

        with pytest.raises(InvalidGrant):
            await house.refresh(third.refresh_token)


async def test_replaying_without_end_fills_no_log(house: House) -> None:
    """OPS-03: a generation's replays are one event, and refusals of one session are written only so often."""
    first = await house.login()
    await house.refresh(first.refresh_token)
    for _ in range(40):
        await house.refresh(first.refresh_token)
        with pytest.raises(InvalidGrant):
            await house.refresh(first.refresh_token, clients=frozenset({ClientKind.COOKIE}))

    kinds = await house.kinds()

    assert kinds.count("refresh_replayed") == 1
    assert kinds.count("refresh_refused") == 30


async def test_grace_zero_switches_the_rule_off(house: House) -> None:
    """Contract §3: at ``0s`` neither time nor device token bring the same answer again."""
    house.policy(grace_ms=0)
    first = await house.login()
    await house.refresh(first.refresh_token)

    with pytest.raises(InvalidGrant):
        await house.refresh(first.refresh_token, device_token=first.device_token)


async def test_parallel_tabs_share_one_lineage(house: House) -> None:
    """REF-03, A34: thirty-two at once get one and the same successor."""
    first = await house.login()

    answers = await asyncio.gather(*(house.refresh(first.refresh_token) for _ in range(32)))

    assert len({answer.refresh_token for answer in answers}) == 1
    assert answers[0].session.generation == 2


async def test_a_rolled_back_store_jumps_forward(house: House, tmp_path: Any) -> None:
    """REF-08, A35: a token from the future of a rolled-back row is ours, so the row follows it."""
    first = await house.login()
    key = house.services.master_keys.current.refresh_token_key
    ahead = refresh_token.issue(key, handle=first.session.handle, generation=9)

    answers = await asyncio.gather(*(house.refresh(ahead) for _ in range(8)))

    assert {answer.session.generation for answer in answers} == {10}
    assert len({answer.refresh_token for answer in answers}) == 1
    assert "store_rolled_back" in await house.kinds()


async def test_a_forged_token_is_refused_without_the_store(house: House) -> None:
    """Contract §3: the MAC is checked before any database access."""
    first = await house.login()

    class Untouchable:
        def __getattr__(self, name: str) -> None:
            raise AssertionError(f"the store was asked for {name}")

    house.services = replace(house.services, store=Untouchable())
    for text in (first.refresh_token[:-1] + ("A" if first.refresh_token[-1] != "A" else "B"), "ktr_", "", "x" * 76):
        with pytest.raises(InvalidGrant):
            await house.refresh(text)


async def test_an_ended_session_is_never_revived(house: House) -> None:
    """REF-05, A37: logout wins over the grace, the device token and the clock."""
    first = await house.login()
    second = await house.refresh(first.refresh_token)
    await sessions.logout_by_refresh_token(house.services, first.refresh_token, origin=ORIGIN, now_ms=house.now_ms)
    house.later(-30)

    for token in (first.refresh_token, second.refresh_token):
        with pytest.raises(InvalidGrant):
            await house.refresh(token, device_token=first.device_token)


async def test_an_expired_session_stays_expired_when_the_clock_steps_back(house: House) -> None:
    """REF-08, REF-09, A59: what was seen expired has ended."""
    first = await house.login()
    house.later(7 * DAY)
    with pytest.raises(InvalidGrant):
        await house.refresh(first.refresh_token)

    house.later(-7 * DAY)
    with pytest.raises(InvalidGrant):
        await house.refresh(first.refresh_token)


async def test_refreshing_never_moves_the_absolute_end(house: House) -> None:
    """REF-09, ISS-02: thirty days after the login it is over, and no access token outlives that."""
    issued = await house.login()
    end = issued.session.expires_at
    for _ in range(5):
        house.later(5.999 * DAY)
        issued = await house.refresh(issued.refresh_token)
    house.now_ms = (end - 100) * 1000

    last = await house.refresh(issued.refresh_token)

    assert last.session.expires_at == end
    assert last.expires_in == 100
    house.now_ms = end * 1000
    with pytest.raises(InvalidGrant):
        await house.refresh(last.refresh_token)


async def test_rotations_of_one_session_are_limited_and_replays_are_not(house: House) -> None:
    """Contract §8: ``refresh_per_session`` counts rotations; the refusal changes nothing."""
    house.policy(refresh_per_session=Rate.per(3, 60))
    issued = first = await house.login()
    for _ in range(3):
        first, issued = issued, await house.refresh(issued.refresh_token)

    with pytest.raises(RateLimited) as limited:
        await house.refresh(issued.refresh_token)
    for _ in range(5):
        assert (await house.refresh(first.refresh_token)).refresh_token == issued.refresh_token

    house.later(limited.value.retry_after or 0)
    await house.refresh(issued.refresh_token)


REFUSALS: list[tuple[dict[str, Any], type[KeyturnError]]] = [
    ({"scope": ("orders:write",)}, InvalidScope),
    ({"resource": "https://evil.example"}, InvalidTarget),
    ({"clients": frozenset({ClientKind.BROWSER, ClientKind.COOKIE})}, InvalidGrant),
]


@pytest.mark.parametrize(("changes", "error"), REFUSALS)
async def test_a_refusal_consumes_nothing(house: House, changes: dict[str, Any], error: type[KeyturnError]) -> None:
    """Contract §2: wider scope, unknown resource, the wrong way: refused, and the token is as good as before."""
    first = await house.login()

    with pytest.raises(error):
        await house.refresh(first.refresh_token, **changes)

    assert (await house.refresh(first.refresh_token)).session.generation == 2


async def test_without_a_signing_key_nothing_is_consumed(house: House) -> None:
    """Contract §2: the key is fetched before the session is advanced."""
    first = await house.login()
    records = list(house.services.keyring.records())
    house.services.keyring.load([])
    with pytest.raises(TemporarilyUnavailable):
        await house.refresh(first.refresh_token)

    house.services.keyring.load(records)
    assert (await house.refresh(first.refresh_token)).session.generation == 2


async def test_a_disabled_user_cannot_refresh_and_enabling_brings_no_session_back(house: House) -> None:
    """REF-12, A39: disabling ends the sessions for good."""
    first = await house.login()
    user = await users.get_by_name(house.services, "alice")
    await users.disable(house.services, user, origin=OPERATOR, now_ms=house.now_ms)
    await users.enable(house.services, user, origin=OPERATOR, now_ms=house.now_ms)

    with pytest.raises(InvalidGrant):
        await house.refresh(first.refresh_token)
    assert house.revoked(first.access_token)


async def test_roles_are_read_again_at_each_refresh(house: House) -> None:
    """ISS-07: a demotion shows in the next token, and a session keeps to the scope of its login."""
    first = await house.login()
    narrow = await house.login(scope=("orders:read",))
    user = await users.get_by_name(house.services, "alice")
    await users.set_roles(house.services, user, ("admin",), origin=OPERATOR, now_ms=house.now_ms)

    wide = await house.refresh(first.refresh_token)
    still_narrow = await house.refresh(narrow.refresh_token)

    assert wide.scopes == ("orders:read", "orders:write")
    assert still_narrow.scopes == ("orders:read",)


async def test_another_browser_is_noticed_and_where_enforced_ends_the_session(house: House) -> None:
    """Contract §3: ``observe`` writes it down, ``enforce`` ends the session."""
    curl = Device(browser="curl", os="unknown", address="")
    first = await house.login()
    second = await house.refresh(first.refresh_token, device=curl)
    house.policy(device_binding=Enforcement.ENFORCE)

    with pytest.raises(InvalidGrant):
        await house.refresh(second.refresh_token, device=replace(curl, browser="Firefox"))

    assert "device_changed" in await house.kinds()
    with pytest.raises(InvalidGrant):
        await house.refresh(second.refresh_token, device=curl)


async def test_another_network_ends_the_session_where_that_is_enforced(house: House) -> None:
    """Contract §3: ``device.address = "enforce"``."""
    house.policy(device_address=Enforcement.ENFORCE)
    first = await house.login()

    same = await house.refresh(first.refresh_token, origin=replace(ORIGIN, address="192.0.2.200"))
    with pytest.raises(InvalidGrant):
        await house.refresh(same.refresh_token, origin=replace(ORIGIN, address="198.51.100.1"))


async def test_a_new_master_key_logs_nobody_out(make_house: Callable[..., Any], master_keys: MasterKeys) -> None:
    """Contract §8: after the list was turned round, old tokens and replays of old tokens still work."""
    before: House = await make_house()
    await before.add_user()
    first = await before.login()
    second = await before.refresh(first.refresh_token)

    after: House = await make_house(master_keys=MasterKeys(master_keys.keys[::-1]))
    again = await after.refresh(first.refresh_token)
    third = await after.refresh(second.refresh_token)
    replayed = await after.refresh(second.refresh_token)

    assert again.refresh_token == second.refresh_token
    assert third.session.key_id == master_keys.keys[1].key_id
    assert replayed.refresh_token == third.refresh_token


async def test_a_password_change_ends_the_others_and_keeps_the_one_that_asked(house: House) -> None:
    """REF-12, PWD-10: one session goes on, the rest and their access tokens are over."""
    mine, other = await house.login(), await house.login()

    await passwords.change_password(
        house.services,
        mine.session.sub,
        mine.session.sid,
        PASSWORD,
        "a better password",
        origin=ORIGIN,
        now_ms=house.now_ms,
    )

    await house.refresh(mine.refresh_token)
    with pytest.raises(InvalidGrant):
        await house.refresh(other.refresh_token)
    assert house.revoked(other.access_token)
    assert not house.revoked(mine.access_token)
    await house.login(password="a better password")


async def test_a_restart_changes_nothing(make_house: Callable[..., Any]) -> None:
    """REF-08: sessions, revocations and keys are as they were."""
    before: House = await make_house()
    await before.add_user()
    kept, gone = await before.login(), await before.login()
    await sessions.logout_by_sid(before.services, gone.session.sid, origin=ORIGIN, now_ms=before.now_ms)

    after: House = await make_house()

    assert not after.revoked(kept.access_token)
    assert after.revoked(gone.access_token)
    assert (await after.refresh(kept.refresh_token)).session.generation == 2
