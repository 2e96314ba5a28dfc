"""What concerns every session at once."""

from typing import Any

import pytest

from keyturn.core.model import AuditKind, EndReason
from keyturn.core.ports import EndingAll, Store
from keyturn.store.sql import all_sessions
from keyturn.tokens.revocation import RevocationKind, digest


def ending_all(given: Any, **changes: Any) -> EndingAll:
    """Return an order to end all sessions after a restore."""
    cut_off = given.revoking(kind=RevocationKind.ALL, digest=digest(RevocationKind.ALL, ""), before=given.now)
    event = given.event(AuditKind.STORE_RESTORED, details={"n": 1})
    filled = {"reason": EndReason.RESTORED, "at_ms": given.now_ms, "revoking": cut_off, "event": event}
    return EndingAll(**(filled | changes))


async def test_all_sessions_end_with_one_revocation_and_one_event(store: Store, given: Any) -> None:
    """Whoever they belong to; the event says how many, and one entry refuses the access tokens of all."""
    for number, sub in enumerate(("u1", "u1", "u2")):
        await store.sessions.start(given.start(given.session(number, sub=sub)))

    assert await store.sessions.end_all(ending_all(given)) == 3

    for number in range(3):
        session = await store.sessions.find(given.session(number).handle)
        assert session is not None
        assert (session.ended_at, session.end_reason) == (given.now, EndReason.RESTORED)
    (entry,) = await store.revocations.after(0, 10)
    assert (entry.kind, entry.before, entry.expires_at) == (RevocationKind.ALL, given.now, given.now + 3660)
    _, event = (await store.audit.list_page(0, 10))[-1]
    assert event.kind is AuditKind.STORE_RESTORED
    assert event.details == {"n": 1, "sessions": 3}


@pytest.mark.parametrize("slice_", [1, 2, 5, 6])
async def test_no_session_is_left_out(store: Store, given: Any, monkeypatch: pytest.MonkeyPatch, slice_: int) -> None:
    """They end slice by slice, also where several have the same end and where the last slice is full."""
    monkeypatch.setattr(all_sessions, "SLICE", slice_)
    handles = [bytes(16), b"\x01" * 16, b"\xff" * 16, b"\x02" * 16, b"\xfe" * 16]
    for number, handle in enumerate(handles):
        changes = {"handle": handle, "expires_at": given.now + (10 if number < 3 else number)}
        await store.sessions.start(given.start(given.session(number, **changes)))

    assert await store.sessions.end_all(ending_all(given)) == len(handles)


async def test_what_has_ended_keeps_its_reason(store: Store, given: Any) -> None:
    """A second order ends nothing, and neither rewrites why an earlier session ended."""
    await store.sessions.start(given.start(given.session(1)))
    await store.sessions.end(given.ending(sid="sid-1"))
    await store.sessions.start(given.start(given.session(2)))

    assert await store.sessions.end_all(ending_all(given)) == 1
    assert await store.sessions.end_all(ending_all(given, at_ms=given.now_ms + 5000)) == 0

    first = await store.sessions.find(given.session(1).handle)
    second = await store.sessions.find(given.session(2).handle)
    assert first is not None
    assert first.end_reason is EndReason.LOGOUT
    assert second is not None
    assert second.ended_at == given.now


async def test_an_ended_session_is_not_advanced(store: Store, given: Any) -> None:
    """After the order no refresh moves any session on."""
    await store.sessions.start(given.start(given.session()))
    await store.sessions.end_all(ending_all(given))

    assert not (await store.sessions.advance(given.advance(given.session()))).moved


async def test_live_sessions_are_counted_by_their_master_key(store: Store, given: Any) -> None:
    """By that of the current refresh token, so a refresh moves a session on; ended and expired ones do not count."""
    assert await store.sessions.count_by_key_id(given.now) == {}
    expired = {"expires_at": given.now + 5}
    idle = {"idle_expires_at": given.now + 5}
    for number, changes in enumerate(({}, {}, {}, expired, idle)):
        await store.sessions.start(given.start(given.session(number, **changes)))
    await store.sessions.end(given.ending(sid="sid-0"))
    await store.sessions.advance(given.advance(given.session(1)))

    assert await store.sessions.count_by_key_id(given.now + 5) == {b"key1": 1, b"key2": 1}
