"""Has a token one text and one meaning (RFC 7515 §2, RFC 7519 §3, RFC 8259)?"""

from collections.abc import Iterator
from typing import Final

from keyturn.attack.case import Case
from keyturn.attack.crafting import encode_json
from keyturn.attack.material import Material
from keyturn.attack.model import Need, Severity, Shot, bearer
from keyturn.tokens import base64url
from keyturn.tokens.base64url import ALPHABET


def _encoding_twins(material: Material) -> Iterator[Shot]:
    head, _, signature = material.good.rpartition(".")
    yield bearer("with padding", f"{material.good}{'=' * (-len(signature) % 4 or 4)}")
    if len(signature) % 4:
        yield bearer("with bits after the last byte", f"{head}.{_with_stray_bit(signature)}")
    if set(signature) & set("-_"):
        yield bearer("in the other alphabet", f"{head}.{signature.translate(_OTHER_ALPHABET)}")
    middle = len(signature) // 2
    yield bearer("with a sign of no alphabet inside", f"{head}.{signature[:middle]}!{signature[middle:]}")
    yield bearer("with a fourth segment", f"{material.good}.")


def _utf16_claims(material: Material) -> Iterator[Shot]:
    text = encode_json(material.fresh_claims()).decode()
    for encoding in ("utf-16", "utf-16-le", "utf-32-be", "utf-8-sig"):
        yield bearer(encoding, material.signed(text.encode(encoding)))


def _duplicate_members(material: Material) -> Iterator[Shot]:
    claims = material.fresh_claims()
    past, future = b'"exp":1,', encode_json({"exp": claims.pop("exp")})[1:-1]
    rest = encode_json(claims)[1:-1]
    yield bearer("exp, the last one good", material.signed(b"{" + past + future + b"," + rest + b"}"))
    yield bearer("exp, the first one good", material.signed(b"{" + future + b"," + rest + b"," + past[:-1] + b"}"))
    escaped = b'"\\u0065xp":1,'
    yield bearer("exp, one of them escaped", material.signed(b"{" + escaped + future + b"," + rest + b"}"))
    header = encode_json(material.own_header())
    twice = b'{"alg":"none",' + header[1:]
    yield bearer("alg, in the header", material.signed(material.fresh_claims(), twice))


def _json_serialisation(material: Material) -> Iterator[Shot]:
    head, payload, signature = material.good.split(".")
    flat = {"protected": head, "payload": payload, "signature": signature}
    yield bearer("flattened", encode_json(flat).decode())
    general = {"payload": payload, "signatures": [{"protected": head, "signature": signature}]}
    yield bearer("general", encode_json(general).decode())
    forged = base64url.encode(encode_json(material.fresh_claims()))
    for blanks in ("", "  "):
        polyglot = {f"{blanks}{head}.{forged}.": "", **flat}
        yield bearer(f"a polyglot with forged claims, {len(blanks)} blanks", encode_json(polyglot).decode())


def _with_stray_bit(segment: str) -> str:
    """Return *segment* with the lowest bit of its last character set, which stands for no byte."""
    return segment[:-1] + chr(ALPHABET[ALPHABET.index(ord(segment[-1])) | 1])


_OTHER_ALPHABET: Final = str.maketrans("-_", "+/")

CASES: Final = (
    Case(
        id="encoding-twins",
        title="One token has several texts",
        severity=Severity.LOW,
        meaning="A list of refused texts, a cache or a log takes the twin for another token.",
        mend="Refuse what is not canonical base64url; revoke by `jti` or session, never by text.",
        reference="RFC 7515 §2, RFC 4648 §3.5",
        need=Need.JWT,
        forge=_encoding_twins,
        covered_by=("any-signature",),
    ),
    Case(
        id="utf16-claims",
        title="Claims in another encoding than UTF-8 are accepted",
        severity=Severity.LOW,
        meaning="Two programs read one token differently: the one that checks, and the one that uses it.",
        mend="Decode the claims as UTF-8, strictly, without a byte order mark.",
        reference="RFC 7519 §3, RFC 8259 §8.1",
        need=Need.KEY,
        forge=_utf16_claims,
    ),
    Case(
        id="duplicate-members",
        title="A claim that is there twice is accepted",
        severity=Severity.LOW,
        meaning="One program takes the first, another the last: a gateway checks one user, and the API serves another.",
        mend="Refuse JSON in which a name occurs twice.",
        reference="RFC 7515 §4, RFC 7519 §4, RFC 8725 §2.4",
        need=Need.KEY,
        forge=_duplicate_members,
    ),
    Case(
        id="json-serialisation",
        title="A token in JSON serialisation is accepted",
        severity=Severity.HIGH,
        meaning="One text holds two tokens: one's signature is verified, the other's claims are believed.",
        mend="Take compact tokens alone: three segments of base64url.",
        reference="RFC 7519 §3, CVE-2022-39227",
        need=Need.JWT,
        forge=_json_serialisation,
        covered_by=("any-signature",),
    ),
)
