"""A page of the revocation feed: what comes out is what was put in, and nothing else passes for one (REF-16)."""

import json
import os
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyturn.errors import InvalidToken
from keyturn.tokens import access_token, base64url, jws, revocation_feed
from keyturn.tokens.access_token import Claims, Expected
from keyturn.tokens.algorithms import ASYMMETRIC, ISSUER_ALGORITHMS, Algorithm
from keyturn.tokens.keys import SigningKey
from keyturn.tokens.revocation import CUT_OFF_KINDS, RevocationEntry, RevocationKind
from keyturn.tokens.revocation_feed import MAX_ENTRIES, MAX_PAGE_BYTES, Page

_NOW = 1_800_000_000
_ISSUER = "https://auth.example.com"
_LARGEST = 2**53 - 1
_ABSENT = "(absent)"
_KEY = SigningKey.generate(Algorithm.ES256)


def _verify(text: Any, key: SigningKey = _KEY) -> Page:
    keys = {key.kid: key.public}
    return revocation_feed.verify(text, find_key=keys.get, algorithms=ASYMMETRIC, issuer=_ISSUER)


def _refused(text: Any) -> str:
    with pytest.raises(InvalidToken) as refused:
        _verify(text)
    return refused.value.reason.value


def _entry(at: int = 7, **changes: Any) -> dict[str, Any]:
    good = {"seq": at, "kind": "sid", "digest": base64url.encode(b"d" * 16), "exp": _NOW + 3660}
    return _with(good, changes)


def _claims(**changes: Any) -> dict[str, Any]:
    return _with({"iss": _ISSUER, "iat": _NOW, "seq": 9, "more": False, "entries": [_entry()]}, changes)


def _with(good: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in {**good, **changes}.items() if value is not _ABSENT}


def _signed(claims: Any, *, typ: str = revocation_feed.TYP) -> str:
    return jws.sign({"typ": typ}, claims if isinstance(claims, bytes) else json.dumps(claims).encode(), _KEY)


_NUMBERS = st.integers(min_value=0, max_value=_LARGEST)


@st.composite
def _pages(draw: st.DrawFn) -> Page:
    seqs = sorted(draw(st.sets(_NUMBERS, max_size=20)))
    entries = []
    for seq in seqs:
        kind = draw(st.sampled_from(RevocationKind))
        before = draw(_NUMBERS) if kind in CUT_OFF_KINDS else None
        digest = draw(st.binary(min_size=16, max_size=16))
        entries.append(RevocationEntry(seq=seq, kind=kind, digest=digest, before=before, expires_at=draw(_NUMBERS)))
    seq = draw(st.integers(min_value=max(seqs, default=0), max_value=_LARGEST))
    more = draw(st.booleans()) and bool(entries)
    after = draw(st.none() | _NUMBERS)
    return Page(issuer=_ISSUER, issued_at=draw(_NUMBERS), seq=seq, more=more, entries=tuple(entries), after=after)


@given(page=_pages())
def test_what_is_signed_is_what_is_read(page: Page) -> None:
    """Every page there can be, with every kind of entry."""
    assert _verify(revocation_feed.sign(page, _KEY)) == page


@pytest.mark.parametrize("algorithm", sorted(ISSUER_ALGORITHMS & ASYMMETRIC))
def test_every_algorithm_of_an_issuer_signs_pages(
    algorithm: Algorithm, key_for: Callable[[Algorithm], SigningKey]
) -> None:
    """With the keys that sign access tokens."""
    page = Page(issuer=_ISSUER, issued_at=_NOW, seq=0, more=False, entries=())

    assert _verify(revocation_feed.sign(page, key_for(algorithm)), key_for(algorithm)) == page


def test_a_page_has_the_form_of_the_contract() -> None:
    """The header's typ; the five claims; ``before`` in a cut-off alone; the digest as base64url."""
    entries = tuple(
        RevocationEntry(seq=seq, kind=kind, digest=bytes([seq]) * 16, before=before, expires_at=_NOW + 3660)
        for seq, kind, before in ((1, RevocationKind.SID, None), (2, RevocationKind.SUB, _NOW))
    )
    page = Page(issuer=_ISSUER, issued_at=_NOW, seq=5, more=False, entries=entries)

    head, payload, _ = revocation_feed.sign(page, _KEY).split(".")

    assert json.loads(base64url.decode(head)) == {"alg": "ES256", "kid": _KEY.kid, "typ": "revocations+jwt"}
    one = {"seq": 1, "kind": "sid", "digest": "AQEBAQEBAQEBAQEBAQEBAQ", "exp": _NOW + 3660}
    two = {"seq": 2, "kind": "sub", "digest": "AgICAgICAgICAgICAgICAg", "exp": _NOW + 3660, "before": _NOW}
    assert json.loads(base64url.decode(payload)) == {
        "iss": _ISSUER,
        "iat": _NOW,
        "seq": 5,
        "more": False,
        "entries": [one, two],
    }


def test_the_page_that_every_refusal_differs_from_is_good() -> None:
    """So that each refusal below has one reason."""
    assert len(_verify(_signed(_claims())).entries) == 1


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"iss": "https://evil.example.com"}, "wrong_issuer"),
        ({"iss": f"{_ISSUER}/"}, "wrong_issuer"),
        ({"iss": [_ISSUER]}, "wrong_issuer"),
        *(({name: _ABSENT}, "missing_claim") for name in ("iss", "iat", "seq", "more", "entries")),
        *(
            ({name: value}, "bad_claim")
            for name in ("iat", "seq", "after")
            for value in (-1, 9.0, True, "9", None, 2**53, 10**40, [9])
        ),
        *(({"more": value}, "bad_claim") for value in (0, 1, "false", None)),
        ({"more": True, "entries": []}, "bad_claim"),
        *(({"entries": value}, "bad_claim") for value in ({}, "", None, [None], [[]], [7], ["x"], [[_entry()]])),
        ({"seq": 6}, "bad_claim"),
        ({"entries": [_entry(7), _entry(7)]}, "bad_claim"),
        ({"entries": [_entry(8), _entry(7)]}, "bad_claim"),
        ({"entries": [_entry(7), _entry(10)]}, "bad_claim"),
    ],
    ids=str,
)
def test_a_page_with_another_claim_is_refused(changes: dict[str, Any], reason: str) -> None:
    """Of another issuer, out of order, ``seq`` below its last entry, numbers that are none, parts of another type."""
    assert _refused(_signed(_claims(**changes))) == reason


@pytest.mark.parametrize(
    "changes",
    [
        *({name: _ABSENT} for name in ("seq", "kind", "digest", "exp")),
        *({name: value} for name in ("seq", "exp") for value in (-1, 7.0, True, "7", None, 2**53)),
        *({"kind": value} for value in ("SID", "token", "", None, 7, ["sid"])),
        *({"digest": base64url.encode(b"d" * size)} for size in (0, 15, 17, 32)),
        *({"digest": value} for value in (None, 7, ["d"], "d" * 21 + "=", "é" * 22, "ZGRkZGRkZGRkZGRkZGRkZB")),
        {"before": _NOW},
        {"kind": "sub"},
        {"kind": "all"},
        *({"kind": "sub", "before": value} for value in (-1, 7.5, False, "7", 2**53)),
    ],
    ids=str,
)
def test_one_bad_entry_spoils_the_page(changes: dict[str, Any]) -> None:
    """Nothing of such a page is used: the good entries beside it neither."""
    assert _refused(_signed(_claims(entries=[_entry(6), _entry(7, **changes)]))) == "bad_claim"


def test_a_page_has_at_most_ten_thousand_entries() -> None:
    """One more is refused; the longest there is stays below half of what is read."""
    cut_off = {"kind": "sub", "before": _LARGEST, "exp": _LARGEST}
    entries = [_entry(_LARGEST - MAX_ENTRIES + number, **cut_off) for number in range(MAX_ENTRIES)]
    full = revocation_feed.sign(_verify(_signed(_claims(seq=_LARGEST, entries=entries))), _KEY)

    assert len(full) < MAX_PAGE_BYTES / 2
    assert len(_verify(full).entries) == MAX_ENTRIES
    assert _refused(_signed(_claims(seq=_LARGEST, entries=[_entry(1), *entries]))) == "bad_claim"


def test_a_page_that_is_too_long_is_refused_unread() -> None:
    """Whatever it would say."""
    assert _refused(_signed(_claims(pad="x" * MAX_PAGE_BYTES))) == "malformed"


@pytest.mark.parametrize(
    "payload",
    [
        json.dumps(_claims()).replace('"seq": 9', '"seq": 9, "seq": 9').encode(),
        json.dumps(_claims()).replace('"seq": 7', '"seq": 7, "seq": 7').encode(),
        json.dumps(_claims(iat=float("nan"))).encode(),
        json.dumps([_claims()]).encode(),
        b"{",
        b"",
    ],
    ids=str,
)
def test_a_payload_with_two_meanings_or_none_is_refused(payload: bytes) -> None:
    """Names that occur twice, what is no JSON, what is no object."""
    assert _refused(_signed(payload)) == "malformed"


@pytest.mark.parametrize("typ", ["at+jwt", "JWT", "revocations", "jwt+revocations"])
def test_another_type_is_no_page(typ: str) -> None:
    """RFC 8725 §3.11."""
    assert _refused(_signed(_claims(), typ=typ)) == "wrong_type"


def test_an_access_token_is_no_page_and_a_page_no_access_token(claims: Claims, expected: Expected) -> None:
    """Though one key signs both, and even where the claims of the one are in the other."""
    assert _refused(access_token.issue(claims, _KEY)) == "wrong_type"
    both = json.loads(base64url.decode(access_token.issue(claims, _KEY).split(".")[1])) | _claims()
    keys = {_KEY.kid: _KEY.public}
    with pytest.raises(InvalidToken) as refused:
        access_token.verify(_signed(both), find_key=keys.get, expected=expected, now=_NOW)

    assert refused.value.reason.value == "wrong_type"


def test_only_the_issuer_s_keys_and_algorithms_count() -> None:
    """A key that is not known, one of another installation under our kid, an algorithm that is not allowed."""
    good = _signed(_claims())
    stranger = replace(SigningKey.generate(Algorithm.ES256), kid=_KEY.kid)
    forged = jws.sign({"typ": revocation_feed.TYP}, json.dumps(_claims()).encode(), stranger)

    assert _refused(forged) == "bad_signature"
    for keys, algorithms, reason in (({}, ASYMMETRIC, "unknown_key"), (None, {Algorithm.RS256}, "alg_not_allowed")):
        find_key = {_KEY.kid: _KEY.public}.get if keys is None else keys.get
        with pytest.raises(InvalidToken) as refused:
            revocation_feed.verify(good, find_key=find_key, algorithms=frozenset(algorithms), issuer=_ISSUER)
        assert refused.value.reason.value == reason


@given(place=st.integers(min_value=0), bits=st.integers(min_value=1, max_value=255))
def test_no_changed_byte_passes(place: int, bits: int) -> None:
    """A flipped bit anywhere: header, payload or signature."""
    good = bytearray(_signed(_claims()).encode())
    good[place % len(good)] ^= bits

    assert _refused(good.decode("latin-1")) in {
        "malformed",
        "bad_signature",
        "unknown_key",
        "wrong_type",
        "alg_not_allowed",
    }


def test_what_is_no_text_is_no_page() -> None:
    """Whatever a careless caller hands in."""
    for odd in (None, b"x", 7, "", "a.b", "a.b.c", os.urandom(16).hex()):
        assert _refused(odd) == "malformed"
