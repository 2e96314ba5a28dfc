"""A09 to A12, A15, A16: headers that bring a key, name a file, switch something on, or make the token another thing."""

import base64
import json
import socket
import tracemalloc
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from random import Random
from typing import Any

import pytest
from joserfc import jwe
from joserfc.jwk import ECKey, RSAKey
from target import (
    AUDIENCE,
    ISSUER,
    NOW,
    Target,
    good_claims,
    jwk_of,
    kid_of,
    segment,
    target,
)
from watching import watching

from keyturn import InvalidToken, Verifier
from keyturn.tokens import base64url
from keyturn.tokens.algorithms import ASYMMETRIC, Algorithm
from keyturn.tokens.keys import SigningKey

_SYMMETRIC = {Algorithm.HS256, Algorithm.HS512}
_ODD_KIDS: tuple[Any, ...] = (
    *("../../dev/null", "/dev/null", "/proc/self/environ", "file:///etc/passwd", "C:\\Windows\\win.ini", "\\\\evil\\x"),
    *("' OR 1=1--", "x' UNION SELECT 'key", "'; DROP TABLE signing_keys;--", '" OR ""="', "1;SELECT pg_sleep(9)"),
    *("$(id)", "`id`", "|id", ";id", "&& id", "%0aid", "{{7*7}}", "${jndi:ldap://evil}", "<script>", "*", "key-*"),
    *("a\0b", "\0", "key\r\nX: y", "\x1b[31m", "", " ", "é", "\u2024\u2024/", "k" * 129, "k" * 1300, "k" * 65_536),
    *(5, -1, 0, 1.5, 10**400, True, False, None, [], ["key-ES256"], {}, {"key-ES256": 1}, [[]]),
)
_CRITS: tuple[Any, ...] = (
    *(["exp"], ["b64"], ["unknown"], ["alg"], ["crit"], ["absent", "kid"], ["exp", "exp"], [], [""], [None], [1]),
    *([["exp"]], "exp", "", {}, {"exp": 1}, None, True, 0),
)


def test_a09_a_key_in_the_header_is_not_looked_at(api: Target) -> None:
    """A09, VER-13: jwk, jku, x5u, x5c, x5t beside a stranger's signature, and beside the issuer's own: all refused."""
    stranger = SigningKey.generate(Algorithm.ES256 if api.algorithm in _SYMMETRIC else api.algorithm)
    with canary() as (url, visitors), watching() as events:
        for member in _key_bringers(stranger, url):
            for kid in (kid_of(api.algorithm), stranger.kid, None):
                header = {"alg": stranger.algorithm.value, "typ": "at+jwt", **member} | ({"kid": kid} if kid else {})
                api.refuse(_signed_by(stranger, header), "malformed")
                api.refuse(api.sign(None, {**api.header, **member}), "malformed")
        assert events == []
        assert visitors() == 0


def test_a09_a_key_that_is_not_found_is_the_end(api: Target) -> None:
    """A09, VER-14: with ``kid`` missing, unknown or another's, no other key is tried, not even the only one."""
    stranger = SigningKey.generate(api.algorithm)
    only = Verifier(
        *(ISSUER, AUDIENCE),
        algorithms=[api.algorithm],
        jwks={"keys": [jwk_of(api.algorithm)]},
        clock=lambda: NOW,
    )
    one_key = Target(algorithm=api.algorithm, key=api.key, verifier=only)
    for kid in (..., "unknown", kid_of(api.algorithm).lower(), kid_of(api.algorithm)[:-1], api.key.kid):
        for tried in (api, one_key):
            tried.refuse(tried.with_header(kid=kid), "unknown_key")
    for header in (api.header, {**api.header, "kid": stranger.kid}):
        api.refuse(_signed_by(stranger, header), "bad_signature", "unknown_key")


def test_a10_a_key_name_reaches_no_file_and_no_query(api: Target) -> None:
    """A10, VER-15: such a ``kid`` is refused, and the process opens, asks, starts and imports nothing meanwhile."""
    for kid in _ODD_KIDS:
        text = api.with_header(kid=kid)
        api.refuse(text, "malformed", "unknown_key")
        with watching() as events, suppress(InvalidToken):
            api.verifier.verify(text)
        assert events == []


def test_a10_the_watch_sees_what_it_is_there_for() -> None:
    """A10: a file that is opened while we watch is on the list."""
    with watching() as events, open(__file__, "rb"), socket.socket():  # noqa: PTH123 - the event under test
        pass
    assert {"open", "socket.__new__"} <= set(events)


def test_a10_names_are_those_of_one_issuer(api: Target) -> None:
    """A10, A33: two issuers with one ``kid``: neither API takes the other's tokens, and ``__proto__`` names nothing."""
    stranger = SigningKey.generate(api.algorithm)
    other = {**good_claims(), "iss": "https://other.example.com"}
    for claims in (other, good_claims()):
        api.refuse(_signed_by(stranger, api.header, claims), "bad_signature")
    api.refuse(api.sign(other), "wrong_issuer")
    for kid in ("__proto__", "constructor", "toString", "__class__", "keys", "get", "0"):
        api.refuse(api.with_header(kid=kid), "unknown_key")


def test_a11_a_critical_extension_is_never_understood(api: Target) -> None:
    """A11, VER-16: unknown, empty, registered, a string, a number inside, twice: the token is refused as a whole."""
    for crit in _CRITS:
        api.refuse(api.with_header(crit=crit), "malformed")
        api.refuse(api.with_header(crit=crit, exp=NOW + 600, b64=True, unknown=1), "malformed")


def test_a11_crit_hides_nowhere(api: Target) -> None:
    """A11: twice, escaped, in an unprotected header; an object within an unknown member is none, and harmless."""
    head = json.dumps(api.header)[:-1].encode()
    for raw in (b',"crit":["exp"],"crit":["exp"]}', b',"cr\\u0069t":["exp"]}', b',"\\u0063rit":[]}'):
        api.refuse(api.sign(None, head + raw), "malformed")
    protected, payload, signature = api.sign().split(".")
    unprotected = {"protected": protected, "header": {"crit": ["exp"]}, "payload": payload, "signature": signature}
    api.refuse(json.dumps(unprotected), "malformed")
    api.accept(api.with_header(x={"crit": ["exp"]}))


@pytest.mark.parametrize("b64", [False, True, None, 0, "false"], ids=repr)
def test_a12_an_unencoded_payload_is_no_token(b64: object, api: Target) -> None:
    """A12, VER-17: ``b64``, whatever it says, with ``crit`` and without; the payload as it is, encoded, or detached."""
    plain = json.dumps(good_claims(), separators=(",", ":"))
    for extra in ({}, {"crit": ["b64"]}, {"crit": []}, {"crit": "b64"}):
        header = {**api.header, "b64": b64, **extra}
        unsigned = f"{segment(header)}.{plain}"
        signature = base64url.encode(api.key.sign(unsigned.encode()))
        for text in (api.sign(None, header), f"{unsigned}.{signature}", f"{segment(header)}..{signature}"):
            api.refuse(text, "malformed")


def test_a12_ten_megabytes_of_unencoded_payload_are_not_read(api: Target) -> None:
    """A12: refused by its length."""
    head = segment({**api.header, "b64": False, "crit": ["b64"]})
    api.refuse(f"{head}.{'x' * 10_000_000}.AAAA", "malformed")


def test_a15_a_token_wrapped_for_our_public_key_is_no_token() -> None:
    """A15, VER-18: a real JWE to the API's own key, around a good token, an unsigned one, bare claims."""
    rsa, ec = target(Algorithm.RS256), target(Algorithm.ES256)
    rsa_key = RSAKey.import_key({name: jwk_of(Algorithm.RS256)[name] for name in ("kty", "n", "e")})
    ec_key = ECKey.import_key({name: jwk_of(Algorithm.ES256)[name] for name in ("kty", "crv", "x", "y")})
    for api, key, alg in ((rsa, rsa_key, "RSA-OAEP"), (ec, ec_key, "ECDH-ES"), (ec, ec_key, "ECDH-ES+A128KW")):
        unsigned = f"{segment({'alg': 'none', 'typ': 'at+jwt'})}.{segment(good_claims())}."
        for inner in (api.sign(), unsigned, json.dumps(good_claims())):
            header = {"alg": alg, "enc": "A128GCM", "kid": kid_of(api.algorithm), "typ": "at+jwt", "cty": "JWT"}
            text = jwe.encrypt_compact(header, inner.encode(), key, algorithms=[alg, "A128GCM"])
            assert text.count(".") == 4
            api.refuse(text, "malformed")
            api.refuse(".".join(text.split(".")[:3]), "malformed", "alg_not_allowed")


def test_a15_a_plain_token_and_a_nested_one_are_none(api: Target) -> None:
    """A15: two segments, three with an empty last one, five, and a signed token whose payload is another token."""
    head, payload, signature = api.sign().split(".")
    for text in (f"{head}.{payload}", f"{payload}.{signature}", f"{head}.{payload}..{signature}", "....", "a.b.c.d.e"):
        api.refuse(text, "malformed")
    nested = api.sign(api.sign().encode(), {**api.header, "cty": "JWT"})
    api.refuse(nested, "malformed")
    api.refuse(api.sign(json.dumps(api.sign()).encode()), "malformed")


@pytest.mark.parametrize(
    "header",
    [
        {"alg": "dir", "enc": "A128GCM", "zip": "DEF"},
        {"alg": "RSA1_5", "enc": "A128CBC-HS256"},
        {"alg": "RSA-OAEP", "enc": "A128GCM", "zip": "DEF"},
        {"alg": "PBES2-HS256+A128KW", "enc": "A128GCM", "p2c": 2**31 - 1, "p2s": "AAAA"},
        {"alg": "PBES2-HS512+A256KW", "enc": "A256GCM", "p2c": 10**400, "p2s": "AAAA"},
        {"alg": "ECDH-ES", "enc": "A128GCM", "epk": {"kty": "EC", "crv": "P-256", "x": "AQ", "y": "AQ"}},
        {"alg": "ECDH-ES", "enc": "A128GCM", "epk": {"kty": "OKP", "crv": "X25519", "x": "A" * 43}},
        {"alg": "A128GCMKW", "enc": "A128GCM", "iv": "AA", "tag": "AA"},
    ],
    ids=lambda header: header["alg"],
)
def test_a16_an_encrypted_token_is_refused_unread(header: dict[str, Any], api: Target) -> None:
    """A16: bombs, rounds, padding oracles, points off the curve: five parts are malformed, and cost nothing."""
    bomb = zlib.compress(bytes(6_000_000), 9)[2:-4]
    head = segment({**header, "kid": kid_of(api.algorithm), "typ": "at+jwt"})
    parts = [base64url.encode(part) for part in (Random(1).randbytes(256), bytes(12), bomb[:5000], bytes(16))]
    text = ".".join([head, *parts])
    api.refuse(text, "malformed")
    assert _peak(api.verifier, text) < 1_000_000


def test_a16_members_of_encryption_are_refused_in_a_signed_token_too(api: Target) -> None:
    """A16: ``zip`` and ``enc`` beside a good signature; and a signed payload is never inflated."""
    for member in ({"zip": "DEF"}, {"zip": None}, {"enc": "A128GCM"}, {"zip": "DEF", "enc": "dir"}):
        api.refuse(api.with_header(**member), "malformed")
    deflated = zlib.compress(json.dumps(good_claims()).encode())
    for payload in (deflated, deflated[2:-4], zlib.compress(bytes(5_000_000), 9)[:5000]):
        text = api.sign(payload)
        api.refuse(text, "malformed")
        assert _peak(api.verifier, text) < 1_000_000
    for alg in ("dir", "RSA1_5", "RSA-OAEP", "ECDH-ES", "PBES2-HS256+A128KW", "A128KW"):
        api.refuse(api.with_header(alg=alg, p2c=2**31 - 1, epk={"kty": "EC"}), "alg_not_allowed")


@contextmanager
def canary() -> Iterator[tuple[str, Any]]:
    """Listen where nobody should ask: return a URL, and what counts who came."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)

        def visitors() -> int:
            count = 0
            with suppress(BlockingIOError):
                while True:
                    listener.accept()[0].close()
                    count += 1
            return count

        yield f"http://127.0.0.1:{listener.getsockname()[1]}/keys", visitors


def _key_bringers(stranger: SigningKey, url: str) -> list[dict[str, Any]]:
    der = base64.b64encode(stranger.to_bytes()).decode()
    jwk = stranger.public.to_jwk() if stranger.algorithm in ASYMMETRIC else {"kty": "oct"}
    return [
        *({"jwk": value} for value in (jwk, {**jwk, "kid": "key-ES256"}, None, [], "{}", {})),
        *({"jku": value} for value in (url, f"{ISSUER}@{url}", f"{ISSUER}/.well-known/jwks.json", None, "", [url])),
        *({"x5u": value} for value in (url, None, f"{ISSUER}/cert.pem")),
        *({"x5c": value} for value in ([der[:64]], [], None, "MII")),
        *({"x5t": "A" * 27}, {"x5t#S256": "A" * 43}, {"x5t": None}),
    ]


def _signed_by(key: SigningKey, header: dict[str, Any], claims: dict[str, Any] | None = None) -> str:
    signing_input = f"{segment(header)}.{segment(claims or good_claims())}"
    return f"{signing_input}.{base64url.encode(key.sign(signing_input.encode()))}"


def _peak(verifier: Verifier, text: str) -> int:
    """Return the bytes that a refusal takes at its peak."""
    tracemalloc.start()
    try:
        with pytest.raises(InvalidToken):
            verifier.verify(text)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
