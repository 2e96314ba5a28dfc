import copy
import json
from collections.abc import Callable
from dataclasses import FrozenInstanceError, fields, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from keyturn.errors import ConfigurationError, InvalidToken, TokenExpired
from keyturn.tokens import access_token, base64url, jws
from keyturn.tokens.access_token import AccessToken, Claims, Expected
from keyturn.tokens.algorithms import Algorithm
from keyturn.tokens.keys import SigningKey

_NOW = 1_800_000_000
_ABSENT = object()

Verify = Callable[..., AccessToken]
Forge = Callable[..., str]


def _refused(verify: Verify, text: Any, **options: Any) -> str:
    with pytest.raises(InvalidToken) as refused:
        verify(text, **options)
    return refused.value.reason.value


def _with(good: dict[str, Any], name: str, value: object) -> dict[str, Any]:
    return {key: claim for key, claim in {**good, name: value}.items() if claim is not _ABSENT}


def test_what_is_issued_is_what_is_verified(claims: Claims, key: SigningKey, verify: Verify) -> None:
    """Every attribute of the verified token is what the issuer put in (contract §3)."""
    token = verify(access_token.issue(claims, key))
    assert token == AccessToken(
        sub=claims.subject,
        scopes=frozenset({"orders:read", "orders:write"}),
        roles=("admin", "user"),
        sid="sid-1",
        jti="jti-1",
        client_id="first-party",
        issuer="https://auth.example.com",
        audience=("https://api.example.com",),
        issued_at=_NOW,
        expires_at=_NOW + 600,
        auth_time=_NOW - 30,
        kid=key.kid,
        claims={},
    )
    assert token.claims["amr"] == ["pwd"]


def test_an_access_token_has_the_form_of_rfc_9068(claims: Claims, key: SigningKey) -> None:
    """The header is alg, kid and typ; the claims are those of the contract, scope as one string, and no others."""
    head, payload, _ = access_token.issue(claims, key).split(".")
    assert json.loads(base64url.decode(head)) == {"alg": "ES256", "kid": key.kid, "typ": "at+jwt"}
    assert json.loads(base64url.decode(payload)) == {
        "iss": "https://auth.example.com",
        "sub": "3f0c6c1e-6d0c-4a59-9a3e-9a2f6d4c7b10",
        "aud": "https://api.example.com",
        "exp": _NOW + 600,
        "iat": _NOW,
        "jti": "jti-1",
        "client_id": "first-party",
        "sid": "sid-1",
        "auth_time": _NOW - 30,
        "scope": "orders:read orders:write",
        "roles": ["admin", "user"],
        "amr": ["pwd"],
    }


def test_a_client_s_token_speaks_of_no_user(claims: Claims, key: SigningKey, verify: Verify) -> None:
    """A client's own token has no sid, auth_time, roles and amr, and verifies to None and nothing for them."""
    client = replace(claims, subject="client:backup", session_id=None, auth_time=None, roles=None, scope=(), amr=())
    token = verify(access_token.issue(client, key))
    assert (token.sid, token.auth_time, token.roles, token.scopes) == (None, None, (), frozenset())
    assert not {"sid", "auth_time", "roles", "amr"} & token.claims.keys()


@pytest.mark.parametrize("lifetime", [0, -1, 3601])
def test_no_token_is_issued_that_no_verifier_takes(lifetime: int, claims: Claims) -> None:
    """A lifetime below one second or above an hour is refused where the token is made."""
    with pytest.raises(ValueError, match="60 minutes"):
        replace(claims, expires_at=claims.issued_at + lifetime)


@pytest.mark.parametrize("name", ["iss", "sub", "aud", "exp", "iat", "jti", "client_id"])
def test_ver_27_a_required_claim_is_required(name: str, good: dict[str, Any], forge: Forge, verify: Verify) -> None:
    """VER-23 to VER-27: without any one of the seven the token is refused."""
    assert verify(forge(good)).sub == "user-1"
    assert _refused(verify, forge(_with(good, name, _ABSENT))) == "missing_claim"


@pytest.mark.parametrize("name", ["sub", "jti", "client_id", "sid"])
@pytest.mark.parametrize("value", ["", 5, 0, None, True, ["user-1"], {"a": 1}])
def test_ver_27_names_are_non_empty_strings(
    name: str, value: object, good: dict[str, Any], forge: Forge, verify: Verify
) -> None:
    """VER-27, A26: a sub, jti, client_id or sid of another type, or an empty one, is refused."""
    assert _refused(verify, forge(_with(good, name, value))) == "bad_claim"


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (_ABSENT, "missing_claim"),
        (_NOW - 1000, "bad_claim"),  # before iat
        ("1800000600", "bad_claim"),
        ("NaN", "bad_claim"),
        (True, "bad_claim"),
        (None, "bad_claim"),
        ([], "bad_claim"),
        ({}, "bad_claim"),
        (-1, "bad_claim"),
        (0, "bad_claim"),
        (1e30, "bad_claim"),
        (2**53, "bad_claim"),
        (10**400, "bad_claim"),
        (_NOW * 1000, "bad_claim"),  # milliseconds
        (_NOW + 3601, "bad_claim"),
    ],
)
def test_ver_25_exp_is_a_near_and_finite_time(
    value: object, reason: str, good: dict[str, Any], forge: Forge, verify: Verify
) -> None:
    """VER-25, VER-06, A22: only a number within an hour of ``iat`` is an ``exp``."""
    assert _refused(verify, forge(_with(good, "exp", value))) == reason


@pytest.mark.parametrize("literal", ["NaN", "Infinity", "-Infinity", "1e999", "9" * 5000, "0x10", "1_000"])
def test_ver_06_a_time_that_is_no_json_number_is_malformed(
    literal: str, good: dict[str, Any], forge: Forge, verify: Verify
) -> None:
    """VER-06, A22: NaN, Infinity and what overflows are refused as text, before any comparison."""
    text = json.dumps(good).replace(f'"exp": {_NOW + 600}', f'"exp": {literal}').encode()
    assert literal.encode() in text
    assert _refused(verify, forge(text)) == "malformed"


def test_ver_25_a_token_ends_at_exp_plus_leeway(good: dict[str, Any], forge: Forge, verify: Verify) -> None:
    """VER-25, A22: at exp + leeway a token is expired, not a moment later; a fractional exp is rounded down."""
    text = forge(good)
    assert verify(text, now=_NOW + 604.999).expires_at == _NOW + 600
    for now in (_NOW + 605, _NOW + 6000, float("inf")):
        with pytest.raises(TokenExpired):
            verify(text, now=now)
    assert verify(forge({**good, "exp": _NOW + 600.9})).expires_at == _NOW + 600


@pytest.mark.parametrize("name", ["nbf", "iat"])
@pytest.mark.parametrize("value", ["1800000000", None, True, [], -1, -0.5, 2**53, 1e300])
def test_ver_26_nbf_and_iat_are_finite_numbers(
    name: str, value: object, good: dict[str, Any], forge: Forge, verify: Verify
) -> None:
    """VER-26, A23: an ``nbf`` or ``iat`` of another type or size is refused."""
    assert _refused(verify, forge(_with(good, name, value))) == "bad_claim"


def test_ver_26_a_token_from_the_future_is_refused(good: dict[str, Any], forge: Forge, verify: Verify) -> None:
    """VER-26, A23: iat and nbf may be ahead by the leeway and no more; iat after exp, and a long life, are refused."""
    assert verify(forge({**good, "iat": _NOW + 5, "nbf": _NOW + 5})).issued_at == _NOW + 5
    assert _refused(verify, forge({**good, "iat": _NOW + 6})) == "not_yet_valid"
    assert _refused(verify, forge({**good, "nbf": _NOW + 5.5})) == "not_yet_valid"
    assert _refused(verify, forge({**good, "iat": _NOW + 601})) == "bad_claim"
    assert _refused(verify, forge({**good, "iat": _NOW - 10 * 365 * 86400})) == "bad_claim"
    assert _refused(verify, forge(good), now=_NOW - 6) == "not_yet_valid"
    assert _refused(verify, forge(good), now=float("nan")) == "not_yet_valid"


_US = "https://api.example.com"


@pytest.mark.parametrize("value", [_US, [_US], ["other", _US], [_US, _US]])
def test_ver_24_an_audience_holds_our_name(value: object, good: dict[str, Any], forge: Forge, verify: Verify) -> None:
    """VER-24: a string or a list of strings, one of them exactly our name."""
    token = verify(forge({**good, "aud": value}))
    assert _US in token.audience
    assert type(token.audience) is tuple


@pytest.mark.parametrize(
    "value",
    [
        _US[:-1],
        _US + "/",
        _US + "m",
        _US.upper(),
        "https://other.example.com",
        "x" + _US,
        f"other {_US}",
        f"{_US},other",
        ["other"],
        [_US + "/"],
        [f"other {_US}"],
    ],
)
def test_ver_24_another_audience_is_refused(value: object, good: dict[str, Any], forge: Forge, verify: Verify) -> None:
    """VER-24, A24: a prefix, an extension, another case or slash, and another service's token are refused."""
    assert _refused(verify, forge({**good, "aud": value})) == "wrong_audience"


@pytest.mark.parametrize("value", [None, "", 5, True, [], [""], [[_US]], [_US, 5], {_US: 1}, {}, [None, _US]])
def test_ver_24_an_audience_of_another_type_is_refused(
    value: object, good: dict[str, Any], forge: Forge, verify: Verify
) -> None:
    """VER-24, A24: an object with our name as key, a nested list, a list with anything else in it: refused."""
    assert _refused(verify, forge({**good, "aud": value})) == "bad_claim"


@pytest.mark.parametrize(
    "value",
    [
        "https://auth.example.com/",
        "https://auth.example.co",
        "https://auth.example.com.evil.example",
        "https://AUTH.example.com",
        "https://auth.example.com%2F",
        "http://auth.example.com",
        "https://auth.ex\u0430mple.com",
        "",
        None,
        5,
        ["https://auth.example.com"],
        {"https://auth.example.com": 1},
    ],
)
def test_ver_23_the_issuer_is_byte_equal(value: object, good: dict[str, Any], forge: Forge, verify: Verify) -> None:
    """VER-23, A25: a prefix, a slash, another case, a list, a homoglyph: all are other issuers."""
    assert _refused(verify, forge({**good, "iss": value})) == "wrong_issuer"


@pytest.mark.parametrize("scope", ["adminx", "Admin", "admin2 x", "xadmin"])
def test_ver_32_a_scope_is_a_whole_word(scope: str, good: dict[str, Any], forge: Forge, verify: Verify) -> None:
    """VER-32, A30: scopes are a set of words, so that no part of a word is one."""
    assert "admin" not in verify(forge({**good, "scope": scope})).scopes


@pytest.mark.parametrize("value", [None, 5, ["a"], {"a": 1}, " ", "a  b", " a", "a ", True])
def test_ver_32_a_malformed_scope_is_refused(value: object, good: dict[str, Any], forge: Forge, verify: Verify) -> None:
    """VER-32, A30: a scope that is no string of words between single spaces is refused; an empty one is none."""
    assert verify(forge({**good, "scope": ""})).scopes == verify(forge(_with(good, "scope", _ABSENT))).scopes == set()
    assert _refused(verify, forge({**good, "scope": value})) == "bad_claim"


@pytest.mark.parametrize("value", [None, "admin", {"admin": 0}, [1], ["admin", None], [["admin"]], [""], 5, True])
def test_ver_32_roles_are_a_list_of_strings(value: object, good: dict[str, Any], forge: Forge, verify: Verify) -> None:
    """VER-32, A30: a string, an object, or a list with anything else in it is refused; no roles are none."""
    assert verify(forge({**good, "roles": []})).roles == verify(forge(_with(good, "roles", _ABSENT))).roles == ()
    assert _refused(verify, forge({**good, "roles": value})) == "bad_claim"


@pytest.mark.parametrize("value", [None, "1", 1.5, True, -1, 2**53, []])
def test_auth_time_is_whole_seconds(value: object, good: dict[str, Any], forge: Forge, verify: Verify) -> None:
    """An ``auth_time`` that is no whole number of seconds is refused."""
    assert _refused(verify, forge({**good, "auth_time": value})) == "bad_claim"


def test_ver_32_unknown_claims_grant_nothing(good: dict[str, Any], forge: Forge, verify: Verify) -> None:
    """VER-32: claims we don't know change no attribute, and are there to read."""
    token = verify(forge({**good, "admin": True, "scopes": ["root"], "groups": ["admin"]}))
    assert token == verify(forge(good))
    assert token.claims["groups"] == ["admin"]


def test_a_token_bound_to_a_key_is_no_bearer_token(good: dict[str, Any], forge: Forge, verify: Verify) -> None:
    """A token with ``cnf`` needs a proof that a bearer does not bring, so it is refused here."""
    assert _refused(verify, forge({**good, "cnf": {"jkt": "AA"}})) == "bad_claim"


@pytest.mark.parametrize("sub", ["user-1\0", "User-1", "\uff55ser-1", "us\u0435r-1", "A\u030a", "\u00c5"])
def test_a19_names_are_compared_byte_by_byte(sub: str, good: dict[str, Any], forge: Forge, verify: Verify) -> None:
    """A19: look-alikes, other cases and other Unicode forms stay what they are: other users."""
    assert verify(forge({**good, "sub": sub})).sub == sub != "user-1"


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"null",
        b"[]",
        b'"user"',
        b"{",
        '{"sub":"a"}'.encode("utf-16"),
        b"\xef\xbb\xbf{}",
        b'{"sub":"a","sub":"b"}',
        b'{"a":' + b"[" * 2000 + b"]" * 2000 + b"}",
    ],
)
def test_ver_04_claims_are_one_strict_object(payload: bytes, key: SigningKey, verify: Verify) -> None:
    """VER-04, VER-05, VER-06, A18 to A20: signed claims that are no strict JSON object are malformed."""
    assert _refused(verify, jws.sign({"typ": "at+jwt"}, payload, key)) == "malformed"


def test_a20_the_json_test_suite_as_header_and_as_claims(
    vectors: Path, good: dict[str, Any], forge: Forge, verify: Verify
) -> None:
    """A20, VER-29: each of the 318 texts, signed as header, as claims and inside of them, is refused properly."""
    paths = sorted((vectors / "jsontestsuite" / "test_parsing").glob("*.json"))
    assert len(paths) == 318
    claims = json.dumps(good).encode()
    for path in paths:
        data = path.read_bytes()
        assert _refused(verify, forge(data)) in {"malformed", "missing_claim"}, path.name
        assert _refused(verify, forge(good, data)) == "malformed", path.name
        if path.name.startswith("n_"):
            assert _refused(verify, forge(claims[:-1] + b',"x":' + data + b"}")) == "malformed", path.name


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    name=st.sampled_from(["iss", "sub", "aud", "exp", "iat", "nbf", "jti", "client_id", "sid", "scope", "roles", "x"]),
    value=st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
        max_leaves=5,
    ),
)
def test_ver_29_no_claim_gives_another_error(
    name: str, value: object, good: dict[str, Any], forge: Forge, verify: Verify
) -> None:
    """VER-29: any claim of any type is taken or refused with InvalidToken."""
    try:
        token = verify(forge({**good, name: value}))
    except InvalidToken:
        return
    assert token.claims[name] == value


def test_an_expired_token_still_ends_its_session(
    good: dict[str, Any], forge: Forge, key: SigningKey, expected: Expected
) -> None:
    """For /logout an expired token is taken, and everything else is judged as ever."""

    def late(text: str) -> AccessToken:
        return access_token.verify_expired_too(
            text, find_key={key.kid: key.public}.get, expected=expected, now=_NOW + 86400
        )

    assert late(forge(good)).sid == "sid-1"
    for spoilt in ({"aud": "other"}, {"iss": "other"}, {"exp": _NOW + 9999}, {"sub": ""}):
        with pytest.raises(InvalidToken):
            late(forge({**good, **spoilt}))
    with pytest.raises(InvalidToken):
        late(forge(good)[:-4] + "AAAA")


def test_a_cached_token_is_judged_by_its_age(
    good: dict[str, Any], forge: Forge, verify: Verify, expected: Expected
) -> None:
    """VER-31: the cheap check of a token verified before knows when it ends, and fails closed without a clock."""
    token = verify(forge(good))
    access_token.still_valid(token, expected=expected, now=_NOW + 604)
    for now in (_NOW + 605, float("nan")):
        with pytest.raises(TokenExpired):
            access_token.still_valid(token, expected=expected, now=now)


def test_ver_30_a_token_s_repr_shows_no_claims(good: dict[str, Any], forge: Forge, verify: Verify) -> None:
    """VER-30: neither the text nor other claims are in the repr."""
    text = forge({**good, "secret": "s3cr3t"})
    shown = repr(verify(text))
    assert "s3cr3t" not in shown
    assert not any(part in shown for part in text.split("."))


def test_a_token_can_not_be_changed(good: dict[str, Any], forge: Forge, verify: Verify) -> None:
    """A verified token is kept and shared, so neither its attributes nor its claims can be set."""
    token = verify(forge(good))
    for each in fields(AccessToken):
        with pytest.raises(FrozenInstanceError):
            setattr(token, each.name, "root")
    with pytest.raises(TypeError):
        token.claims["sub"] = "root"  # type: ignore[index]
    assert hash(token) == hash(verify(forge(good)))
    assert copy.copy(token) == replace(token) == token


@pytest.mark.parametrize(
    "spoilt",
    [
        {"issuer": ""},
        {"issuer": None},
        {"audiences": frozenset()},
        {"audiences": frozenset({""})},
        {"audiences": "https://api.example.com"},
        {"audiences": frozenset({5})},
        {"algorithms": frozenset()},
        {"algorithms": frozenset({Algorithm.ES256, Algorithm.HS256})},
        {"leeway": -1},
        {"leeway": 61},
        {"leeway": float("nan")},
        {"leeway": True},
        {"leeway": "5"},
    ],
)
def test_a_verifier_is_told_what_it_takes(spoilt: dict[str, Any], expected: Expected) -> None:
    """VER-12, VER-23 to VER-25: no issuer, no audience, a mixed allowlist or a leeway over 60 s stops the start."""
    with pytest.raises(ConfigurationError):
        replace(expected, **spoilt)
