import hashlib
import os
import timeit
import tracemalloc
from dataclasses import replace
from typing import Any

import pytest

from keyturn.tokens.access_token import AccessToken
from keyturn.tokens.revocation import CUT_OFF_KINDS, RevocationEntry, RevocationKind, RevocationView, digest

_NOW = 1_800_000_000


@pytest.fixture
def token() -> AccessToken:
    """A user's token."""
    return AccessToken(
        sub="user-1",
        scopes=frozenset(),
        roles=(),
        sid="sid-1",
        jti="jti-1",
        client_id="first-party",
        issuer="https://auth.example.com",
        audience=("https://api.example.com",),
        issued_at=_NOW,
        expires_at=_NOW + 600,
        auth_time=_NOW,
        kid="kid-1",
        claims={},
    )


def _entry(kind: str, value: str, *, seq: int = 1, before: int | None = None, lives: int = 3660) -> RevocationEntry:
    named = RevocationKind(kind)
    cut_off = _NOW if named in CUT_OFF_KINDS and before is None else before
    return RevocationEntry(seq=seq, kind=named, digest=digest(named, value), before=cut_off, expires_at=_NOW + lives)


def _view(*entries: RevocationEntry) -> RevocationView:
    view = RevocationView()
    for entry in entries:
        view.add(entry)
    return view


def test_a_digest_is_sixteen_bytes_of_sha_256() -> None:
    """SHA-256(kind ‖ 0x00 ‖ value), first 16 bytes, UTF-8 (contract §5); kinds never share one."""
    assert digest(RevocationKind.SID, "sé") == hashlib.sha256(b"sid\x00s\xc3\xa9").digest()[:16]
    assert len({digest(kind, "x") for kind in RevocationKind}) == 5


@pytest.mark.parametrize(
    ("kind", "own"), [("jti", "jti-1"), ("sid", "sid-1"), ("kid", "kid-1"), ("sub", "user-1"), ("all", "")]
)
def test_each_kind_revokes_its_own_tokens_alone(kind: str, own: str, token: AccessToken) -> None:
    """A token falls by its jti, sid, kid, sub or with all; by another's name, or its own as another kind, it stands."""
    assert _view(_entry(kind, own)).revokes(token, _NOW)
    assert not RevocationView().revokes(token, _NOW)
    for other in RevocationKind:
        assert not _view(_entry(other, "other")).revokes(token, _NOW)
        assert _view(_entry(other, own)).revokes(token, _NOW) == (other == kind)


@pytest.mark.parametrize(("kind", "value"), [("sub", "user-1"), ("all", "")])
def test_a_cut_off_covers_what_was_issued_up_to_it(kind: str, value: str, token: AccessToken) -> None:
    """``iat`` equal to the cut-off is revoked, the next second is not (contract §4)."""
    view = _view(_entry(kind, value, before=_NOW))
    assert view.revokes(token, _NOW)
    assert view.revokes(replace(token, issued_at=_NOW - 100), _NOW)
    assert not view.revokes(replace(token, issued_at=_NOW + 1), _NOW + 1)
    assert not view.revokes(replace(token, issued_at=_NOW + 0.5), _NOW + 1)


def test_of_two_cut_offs_the_later_holds(token: AccessToken) -> None:
    """Entries may come in any order and twice; the later cut-off and the later end hold."""
    late, early = _entry("sub", "user-1", before=_NOW + 5), _entry("sub", "user-1", before=_NOW - 5, lives=9000)
    for view in (_view(late, early), _view(early, late), _view(early, late, late, early)):
        assert view.revokes(token, _NOW)
        assert len(view) == 1
        view.prune(_NOW + 8999)
        assert view.revokes(token, _NOW + 8999)
        view.prune(_NOW + 9000)
        assert len(view) == 0


def test_an_entry_ends_at_its_own_time_alone(token: AccessToken) -> None:
    """Up to ``expires_at`` it holds, from then it is dropped, whatever else was added (contract §5)."""
    view = _view(_entry("jti", "jti-1", lives=100), _entry("sid", "sid-2", lives=200))
    view.prune(_NOW + 99.9)
    assert view.revokes(token, _NOW + 99.9)
    assert not view.revokes(token, _NOW + 100)
    view.prune(_NOW + 100)
    assert len(view) == 1
    assert view.revokes(replace(token, sid="sid-2"), _NOW + 199)


def test_pruning_leaves_nothing_behind() -> None:
    """After the last entry's time the view is as empty as a new one, but for the highest seq."""
    view = _view(*(_entry("sub", f"user-{number}", seq=number, lives=number) for number in range(1, 50)))
    view.prune(_NOW + 50)
    assert (len(view), view.seq) == (0, 49)
    assert not any([view._until, view._before, view._due])


def test_an_entry_that_is_read_again_takes_no_memory() -> None:
    """A feed that is read from its start over and over does not fill the process."""
    entry, view = _entry("sid", "sid-1"), RevocationView()
    view.add(entry)
    tracemalloc.start()
    for _ in range(10_000):
        view.add(entry)
    grown, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert grown < 40_000  # a pointer for each time were twice as much


def test_the_highest_seq_is_kept() -> None:
    """The view knows how far it has read, in whatever order entries came."""
    assert RevocationView().seq == 0
    assert _view(_entry("jti", "a", seq=7), _entry("jti", "b", seq=3)).seq == 7


def test_the_issuer_asks_which_second_to_wait_out() -> None:
    """``cutoff_for`` is the latest of the subject's own cut-off and the one for all (contract §4)."""
    view = _view(_entry("sub", "user-1", before=100), _entry("sub", "user-2", before=300))
    assert (view.cutoff_for("user-1"), view.cutoff_for("user-2"), view.cutoff_for("user-3")) == (100, 300, None)
    view.add(_entry("all", "", before=200))
    assert (view.cutoff_for("user-1"), view.cutoff_for("user-2"), view.cutoff_for("user-3")) == (200, 300, 200)


@pytest.mark.parametrize(
    "spoilt", [{"digest": b"short"}, {"digest": bytes(17)}, {"before": 5}, {"kind": RevocationKind.SUB}]
)
def test_an_entry_that_makes_no_sense_is_a_value_error(spoilt: dict[str, Any]) -> None:
    """A digest of another length, a cut-off where none belongs, and none where one does, are refused."""
    with pytest.raises(ValueError, match=r"(digest|before)"):
        replace(_entry("jti", "a"), **spoilt)


def test_a_client_s_token_has_no_session(token: AccessToken) -> None:
    """Without ``sid`` no session entry touches it."""
    client = replace(token, sid=None)
    assert len(client.revocation_digests) == 4
    assert not _view(_entry("sid", ""), _entry("sid", "None")).revokes(client, _NOW)


def test_asking_costs_the_same_with_many_entries(token: AccessToken) -> None:
    """P9: with 100,000 entries in view a check costs little more than with none, and microseconds at most."""
    few, many = _view(_entry("jti", "other")), _view(_entry("jti", "other"))
    for number in range(100_000):
        entry = RevocationEntry(
            seq=number, kind=RevocationKind.SID, digest=os.urandom(16), before=None, expires_at=_NOW + 3660
        )
        many.add(entry)
    costs = [min(timeit.repeat(lambda: view.revokes(token, _NOW), number=2000, repeat=5)) for view in (few, many)]  # noqa: B023
    assert costs[1] / 2000 < 20e-6
    assert costs[1] < costs[0] * 5


def test_a_revoked_key_is_known_by_its_name() -> None:
    """The key that was revoked, and no other one."""
    view = _view(_entry("kid", "kid-1"), _entry("sid", "kid-2"))
    assert view.revokes_key("kid-1")
    assert not view.revokes_key("kid-2")
