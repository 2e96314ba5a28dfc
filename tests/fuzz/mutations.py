"""How a draft becomes another one: in its claims, its header, its bytes, its text, its signature; and two become one.

Each is a function of a draft, another draft, and randomness. None tries to break a certain rule: the model says
afterwards whether one is broken.
"""

import json
from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache
from itertools import accumulate
from random import Random
from typing import Final

from drafts import Draft, Edit, Seal, good_draft, good_token
from target import ALGORITHMS, AUDIENCE, ISSUER, NOW

from keyturn.tokens import base64url
from keyturn.tokens.algorithms import Algorithm

Mutate = Callable[[Random, Draft, Draft], Draft]


def mutate(random: Random, draft: Draft, other: Draft) -> Draft:
    """Return *draft* changed once or a few times; *other* lends parts."""
    draft = _aim(draft, random.choices(ALGORITHMS, cum_weights=_COSTS)[0])
    for _ in range(random.choice((1, 1, 1, 1, 2, 2, 3))):
        draft = random.choices(_MUTATIONS, cum_weights=_WEIGHTS)[0](random, draft, other)
    return draft


def _aim(draft: Draft, algorithm: Algorithm) -> Draft:
    """Return *draft* for another algorithm: what was learnt with one serves for all."""
    old, new = draft.algorithm.encode(), algorithm.encode()
    return replace(draft, algorithm=algorithm, head=draft.head.replace(old, new))


def change_document(random: Random, data: bytes) -> bytes:
    """Return other bytes than *data*, which may be a JSON object: with a member changed, or anywhere."""
    for _ in range(random.choice((1, 1, 2, 3))):
        if _members(data) and random.random() < _HALF:
            data = _change_member(random, data, b'{"x":1}', _CLAIMS)
        else:
            data = _change_bytes(random, data)
    return data


def change_claims(random: Random, draft: Draft, _other: Draft) -> Draft:
    """Give a claim another value, another name, a twin or none."""
    payload = _change_member(random, draft.payload, good_draft(draft.algorithm).payload, _CLAIMS)
    return replace(draft, payload=payload)


def change_header(random: Random, draft: Draft, _other: Draft) -> Draft:
    """Do the same in the header."""
    return replace(draft, head=_change_member(random, draft.head, good_draft(draft.algorithm).head, _HEADER))


def change_bytes(random: Random, draft: Draft, _other: Draft) -> Draft:
    """Change bytes of the header or the claims before they are signed."""
    if random.random() < _HALF:
        return replace(draft, head=_change_bytes(random, draft.head))
    return replace(draft, payload=_change_bytes(random, draft.payload))


def change_encoding(random: Random, draft: Draft, _other: Draft) -> Draft:
    """Write the header or the claims in another encoding of Unicode."""
    encoding = random.choice(_ENCODINGS)
    if random.random() < _HALF:
        return replace(draft, head=_recode(draft.head, encoding))
    return replace(draft, payload=_recode(draft.payload, encoding))


def change_text(random: Random, draft: Draft, _other: Draft) -> Draft:
    """Change characters of the token once it is signed."""
    size = len(good_token(draft.algorithm))
    at = random.choice((random.randrange(size + 1), size - random.randrange(5), size - 86, 0))
    put = random.choice(_PUTS) if random.random() < _HALF else chr(random.choice(base64url.ALPHABET))
    edit = Edit(at=at, cut=random.choice((0, 1, 1, 1, 2, 4, 86)), put=put)
    return replace(draft, edits=(*draft.edits, edit)[-4:])


def respell(random: Random, draft: Draft, _other: Draft) -> Draft:
    """Write the last bytes of the token in another spelling of base64url, or with padding."""
    end = len(good_token(draft.algorithm)) - 1
    last = base64url.ALPHABET.index(good_token(draft.algorithm)[end].encode())
    twin = chr(base64url.ALPHABET[last ^ random.randrange(1, 16)])
    put = twin if random.random() < _HALF else good_token(draft.algorithm)[end] + random.choice(_TAILS)
    return replace(draft, edits=(Edit(at=end, cut=1, put=put),))


def change_signature(random: Random, draft: Draft, _other: Draft) -> Draft:
    """Let somebody else sign, or take the signature of another token."""
    return replace(draft, seal=random.choice(list(Seal)))


def change_algorithm(random: Random, draft: Draft, _other: Draft) -> Draft:
    """Present the same to a key of another algorithm, with or without its name in the header."""
    algorithm = random.choices(ALGORITHMS, cum_weights=_COSTS)[0]
    if random.random() < _HALF:
        return replace(draft, algorithm=algorithm)
    return replace(draft, algorithm=algorithm, head=good_draft(algorithm).head)


def splice(random: Random, draft: Draft, other: Draft) -> Draft:
    """Take a part of another draft."""
    match random.randrange(4):
        case 0:
            return replace(draft, head=other.head)
        case 1:
            return replace(draft, payload=other.payload)
        case 2:
            return replace(draft, edits=other.edits)
        case _:
            cut, other_cut = random.randrange(len(draft.payload) + 1), random.randrange(len(other.payload) + 1)
            return replace(draft, payload=draft.payload[:cut] + other.payload[other_cut:])


def grow(random: Random, draft: Draft, _other: Draft) -> Draft:
    """Make it long, deep or wide."""
    many = random.choice((8, 15, 16, 17, 100, 1000, 4301, 6000, 100_000))
    value = random.choice(_GROWN)(many)
    return replace(draft, payload=_with_member(draft.payload, ('"x"', value)))


def _change_member(random: Random, data: bytes, fallback: bytes, names: tuple[str, ...]) -> bytes:
    members = list(_members(data) or _members(fallback))
    at = random.randrange(len(members))
    name = json.dumps(random.choice(names))
    match random.randrange(7):
        case 0 | 1 | 2:
            members[at] = (members[at][0], _value(random))
        case 3:
            del members[at]
        case 4:
            members.insert(random.randrange(len(members) + 1), (_respelled(random, members[at][0]), _value(random)))
        case 5:
            members[at] = (name, members[at][1])
        case _:
            members.append((name, _value(random)))
    return _join(members)


def _value(random: Random) -> str:
    """Return a value as JSON writes it, or as it should not."""
    if random.random() < _HALF:
        return random.choice(_VALUES)
    return json.dumps(random.choice((NOW, NOW + 600)) + random.choice(_DISTANCES))


def _respelled(random: Random, name: str) -> str:
    """Return a *name*, or the same with a character escaped."""
    if len(name) < _SHORT or "\\" in name or random.random() < _HALF:
        return name
    return f'"\\u{ord(name[1]):04x}{name[2:]}'


@lru_cache(maxsize=4096)
def _members(data: bytes) -> tuple[tuple[str, str], ...]:
    """Return names and values of a JSON object as they are written; none if it is none."""
    try:
        pairs = json.loads(data, object_pairs_hook=lambda pairs: dict(enumerate(pairs)))
        return tuple((json.dumps(name), json.dumps(value)) for name, value in pairs.values())
    except (ValueError, TypeError, AttributeError, RecursionError):
        return ()


def _with_member(data: bytes, member: tuple[str, str]) -> bytes:
    return _join([*_members(data), member])


def _join(members: list[tuple[str, str]]) -> bytes:
    return ("{" + ",".join(f"{name}:{value}" for name, value in members) + "}").encode("utf-8", "surrogatepass")


def _change_bytes(random: Random, data: bytes) -> bytes:
    at = random.randrange(len(data) + 1)
    match random.randrange(5):
        case 0:
            return data[:at] + random.choice(_BYTES) + data[at:]
        case 1:
            return data[:at] + random.choice(_BYTES) + data[at + 1 :]
        case 2:
            return data[:at] + data[at + random.randrange(1, 9) :]
        case 3:
            return data[:at] + random.randbytes(1) + data[at + 1 :]
        case _:
            return data[:at] + data[random.randrange(len(data) + 1) :]


def _recode(data: bytes, encoding: str) -> bytes:
    return data.decode("utf-8", "replace").encode(encoding)


_HALF: Final = 0.5
_SHORT: Final = 3
_CLAIMS: Final = (
    *("iss", "sub", "aud", "exp", "iat", "nbf", "jti", "client_id", "sid", "scope", "roles", "auth_time", "cnf", "amr"),
    *("admin", "act", "exp ", "EXP", "", "\ud800", "\0", "__proto__", "\u0435\u0445\u0440"),
)
_HEADER: Final = (
    *("alg", "kid", "typ", "cty", "jwk", "jku", "x5u", "x5c", "x5t", "x5t#S256", "crit", "b64", "zip", "enc", "epk"),
    *("p2c", "p2s", "iv", "tag", "apu", "url", "nonce", "ALG", "", "\0"),
)
_NAMES: Final = (
    *(
        ISSUER,
        AUDIENCE,
        ISSUER + "/",
        AUDIENCE + "/",
        ISSUER[:-1],
        AUDIENCE.upper(),
        "",
        " ",
        "user-1",
        "admin",
        "a  b",
    ),
    *("at+jwt", "AT+JWT", "application/at+jwt", "JWT", "at+jwt ", "\uff41t+jwt", "none", "None", "RS256", "HS256"),
    *("ES256K", "key-ES256", "key-HS256", "../../dev/null", "' OR 1=1--", "a\0b", "\ud800", "\u212b", "x" * 129),
)
_VALUES: Final = (
    *map(json.dumps, _NAMES),
    *("null", "true", "false", "0", "-1", "-0", "0.0", "1e3", "1e999", "-1e999", "NaN", "Infinity", "-Infinity"),
    *("1" * 400, "9" * 4301, str(2**53), str(2**53 - 1), "1.8e9", "01", "+1", ".5", "1.", "0x10", "1_000", "--1"),
    *("[]", "{}", "[[]]", '[""]', '["a",null]', '{"a":1,"a":2}', '["admin"]', '"admin"', '{"admin":0}', "[0]"),
    *(json.dumps([AUDIENCE]), json.dumps([[AUDIENCE]]), json.dumps({AUDIENCE: 1}), json.dumps([AUDIENCE, "other"])),
    *('["exp"]', '["b64"]', '{"kty":"oct","k":"AAAA"}', '{"jkt":"AA"}', "[" * 20 + "]" * 20, '"\\ud800"', '"\\u0000"'),
)
_DISTANCES: Final = (-86400, -3601, -3600, -606, -605, -604, -6, -5, -1, 0, 1, 4, 5, 6, 599, 3000, 3001, 0.5, -0.5, 1e9)
_BYTES: Final = (
    *(
        b"\x00",
        b"\x1f",
        b"\x7f",
        b"\xff",
        b"\xc0\xaf",
        b"\xed\xa0\x80",
        b"\xe2\x82",
        b"\xf4\x90\x80\x80",
        b"\xef\xbb\xbf",
    ),
    *(
        b'"',
        b"\\",
        b"{",
        b"}",
        b"[",
        b"]",
        b",",
        b":",
        b" ",
        b"\n",
        b"\x0b",
        b"\xc2\xa0",
        b"\\u",
        b"\\ud83d",
        b"e9",
        b"-",
    ),
    *(b"//", b"/**/", b"'", b"null", b"NaN", b"{}", b"[[[[[[[[[[[[[[[[[[[[", b'"alg":"none",', b'"exp":1,'),
)
_TAILS: Final = ("=", "==", "A", "AA", "\n", " ", ".", "\0", "+", "%3D")
_ENCODINGS: Final = ("utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-7")
_PUTS: Final = (
    *(
        "",
        ".",
        "..",
        "=",
        "==",
        "+",
        "/",
        " ",
        "\n",
        "\r\n",
        "\t",
        "\0",
        "?",
        "!",
        "%2e",
        "~",
        "\x7f",
        "A",
        "AA",
        "AAAA",
    ),
    *("é", "\u2024", "\ufeff", "\u200b", "\uff21", "\ud800", "😀", "e30", "e30.e30", "." * 9000, "A" * 9000, "bnVsbA"),
)
_GROWN: Final[tuple[Callable[[int], str], ...]] = (
    lambda many: "[" * many + "]" * many,
    lambda many: '{"a":' * many + "1" + "}" * many,
    lambda many: "[" * many,
    lambda many: "9" * many,
    lambda many: '"' + "x" * many + '"',
    lambda many: '"' + "\\" * many + '"',
    lambda many: '"' + "\\u0041" * many + '"',
    lambda many: "{" + ",".join(f'"{number}":0' for number in range(many)) + "}",
    lambda many: "[" + ",".join(["{}"] * many) + "]",
    lambda many: " " * many + "1",
    lambda many: "1" + "e" * many,
    lambda many: "0." + "1" * many,
    lambda many: "1e-" + "9" * min(many, 4000),
)
# By what each costs to sign and to verify: the rules of JSON and claims are the same for all.
_COSTS: Final = tuple(
    accumulate(
        {Algorithm.HS256: 120, Algorithm.HS512: 40, Algorithm.EdDSA: 12, Algorithm.ES256: 12}.get(each, 1)
        for each in ALGORITHMS
    )
)
_MUTATIONS: Final[tuple[Mutate, ...]] = (
    *(change_claims, change_header, change_bytes, change_encoding, change_text),
    *(respell, change_signature, change_algorithm, splice, grow),
)
_WEIGHTS: Final = tuple(accumulate((20, 14, 16, 2, 30, 3, 3, 3, 8, 1)))
