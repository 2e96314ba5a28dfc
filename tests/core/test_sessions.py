"""Ending sessions, revoking tokens and keys, and what is left for the others."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from random import Random
from typing import Any

import pytest
from builders import DAY
from house import ORIGIN, House

from keyturn.core import keys, passwords, prune, revoke, sessions, users
from keyturn.core.model import KeyState, Origin
from keyturn.core.policy import REVOCATION_LIFETIME, RegistrationMode
from keyturn.core.ratelimit import Rate
from keyturn.errors import (
    Conflict,
    Forbidden,
    InvalidCredentials,
    InvalidGrant,
    InvalidKey,
    NotFound,
    RateLimited,
    UnsupportedTokenType,
    ValidationFailed,
)
from keyturn.tokens.base64url import encode
from keyturn.tokens.master_key import parse_master_keys

OPERATOR = Origin(actor="operator")


async def test_logout_takes_any_generation_and_ends_both_tokens(house: House) -> None:
    """REF-12: an old refresh token logs out as well as the current one; a forged one changes nothing."""
    first = await house.login()
    second = await house.refresh(first.refresh_token)

    await sessions.logout_by_refresh_token(house.services, "ktr_x", origin=ORIGIN, now_ms=house.now_ms)
    assert not house.revoked(second.access_token)
    await sessions.logout_by_refresh_token(house.services, first.refresh_token, origin=ORIGIN, now_ms=house.now_ms)

    assert house.revoked(second.access_token)
    with pytest.raises(InvalidGrant):
        await house.refresh(second.refresh_token)


async def test_logout_and_refresh_at_once_leave_nothing_alive(house: House) -> None:
    """REF-13, A37: whatever the order, after the logout no token of the session works."""
    for _ in range(20):
        first = await house.login()
        order: dict[str, Any] = {"origin": ORIGIN, "now_ms": house.now_ms}
        outcomes = await asyncio.gather(
            *(house.refresh(first.refresh_token) for _ in range(4)),
            sessions.logout_by_sid(house.services, first.session.sid, **order),
            return_exceptions=True,
        )
        for outcome in outcomes:
            if isinstance(outcome, list | InvalidGrant):
                continue
            assert not isinstance(outcome, BaseException)
            assert house.revoked(outcome.access_token)
            with pytest.raises(InvalidGrant):
                await house.refresh(outcome.refresh_token)


async def test_a_user_ends_their_own_sessions_and_nobody_elses(house: House) -> None:
    """A55: somebody else's session is not there; the second time one's own isn't either."""
    await house.add_user("bob")
    mine, his = await house.login(), await house.login("bob")
    order: dict[str, Any] = {"origin": ORIGIN, "now_ms": house.now_ms}

    with pytest.raises(NotFound):
        await sessions.end_own_session(house.services, his.session.sid, mine.session.sub, **order)
    await sessions.end_own_session(house.services, mine.session.sid, mine.session.sub, **order)
    with pytest.raises(NotFound):
        await sessions.end_own_session(house.services, mine.session.sid, mine.session.sub, **order)

    assert house.revoked(mine.access_token)
    assert not house.revoked(his.access_token)


async def test_logout_everywhere_is_everywhere_of_one_user(house: House) -> None:
    """REF-12: every session of the user and of no other."""
    await house.add_user("bob")
    mine = [await house.login() for _ in range(3)]
    his = await house.login("bob")

    await sessions.logout_everywhere(house.services, mine[0].session.sub, origin=ORIGIN, now_ms=house.now_ms)

    assert [house.revoked(issued.access_token) for issued in [*mine, his]] == [True, True, True, False]


async def test_one_access_token_is_revoked_by_its_jti(house: House) -> None:
    """RFC 7009: the session and its next token go on."""
    first = await house.login()
    second = await house.refresh(first.refresh_token)

    await revoke.revoke_access_token(house.services, house.read(first.access_token), origin=ORIGIN, now_ms=house.now_ms)

    assert house.revoked(first.access_token)
    assert not house.revoked(second.access_token)


async def test_everything_up_to_a_time_is_revoked_but_not_the_future(house: House) -> None:
    """Contract §4: ``all`` covers ``iat`` up to the cut-off; a cut-off in the future is refused."""
    first = await house.login()
    house.later(5)
    second = await house.login()

    await revoke.revoke_all(house.services, house.now_ms // 1000 - 1, origin=OPERATOR, now_ms=house.now_ms)
    with pytest.raises(ValidationFailed):
        await revoke.revoke_all(house.services, house.now_ms // 1000 + 1, origin=OPERATOR, now_ms=house.now_ms)

    assert house.revoked(first.access_token)
    assert not house.revoked(second.access_token)
    await revoke.revoke_all(house.services, house.now_ms // 1000, origin=OPERATOR, now_ms=house.now_ms)
    assert house.revoked(second.access_token)


async def test_a_revocation_of_any_kind_is_kept_until_nobody_takes_the_token(house: House) -> None:
    """REF-16: from its own time on, whatever it names."""
    token = house.read((await house.login()).access_token)
    order: dict[str, Any] = {"origin": OPERATOR, "now_ms": house.now_ms}

    await revoke.revoke_access_token(house.services, token, **order)
    await revoke.revoke_jti(house.services, "another", **order)
    await revoke.revoke_sub(house.services, token.sub, **order)
    await revoke.revoke_all(house.services, house.now_ms // 1000, **order)

    entries = await house.services.store.revocations.after(0, 10)
    assert [str(entry.kind) for entry in entries] == ["jti", "jti", "sub", "all"]
    assert {entry.expires_at for entry in entries} == {house.now_ms // 1000 + REVOCATION_LIFETIME}


async def test_revoking_a_refresh_token_ends_its_session(house: House) -> None:
    """RFC 7009 §2.1: its access tokens go with it; unknown ones are no error; device tokens are told apart."""
    first = await house.login()
    order: dict[str, Any] = {"origin": ORIGIN, "now_ms": house.now_ms}

    await revoke.revoke_refresh_token(house.services, "unknown", **order)
    await revoke.revoke_refresh_token(house.services, first.refresh_token, **order)
    with pytest.raises(UnsupportedTokenType):
        await revoke.revoke_refresh_token(house.services, str(first.device_token), **order)

    assert house.revoked(first.access_token)


async def test_what_another_process_revokes_is_known_before_it_matters(make_house: Callable[..., Any]) -> None:
    """Contract §4: a revocation by the command line is refused here as soon as it is looked for."""
    server: House = await make_house()
    await server.add_user()
    first = await server.login()
    operator: House = await make_house()
    await sessions.end_by_operator(operator.services, sid=first.session.sid, origin=OPERATOR, now_ms=operator.now_ms)

    await server.services.denylist.catch_up()

    assert server.revoked(first.access_token)


async def test_keys_rotate_over_the_store_and_old_tokens_stay_good(house: House) -> None:
    """KEY-03, KEY-04: published, switched, retired; a token signed before the switch verifies after it."""
    first = await house.login()
    house.later(29 * DAY)
    await keys.rotate_if_due(house.services, now_ms=house.now_ms)
    published = {key.kid for key in house.services.keyring.published()}
    house.later(DAY - 300)
    before = await house.login()
    house.later(300)
    await keys.rotate_if_due(house.services, now_ms=house.now_ms)
    after = await house.login()

    assert len(published) == 2
    assert house.read(after.access_token).kid in published
    assert house.read(after.access_token).kid != house.read(before.access_token).kid
    assert first.session.sid


async def test_a_revoked_key_takes_its_tokens_with_it(house: House) -> None:
    """KEY-04: tokens of the key fail at once, the set no longer has it, and logins go on with another."""
    first = await house.login()
    kid = house.read(first.access_token).kid

    await keys.revoke_key(house.services, kid, origin=OPERATOR, now_ms=house.now_ms)
    second = await house.login()

    assert house.services.keyring.find(kid) is None
    assert house.read(second.access_token).kid != kid
    assert kid not in {key.kid for key in house.services.keyring.published()}
    with pytest.raises(NotFound):
        await keys.revoke_key(house.services, "nobody", origin=OPERATOR, now_ms=house.now_ms)


async def test_a_key_that_another_process_revoked_signs_nothing_more(make_house: Callable[..., Any]) -> None:
    """KEY-04: the next token is signed by the key that stepped in, before any job has reloaded the keys."""
    server: House = await make_house()
    await server.add_user()
    first = await server.login()
    operator: House = await make_house()
    kid = server.read(first.access_token).kid
    await keys.revoke_key(operator.services, kid, origin=OPERATOR, now_ms=operator.now_ms)

    second = await server.refresh(first.refresh_token)
    third = await server.login()

    for issued in (second, third):
        assert server.read(issued.access_token).kid != kid
        assert not server.revoked(issued.access_token)


async def test_many_processes_rotate_once(make_house: Callable[..., Any]) -> None:
    """KEY-03: the plan is made and carried out in one step, so five at once make one next key."""
    houses = [await make_house() for _ in range(5)]
    for each in houses:
        each.later(29 * DAY)

    await asyncio.gather(*(keys.rotate_if_due(each.services, now_ms=each.now_ms) for each in houses))

    records = await houses[0].services.store.signing_keys.list_all()
    assert sorted(record.state for record in records) == [KeyState.ACTIVE, KeyState.NEXT]


async def test_another_master_key_opens_nothing(make_house: Callable[..., Any]) -> None:
    """KEY-10: the keys are sealed, and a wrong master key is told, not overwritten."""
    house: House = await make_house()
    records = await house.services.store.signing_keys.list_all()

    with pytest.raises(InvalidKey):
        await make_house(master_keys=parse_master_keys(encode(Random(9).randbytes(32))))

    assert await house.services.store.signing_keys.list_all() == records


async def test_a_sealed_key_moved_to_another_row_does_not_open(house: House) -> None:
    """KEY-10: the row's identity is bound to the seal."""
    (record,) = await house.services.store.signing_keys.list_all()
    house.services.keyring.load([])

    with pytest.raises(InvalidKey):
        house.services.keyring.load([replace(record, kid="another")])


async def test_a_wrong_current_password_counts_as_a_failed_login(house: House) -> None:
    """PWD-10, A47: ``/password`` is no way round the limits of ``/login``."""
    mine = await house.login()

    async def change(current: str) -> None:
        await passwords.change_password(
            house.services,
            mine.session.sub,
            mine.session.sid,
            current,
            "another password",
            origin=ORIGIN,
            now_ms=house.now_ms,
        )

    for _ in range(5):
        with pytest.raises(InvalidCredentials):
            await change("wrong password")
    with pytest.raises(RateLimited):
        await change("correct horse battery")

    assert (await house.kinds()).count("password_refused") == 5


async def test_registration_is_closed_limited_and_gives_no_role(house: House) -> None:
    """A54, PWD-04: open only where the operator says so; a taken name is told; each try draws on the address."""
    order: dict[str, Any] = {"origin": ORIGIN, "now_ms": house.now_ms}
    new = await users.register(house.services, "carol", "a good password", **order)
    with pytest.raises(Conflict):
        await users.register(house.services, "ALICE", "a good password", **order)
    house.policy(login_per_ip=Rate.per(1, 60))
    with pytest.raises(RateLimited):
        await users.register(house.services, "dave", "a good password", **order)
    house.policy(registration=RegistrationMode.CLOSED)
    with pytest.raises(Forbidden):
        await users.register(house.services, "erin", "a good password", **order)

    assert new.roles == ()


async def test_pruning_takes_what_is_over_and_leaves_what_lives(house: House) -> None:
    """Expired sessions, revocations and counters go; a live session stays."""
    old = [await house.login() for _ in range(3)]
    await sessions.logout_everywhere(house.services, old[0].session.sub, origin=ORIGIN, now_ms=house.now_ms)
    house.later(31 * DAY)
    live = await house.login()

    async def pause() -> None:
        await asyncio.sleep(0)

    gone = await prune.prune(house.services.store, now_ms=house.now_ms, pause=pause)

    assert gone >= 6
    assert await house.services.store.revocations.after(0, 1000) == []
    assert await house.services.store.sessions.find(old[0].session.handle) is None
    assert await house.services.store.sessions.find(live.session.handle) is not None


async def test_no_audit_event_holds_a_secret(house: House) -> None:
    """A57: neither passwords nor tokens nor handles are in the log."""
    first = await house.login()
    second = await house.refresh(first.refresh_token)
    with pytest.raises(InvalidCredentials):
        await house.login(password="a wrong password")
    house.later(61)
    with pytest.raises(InvalidGrant):
        await house.refresh(first.refresh_token)

    log = repr(await house.audit())

    secrets = [first.refresh_token, second.refresh_token, first.access_token, str(first.device_token)]
    secrets += ["correct horse", "a wrong password", first.session.handle.hex()]
    assert not [secret for secret in secrets if secret in log]
