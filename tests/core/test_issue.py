"""Signing for a session: cut-offs that are waited out, and how long a token lives."""

from dataclasses import replace
from typing import Any

import pytest
from house import House

from keyturn.core import revoke
from keyturn.core.issue import MAX_WAIT, sign_access_token
from keyturn.core.model import Origin, Session, User
from keyturn.errors import TemporarilyUnavailable

OPERATOR = Origin(actor="operator")


async def sign(house: House, session: Session, **changes: Any) -> tuple[str, int]:
    """Sign for alice's session."""
    user = User(session.sub, "alice", ("user",))
    order: dict[str, Any] = {
        "key": house.services.keyring.signing_key(),
        "user": user,
        "session": session,
        "scopes": (),
        "audience": "https://api.example.com",
        "now_ms": house.now_ms,
    }
    return await sign_access_token(house.services, **(order | changes))


@pytest.mark.parametrize(("ahead", "waited"), [(-1, None), (0, 1), (MAX_WAIT - 1, MAX_WAIT)])
async def test_a_cut_off_in_the_way_is_waited_out(ahead: int, waited: int | None, house: House) -> None:
    """Contract §4: the token is signed in the second after it, and only if it is in the way."""
    issued = await house.login()
    now = house.now_ms // 1000
    ahead_ms = house.now_ms + ahead * 1000
    await revoke.revoke_sub(house.services, issued.session.sub, origin=OPERATOR, now_ms=ahead_ms)

    text, lives = await sign(house, issued.session)

    assert house.waited == ([] if waited is None else [now + waited])
    assert house.read(text).issued_at == now + (waited or 0)
    assert not house.revoked(text)
    assert lives == 600


async def test_nothing_is_signed_while_a_cut_off_lies_far_ahead(house: House) -> None:
    """REF-08: not even for whoever settled everything before the cut-off came."""
    issued = await house.login()
    ahead_ms = house.now_ms + MAX_WAIT * 1000
    await revoke.revoke_sub(house.services, issued.session.sub, origin=OPERATOR, now_ms=ahead_ms)
    with pytest.raises(TemporarilyUnavailable):
        await sign(house, issued.session)
    assert house.waited == []


async def test_no_token_outlives_its_session_and_none_is_born_dead(house: House) -> None:
    """A token ends with its session at the latest, and lives for a second at least."""
    session = (await house.login()).session
    now = house.now_ms // 1000
    for left, lives in ((601, 600), (600, 600), (10, 10), (1, 1), (0, 1), (-5, 1)):
        ending = replace(session, expires_at=now + left)
        text, told = await sign(house, ending)
        assert (told, house.read(text).expires_at - now) == (lives, lives)


async def test_a_token_s_id_has_128_bits(house: House) -> None:
    """ISS-01: 22 characters of base64url, and no two alike."""
    session = (await house.login()).session
    ids = {house.read((await sign(house, session))[0]).jti for _ in range(3)}
    assert {len(each) for each in ids} == {22}
    assert len(ids) == 3


async def test_what_was_issued_shows_no_token(house: House) -> None:
    """VER-30: an answer that is logged or part of an error carries none of its three tokens."""
    issued = await house.login()
    for token in (issued.access_token, issued.refresh_token, issued.device_token):
        assert token is not None
        assert token not in repr(issued)
