"""A17 to A21: one spelling, one meaning, one bound: of base64url, of JSON, of Unicode, of length."""

import json
import time
import tracemalloc
from collections.abc import Callable
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from model import broken_rule
from target import MAX_SECONDS, Target, good_claims, segment, target

from keyturn import InvalidToken
from keyturn.tokens import base64url
from keyturn.tokens.algorithms import Algorithm
from keyturn.tokens.revocation import RevocationKind, digest


def test_a17_a_segment_has_one_spelling(api: Target) -> None:
    """A17, VER-02: padding, blanks, line ends, the other alphabet, foreign characters, at any place of any segment."""
    parts = api.sign().split(".")
    for number, part in enumerate(parts):
        half = len(part) // 2
        spellings = [
            part + tail for tail in ("=", "==", "===", " ", "\n", "\r\n", "\t", "\0", "A", "AAAA", "%3D", "%0A")
        ]
        spellings += [head + part for head in ("=", " ", "\n", "\0", "\ufeff")]
        spellings += [
            part[:half] + amid + part[half:] for amid in ("=", " ", "\n", "\r\n ", "!", "?", "+", "/", "é", "\0")
        ]
        spellings += [part[:half], part[:-1], part[1:], "", part[:-1] + "=", part.swapcase()]
        for spelling in spellings:
            api.refuse(".".join([*parts[:number], spelling, *parts[number + 1 :]]))


def test_a17_stray_bits_make_no_second_token(api: Target) -> None:
    """A17: all twins of a segment that lenient decoders read as the same bytes are malformed."""
    parts = api.sign().split(".")
    for number, part in enumerate(parts):
        for twin in _twins(part):
            api.refuse(".".join([*parts[:number], twin, *parts[number + 1 :]]), "malformed")


@pytest.mark.parametrize("size", [1, 2, 3, 5])
def test_a17_twins_of_every_length_of_payload(size: int) -> None:
    """A17: the claims too end at each place within four characters, and signed stray bits are refused all the same."""
    api = target(Algorithm.HS256)
    claims = json.dumps(good_claims())[:-1] + ',"x":"' + "x" * size + '"}'
    head, body = segment(api.header), segment(claims.encode())
    for twin in _twins(body):
        signature = base64url.encode(api.key.sign(f"{head}.{twin}".encode()))
        api.refuse(f"{head}.{twin}.{signature}", "malformed")
    api.accept(api.sign(claims.encode()))


def test_a17_a_length_that_no_bytes_have_is_malformed(api: Target) -> None:
    """A17: a segment of 1, 5, 9 … characters."""
    head, payload, signature = api.sign().split(".")
    for text in (f"A.{payload}.{signature}", f"{head}.A.{signature}", f"{head}.{payload}.A", f"{head}.{payload}.AAAAA"):
        api.refuse(text, "malformed")


@pytest.mark.parametrize("name", ["alg", "kid", "typ", "jwk", "x"])
def test_a18_a_header_says_nothing_twice(name: str, api: Target) -> None:
    """A18, VER-05: with equal values and with others, first or last, plain or escaped."""
    good = json.dumps(api.header.get(name, 1))
    escaped = f"\\u{ord(name[0]):04x}{name[1:]}"
    rest = json.dumps(api.header)[1:-1]
    for twin in (f'"{name}":{good}', f'"{name}":"none"', f'"{escaped}":{good}', f'"{escaped}":null'):
        for doubled in (f"{twin},{rest}", f"{rest},{twin}"):
            text = doubled if name in api.header else f"{doubled},{twin}"
            api.refuse(api.sign(None, f"{{{text}}}".encode()), "malformed")


@pytest.mark.parametrize("name", ["iss", "sub", "aud", "exp", "iat", "jti", "scope", "roles", "client_id", "x"])
def test_a18_claims_say_nothing_twice(name: str, api: Target) -> None:
    """A18, VER-05: a gateway that takes the first and an app that takes the last would read two tokens."""
    rest = json.dumps({**good_claims(), "x": 1})[1:-1]
    for key in (name, f"\\u{ord(name[0]):04X}{name[1:]}", name[:-1] + f"\\u{ord(name[-1]):04x}"):
        for value in (json.dumps(good_claims().get(name, 1)), '"admin"', "null"):
            for doubled in (f'{{"{key}":{value},{rest}}}', f'{{{rest},"{key}":{value}}}'):
                api.refuse(api.sign(doubled.encode()), "malformed")


def test_a18_what_the_two_readers_would_have_seen_differs() -> None:
    """A18: so that the test above tries what it says: first-wins and last-wins disagree about who it is."""
    text = '{"sub":"user-1","s\\u0075b":"admin"}'
    last: dict[str, str] = json.loads(text)
    first: dict[str, str] = json.loads(text, object_pairs_hook=lambda pairs: dict(reversed(pairs)))
    assert (first["sub"], last["sub"]) == ("user-1", "admin")


def test_a18_nothing_is_said_twice_further_inside(api: Target) -> None:
    """A18: in an object within a claim, in a list, in a member of the header."""
    rest = json.dumps(good_claims())[:-1]
    for inner in ('{"a":1,"a":2}', '[{"a":1,"\\u0061":1}]', '{"b":{"a":1,"a":1}}'):
        api.refuse(api.sign(f'{rest},"x":{inner}}}'.encode()), "malformed")
        api.refuse(api.sign(None, f'{json.dumps(api.header)[:-1]},"x":{inner}}}'.encode()), "malformed")


@pytest.mark.parametrize(
    "encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be", "cp500"]
)
def test_a19_only_utf_8_is_read(encoding: str, api: Target) -> None:
    """A19, VER-04: as claims and as header; parsers that guess an encoding read some of these."""
    claims = json.dumps({**good_claims(), "x": "\u00e5"}, ensure_ascii=False)
    api.accept(api.sign(claims.encode()))
    api.refuse(api.sign(claims.encode(encoding)), "malformed")
    api.refuse(api.sign(None, json.dumps(api.header).encode(encoding)), "malformed")


@pytest.mark.parametrize(
    "data",
    [b"\xff", b"\x80", b"\xc0\xaf", b"\xc0\x80", b"\xe0\x80\xaf", b"\xed\xa0\x80", b"\xed\xb0\x80", b"\xe2\x82",
     b"\xf4\x90\x80\x80", b"\xf8\x88\x80\x80\x80", b"\\ud800", b"\\udc00", b"\\udc00\\ud800", b"\\ud800\\u0041", b"\0",
     b"\x1f", b"\n", b"\\x41", b"\\u12", b"\\u{41}"],
)  # fmt: skip
def test_a19_a_broken_text_is_refused(data: bytes, api: Target) -> None:
    """A19: invalid, overlong and cut off sequences, lone surrogates, controls; in a value, a name, a header."""
    claims, head = json.dumps(good_claims()).encode(), json.dumps(api.header).encode()
    api.refuse(api.sign(claims.replace(b"user-1", b"user-1" + data)), "malformed")
    api.refuse(api.sign(claims[:-1] + b',"' + data + b'":1}'), "malformed")
    api.refuse(api.sign(None, head[:-1] + b',"x":"' + data + b'"}'), "malformed")


def test_a19_look_alikes_are_others(api: Target) -> None:
    """A19: NUL, NFC and NFKC twins, homoglyphs: byte for byte what they are, also to the denylist and in roles."""
    for one, other in (
        ("\u00c5sa", "A\u030asa"),
        ("admin", "\uff41dmin"),
        ("admin", "\u0430dmin"),
        ("admin", "admin\0"),
        ("\u212b", "\u00c5"),
        ("\ufb01x", "fix"),
        ("admin", "ADMIN"),
        ("admin", "admin\u200b"),
    ):
        seen = api.accept(api.with_claims(sub=one, roles=[one], scope=one))
        twin = api.accept(api.with_claims(sub=other, roles=[other], scope=other))
        assert (twin.sub, twin.roles, twin.scopes) == (other, (other,), {other})
        assert not {seen.sub, *seen.roles} & {twin.sub, *twin.roles}
        assert digest(RevocationKind.SUB, one) != digest(RevocationKind.SUB, other)


def test_a19_names_of_claims_are_exact(api: Target) -> None:
    """A19: a claim whose name looks like another's does not stand in for it."""
    for name, like in (("sub", "SUB"), ("sub", "\u0455ub"), ("exp", "e\u0445p"), ("iss", "\u0131ss"), ("aud", "aud\0")):
        api.refuse(api.with_claims(**{name: ..., like: good_claims()[name]}), "missing_claim")


def test_a20_the_json_test_suite(vectors: Path, say: Callable[[str], None]) -> None:
    """A20, VER-29: the 318 texts as header, as claims, as a claim: taken only where a valid token could hold it."""
    paths = sorted((vectors / "jsontestsuite" / "test_parsing").glob("*.json"))
    assert len(paths) == 318
    accepted = {"header": set[str](), "claims": set[str](), "claim": set[str]()}
    api = target(Algorithm.HS256)
    for path in paths:
        for place, head, payload in _places(path.read_bytes(), api):
            if _is_accepted(api, api.sign(payload, head)):
                assert broken_rule(api.algorithm, head, payload) is None, (path.name, place)
                accepted[place].add(path.name)
            else:
                assert broken_rule(api.algorithm, head, payload), (path.name, place)
    kinds = {kind: sum(name[0] == kind for name in accepted["claim"]) for kind in "yin"}
    say(f"JSONTestSuite: of 318 texts 0 accepted as header, 0 as claims; as a claim {kinds} of y 95, i 35, n 188")
    assert accepted["header"] == accepted["claims"] == set()
    assert kinds["n"] == 0
    doubled = {"y_object_duplicated_key.json", "y_object_duplicated_key_and_value.json"}
    assert {path.name for path in paths if path.name[0] == "y"} - accepted["claim"] == doubled


_HOSTILE: dict[str, bytes] = {
    "deep lists": b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "deep objects": b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
    "deep and open": b'{"a":' + b"[" * 100_000,
    "5000 digits": b'{"exp":' + b"9" * 5000 + b"}",
    "5000 digits behind the point": b'{"exp":1.' + b"9" * 5000 + b"}",
    "a million names": b"{" + b",".join(b'"%d":1' % number for number in range(1_000_000)) + b"}",
    "a string of a megabyte": b'{"sub":"' + b"x" * 1_000_000 + b'"}',
    "a megabyte of escapes": b'{"sub":"' + b"\\u0041" * 170_000 + b'"}',
    "a megabyte of blanks": b"{" + b" " * 1_000_000 + b"}",
}

_WITHIN_BOUNDS: dict[str, bytes] = {
    "deep lists": b'{"a":' + b"[" * 2900 + b"]" * 2900 + b"}",
    "deep and open": b'{"a":' + b"[" * 5900,
    "objects in lists": b'{"a":[' + b"{}," * 1900 + b"{}]}",
    "many names": b"{" + b",".join(b'"%x":0' % number for number in range(800)) + b"}",
    "many empty lists": b'{"a":[' + b"[]," * 1900 + b"[]]}",
    "4000 digits": b'{"exp":' + b"9" * 4000 + b"}",
    "5900 digits": b'{"exp":' + b"9" * 5900 + b"}",
    "digits behind the point": b'{"exp":0.' + b"1" * 5900 + b"}",
    "an exponent": b'{"exp":1e' + b"9" * 5900 + b"}",
    "a negative exponent": b'{"exp":1e-' + b"9" * 5900 + b"}",
    "quotes": b'{"a":"' + b'\\"' * 2900 + b'"}',
    "a string that never ends": b'{"a":"' + b"\\\\" * 2900,
    "brackets in strings": b'{"a":"' + b"[{" * 2900 + b'"}',
    "surrogates": b'{"a":"' + b"\\ud83d\\ude00" * 480 + b'"}',
    "blanks": b"{" + b" \t\r\n" * 1400 + b"}",
    "colons": b"{" + b":" * 5900 + b"}",
    "names of one hash": b"{"
    + b",".join(map(b'"%s":0'.__mod__, map(b"".join, product((b"Aa", b"BB"), repeat=7))))
    + b"}",
}


@pytest.mark.parametrize("name", [*_HOSTILE, *(f"{name} within 8 KiB" for name in _WITHIN_BOUNDS)])
def test_a20_a_hostile_text_costs_next_to_nothing(name: str) -> None:
    """A20, VER-29: as claims and as header: InvalidToken, within 5 ms and a megabyte."""
    data = _HOSTILE[name] if name in _HOSTILE else _WITHIN_BOUNDS[name.removesuffix(" within 8 KiB")]
    for api in (target(Algorithm.HS256), target(Algorithm.ES256)):
        for text in (api.sign(data), api.sign(None, data)):
            api.refuse(text, "malformed", "missing_claim")
            assert _peak(api, text) < 1_000_000


@pytest.mark.parametrize("size", [8193, 1_000_000, 100_000_000])
def test_a21_a_long_text_is_refused_by_its_length(size: int) -> None:
    """A21, VER-03: 8 KiB and one, a megabyte, a hundred: in no time, whatever is in it (CVE-2025-30204)."""
    api = target(Algorithm.HS256)
    head, _, signature = api.sign().split(".")
    texts = ["a" * size, "." * size, f"{head}.".ljust(size, "A"), f"{head}.e30.{signature}".ljust(size, "=")]
    for text in texts if size < 100_000_000 else texts[:1]:
        began = time.thread_time()
        with pytest.raises(InvalidToken) as refused:
            api.verifier.verify(text)
        assert time.thread_time() - began < MAX_SECONDS  # the first time counts: Python keeps the hash of a text
        assert refused.value.reason == "malformed"
        assert _peak(api, text) < 1_000_000


def test_a21_a_million_dots_are_not_split(api: Target) -> None:
    """A21: nor a few, nor as many as 8 KiB hold."""
    head, payload, signature = api.sign().split(".")
    for text in (
        "." * 1_000_000,
        "." * 8192,
        f"{head}.{payload}.{'.' * 7000}",
        f"{'.' * 7000}{head}.{payload}.{signature}",
    ):
        api.refuse(text, "malformed")
        assert _peak(api, text) < 1_000_000


def test_a21_the_bound_is_where_it_is_said_to_be(api: Target) -> None:
    """A21: 8192 characters are read, one more is not; likewise 1024 bytes of header."""
    fits = _padded(api, 8192)
    assert api.accept(fits).sub == "user-1"
    api.refuse(api.sign({**good_claims(), "x": "x" * 7000}), "malformed")
    room = 1024 - len(json.dumps({**api.header, "x": ""}, separators=(",", ":")))
    api.accept(api.with_header(x="x" * room))
    api.refuse(api.with_header(x="x" * (room + 1)), "malformed")


def _padded(api: Target, size: int) -> str:
    """Return the longest good token of at most *size* characters, which is at most two below."""
    room = size
    while len(text := api.sign({**good_claims(), "x": "x" * room})) > size:
        room -= max((len(text) - size) // 2, 1)
    assert size - len(text) <= 2
    return text


def _twins(part: str) -> list[str]:
    """Return the other spellings that have the same bytes to a lenient decoder."""
    free = {0: 1, 2: 16, 3: 4}[len(part) % 4]
    last = base64url.ALPHABET.index(part[-1].encode())
    return [part[:-1] + chr(base64url.ALPHABET[last ^ bits]) for bits in range(1, free)]


def _places(data: bytes, api: Target) -> list[tuple[str, bytes, bytes]]:
    head, claims = json.dumps(api.header).encode(), json.dumps(good_claims()).encode()
    return [
        ("header", data, claims),
        ("claims", head, data),
        ("claim", head, claims[:-1] + b',"x":' + data + b"}"),
    ]


def _is_accepted(api: Target, text: str) -> bool:
    try:
        api.verifier.verify(text)
    except InvalidToken:
        return False
    return True


def _peak(api: Target, text: Any) -> int:
    """Return the bytes that a refusal takes at its peak."""
    tracemalloc.start()
    try:
        with pytest.raises(InvalidToken):
            api.verifier.verify(text)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
