"""`Users`: a change of password or of ``disabled`` moves the version and ends the sessions in one step."""

import asyncio
from dataclasses import replace
from typing import Any

from keyturn.core.model import AuditKind, EndReason
from keyturn.core.ports import Store


async def test_an_added_user_is_found_by_subject_and_by_name(store: Store, given: Any) -> None:
    """A user comes back equal; unknown ones are None."""
    user = given.user()

    assert await store.users.add(user, given.event(AuditKind.USER_ADDED))

    assert await store.users.find("u1") == user
    assert await store.users.find_by_name("user1") == user
    assert await store.users.find("u2") is None
    assert await store.users.find_by_name("User1") is None


async def test_a_taken_name_is_refused_without_a_trace(store: Store, given: Any) -> None:
    """The second user of a normalised name is not added and no event is written."""
    await store.users.add(given.user(), given.event())

    assert not await store.users.add(given.user(2, username_key="user1"), given.event())

    assert await store.users.find("u2") is None
    assert len(await store.audit.list_page(0, 10)) == 1


async def test_of_registrations_at_once_one_gets_the_name(store: Store, given: Any) -> None:
    """20 parallel registrations of one name make one user."""
    users = [given.user(number, username_key="same") for number in range(20)]

    added = await asyncio.gather(*(store.users.add(user, given.event()) for user in users))

    assert sum(added) == 1


async def test_pages_follow_the_name(store: Store, given: Any) -> None:
    """A page starts behind the name it is given, in the order of names."""
    for number in (3, 1, 2):
        await store.users.add(given.user(number), given.event())

    first = await store.users.list_page("", 2)
    rest = await store.users.list_page("user2", 2)

    assert [user.sub for user in first] == ["u1", "u2"]
    assert [user.sub for user in rest] == ["u3"]


async def test_a_rehash_keeps_the_version(store: Store, given: Any) -> None:
    """A new hash of the same password ends nothing; it loses against a change of password."""
    await store.users.add(given.user(), given.event())

    assert await store.users.rehash("u1", 1, "$new")
    assert not await store.users.rehash("u1", 2, "$newer")

    assert await store.users.find("u1") == given.user(password_hash="$new")


async def test_a_new_password_moves_the_version_and_ends_the_others(store: Store, given: Any) -> None:
    """The session that changed the password stays, the others end, and all of it is one step (REF-12)."""
    await store.users.add(given.user(), given.event())
    for number in (1, 2):
        await store.sessions.start(given.start(given.session(number)))
    ending = given.ending(sub="u1", but_sid="sid-2", reason=EndReason.PASSWORD_CHANGED)

    assert await store.users.set_password("u1", 1, "$new", ending, given.event(AuditKind.PASSWORD_CHANGED))

    assert await store.users.find("u1") == given.user(password_hash="$new", version=2)
    assert [one.sid for one in await store.sessions.list_live("u1", given.now)] == ["sid-2"]
    kinds = [event.kind for _, event in await store.audit.list_page(3, 10)]
    assert sorted(kinds) == [AuditKind.PASSWORD_CHANGED, AuditKind.SESSION_ENDED]


async def test_a_password_change_from_another_version_changes_nothing(store: Store, given: Any) -> None:
    """Of two changes that saw the same password, the later one fails whole."""
    await store.users.add(given.user(), given.event())
    await store.sessions.start(given.start(given.session()))

    assert not await store.users.set_password("u1", 0, "$new", given.ending(sub="u1"), given.event())

    assert await store.users.find("u1") == given.user()
    assert len(await store.sessions.list_live("u1", given.now)) == 1
    assert len(await store.audit.list_page(0, 10)) == 2


async def test_disabling_ends_the_sessions_and_enabling_does_not_bring_them_back(store: Store, given: Any) -> None:
    """Both move the version (REF-12, A39)."""
    await store.users.add(given.user(), given.event())
    await store.sessions.start(given.start(given.session()))

    assert await store.users.set_disabled("u1", given.now, given.ending(sub="u1"), given.event())
    assert await store.users.find("u1") == given.user(disabled_at=given.now, version=2)
    assert await store.users.set_disabled("u1", None, None, given.event())

    assert await store.users.find("u1") == given.user(version=3)
    assert not await store.sessions.list_live("u1", given.now)
    assert not await store.users.set_disabled("nobody", None, None, given.event())


async def test_a_login_and_a_password_change_at_once_leave_no_old_session(store: Store, given: Any) -> None:
    """Either the session that started with the old password has ended, or it never started (A37)."""
    await store.users.add(given.user(), given.event())
    for version in range(1, 11):
        session = given.session(version)
        await asyncio.gather(
            store.users.set_password("u1", version, "$new", given.ending(sub="u1"), given.event()),
            store.sessions.start(given.start(session, user_version=version)),
        )

        assert not await store.sessions.list_live("u1", given.now)


async def test_roles_are_replaced_and_the_version_stays(store: Store, given: Any) -> None:
    """Roles change what the next refresh gives, and end nothing."""
    await store.users.add(given.user(), given.event())

    assert await store.users.set_roles("u1", ('with "quote', "ü"), given.event(AuditKind.ROLES_CHANGED))
    assert await store.users.find("u1") == replace(given.user(), roles=('with "quote', "ü"))
    assert await store.users.set_roles("u1", (), given.event(AuditKind.ROLES_CHANGED))

    assert (await store.users.find("u1")).roles == ()
    assert not await store.users.set_roles("nobody", (), given.event())
