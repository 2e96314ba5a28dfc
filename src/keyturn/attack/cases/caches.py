"""Does a token that was verified let another one in (CVE-2026-35039)? Each shot comes right after the good token."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from keyturn.attack.case import Case
from keyturn.attack.crafting import compact, constant, encode_json, spoilt
from keyturn.attack.material import Material
from keyturn.attack.model import Need, Severity, Shot, bearer
from keyturn.tokens import base64url


def _cache_collision(material: Material) -> Iterator[Shot]:
    head, payload, signature = material.good.split(".")
    forged = base64url.encode(encode_json(material.fresh_claims()))
    random = compact({}, {}, constant(material.draw(max(len(material.signature), 1)))).rpartition(".")[2]
    for variant, token in (
        ("its header and claims, another signature", f"{head}.{payload}.{random}"),
        ("its signature, other claims", f"{head}.{forged}.{signature}"),
        ("all but the last byte", f"{head}.{payload}.{base64url.encode(spoilt(material.signature))}"),
        ("all but the middle of the claims", f"{head}.{_changed(payload)}.{signature}"),
        ("all but the middle of the signature", f"{head}.{payload}.{_changed(signature)}"),
    ):
        yield replace(bearer(variant, token), primed_by=f"Bearer {material.good}")


def _changed(segment: str) -> str:
    middle = len(segment) // 2
    return segment[:middle] + ("B" if segment[middle : middle + 1] == "A" else "A") + segment[middle + 1 :]


CASES: Final = (
    Case(
        id="cache-collision",
        title="A token that resembles one seen before is accepted",
        severity=Severity.HIGH,
        meaning="A cache of verified tokens is asked by a part of the text: the thief is taken for somebody else.",
        mend="Ask the cache by the whole text, or by its SHA-256.",
        reference="CVE-2026-35039",
        need=Need.JWT,
        forge=_cache_collision,
        covered_by=("any-signature",),
    ),
)
