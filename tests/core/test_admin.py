"""Who is an admin, and what one may do to whom."""

from dataclasses import replace

import pytest
from house import ORIGIN, House

from keyturn.core import admin, sessions, users
from keyturn.core.model import Origin
from keyturn.errors import InsufficientScope, InvalidToken, InvalidTokenReason, NotFound
from keyturn.tokens.access_token import AccessToken

ADMIN = Origin(actor="admin")


async def token_of(house: House, name: str, roles: tuple[str, ...]) -> AccessToken:
    """Add a user with *roles*, log in, and return the token."""
    await house.add_user(name, roles=roles)
    return house.read((await house.login(name)).access_token)


async def test_an_admin_is_let_through(house: House) -> None:
    """Whoever was one at login and is one now."""
    await admin.check_admin(house.services, await token_of(house, "root", ("admin",)))


async def test_a_token_without_the_role_is_refused(house: House) -> None:
    """Also where the user has been given the role since: a token says what it says."""
    token = await token_of(house, "bob", ("user",))
    with pytest.raises(InsufficientScope) as refused:
        await admin.check_admin(house.services, token)
    assert refused.value.reason == "role"

    bob = await users.get_by_name(house.services, "bob")
    await users.set_roles(house.services, bob, ("admin",), origin=ADMIN, now_ms=house.now_ms)
    with pytest.raises(InsufficientScope):
        await admin.check_admin(house.services, token)


async def test_who_was_an_admin_acts_as_one_no_more(house: House) -> None:
    """A role that was taken away counts at once, although the token that has it is good."""
    token = await token_of(house, "root", ("admin",))
    root = await users.get_by_name(house.services, "root")
    await users.set_roles(house.services, root, ("user",), origin=ADMIN, now_ms=house.now_ms)

    with pytest.raises(InsufficientScope) as refused:
        await admin.check_admin(house.services, token)
    assert refused.value.reason == "role taken away"


async def test_a_disabled_and_an_unknown_admin_are_refused(house: House) -> None:
    """And told apart from somebody without the role."""
    token = await token_of(house, "root", ("admin",))
    root = await users.get_by_name(house.services, "root")
    await users.disable(house.services, root, origin=ADMIN, now_ms=house.now_ms)

    for refusable in (token, replace(token, sub="nobody")):
        with pytest.raises(InvalidToken) as refused:
            await admin.check_admin(house.services, refusable)
        assert refused.value.reason is InvalidTokenReason.REVOKED


async def test_an_admin_disables_others_and_never_themselves(house: House) -> None:
    """The last admin can't lock the door behind them."""
    alice = await users.get_by_name(house.services, "alice")
    session = await house.login()
    with pytest.raises(admin.OwnAccount):
        await admin.disable_user(house.services, alice.sub, admin=alice.sub, origin=ADMIN, now_ms=house.now_ms)
    assert not house.revoked(session.access_token)

    await admin.disable_user(house.services, alice.sub, admin="somebody else", origin=ADMIN, now_ms=house.now_ms)

    found = await users.get_by_sub(house.services, alice.sub)
    assert found.disabled_at == house.now_ms // 1000
    assert house.revoked(session.access_token)


async def test_sessions_are_listed_page_by_page(house: House) -> None:
    """Of everybody, and of one user: those behind a place, by their sid, no more than asked for, none that is over."""
    await house.add_user("bob")
    mine = sorted([(await house.login()).session.sid for _ in range(3)])
    everybodys = sorted([*mine, (await house.login("bob")).session.sid])
    sub = (await users.get_by_name(house.services, "alice")).sub

    async def listed(sub: str | None, after: str, most: int) -> list[str]:
        found = await admin.list_sessions(house.services, sub=sub, after=after, most=most, now_ms=house.now_ms)
        return [session.sid for session in found]

    assert await listed(None, "", 10) == everybodys
    assert await listed(None, everybodys[0], 2) == everybodys[1:3]
    assert await listed(sub, "", 10) == mine
    assert await listed(sub, mine[0], 1) == [mine[1]]
    assert await listed(sub, mine[2], 10) == []

    policy = house.services.policy
    house.later(policy.refresh_idle - 1)
    assert (await listed(None, "", 10), await listed(sub, "", 10)) == (everybodys, mine)
    house.later(1)
    assert (await listed(None, "", 10), await listed(sub, "", 10)) == ([], [])


async def test_an_admin_ends_any_session_once(house: House) -> None:
    """Again is fine while the session is known; one that never was is not found."""
    first, other = await house.login(), await house.login()

    async def end(sid: str) -> list[str]:
        ended = await admin.end_session(house.services, sid, origin=ADMIN, now_ms=house.now_ms)
        return [session.sid for session in ended]

    assert await end(first.session.sid) == [first.session.sid]
    assert await end(first.session.sid) == []
    with pytest.raises(NotFound):
        await end("no such sid")
    assert house.revoked(first.access_token)
    assert not house.revoked(other.access_token)
    live = await sessions.list_sessions(house.services, first.session.sub, now_ms=house.now_ms)
    assert [session.sid for session in live] == [other.session.sid]


async def test_what_an_admin_did_is_in_the_log_under_their_name(house: House) -> None:
    """The event of an ended session has the admin's origin and not the user's."""
    session = (await house.login()).session
    await admin.end_session(house.services, session.sid, origin=ADMIN, now_ms=house.now_ms)
    event = (await house.audit())[-1]
    assert (event.sid, event.origin.actor) == (session.sid, "admin")
    assert event.origin != ORIGIN
