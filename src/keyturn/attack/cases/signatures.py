"""Is the signature verified at all, and strictly (RFC 7515 §5.2, RFC 7518 §3)?"""

from collections.abc import Iterator
from typing import Final

from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from keyturn.attack.case import Case
from keyturn.attack.crafting import compact, constant
from keyturn.attack.material import Material
from keyturn.attack.model import Need, Severity, Shot, bearer


def _any_signature(material: Material) -> Iterator[Shot]:
    # The members in another order, so that no cache by a part of the text takes it for a token it has seen.
    header = dict(reversed(material.own_header().items()))
    size = len(material.signature) or 64
    yield bearer("random signature", compact(header, material.fresh_claims(), constant(material.draw(size))))
    yield bearer("one random byte", compact(header, material.fresh_claims(), constant(material.draw(1))))


def _no_signature(material: Material) -> Iterator[Shot]:
    token = compact(material.own_header(), material.fresh_claims(), constant(b""))
    yield bearer("empty signature", token)
    yield bearer("two segments", token.removesuffix("."))


def _alg_none(material: Material) -> Iterator[Shot]:
    claims = material.fresh_claims()
    for alg in _NONES:
        header = {**material.header, "alg": alg}
        yield bearer(f"alg {alg!r}, no signature", compact(header, claims, constant(b"")))
    for alg in ("none", "None", "es256", "XX999"):
        header = {**material.header, "alg": alg}
        yield bearer(f"alg {alg!r}, a signature", compact(header, claims, constant(material.draw(64))))
    yield bearer("header of alg alone", compact({"alg": "none"}, claims, constant(b"")))
    yield bearer("no alg", compact(material.own_header(alg=None), claims, constant(b"")))


def _psychic_signature(material: Material) -> Iterator[Shot]:
    order = _ORDERS.get(material.algorithm)
    if order is None:
        return
    size = (order.bit_length() + 7) // 8
    for variant, signature in (
        ("r = s = 0", bytes(2 * size)),
        ("r = s = n", order.to_bytes(size) * 2),
        ("r = 0, s = 1", (1).to_bytes(2 * size)),
        ("r = s = 0 as DER", encode_dss_signature(0, 0)),
    ):
        yield bearer(variant, compact(material.own_header(), material.fresh_claims(), constant(signature)))


def _der_signature(material: Material) -> Iterator[Shot]:
    head = material.good.rpartition(".")[0]
    for variant, signature in _respelt(material.algorithm, material.signature):
        yield bearer(variant, f"{head}.{_encoded(signature)}")


def _respelt(algorithm: str, signature: bytes) -> Iterator[tuple[str, bytes]]:
    """Return the same signature in forms that RFC 7518 §3 does not know."""
    if algorithm in _ORDERS:
        half = len(signature) // 2
        r, s = signature[:half], signature[half:]
        yield "as DER", encode_dss_signature(int.from_bytes(r), int.from_bytes(s))
        yield "each half with a leading zero", b"\x00" + r + b"\x00" + s
    if algorithm.startswith("HS"):
        yield "its first 16 bytes", signature[:16]
        yield "its first byte", signature[:1]
    yield "with a leading zero", b"\x00" + signature
    yield "with a trailing zero", signature + b"\x00"


def _encoded(signature: bytes) -> str:
    return compact({}, {}, constant(signature)).rpartition(".")[2]


_NONES: Final[tuple[object, ...]] = ("none", "None", "NONE", "nOnE", "none ", "", None, [])

# The orders of the groups (SEC 2 §2).
_ORDERS: Final = {
    "ES256": 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551,
    "ES384": int(
        "FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFC7634D81F4372DDF581A0DB248B0A77AECEC196ACCC52973", 16
    ),
    "ES512": int(
        "01FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFA"
        "51868783BF2F966B7FCC0148F709A5D03BB5C9B8899C47AEBB6FB71E91386409",
        16,
    ),
}

#: Goes ahead of all others: where nothing is verified, nothing else can be found.
FIRST: Final = (
    Case(
        id="any-signature",
        title="A signature that is no signature is accepted",
        severity=Severity.HIGH,
        meaning="Nothing verifies the signature. Anybody writes a token that says anything: any user, any role.",
        mend="Verify the signature before anything in the token is believed; never only decode it.",
        reference="RFC 7515 §5.2, RFC 8725 §3.3",
        need=Need.JWT,
        forge=_any_signature,
    ),
)

CASES: Final = (
    Case(
        id="no-signature",
        title="A token without a signature is accepted",
        severity=Severity.HIGH,
        meaning="Whoever leaves the signature away is believed, and may claim to be anybody.",
        mend="Refuse a token that has not three segments, or whose last one is empty.",
        reference="RFC 7515 §3.1, CVE-2020-28042",
        need=Need.JWT,
        forge=_no_signature,
        covered_by=("any-signature",),
    ),
    Case(
        id="alg-none",
        title="A token that says it is unsigned is accepted",
        severity=Severity.HIGH,
        meaning="The token chooses how it is verified, and chooses not at all: anybody may claim to be anybody.",
        mend="Name the algorithms that you accept; `none`, in any spelling, is not among them.",
        reference="RFC 8725 §3.1, CVE-2015-9235",
        need=Need.JWT,
        forge=_alg_none,
        covered_by=("any-signature",),
    ),
    Case(
        id="psychic-signature",
        title="A signature of zeros verifies",
        severity=Severity.HIGH,
        meaning="One signature fits every token under every key: anybody may claim to be anybody.",
        mend="Upgrade the crypto library; refuse r or s outside of 1 to n - 1.",
        reference="CVE-2022-21449",
        need=Need.JWT,
        forge=_psychic_signature,
        covered_by=("any-signature",),
    ),
    Case(
        id="der-signature",
        title="A signature of another form or length is accepted",
        severity=Severity.MEDIUM,
        meaning="One token has several texts, so that a list of refused texts is passed by; a cut HMAC can be guessed.",
        mend="Check the length of the signature against the algorithm's own before it is verified.",
        reference="RFC 7518 §3.2 to §3.4",
        need=Need.JWT,
        forge=_der_signature,
        covered_by=("any-signature",),
    ),
)
