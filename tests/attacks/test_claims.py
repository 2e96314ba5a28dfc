"""A22 to A26, A28 to A30: claims that are missing, of another type, of another time, for somebody else."""

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from model import broken_rule
from target import AUDIENCE, ISSUER, NOW, Target, good_claims, jwk_of, kid_of, segment, target

from keyturn import InvalidToken, Verifier
from keyturn.errors import InsufficientScope, InvalidKey, VerifierUnavailable
from keyturn.tokens import base64url
from keyturn.tokens.access_token import AccessToken
from keyturn.tokens.algorithms import ASYMMETRIC, Algorithm
from keyturn.tokens.keys import SigningKey, VerificationKey
from keyturn.verify.key_source import Keys
from keyturn.verify.requirement import Requirement

_OTHER = "https://other.example.com"
_NO_NUMBERS: tuple[Any, ...] = ("1800000600", "NaN", "", True, False, None, [], {}, [NOW + 600], {"exp": NOW + 600})

#: Claims, why they are refused, and what they are then.
_REFUSED: dict[str, tuple[str, tuple[Any, ...]]] = {
    "A22 exp of another type": ("exp", _NO_NUMBERS),
    "A22 exp past, zero, negative, huge, in milliseconds": (
        "exp",
        (NOW - 600, -1, 0, -0.0, 1e30, 1e300, 10**400, 2**53, (NOW + 600) * 1000, NOW + 3601, NOW + 86_400 * 365),
    ),
    "A23 iat of another type": ("iat", (*_NO_NUMBERS, -1, -0.5, 2**53, 1e300)),
    "A23 iat ahead, after exp, ten years ago": ("iat", (NOW + 6, NOW + 5.01, NOW + 601, NOW - 315_360_000, 0)),
    "A23 nbf of another type": ("nbf", (*_NO_NUMBERS, -1, -0.5, 2**53, 1e300)),
    "A23 nbf ahead": ("nbf", (NOW + 6, NOW + 5.01, NOW + 599, NOW + 86_400, (NOW - 1) * 1000)),
    "A24 aud is another": (
        "aud",
        (
            *(AUDIENCE[:-1], AUDIENCE + "m", AUDIENCE + "/", "x" + AUDIENCE, AUDIENCE.upper(), _OTHER, "*", "api"),
            *(AUDIENCE + " ", " " + AUDIENCE, f"{AUDIENCE} {_OTHER}", f"{AUDIENCE},{_OTHER}", AUDIENCE + "\0"),
            *(AUDIENCE.replace("https", "http"), AUDIENCE + "?", AUDIENCE + "#", AUDIENCE + ":443", ISSUER),
        ),
    ),
    "A24 aud is no name or names": (
        "aud",
        (
            *(None, "", 5, True, [], [""], {}, {AUDIENCE: 1}, {"0": AUDIENCE}, [[AUDIENCE]], [{AUDIENCE: 1}]),
            *([_OTHER], [AUDIENCE, None], [AUDIENCE, 5], [AUDIENCE, ""], [AUDIENCE, [_OTHER]], [AUDIENCE + "/"]),
        ),
    ),
    "A25 iss is another": (
        "iss",
        (
            *(ISSUER[:-1], ISSUER + "/", ISSUER + ".evil.example", "x" + ISSUER, ISSUER.upper(), _OTHER, ISSUER + "/."),
            *(
                ISSUER.replace("https", "http"),
                ISSUER + "%2F",
                "https://auth%2Eexample.com",
                ISSUER + ":443",
                ISSUER + "\0",
            ),
            *(
                "https://auth.ex\u0430mple.com",
                "https://auth.xn--exmple-4nf.com",
                f"https://evil@{ISSUER[8:]}",
                "h",
                "",
            ),
        ),
    ),
    "A25 iss is no name": ("iss", (None, 5, True, [], [ISSUER], [ISSUER, _OTHER], {}, {ISSUER: 1}, [[ISSUER]])),
    "A26 sub is no name": ("sub", (None, "", 5, 0, True, [], ["user-1"], {}, {"user-1": 1}, 1.5)),
    "A26 jti is no name": ("jti", (None, "", 5, True, ["jti-1"], {})),
    "A26 client_id is no name": ("client_id", (None, "", 5, True, ["first-party"], {})),
    "A26 sid is no name": ("sid", (None, "", 5, True, ["sid-1"], {})),
    "A30 roles are no list of names": (
        "roles",
        (
            None,
            "admin",
            "",
            {"admin": 0},
            {},
            5,
            True,
            [1],
            [None],
            [""],
            [["admin"]],
            ["admin", 1],
            [{"name": "admin"}],
        ),
    ),
    "A30 scope is no list of words": (
        "scope",
        (None, 5, True, ["admin"], {"admin": 1}, " ", "a  b", " a", "a ", "a b "),
    ),
}


@pytest.mark.parametrize("what", _REFUSED)
def test_a22_to_a30_a_claim_that_is_not_in_order(what: str, api: Target) -> None:
    """A22, A23, A24, A25, A26, A30: signed by the issuer's own key, one claim is not what it must be: refused."""
    name, values = _REFUSED[what]
    for value in values:
        text = api.with_claims(**{name: value})
        assert broken_rule(api.algorithm, base64url.decode(segment(api.header)), base64url.decode(text.split(".")[1]))
        api.refuse(text)


@pytest.mark.parametrize("name", ["iss", "aud", "sub", "jti", "client_id", "iat", "exp"])
def test_a22_to_a26_a_claim_that_is_missing(name: str, api: Target) -> None:
    """A22, A23, A24, A25, A26: no required claim has a default."""
    api.refuse(api.with_claims(**{name: ...}), "missing_claim")


@pytest.mark.parametrize("literal", ["NaN", "Infinity", "-Infinity", "1e999", "-1e999", "0x6B49D20", "1_800_000_600"])
@pytest.mark.parametrize("name", ["exp", "iat", "nbf"])
def test_a22_a_time_that_is_no_json_number(name: str, literal: str, api: Target) -> None:
    """A22, A23: what compares with nothing, or is beyond all, is refused as text."""
    claims = segment({**good_claims(), name: 1_234_567_890})
    data = base64url.decode(claims).replace(b"1234567890", literal.encode())
    assert literal.encode() in data
    api.refuse(api.sign(data), "malformed")


def test_a22_a_token_ends_when_it_says(api: Target) -> None:
    """A22: at exp + leeway it is over, an instant before it is not; exp == now needs the leeway; seen or unseen."""
    for exp, leeway, now, is_good in (
        (NOW + 600, 5, NOW + 604.999, True),
        (NOW + 600, 5, NOW + 605, False),
        (NOW, 0, NOW, False),
        (NOW, 5, NOW, True),
        (NOW + 600, 0, NOW + 599.999, True),
        (NOW + 600, 0, math.inf, False),
    ):
        clock = [float(NOW - 60)]
        judge = _api_at(api, lambda clock=clock: clock[0], leeway)  # type: ignore[misc]
        text = api.with_claims(exp=exp, iat=NOW - 60)
        judge.accept(text)  # seen while it was good
        clock[0] = now
        for each in (text, api.with_claims(exp=exp, iat=NOW - 60, jti="jti-2")):
            (judge.accept if is_good else judge.refuse)(each)


def test_a23_times_in_order_are_taken(api: Target) -> None:
    """A23: nbf and iat up to the leeway ahead, fractions, a whole hour, an nbf that is long over."""
    for claims in (
        {"nbf": NOW + 5},
        {"nbf": 0},
        {"iat": NOW + 5},
        {"iat": NOW - 0.5},
        {"iat": NOW, "exp": NOW + 3600},
        {"exp": NOW + 0.5},
    ):
        api.accept(api.with_claims(**claims))


def test_a24_a_token_for_one_service_is_none_for_another(api: Target) -> None:
    """A24: service A's token replayed to B, and one for both taken by both (RFC 8725 §2.7)."""
    other = Target(algorithm=api.algorithm, key=api.key, verifier=_verifier(api.algorithm, audience=_OTHER))
    for_a, for_b, for_both = (api.with_claims(aud=aud) for aud in (AUDIENCE, [_OTHER], [_OTHER, AUDIENCE]))
    api.accept(for_a)
    other.accept(for_b)
    other.refuse(for_a, "wrong_audience")
    api.refuse(for_b, "wrong_audience")
    assert api.accept(for_both).audience == other.accept(for_both).audience == (_OTHER, AUDIENCE)


def test_a25_an_issuer_speaks_for_itself_alone(api: Target) -> None:
    """A25, A33: two trusted issuers that publish one ``kid``: each API takes its own issuer's key and name together."""
    key = SigningKey.generate(api.algorithm)
    other = Target(algorithm=api.algorithm, key=key, verifier=_verifier(api.algorithm, issuer=_OTHER, key=key))
    ours, theirs = good_claims(), {**good_claims(), "iss": _OTHER}
    api.accept(api.sign(ours))
    other.accept(other.sign(theirs))
    for signer, claims in ((api, theirs), (other, ours), (other, theirs)):
        api.refuse(signer.sign(claims), "bad_signature", "wrong_issuer")
    for signer, claims in ((other, ours), (api, theirs), (api, ours)):
        other.refuse(signer.sign(claims), "bad_signature", "wrong_issuer")


def test_a26_a_client_is_no_user(api: Target) -> None:
    """A26: a token whose sub is its client_id carries no session, and nothing of a user's is made up for it."""
    token = api.accept(api.with_claims(sub="backup", client_id="backup", sid=..., auth_time=..., roles=..., scope=...))
    assert (token.sid, token.auth_time, token.roles, token.scopes) == (None, None, (), frozenset())


@pytest.mark.parametrize("answer", [None, False, 0, "", b""])
def test_a28_a_key_that_does_not_say_yes_says_no(answer: object) -> None:
    """A28: what is not true is no signature (CVE-2026-28498 took "unknown" for good)."""
    key = replace(target(Algorithm.ES256).key.public, verify=lambda _input, _signature: answer)  # type: ignore[arg-type, return-value]
    api = Target(algorithm=Algorithm.ES256, key=target(Algorithm.ES256).key, verifier=_verifier(Algorithm.ES256))
    api.verifier._keys._keys = {kid_of(Algorithm.ES256): key}  # type: ignore[attr-defined]
    api.refuse(api.sign(), "bad_signature")


def test_a28_an_algorithm_we_do_not_know_is_none(api: Target) -> None:
    """A28: in the header it is refused; a key that is for one is not taken, nor is a set with no other."""
    for alg in ("ES256K", "EdDSA2", "Ed448", "HS1", "RS1", "ML-DSA-44", "A128GCM", "es256", "\0"):
        api.refuse(api.with_header(alg=alg), "alg_not_allowed", "malformed")
        unknown = {**jwk_of(Algorithm.ES256), "alg": alg}
        with pytest.raises(InvalidKey):
            Verifier(ISSUER, AUDIENCE, jwks={"keys": [unknown]})


class _Broken:
    """A view of what is revoked that fails."""

    def __init__(self, error: Exception) -> None:
        self.error: Exception | None = None
        self._error = error

    def revokes(self, token: AccessToken, now: float) -> bool:
        """Fail, once it is broken."""
        if self.error is not None:
            raise self.error
        return False

    def break_down(self) -> None:
        """Fail from now on."""
        self.error = self._error


@pytest.mark.parametrize("error", [ZeroDivisionError(), KeyError("x"), VerifierUnavailable("down"), TimeoutError()])
def test_a28_what_can_not_be_asked_is_no_yes(error: Exception, api: Target) -> None:
    """A28: a revocation check that fails lets nothing pass: not what is new, and not what was seen before."""
    view = _Broken(error)
    judge = Target(algorithm=api.algorithm, key=api.key, verifier=_verifier(api.algorithm, revocations=view))
    seen = api.sign()
    judge.accept(seen)
    view.break_down()
    for text in (seen, api.with_claims(jti="jti-2")):
        with pytest.raises(type(error)):
            judge.verifier.verify(text)


def test_a28_keys_that_can_not_be_had_are_no_yes(api: Target) -> None:
    """A28, KEY-06: a key source that fails lets nothing pass either."""

    class NoKeys:
        def get_keys(self) -> Keys:
            raise VerifierUnavailable("no usable key set")

        def at_hand(self) -> Keys | None:
            return None

        get_keys_async = get_keys

    judge = _verifier(api.algorithm)
    judge._keys = NoKeys()  # type: ignore[misc, assignment]
    with pytest.raises(VerifierUnavailable):
        judge.verify(api.sign())


def test_a28_a_clock_that_fails_is_no_yes(api: Target) -> None:
    """A28: neither one that raises nor one that says NaN."""

    def no_time() -> float:
        raise OSError

    with pytest.raises(OSError):
        _api_at(api, no_time, 5).verifier.verify(api.sign())
    _api_at(api, lambda: math.nan, 5).refuse(api.sign())


def test_a29_tokens_that_share_almost_everything_share_no_verdict(api: Target) -> None:
    """A29: a thousand tokens of one length that differ in one claim, each seen twice: each is its own user's."""
    many = 1000 if api.algorithm in {Algorithm.HS256, Algorithm.EdDSA} else 50
    texts = {f"user-{number:04}": api.with_claims(sub=f"user-{number:04}") for number in range(many)}
    for _ in range(2):
        assert all(api.verifier.verify(text).sub == sub for sub, text in texts.items())
    assert len({text[:60] for text in texts.values()}) == len({len(text) for text in texts.values()}) == 1


def test_a29_a_seen_token_vouches_for_no_other(api: Target) -> None:
    """A29: not for its own beginning, its own end, other claims under its signature, or its signature under others."""
    good = api.sign()
    api.accept(good)
    head, payload, signature = good.split(".")
    admin = segment({**good_claims(), "sub": "admin"})
    for text in (
        *(good[:-1], good[1:], good + "A", good + ".", good + " ", good.lower(), good[:-4] + "AAAA"),
        *(f"{head}.{admin}.{signature}", f"{head}.{payload}.{api.with_claims(sub='admin').split('.')[2]}"),
    ):
        api.refuse(text)
        api.accept(good)


def test_a29_a_text_that_lies_about_itself_is_judged_by_what_it_is(api: Target) -> None:
    """A29: a subclass of str that says it equals a token seen before is not taken for it."""

    class Liar(str):
        __slots__ = ()

        def __eq__(self, other: object) -> bool:
            return True

        def __hash__(self) -> int:
            return hash(good)

        def __len__(self) -> int:
            return len(good)

    good = api.sign()
    api.accept(good)
    for text in (good[:-4] + "AAAA", "a.b.c", ""):
        with pytest.raises(InvalidToken):
            api.verifier.verify(Liar(text))


@pytest.mark.parametrize(
    ("claims", "asked"),
    [
        ({"scope": "adminx"}, Requirement.of(["admin"], None)),
        ({"scope": "xadmin admin2"}, Requirement.of(["admin"], None)),
        ({"scope": "Admin"}, Requirement.of(["admin"], None)),
        ({"scope": "admin:read"}, Requirement.of(["admin"], None)),
        ({"scope": "admin\tx"}, Requirement.of(["admin"], None)),
        ({"scope": "a"}, Requirement.of(["a", "b"], None)),
        ({"scope": ""}, Requirement.of(["admin"], None)),
        ({"roles": ["administrator"]}, Requirement.of([], ["admin"])),
        ({"roles": ["Admin", "admin ", " admin", "admin\0", "\u0430dmin"]}, Requirement.of([], ["admin"])),
        ({"roles": list("admin")}, Requirement.of([], ["admin"])),
        ({"roles": ["unknown"]}, Requirement.of([], ["admin"])),
        ({"roles": []}, Requirement.of([], ["admin"])),
        ({"roles": ["admin"], "scope": ""}, Requirement.of(["admin"], None)),
        ({"roles": [], "scope": "admin"}, Requirement.of([], ["admin"])),
        ({"groups": ["admin"], "role": "admin", "admin": True, "scopes": ["admin"]}, Requirement.of([], ["admin"])),
        ({"realm_access": {"roles": ["admin"]}, "scp": ["admin"]}, Requirement.of(["admin"], None)),
    ],
    ids=str,
)
def test_a30_no_other_word_is_the_one_that_is_asked_for(
    claims: dict[str, Any], asked: Requirement, api: Target
) -> None:
    """A30, VER-32: parts of words, other cases, blanks, letters of a word, claims of other names grant nothing."""
    token = api.accept(api.with_claims(**claims))
    with pytest.raises(InsufficientScope):
        asked.check(token)


def _verifier(
    algorithm: Algorithm,
    *,
    issuer: str = ISSUER,
    audience: str = AUDIENCE,
    key: SigningKey | None = None,
    revocations: Any = None,
    clock: Callable[[], float] = lambda: NOW,
    leeway: float = 5,
) -> Verifier:
    """Return a verifier with one key."""
    jwk = jwk_of(algorithm) if key is None else _jwk(key.public, key, algorithm)
    return Verifier(
        *(issuer, audience),
        algorithms=[algorithm],
        jwks={"keys": [jwk]},
        revocations=revocations,
        clock=clock,
        leeway=leeway,
    )


def _jwk(public: VerificationKey, key: SigningKey, algorithm: Algorithm) -> dict[str, str]:
    if algorithm in ASYMMETRIC:
        return {**public.to_jwk(), "kid": kid_of(algorithm)}
    return {"kty": "oct", "alg": algorithm.value, "kid": kid_of(algorithm), "k": base64url.encode(key.to_bytes())}


def _api_at(api: Target, clock: Callable[[], float], leeway: float) -> Target:
    verifier = _verifier(api.algorithm, clock=clock, leeway=leeway)
    return Target(algorithm=api.algorithm, key=api.key, verifier=verifier)
