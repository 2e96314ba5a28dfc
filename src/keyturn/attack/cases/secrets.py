"""Does a key that everybody has make tokens (RFC 8725 §3.1, §3.5)?"""

from collections.abc import Iterator
from typing import Final

from keyturn.attack.case import Case
from keyturn.attack.crafting import compact, hmac_matches, hmac_signer
from keyturn.attack.material import Material
from keyturn.attack.model import Need, Severity, Shot, bearer
from keyturn.attack.public_key_forms import forms

#: Secrets of manuals, tutorials and templates.
EXAMPLE_SECRETS: Final = (
    *("secret", "secretkey", "secret_key", "secret-key", "SECRET", "SECRET_KEY", "mysecret", "my-secret", "my_secret"),
    *("mysecretkey", "my-secret-key", "supersecret", "super-secret", "super_secret", "supersecretkey"),
    *("your-256-bit-secret", "your-384-bit-secret", "your-512-bit-secret", "your-secret-key", "your_secret_key"),
    *("a-string-secret-at-least-256-bits-long", "your_jwt_secret", "your-jwt-secret", "jwt-secret", "jwt_secret"),
    *("jwtsecret", "JWT_SECRET", "jwt", "token", "key", "private", "changeme", "change-me", "change_me", "changeit"),
    *("password", "passw0rd", "123456", "1234567890", "qwerty", "test", "testing", "dev", "development", "default"),
    *("example", "example_key", "shhhhh", "shhhhhared-secret", "hmac_secret", "django-insecure", "AllYourBase"),
    "09d25e094faa6ca2556c818166b7a9563b93f7099f6f0f4caa6cf63b88e8d3e7",  # FastAPI's tutorial
    "my$ecretK3y",
    "ThisIsMySecretKey",
    "GUNICORN_SECRET",
)


def _alg_confusion(material: Material) -> Iterator[Shot]:
    for jwk in _nearest(material):
        for form, secret in forms(jwk):
            yield _hmac_shot(material, "HS256", secret, variant=f"HS256 with the public key as {form}")
        pem = dict(forms(jwk)).get("PEM")
        for algorithm in ("HS384", "HS512") if pem else ():
            yield _hmac_shot(material, algorithm, pem or b"", variant=f"{algorithm} with the public key as PEM")


def _empty_key(material: Material) -> Iterator[Shot]:
    for algorithm in ("HS256", "HS384", "HS512"):
        yield _hmac_shot(material, algorithm, b"", variant=f"{algorithm}, empty secret")
    yield _hmac_shot(material, "HS256", b"", variant="HS256, empty secret, no kid", kid=None)
    yield _hmac_shot(material, "HS256", b"", variant="HS256, empty secret, unknown kid", kid=material.name())
    for word in (b"\x00", b"null", b"None", b"undefined"):
        yield _hmac_shot(material, "HS256", word, variant=f"HS256, secret {word!r}")


def _weak_secret(material: Material) -> Iterator[Shot]:
    """Try all here, without a request, on a token that a secret signed; where none is its own, the commonest there."""
    algorithm = material.algorithm if material.algorithm in _HMAC else "HS256"
    own = [secret.encode() for secret in EXAMPLE_SECRETS if _signed_by(secret.encode(), material)]
    for secret in own:
        yield _hmac_shot(material, algorithm, secret, variant="its own secret is one of a manual")
    for word in EXAMPLE_SECRETS[:_TRIED_THERE] if not own else ():
        yield _hmac_shot(material, algorithm, word.encode(), variant=f"{algorithm} with a secret of a manual")


def _signed_by(secret: bytes, material: Material) -> bool:
    return material.algorithm in _HMAC and hmac_matches(material.algorithm, secret, material.good)


def _hmac_shot(material: Material, algorithm: str, secret: bytes, *, variant: str, **header: object) -> Shot:
    head = material.own_header(alg=algorithm, **header)
    return bearer(variant, compact(head, material.fresh_claims(), hmac_signer(algorithm, secret)))


def _nearest(material: Material) -> list[dict[str, object]]:
    """Return the public key that the good token names, or the first two where it names none of them."""
    keys = [dict(jwk) for jwk in material.public_keys if jwk.get("kty") != "oct"]
    named = [jwk for jwk in keys if "kid" in jwk and jwk["kid"] == material.header.get("kid")]
    return named or keys[:2]


_TRIED_THERE: Final = 12
_HMAC: Final = frozenset({"HS256", "HS384", "HS512"})

CASES: Final = (
    Case(
        id="alg-confusion",
        title="A public key is taken for an HMAC secret",
        severity=Severity.HIGH,
        meaning="The token says HS256, and the key that everybody may read signs it: anybody may claim to be anybody.",
        mend="Bind each key to one algorithm; never accept HS… and asymmetric algorithms at one place.",
        reference="RFC 8725 §2.1, CVE-2016-10555, CVE-2022-29217, CVE-2024-33663",
        need=Need.PUBLIC_KEY,
        forge=_alg_confusion,
        covered_by=("any-signature",),
    ),
    Case(
        id="empty-key",
        title="An empty HMAC secret verifies",
        severity=Severity.HIGH,
        meaning="Where no key is found, or one without octets, nothing at all is the secret, and everybody has that.",
        mend="Refuse HMAC where public keys are used; refuse to start with an empty secret; refuse an unknown `kid`.",
        reference="RFC 7518 §3.2, CVE-2026-44699",
        need=Need.JWT,
        forge=_empty_key,
        covered_by=("any-signature",),
    ),
    Case(
        id="weak-secret",
        title="The HMAC secret is an example from a manual",
        severity=Severity.HIGH,
        meaning="Whoever has one token tries such secrets without asking you, and then signs as you do.",
        mend="Sign with 32 random bytes, or with an asymmetric key; change the secret now, as if it had been stolen.",
        reference="RFC 7518 §3.2, RFC 8725 §3.5",
        need=Need.JWT,
        forge=_weak_secret,
        covered_by=("any-signature",),
    ),
)
