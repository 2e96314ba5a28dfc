"""The worked examples of RFC 7520 §3 and §4, as far as they are compact and use an algorithm of ours."""

import json
from pathlib import Path
from typing import Any

import pytest

from keyturn.errors import InvalidKey, InvalidToken
from keyturn.tokens import base64url, jws
from keyturn.tokens.algorithms import Algorithm
from keyturn.tokens.jwk import PRIVATE_MEMBERS, thumbprint
from keyturn.tokens.keys import VerificationKey


@pytest.mark.parametrize(
    ("name", "algorithm"),
    [
        ("jws/4_1.rsa_v15_signature.json", "RS256"),
        ("jws/4_2.rsa-pss_signature.json", "PS384"),
        ("jws/4_3.ecdsa_signature.json", "ES512"),
        ("jws/4_4.hmac-sha2_integrity_protection.json", "HS256"),
        ("curve25519/jws.json", "EdDSA"),
    ],
)
def test_the_examples_of_rfc_7520_verify(name: str, algorithm: str, vectors: Path) -> None:
    """RFC 7520 §4, RFC 8037 A.4: printed tokens verify under printed keys, and without their last byte not."""
    example = _example(vectors, name)
    parsed = jws.parse(example["output"]["compact"])
    key = _key(_public(example["input"]["key"]) | {"alg": algorithm})
    assert jws.verify_with(parsed, key).decode() == example["input"]["payload"]
    parsed.signature = parsed.signature[:-1]
    with pytest.raises(InvalidToken):
        jws.verify_with(parsed, key)


@pytest.mark.parametrize("name", ["3_1.ec_public_key", "3_3.rsa_public_key"])
def test_the_public_keys_of_rfc_7520_are_read(name: str, vectors: Path) -> None:
    """RFC 7520 §3: a public key is read and written with the same members; its private twin is refused."""
    jwk = _example(vectors, f"jwk/{name}.json")
    jwk["alg"] = "ES512" if jwk["kty"] == "EC" else "RS256"
    key = VerificationKey.from_jwk(jwk)
    assert key.to_jwk() == {name: jwk[name] for name in key.to_jwk()}
    assert thumbprint(key.to_jwk()) == thumbprint(jwk)
    with pytest.raises(InvalidKey):
        VerificationKey.from_jwk({**jwk, "d": "AQ"})


@pytest.mark.parametrize("name", ["rfc7797/4.2.hmac-sha2_b64_false.json", "rfc7797/hmac-sha2_b64_false.json"])
def test_ver_17_the_examples_of_rfc_7797_are_refused(name: str, vectors: Path) -> None:
    """VER-17, A12: an unencoded payload is no JWT (RFC 7797 §7)."""
    for form in _example(vectors, name)["output"].values():
        with pytest.raises(InvalidToken):
            jws.parse(form if isinstance(form, str) else json.dumps(form))


def test_ver_18_every_json_form_and_every_jwe_is_refused(vectors: Path) -> None:
    """VER-18, A14, A15: detached, flattened, general, encrypted and nested: none is a compact signed token."""
    folder = vectors / "rfc7520-cookbook"
    paths = [*folder.glob("jwe/*.json"), *folder.glob("jws/4_[5-8]*.json"), folder / "curve25519" / "ecdh-es.json"]
    assert len(paths) == 13 + 4 + 1
    outputs = [json.loads(path.read_text())["output"] for path in paths]
    nested = json.loads((folder / "6.nesting_signatures_and_encryption.json").read_text())["encrypt"]["output"]
    for form in (form for output in (*outputs, nested) for form in output.values()):
        with pytest.raises(InvalidToken) as refused:
            jws.verify(form if isinstance(form, str) else json.dumps(form), {}.get, frozenset(Algorithm), typ="at+jwt")
        assert refused.value.reason == "malformed"


def test_the_secret_and_private_keys_of_rfc_7520_are_no_public_keys(vectors: Path) -> None:
    """RFC 7520 §3: a private key, one for encryption, and a secret that everybody has read are refused."""
    for name in ("3_2.ec_private_key", "3_4.rsa_private_key", "3_6.symmetric_key_encryption"):
        jwk = _example(vectors, f"jwk/{name}.json")
        with pytest.raises(InvalidKey):
            VerificationKey.from_jwk({"alg": "ES512" if jwk["kty"] == "EC" else "RS256"} | jwk)
    with pytest.raises(InvalidKey):
        _key(_example(vectors, "jwk/3_5.symmetric_key_mac_computation.json")).to_jwk()


def _key(jwk: dict[str, Any]) -> VerificationKey:
    if jwk["kty"] != "oct":
        return VerificationKey.from_jwk(jwk)
    with pytest.raises(InvalidKey, match="unusable"):  # everybody has read this secret (VER-21)
        VerificationKey.from_jwk(jwk)
    return VerificationKey._of(Algorithm(jwk["alg"]), base64url.decode(jwk["k"]), kid=jwk["kid"])


def _example(vectors: Path, name: str) -> dict[str, Any]:
    example: dict[str, Any] = json.loads((vectors / "rfc7520-cookbook" / name).read_text())
    return example


def _public(jwk: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in jwk.items() if name not in PRIVATE_MEMBERS}
