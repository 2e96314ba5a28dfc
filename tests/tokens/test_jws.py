import hashlib
import hmac
import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_der_private_key
from hypothesis import given
from hypothesis import strategies as st

from keyturn.errors import InvalidToken
from keyturn.tokens import base64url, jws
from keyturn.tokens.algorithms import ASYMMETRIC, Algorithm
from keyturn.tokens.jws_header import parse_header
from keyturn.tokens.keys import SigningKey, VerificationKey

_ES256 = frozenset({Algorithm.ES256})


def _verify(text: Any, *keys: SigningKey, algorithms: frozenset[Algorithm] = _ES256, typ: str = "at+jwt") -> bytes:
    return jws.verify(text, {key.kid: key.public for key in keys}.get, algorithms, typ=typ)[1]


def _reason(text: Any, *keys: SigningKey, **options: Any) -> str:
    with pytest.raises(InvalidToken) as refused:
        _verify(text, *keys, **options)
    return refused.value.reason.value


@pytest.fixture
def token(key: SigningKey) -> str:
    """A good token."""
    return jws.sign({"typ": "at+jwt"}, b'{"sub":"user-1"}', key)


@pytest.mark.parametrize("algorithm", Algorithm)
def test_what_is_signed_is_verified(algorithm: Algorithm, key_for: Callable[[Algorithm], SigningKey]) -> None:
    """A token of each algorithm comes back as its payload, and names its key and type in the header."""
    key = key_for(algorithm)
    text = jws.sign({"typ": "at+jwt"}, b"payload", key)
    assert jws.verify(text, {key.kid: key.public}.get, frozenset({algorithm}), typ="at+jwt") == (key.public, b"payload")
    header = jws.parse(text).header
    assert dict(header.members) == {"alg": algorithm.value, "kid": key.kid, "typ": "at+jwt"}
    assert (header.algorithm, header.kid, header.typ) == (algorithm, key.kid, "at+jwt")


def test_every_single_character_counts(token: str, key: SigningKey) -> None:
    """A17: a good token with any one character changed, removed or inserted is refused."""
    for position in range(len(token)):
        rest = token[position + 1 :]
        twins = {token[:position] + other + rest for other in "A-_w.=+/ \n?é\0"} - {token}
        for text in (*twins, token[:position] + rest, token[:position] + "A" + token[position:]):
            assert _reason(text, key) in {"malformed", "bad_signature", "unknown_key", "alg_not_allowed", "wrong_type"}


@given(st.text() | st.from_regex(r"[A-Za-z0-9_-]{0,20}(\.[A-Za-z0-9_-]{0,20}){0,4}") | st.binary() | st.none())
def test_ver_29_nothing_gives_another_error(text: Any) -> None:
    """VER-29: whatever is sent, text or not, the one error is InvalidToken."""
    assert _reason(text) in {"malformed", "wrong_type", "alg_not_allowed", "unknown_key"}


@pytest.mark.parametrize(
    "form",
    [
        "{0}.{1}",
        "{0}.{1}.",
        ".{1}.{2}",
        "{0}..{2}",
        "..",
        "{0}.{1}.{2}.",
        "{0}.{1}.{2}.{2}",
        "{0}.{1}.{2}.{2}.{2}",
        " {0}.{1}.{2}",
        "{0}.{1}.{2}\n",
        "{0}.{1}.{2}=",
        "{0}=.{1}.{2}",
        "{0}.\n{1}.{2}",
        "{0}.{1}.{2}\0",
        "\ufeff{0}.{1}.{2}",
        '{{"protected":"{0}","payload":"{1}","signature":"{2}"}}',
        '{{"payload":"{1}","signatures":[{{"protected":"{0}","signature":"{2}"}}]}}',
        '{{"{0}.{1}.{2}":1}}',
        "Bearer {0}.{1}.{2}",
    ],
)
def test_ver_01_only_three_segments_of_base64url_are_a_token(form: str, token: str, key: SigningKey) -> None:
    """VER-01, VER-18, A14, A15: blanks, padding, other numbers of parts, JSON forms and polyglots are malformed."""
    assert _verify(token, key)
    assert _reason(form.format(*token.split(".")), key) == "malformed"


@pytest.mark.parametrize("form", ["{0}.{2}", "{0}", "{0}.", "{0}.{1}.", "{0}..", ".{1}.{2}", "{0}.{1}.{2}.", "..{2}"])
def test_ver_01_no_other_number_of_segments_is_taken_apart(form: str, key: SigningKey) -> None:
    """VER-01: also where an empty payload is allowed, two dots part three segments, and the signature is not empty."""
    text = jws.sign({"typ": "at+jwt"}, b"", key)
    assert jws.verify_with(jws.parse(text), key.public) == b""
    with pytest.raises(InvalidToken):
        jws.parse(form.format(*text.split(".")))


def test_ver_03_the_size_is_judged_first(key: SigningKey) -> None:
    """VER-03, A21: a token over 8 KiB or a header over 1 KiB is refused, however large, in no time."""
    room = jws.MAX_TOKEN_BYTES - len(jws.sign({"typ": "at+jwt"}, b"", key).encode()) - 100
    fits = jws.sign({"typ": "at+jwt"}, b"x" * (room * 3 // 4), key)
    assert _verify(fits, key)
    assert _reason(jws.sign({"typ": "at+jwt"}, b"x" * 6200, key), key) == "malformed"
    assert _reason(jws.sign({"typ": "at+jwt", "x": "x" * 960}, b"x", key), key) == "malformed"
    for text in ("a" * 10_000_000, "." * 1_000_000, "a.b." + "c" * 10_000_000):
        began = time.thread_time()
        assert _reason(text, key) == "malformed"
        assert time.thread_time() - began < 0.01


def test_a_larger_limit_is_an_argument(key: SigningKey) -> None:
    """Only where the caller says so, as for the revocation feed, a longer token is read."""
    text = jws.sign({"typ": "at+jwt"}, b"x" * 100_000, key)
    assert _reason(text, key) == "malformed"
    assert jws.verify_with(jws.parse(text, max_bytes=200_000), key.public) == b"x" * 100_000


@pytest.mark.parametrize("alg", ["none", "None", "NONE", "nOnE", "none ", "", "es256", "ES256K", "HS256", "RS256"])
@pytest.mark.parametrize("signature", ["", "AA", "copied"])
def test_ver_08_none_and_its_like_are_refused(
    alg: str, signature: str, token: str, key: SigningKey, forge: Callable[..., str]
) -> None:
    """VER-08, VER-07, A01: no spelling of none, and no algorithm off the allowlist, with any signature."""
    head, payload, copied = forge({}, {"alg": alg, "kid": key.kid, "typ": "at+jwt"}).split(".")
    text = f"{head}.{payload}.{copied if signature == 'copied' else signature}"
    assert _reason(text, key) == ("malformed" if signature == "" else "alg_not_allowed")
    stripped, body, _ = token.split(".")
    assert _reason(f"{stripped}.{body}.", key) == "malformed"


def test_ver_07_the_allowlist_is_asked_before_the_key(key_for: Callable[[Algorithm], SigningKey]) -> None:
    """VER-07: a good token of a known key is refused if its algorithm is not allowed, and no key is looked up."""
    key = key_for(Algorithm.EdDSA)
    text = jws.sign({"typ": "at+jwt"}, b"{}", key)
    assert _verify(text, key, algorithms=frozenset({Algorithm.EdDSA})) == b"{}"
    assert _reason(text, key) == _reason(text) == "alg_not_allowed"


@pytest.mark.parametrize("alg", [None, [], {}, 256, True, ["ES256"]])
def test_ver_07_alg_is_a_string(alg: object, key: SigningKey, forge: Callable[..., str]) -> None:
    """VER-07, A01: an ``alg`` that is null, a list, a number or missing is malformed."""
    assert _reason(forge({}, {"alg": alg, "kid": key.kid, "typ": "at+jwt"}), key) == "malformed"
    assert _reason(forge({}, {"kid": key.kid, "typ": "at+jwt"}), key) == "malformed"
    assert _reason(forge({}, b"[]"), key) == "malformed"


def test_ver_10_a_public_key_is_no_hmac_secret(key: SigningKey) -> None:
    """VER-10, A02: a token with an HMAC under the public key, in any encoding, is refused whatever is allowed."""
    public: Any = load_der_private_key(key.to_bytes(), None).public_key()
    assert isinstance(public, ec.EllipticCurvePublicKey)
    pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    point = public.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    secrets = [
        pem,
        pem.rstrip(),
        b" " + pem,
        b"\xef\xbb\xbf" + pem,
        public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
        public.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH),
        json.dumps(key.public.to_jwk()).encode(),
        json.dumps({"keys": [key.public.to_jwk()]}).encode(),
        point,
        point[1:],
        b"",
    ]
    head = base64url.encode(json.dumps({"alg": "HS256", "kid": key.kid, "typ": "at+jwt"}).encode())
    for secret in secrets:
        signature = hmac.digest(secret, f"{head}.e30".encode(), hashlib.sha256)
        text = f"{head}.e30.{base64url.encode(signature)}"
        for algorithms in (ASYMMETRIC, frozenset({Algorithm.HS256}), frozenset(Algorithm)):
            assert _reason(text, key, algorithms=algorithms) == "alg_not_allowed"


@pytest.mark.parametrize(("signing", "claimed"), [("RS256", "PS256"), ("RS256", "RS512"), ("ES256", "ES384")])
def test_ver_09_the_key_decides_about_the_algorithm(
    signing: str, claimed: str, key_for: Callable[[Algorithm], SigningKey]
) -> None:
    """VER-09, A03: a header that names another algorithm than its key's is refused, though both are allowed."""
    key = key_for(Algorithm(signing))
    head = base64url.encode(json.dumps({"alg": claimed, "kid": key.kid, "typ": "at+jwt"}).encode())
    text = f"{head}.e30.{base64url.encode(key.sign(f'{head}.e30'.encode()))}"
    assert _reason(text, key, algorithms=ASYMMETRIC) == "alg_not_allowed"


def test_ver_14_a_key_that_is_not_found_is_the_end(token: str, key: SigningKey) -> None:
    """VER-14, A09: without the named key no other is tried, be there one key in the set or many."""
    other = SigningKey.generate(Algorithm.ES256)
    assert _reason(token) == _reason(token, other) == "unknown_key"
    assert _verify(token, other, key)


@pytest.mark.parametrize(
    "kid",
    [
        "../../dev/null",
        "/proc/self/environ",
        "' OR 1=1--",
        "x' UNION SELECT 'key",
        "$(id)",
        "|id",
        "a\0b",
        "",
        "é",
        "a b",
        "k\n",
        "x" * 129,
        "x" * 65536,
        5,
        1.5,
        True,
        None,
        [],
        ["k"],
        {},
        {"k": 1},
    ],
)
def test_ver_15_an_odd_kid_never_reaches_the_key_look_up(kid: object, forge: Callable[..., str]) -> None:
    """VER-15, A10: a ``kid`` that is no plain name of up to 128 characters is refused before any key is asked for."""
    asked: list[str] = []

    def find_key(name: str) -> VerificationKey | None:
        asked.append(name)
        return None

    with pytest.raises(InvalidToken) as refused:
        jws.verify(forge({}, {"alg": "ES256", "kid": kid, "typ": "at+jwt"}), find_key, _ES256, typ="at+jwt")
    assert refused.value.reason in {"malformed", "unknown_key"}
    assert asked == []


def test_ver_15_a_kid_is_an_exact_name(key: SigningKey, forge: Callable[..., str]) -> None:
    """VER-15, A10: ``__proto__`` and other letter cases find nothing; a token without ``kid`` names no key."""
    for kid in ("__proto__", key.kid.swapcase(), key.kid[:-1], "~._-"):
        assert _reason(forge({}, {"alg": "ES256", "kid": kid, "typ": "at+jwt"}), key) == "unknown_key"
    assert _reason(forge({}, {"alg": "ES256", "typ": "at+jwt"}), key) == "unknown_key"


@pytest.mark.parametrize(
    "member",
    [
        {"jwk": {"kty": "EC"}},
        {"jku": "https://evil.example/jwks.json"},
        {"x5u": "https://evil.example/cert.pem"},
        {"x5c": ["MII"]},
        {"x5t": "AA"},
        {"x5t#S256": "AA"},
        {"jwk": None},
        {"crit": ["exp"]},
        {"crit": []},
        {"crit": "exp"},
        {"crit": ["alg"]},
        {"crit": ["b64", "b64"], "b64": False},
        {"crit": [1]},
        {"crit": None},
        {"b64": False},
        {"b64": True},
        {"zip": "DEF"},
        {"enc": "A256GCM"},
    ],
)
def test_ver_13_a_header_brings_no_key_and_no_extension(
    member: dict[str, Any], key: SigningKey, forge: Callable[..., str]
) -> None:
    """VER-13, VER-16, VER-17, VER-18, A09, A11, A12: such a member refuses the token, though its signature is good."""
    header = {"alg": "ES256", "kid": key.kid, "typ": "at+jwt"}
    assert _verify(forge({}, header), key)
    assert _reason(forge({}, {**header, **member}), key) == "malformed"


@pytest.mark.parametrize("typ", ["at+jwt", "AT+JWT", "application/at+jwt", "Application/At+Jwt"])
def test_ver_22_the_type_is_compared_as_a_media_type(typ: str, key: SigningKey, forge: Callable[..., str]) -> None:
    """VER-22: letter case and the prefix ``application/`` make no difference."""
    assert _verify(forge({}, {"alg": "ES256", "kid": key.kid, "typ": typ}), key) == b"{}"


@pytest.mark.parametrize(
    "typ",
    ["JWT", "jwt", "dpop+jwt", "logout+jwt", "statuslist+jwt", "revocations+jwt", "at+jwt ", "text/at+jwt", "", "at",
     "application/application/at+jwt", "at+jwt;a=b", "\uff41t+jwt"],
)  # fmt: skip
def test_ver_22_another_type_is_refused(typ: str, key: SigningKey, forge: Callable[..., str]) -> None:
    """VER-22, A27: an id token, a DPoP proof or a page of the feed is no access token; nor is a token without type."""
    assert _reason(forge({}, {"alg": "ES256", "kid": key.kid, "typ": typ}), key) == "wrong_type"
    assert _reason(forge({}, {"alg": "ES256", "kid": key.kid}), key) == "wrong_type"
    assert _reason(forge({}, {"alg": "ES256", "kid": key.kid, "typ": ["at+jwt"]}), key) == "malformed"


def test_ver_28_a_payload_is_returned_only_when_its_signature_fits(token: str, key: SigningKey) -> None:
    """VER-28: the payload of a token with a changed body is never seen by the caller."""
    head, _, signature = token.split(".")
    assert _reason(f"{head}.{base64url.encode(b'{}')}.{signature}", key) == "bad_signature"


def test_ver_30_an_error_holds_nothing_of_the_token(token: str, key: SigningKey) -> None:
    """VER-30: neither the message of a refusal nor the errors behind it hold a part of the token."""
    head, payload, signature = token.split(".")
    for text in (
        f"{head}.{payload}.{signature[:-1]}!",
        f"{head}.{payload}x.{signature}",
        f"{head}x.{payload}.{signature}",
    ):
        with pytest.raises(InvalidToken) as refused:
            _verify(text, key)
        error: BaseException | None = refused.value
        while error is not None:
            said = f"{error!r} {error.args} {vars(error)}"
            assert not any(part in said for part in (head, payload, signature[:-1], "user-1"))
            error = error.__context__
    assert payload not in repr(jws.parse(token))


def test_headers_are_kept_within_a_bound(key: SigningKey, forge: Callable[..., str]) -> None:
    """A21: a flood of new headers leaves no more than 256 of them in memory, and refusals none."""
    for number in range(600):
        _reason(forge({}, {"alg": "ES256", "kid": f"k{number}", "typ": "at+jwt"}))
    assert parse_header.cache_info().currsize <= 256


def test_a_kept_header_can_not_be_changed(token: str, key: SigningKey) -> None:
    """VER-31: what one caller gets of a header that is kept for others is read-only."""
    header = jws.parse(token).header
    assert jws.parse(token).header is header
    with pytest.raises(TypeError):
        header.members["alg"] = "none"  # type: ignore[index]


def test_ver_03_a_token_of_just_the_limit_is_read(token: str, key: SigningKey) -> None:
    """VER-03: and one character more is refused unread."""
    find_key = {key.kid: key.public}.get
    assert jws.verify(token, find_key, _ES256, typ="at+jwt", max_bytes=len(token))
    with pytest.raises(InvalidToken):
        jws.verify(token, find_key, _ES256, typ="at+jwt", max_bytes=len(token) - 1)


def test_ver_30_what_was_taken_apart_shows_nothing_of_the_token(token: str) -> None:
    """VER-30: the repr has the header and nothing that was signed, nor the signature."""
    parsed = jws.parse(token)
    assert repr(parsed) == f"Parsed(header={parsed.header!r})"
