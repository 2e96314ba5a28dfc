"""A01 to A08, A13, A14: signatures that are none, by keys that are none, under names that are others'."""

import hashlib
import hmac
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_der_private_key
from target import (
    ALGORITHMS,
    AUDIENCE,
    ISSUER,
    NOW,
    Target,
    good_claims,
    jwk_of,
    key_of,
    kid_of,
    segment,
    target,
)

from keyturn import InvalidToken, Verifier
from keyturn.errors import InvalidKey
from keyturn.tokens import base64url
from keyturn.tokens.algorithms import ASYMMETRIC, PARAMETERS, SYMMETRIC, Algorithm, KeyType
from keyturn.tokens.jwk import from_unsigned
from keyturn.tokens.keys import SigningKey
from keyturn.tokens.revocation import CUT_OFF_KINDS, RevocationEntry, RevocationKind, RevocationView, digest

_HASHES = {256: hashlib.sha256, 384: hashlib.sha384, 512: hashlib.sha512}
_ORDERS = {
    Algorithm.ES256: 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551,
    Algorithm.ES384: int(
        "ffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973", 16
    ),
}
_ECDSA = tuple(_ORDERS)
_RSA = (Algorithm.RS256, Algorithm.RS512, Algorithm.PS256)
_PUBLIC = tuple(each for each in ALGORITHMS if each in ASYMMETRIC)

ecdsa = pytest.mark.parametrize("algorithm", _ECDSA)


@pytest.mark.parametrize(
    "alg", ["none", "None", "NONE", "nOnE", "none ", " none", "none\0", "", None, [], 0, False, {}]
)
def test_a01_none_in_any_spelling_is_no_signature(alg: object, api: Target) -> None:
    """A01, VER-08: with an empty, random or copied signature, with ``alg``, ``kid`` and ``typ`` and without."""
    good, rest = api.sign(), segment(good_claims())
    for header in ({**api.header, "alg": alg}, {"alg": alg, "typ": "at+jwt"}, {"alg": alg}):
        unsigned = f"{segment(header)}.{rest}"
        signatures = ("", "AA", base64url.encode(Random(1).randbytes(64)), good.rpartition(".")[2])
        for text in (unsigned, *(f"{unsigned}.{signature}" for signature in signatures), api.sign(None, header)):
            api.refuse(text, "malformed", "wrong_type", "alg_not_allowed")


def test_a01_a_good_token_without_its_signature_is_none(api: Target) -> None:
    """A01: the signature cut off, cut down to a byte, or another token's."""
    unsigned, _, signature = api.sign().rpartition(".")
    other = api.with_claims(sub="admin").rpartition(".")[2]
    for text in (unsigned, f"{unsigned}.", f"{unsigned}..", f"{unsigned}.{signature[:2]}", f"{unsigned}.{other}"):
        api.refuse(text)


@pytest.mark.parametrize("algorithm", _PUBLIC)
@pytest.mark.parametrize("alg", ["HS256", "HS384", "HS512"])
def test_a02_a_public_key_is_no_secret(algorithm: Algorithm, alg: str) -> None:
    """A02, VER-10: an HMAC under the public key, in every form it is handed around in, is no signature."""
    header = {"alg": alg, "typ": "at+jwt"}
    for kid in (kid_of(algorithm), kid_of(Algorithm.HS256), None)[: 3 if alg == "HS256" else 1]:
        signing_input = f"{segment(header | ({'kid': kid} if kid else {}))}.{segment(good_claims())}"
        for secret in _public_forms(algorithm):
            signature = hmac.digest(secret, signing_input.encode(), _HASHES[int(alg[2:])])
            text = f"{signing_input}.{base64url.encode(signature)}"
            target(algorithm).refuse(text, "alg_not_allowed")
            target(Algorithm.HS256).refuse(text, "bad_signature", "unknown_key", "alg_not_allowed")


@pytest.mark.parametrize("algorithm", _PUBLIC)
def test_a02_a_public_key_can_not_be_loaded_as_a_secret(algorithm: Algorithm) -> None:
    """A02: not by an API that was told HS256, nor from a JWK that calls itself symmetric, with or without ``alg``."""
    for form in _public_forms(algorithm):
        if form in _raw_forms(algorithm) and len(form) >= 32:
            continue  # nobody can tell raw bytes from a secret; what counts is that no API takes one for the other
        for alg in ({"alg": "HS256"}, {}):
            jwk = {"kty": "oct", "kid": "k", "k": base64url.encode(form), **alg}
            with pytest.raises(InvalidKey):
                Verifier(ISSUER, AUDIENCE, algorithms=["HS256"], jwks={"keys": [jwk]})
    for allowed in (["HS256"], ["HS256", "HS384", "HS512"]):
        for jwk in (jwk_of(algorithm), {name: value for name, value in jwk_of(algorithm).items() if name != "alg"}):
            with pytest.raises(InvalidKey):
                Verifier(ISSUER, AUDIENCE, algorithms=allowed, jwks={"keys": [jwk]})


def test_a03_the_key_decides_about_the_algorithm(api: Target) -> None:
    """A03, VER-09: a header that names another algorithm than its key's is refused, whatever is on the allowlist."""
    for claimed in set(Algorithm) - {api.algorithm}:
        api.refuse(api.with_header(alg=claimed.value), "alg_not_allowed")


@pytest.mark.parametrize("bound", _RSA)
@pytest.mark.parametrize("used", ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"])
def test_a03_a_sound_signature_by_another_algorithm_of_the_same_key_is_refused(bound: Algorithm, used: str) -> None:
    """A03, A07: an RSA key bound to one algorithm signs correctly by another: for this key there is but one."""
    key = SigningKey.from_bytes(Algorithm(used), key_of(bound).to_bytes())
    for alg in (used, bound.value):
        signing_input = f"{segment({**target(bound).header, 'alg': alg})}.{segment(good_claims())}"
        text = f"{signing_input}.{base64url.encode(key.sign(signing_input.encode()))}"
        if used == bound.value:
            target(bound).accept(text)
        else:
            target(bound).refuse(text, "alg_not_allowed" if alg == used else "bad_signature")


@ecdsa
def test_a04_psychic_signatures_are_none(algorithm: Algorithm) -> None:
    """A04, VER-19: r and s are from 1 to n - 1; zeros, n itself and what is beyond sign nothing (CVE-2022-21449)."""
    order, size = _ORDERS[algorithm], (_ORDERS[algorithm].bit_length() + 7) // 8
    numbers = (0, 1, order - 1, order, order + 1, 2 ** (8 * size) - 1)
    for r in numbers:
        for s in numbers:
            target(algorithm).refuse(_resigned(target(algorithm), r.to_bytes(size) + s.to_bytes(size)), "bad_signature")


def test_a04_no_constant_is_a_signature(api: Target) -> None:
    """A04: zeros, ones and nothing, in the length of a signature and in others; for EdDSA the neutral point too."""
    size = len(base64url.decode(api.sign().rpartition(".")[2]))
    neutral = b"\1" + bytes(size - 1)
    for signature in (bytes(size), b"\xff" * size, neutral, b"\0", bytes(64), bytes(size - 1), bytes(size + 1)):
        api.refuse(_resigned(api, signature), "bad_signature")
    api.refuse(_resigned(api, b""), "malformed")


@ecdsa
@pytest.mark.parametrize("kind", RevocationKind)
def test_a05_the_twin_of_a_token_falls_with_it(algorithm: Algorithm, kind: RevocationKind) -> None:
    """A05: (r, n - s) verifies too, as ECDSA has it; what revokes one revokes both, whichever was seen before."""
    api, view = target(algorithm), RevocationView()
    verifier = Verifier(ISSUER, AUDIENCE, jwks={"keys": [jwk_of(algorithm)]}, revocations=view, clock=lambda: NOW)
    under_revocation = Target(algorithm=algorithm, key=api.key, verifier=verifier)
    text = api.sign()
    twin = _twin(text, _ORDERS[algorithm])
    assert twin != text
    assert under_revocation.accept(twin) == under_revocation.accept(text)

    value = {"jti": "jti-1", "sid": "sid-1", "sub": "user-1", "kid": kid_of(algorithm), "all": ""}[kind]
    before = NOW if kind in CUT_OFF_KINDS else None
    view.add(RevocationEntry(seq=1, kind=kind, digest=digest(kind, value), before=before, expires_at=NOW + 3660))

    for either in (text, twin):
        under_revocation.refuse(either, "revoked")


@ecdsa
def test_a05_a_twin_lends_nothing_to_what_is_no_twin(algorithm: Algorithm) -> None:
    """A05: the cache keeps whole tokens: the twin of a signature under other claims is refused as ever."""
    api = target(algorithm)
    text = api.sign()
    twin = _twin(text, _ORDERS[algorithm])
    api.accept(text)
    api.accept(twin)
    head, _, signature = twin.split(".")
    api.refuse(f"{head}.{segment({**good_claims(), 'sub': 'admin'})}.{signature}", "bad_signature")


@ecdsa
def test_a06_a_signature_has_one_length_and_form(algorithm: Algorithm) -> None:
    """A06, VER-19: shorter, longer, DER, with leading zeros, in the size of another curve, doubled: all refused."""
    api = target(algorithm)
    good = base64url.decode(api.sign().rpartition(".")[2])
    r, s = good[: len(good) // 2], good[len(good) // 2 :]
    forms = [good[:-1], good[1:], good + b"\0", b"\0" + good, b"\0" + r + b"\0" + s, good * 2, r, s + r]
    forms += [r.rjust(size, b"\0") + s.rjust(size, b"\0") for size in (32, 48, 66) if size > len(r)]
    forms += [encode_dss_signature(int.from_bytes(r), int.from_bytes(s)), r + s[:-1], b"\x04" + good]
    for form in forms:
        api.refuse(_resigned(api, form), "bad_signature")


def test_a06_a_byte_more_or_less_is_no_signature(api: Target) -> None:
    """A06: of any algorithm, at either end."""
    good = base64url.decode(api.sign().rpartition(".")[2])
    for form in (good[:-1], good[1:], good + b"\0", b"\0" + good, good + good, good[:1], good[: len(good) // 2]):
        api.refuse(_resigned(api, form), "bad_signature")


@pytest.mark.parametrize(
    ("algorithm", "make"),
    [
        (Algorithm.ES256, lambda: ec.generate_private_key(ec.SECP384R1())),
        (Algorithm.ES256, lambda: ec.generate_private_key(ec.SECP256K1())),
        (Algorithm.ES384, lambda: ec.generate_private_key(ec.SECP256R1())),
        (Algorithm.ES384, lambda: ec.generate_private_key(ec.SECP521R1())),
        (Algorithm.RS256, lambda: rsa.generate_private_key(65537, 1024)),  # noqa: S505 - the weak key under test
    ],
)
def test_a07_a_key_of_another_curve_or_size_vouches_for_nothing(algorithm: Algorithm, make: Callable[[], Any]) -> None:
    """A07, A08, VER-20: in a set it is skipped, and what it signs is refused; alone it is no set."""
    private = make()
    wrong = {**_jwk(private.public_key()), "alg": algorithm.value, "kid": "wrong"}
    with pytest.raises(InvalidKey):
        Verifier(ISSUER, AUDIENCE, jwks={"keys": [wrong]})
    verifier = Verifier(ISSUER, AUDIENCE, jwks={"keys": [wrong, jwk_of(algorithm)]}, clock=lambda: NOW)
    api = Target(algorithm=algorithm, key=key_of(algorithm), verifier=verifier)
    signing_input = f"{segment({**api.header, 'kid': 'wrong'})}.{segment(good_claims())}"
    api.refuse(f"{signing_input}.{base64url.encode(_sign_with(private, signing_input))}", "unknown_key")
    api.accept(api.sign())


@pytest.mark.parametrize(
    ("algorithm", "members"),
    [
        (Algorithm.ES256, {"crv": "P-384"}),
        (Algorithm.ES256, {"crv": "secp256k1"}),
        (Algorithm.ES256, {"kty": "OKP", "crv": "Ed25519"}),
        (Algorithm.ES256, {"kty": "RSA"}),
        (Algorithm.EdDSA, {"crv": "X25519"}),
        (Algorithm.EdDSA, {"crv": "Ed448"}),
        (Algorithm.EdDSA, {"crv": "P-256"}),
        (Algorithm.EdDSA, {"kty": "EC"}),
        (Algorithm.RS256, {"e": "AQ"}),
        (Algorithm.RS256, {"e": "Aw"}),
        (Algorithm.RS256, {"n": from_unsigned(2**1023 + 1)}),
        (Algorithm.RS256, {"kty": "EC"}),
        (Algorithm.PS256, {"e": "Aw"}),
    ],
)
def test_a07_a_key_that_does_not_fit_its_algorithm_is_none(algorithm: Algorithm, members: dict[str, str]) -> None:
    """A07, A08, VER-20: another curve, another kind, X25519, e = 1, e = 3, 1024 bits: no token of it is taken."""
    wrong = {**jwk_of(algorithm), **members}
    other = next(each for each in _PUBLIC if each is not algorithm)
    with pytest.raises(InvalidKey):
        Verifier(ISSUER, AUDIENCE, jwks={"keys": [wrong]})
    verifier = Verifier(ISSUER, AUDIENCE, jwks={"keys": [wrong, jwk_of(other)]}, clock=lambda: NOW)
    Target(algorithm=algorithm, key=key_of(algorithm), verifier=verifier).refuse(
        target(algorithm).sign(), "unknown_key"
    )


@pytest.mark.parametrize("algorithm", [Algorithm.RS256, Algorithm.RS512])
def test_a08_a_padding_that_is_not_exact_is_no_signature(algorithm: Algorithm) -> None:
    """A08: made with the key itself, so that only the block is wrong: garbage, short padding, another hash's name."""
    api = target(algorithm)
    private: Any = load_der_private_key(api.key.to_bytes(), None)
    numbers, size = private.private_numbers(), private.key_size // 8
    signing_input = api.sign().rpartition(".")[0]
    info = _digest_info(algorithm, signing_input)
    good = b"\0\1" + b"\xff" * (size - len(info) - 3) + b"\0" + info
    signature = pow(int.from_bytes(good), numbers.d, numbers.public_numbers.n).to_bytes(size)
    api.accept(_resigned(api, signature))
    for block in _wrong_blocks(good, info, size):
        number = int.from_bytes(block)
        forged = pow(number, numbers.d, numbers.public_numbers.n).to_bytes(size)
        api.refuse(_resigned(api, forged), "bad_signature")


@pytest.mark.parametrize("algorithm", _RSA)
def test_a08_a_signature_is_a_number_below_the_modulus(algorithm: Algorithm) -> None:
    """A08: the signature plus the modulus, zero, one, and the modulus itself are refused."""
    api = target(algorithm)
    private: Any = load_der_private_key(api.key.to_bytes(), None)
    modulus, size = private.private_numbers().public_numbers.n, private.key_size // 8
    good = int.from_bytes(base64url.decode(api.sign().rpartition(".")[2]))
    for number in (good + modulus, 0, 1, modulus, modulus - 1, modulus - good):
        if number < 2 ** (8 * size):
            api.refuse(_resigned(api, number.to_bytes(size)), "bad_signature")


def test_a13_no_leaked_secret_signs_for_anybody(full: bool, vectors: Path, say: Callable[[str], None]) -> None:
    """A13: HS256 under each secret of the leaked list is refused, by APIs with public keys and with a secret alike."""
    lines = sorted({line for path in (vectors / "weak-secrets").iterdir() for line in path.read_bytes().splitlines()})
    leaked = lines if full else lines[::40]
    inputs = [
        (api, f"{segment({'alg': 'HS256', 'kid': kid, 'typ': 'at+jwt'})}.{segment(good_claims())}")
        for api, kid in ((target(Algorithm.ES256), kid_of(Algorithm.ES256)), (target(Algorithm.HS256), "key-HS256"))
    ]
    for api, signing_input in inputs:
        for secret in leaked:
            signature = hmac.digest(secret, signing_input.encode(), hashlib.sha256)
            with pytest.raises(InvalidToken):
                api.verifier.verify(f"{signing_input}.{base64url.encode(signature)}")
    say(f"A13: {len(leaked)} of {len(lines)} leaked secrets, 0 accepted")


@pytest.mark.parametrize("algorithm", sorted(SYMMETRIC))
def test_a13_a_short_or_repetitive_secret_is_not_loaded(algorithm: Algorithm) -> None:
    """A13: a verifier can't be made with one; what else is guessable the server judges where it starts."""
    for secret in (b"", b"secret", b"your-256-bit-secret", b"a" * 64, b"0123456789" * 7, bytes(64)):
        jwk = {"kty": "oct", "kid": "k", "alg": algorithm.value, "k": base64url.encode(secret)}
        with pytest.raises(InvalidKey):
            Verifier(ISSUER, AUDIENCE, algorithms=[algorithm], jwks={"keys": [jwk]})


def test_a14_json_that_holds_a_token_is_no_token(api: Target) -> None:
    """A14, VER-18: flattened, general, two signatures of which one is good, and a name that is a whole token."""
    good = api.sign()
    head, payload, signature = good.split(".")
    admin = segment({**good_claims(), "sub": "admin"})
    one = {"protected": head, "signature": signature}
    forms: list[Any] = [
        {"payload": payload, **one},
        {"payload": admin, **one},
        {"payload": payload, "signatures": [one]},
        {"payload": payload, "signatures": [{"protected": head, "signature": "AA"}, one]},
        {"payload": payload, "header": {"alg": "none"}, **one},
        {"payload": payload, "header": {"crit": ["exp"]}, **one},
        {good: 1},
        {f"{head}.{admin}.{signature}": "", **one},
        [good],
        good,
    ]
    for form in forms:
        api.refuse(json.dumps(form), "malformed")
        api.refuse(json.dumps(form, separators=(",", ":")), "malformed")
    # CVE-2022-39227: JSON to one reader, three segments to another
    api.refuse('{"' + head + "." + admin + '.":"","' + f'payload":"{payload}","protected":"{head}","x":"{signature}"}}')


@pytest.mark.parametrize("text", [None, 5, True, b"a.b.c", [], {}, object()])
def test_a14_what_is_no_text_is_no_token(text: object, api: Target) -> None:
    """A14, VER-29: bytes, numbers and objects are refused, not guessed at."""
    api.refuse(text, "malformed")
    api.refuse(api.sign().encode(), "malformed")


def _public_forms(algorithm: Algorithm) -> list[bytes]:
    """Return the public key of *algorithm* in every form it was ever taken for a secret in."""
    private: Any = load_der_private_key(key_of(algorithm).to_bytes(), None)
    public, jwk = private.public_key(), jwk_of(algorithm)
    pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    bare = {name: jwk[name] for name in jwk if name not in {"use", "alg", "kid"}}
    forms = [pem, public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo), b""]
    if PARAMETERS[algorithm].key_type is KeyType.RSA:
        forms += [public.public_bytes(form, PublicFormat.PKCS1) for form in (Encoding.PEM, Encoding.DER)]
    forms += [public.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)]
    forms += [_certificate(private).public_bytes(form) for form in (Encoding.PEM, Encoding.DER)]
    for each in (jwk, bare):
        forms += [json.dumps(each).encode(), json.dumps(each, separators=(",", ":"), sort_keys=True).encode()]
        forms += [json.dumps({"keys": [each]}).encode()]
    texts = [form for form in forms if form.isascii() and form]
    disguised = [wrap(form) for form in texts for wrap in _DISGUISES]
    return [*forms, *disguised, *_raw_forms(algorithm)]


def _raw_forms(algorithm: Algorithm) -> list[bytes]:
    """Return the bare bytes of the key: coordinates, modulus, and their base64url as the JWK has it."""
    jwk = jwk_of(algorithm)
    texts = [jwk[name] for name in ("x", "y", "n", "e") if name in jwk]
    parts = [base64url.decode(text) for text in texts]
    joined = b"".join(parts)
    return [*parts, joined, b"\x04" + joined, *(text.encode() for text in texts), "".join(texts).encode()]


_DISGUISES: tuple[Callable[[bytes], bytes], ...] = (
    bytes.rstrip,
    lambda form: form.rstrip() + b"\n\n",
    lambda form: b" " + form,
    lambda form: b"\n" + form,
    lambda form: b"\xef\xbb\xbf" + form,
    lambda form: form.replace(b"\n", b"\r\n"),
    lambda form: base64url.encode(form).encode(),
)


def _certificate(private: Any) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "auth.example.com")])
    start = datetime.fromtimestamp(NOW, UTC)
    builder = x509.CertificateBuilder(
        issuer_name=name,
        subject_name=name,
        public_key=private.public_key(),
        serial_number=1,
        not_valid_before=start,
        not_valid_after=start + timedelta(days=1),
    )
    is_ed25519 = not isinstance(private, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey)
    return builder.sign(private, None if is_ed25519 else hashes.SHA256())


def _resigned(api: Target, signature: bytes) -> str:
    return f"{api.sign().rpartition('.')[0]}.{base64url.encode(signature)}"


def _twin(text: str, order: int) -> str:
    signing_input, _, signature = text.rpartition(".")
    data = base64url.decode(signature)
    half = len(data) // 2
    return f"{signing_input}.{base64url.encode(data[:half] + (order - int.from_bytes(data[half:])).to_bytes(half))}"


def _jwk(public: Any) -> dict[str, str]:
    if isinstance(public, rsa.RSAPublicKey):
        return {"kty": "RSA", "n": from_unsigned(public.public_numbers().n), "e": "AQAB"}
    numbers, size = public.public_numbers(), (public.curve.key_size + 7) // 8
    names = {"secp256r1": "P-256", "secp384r1": "P-384", "secp521r1": "P-521"}
    coordinates = {name: base64url.encode(getattr(numbers, name).to_bytes(size)) for name in ("x", "y")}
    return {"kty": "EC", "crv": names.get(public.curve.name, public.curve.name), **coordinates}


def _sign_with(private: Any, signing_input: str) -> bytes:
    if isinstance(private, rsa.RSAPrivateKey):
        return private.sign(signing_input.encode(), padding.PKCS1v15(), hashes.SHA256())
    signature: bytes = private.sign(signing_input.encode(), ec.ECDSA(hashes.SHA256()))
    return signature


def _digest_info(algorithm: Algorithm, signing_input: str) -> bytes:
    """Return the DigestInfo that is signed (RFC 8017 §9.2)."""
    prefix = {"RS256": "3031300d060960864801650304020105000420", "RS512": "3051300d060960864801650304020305000440"}
    return bytes.fromhex(prefix[algorithm]) + _HASHES[int(algorithm[2:])](signing_input.encode()).digest()


def _wrong_blocks(good: bytes, info: bytes, size: int) -> Iterator[bytes]:
    """Yield blocks that lenient readers of the padding take (RFC 8017 §9.2; Bleichenbacher 2006)."""
    yield b"\0\1" + b"\xff" * 8 + b"\0" + info + bytes(size - len(info) - 11)  # garbage behind the hash
    yield b"\0\1\0" + info + bytes(size - len(info) - 3)  # no padding
    yield b"\0\2" + good[2:]  # the block type of encryption
    yield b"\0\0" + good[2:]
    yield good[:2] + b"\xfe" + good[3:]  # another byte amid the padding
    yield good[: -len(info) - 1] + b"\xff" + info  # no separator
    without_null = info.replace(b"\5\0", b"", 1)
    yield b"\0\1" + b"\xff" * (size - len(without_null) - 3) + b"\0" + without_null
    bare = info[19:]
    yield b"\0\1" + b"\xff" * (size - len(bare) - 3) + b"\0" + bare  # the hash alone
    yield good[: -len(info)] + info[:14] + bytes([info[14] ^ 1]) + info[15:]  # another hash's name
    yield good[:-1] + bytes([good[-1] ^ 1])
