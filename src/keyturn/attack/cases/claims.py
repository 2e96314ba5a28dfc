"""Are the claims of a well signed token judged (RFC 7519 §4.1, RFC 9068 §4)?"""

from collections.abc import Iterator
from typing import Final

from keyturn.attack.case import Case, Forge
from keyturn.attack.material import Material
from keyturn.attack.model import Need, Severity, Shot, bearer


def _claimed(*variants: tuple[str, dict[str, object]]) -> Forge:
    """Return the forge of well signed tokens whose claims differ by each of *variants*; None leaves a claim out."""

    def forge(material: Material) -> Iterator[Shot]:
        for variant, changes in variants:
            yield _signed(material, variant, **changes)

    return forge


def _expired(material: Material) -> Iterator[Shot]:
    for variant, age in (
        ("for ten minutes", 600),
        ("for an hour", 3600),
        ("for a day", 86400),
        ("for ten years", 10 * 365 * 86400),
    ):
        end = material.now - age
        yield _signed(material, variant, iat=end - material.lifetime, exp=end)


def _far_expiry(material: Material) -> Iterator[Shot]:
    yield _signed(material, "in ten years", exp=material.now + 10 * 365 * 86400)
    yield _signed(material, "in milliseconds", exp=(material.now + 300) * 1000)


def _not_yet_valid(material: Material) -> Iterator[Shot]:
    # Shortly before its end, for many an API refuses an end that is far off.
    yield _signed(material, "until shortly before its end", nbf=material.now + material.lifetime - 10)
    yield _signed(material, "for an hour", nbf=material.now + 3600, exp=material.now + 3600 + material.lifetime)


def _wrong_audience(material: Material) -> Iterator[Shot]:
    yield _signed(material, "another API", aud=OTHER_AUDIENCE)
    yield _signed(material, "a list of another API", aud=[OTHER_AUDIENCE])


def _audience_substring(material: Material) -> Iterator[Shot]:
    for name in _first_text(material.claims.get("aud")):
        yield _signed(material, "ours and more", aud=f"{name}.stranger.invalid")
        yield _signed(material, "more and ours", aud=f"stranger-{name}")
        yield _signed(material, "ours cut short", aud=_cut(name))
        yield _signed(material, "its first letter", aud=name[:1])
        yield _signed(material, "the key of an object", aud={name: 0})


def _no_audience(material: Material) -> Iterator[Shot]:
    if "aud" not in material.claims:
        return
    for variant, aud in (("left out", None), ("an empty list", []), ("an empty text", "")):
        yield _signed(material, variant, aud=aud)


def _wrong_issuer(material: Material) -> Iterator[Shot]:
    if "iss" not in material.claims:
        return
    yield _signed(material, "another issuer", iss=OTHER_ISSUER)
    yield _signed(material, "left out", iss=None)
    yield _signed(material, "a list with ours in it", iss=[OTHER_ISSUER, material.claims["iss"]])


def _issuer_prefix(material: Material) -> Iterator[Shot]:
    for name in _first_text(material.claims.get("iss")):
        yield _signed(material, "ours and more", iss=f"{name}.stranger.invalid")
        yield _signed(material, "ours in its path", iss=f"{OTHER_ISSUER}/{name}")
        yield _signed(material, "ours cut short", iss=_cut(name))
        yield _signed(material, "its first letter", iss=name[:1])


def _wrong_type(material: Material) -> Iterator[Shot]:
    usual = str(material.header.get("typ", "")).lower().removeprefix("application/")
    if usual == "at+jwt":
        yield _typed(material, "JWT", "an ID token", nonce="n", at_hash="h")
        yield _typed(material, None, "no type")
    for typ in ("dpop+jwt", "logout+jwt", "secevent+jwt", "oauth-authz-req+jwt"):
        yield _typed(material, typ, typ)


def _typed(material: Material, typ: str | None, variant: str, **claims: object) -> Shot:
    return bearer(variant, material.signed(material.fresh_claims(**claims), material.own_header(typ=typ)))


def _signed(material: Material, variant: str, **changes: object) -> Shot:
    return bearer(variant, material.signed(material.fresh_claims(**changes)))


def _cut(name: str) -> str:
    """Return *name* without its last letter; that a URL ends with a slash or not is no difference to call a flaw."""
    return name.rstrip("/")[:-1]


def _first_text(value: object) -> tuple[str, ...]:
    """Return the claim's first name, if it has one that can be cut and lengthened."""
    values = value if isinstance(value, list) else [value]
    return tuple(text for text in values if isinstance(text, str) and len(text) > 1)[:1]


OTHER_AUDIENCE: Final = "https://another-api.stranger.invalid"
OTHER_ISSUER: Final = "https://stranger.invalid"

CASES: Final = (
    Case(
        id="expired",
        title="An expired token is accepted",
        severity=Severity.HIGH,
        meaning="A stolen token is good for longer than the issuer said, or for ever, and a logout ends nothing.",
        mend="Refuse a token from its `exp` on, with a minute of leeway at most.",
        reference="RFC 7519 §4.1.4",
        need=Need.KEY,
        forge=_expired,
    ),
    Case(
        id="no-expiry",
        title="A token without an end is accepted",
        severity=Severity.HIGH,
        meaning="A token that leaves `exp` out is good for ever.",
        mend="Require `exp`.",
        reference="RFC 9068 §2.2",
        need=Need.KEY,
        forge=_claimed(("exp left out", {"exp": None})),
        covered_by=("expired",),
    ),
    Case(
        id="nan-expiry",
        title="An `exp` that is no moment counts as one to come",
        severity=Severity.HIGH,
        meaning="NaN is never before now, and a text sorts after a number: such a token is good for ever.",
        mend="Take a finite JSON number alone; refuse `NaN`, `Infinity`, texts, true and lists.",
        reference="RFC 7519 §2 (NumericDate), RFC 8259 §6",
        need=Need.KEY,
        forge=_claimed(
            ("NaN", {"exp": float("nan")}),
            ("Infinity", {"exp": float("inf")}),
            # Long past, and as a text later than now: whoever makes a number of it refuses it, and rightly.
            ("a text of digits", {"exp": "999999999"}),
            ("the text NaN", {"exp": "NaN"}),
            ("true", {"exp": True}),
            ("a list", {"exp": []}),
            ("an object", {"exp": {}}),
        ),
        covered_by=("expired",),
    ),
    Case(
        id="far-expiry",
        title="A token that ends in ten years is accepted",
        severity=Severity.LOW,
        meaning="A mistake at the issuer, such as milliseconds for seconds, makes tokens that never end.",
        mend="Refuse an access token whose `exp` is further off than your issuer's longest lifetime.",
        reference="RFC 9700 §2.2.1",
        need=Need.KEY,
        forge=_far_expiry,
        covered_by=("expired",),
    ),
    Case(
        id="not-yet-valid",
        title="A token is accepted before its time",
        severity=Severity.MEDIUM,
        meaning="What the issuer has dated ahead works at once.",
        mend="Refuse a token before its `nbf`.",
        reference="RFC 7519 §4.1.5",
        need=Need.KEY,
        forge=_not_yet_valid,
    ),
    Case(
        id="wrong-audience",
        title="A token for another API is accepted",
        severity=Severity.HIGH,
        meaning="Whoever runs another API of the same issuer uses the tokens that are sent there against this one.",
        mend="Require your own name in `aud`.",
        reference="RFC 7519 §4.1.3, RFC 8725 §3.9",
        need=Need.KEY,
        forge=_wrong_audience,
    ),
    Case(
        id="audience-substring",
        title="An audience that only resembles ours is accepted",
        severity=Severity.HIGH,
        meaning="The name is searched for in a text, so that an API with a similar name has tokens for this one.",
        mend="Compare audiences whole, each with each.",
        reference="RFC 7519 §4.1.3, RFC 8725 §2.7",
        need=Need.KEY,
        forge=_audience_substring,
        covered_by=("wrong-audience",),
    ),
    Case(
        id="no-audience",
        title="A token for no API in particular is accepted",
        severity=Severity.MEDIUM,
        meaning="Other tokens of the same issuer, not meant for an API, work here.",
        mend="Require `aud`, with your own name in it.",
        reference="RFC 9068 §4, RFC 8725 §3.9",
        need=Need.KEY,
        forge=_no_audience,
        covered_by=("wrong-audience",),
    ),
    Case(
        id="wrong-issuer",
        title="A token of another issuer is accepted",
        severity=Severity.HIGH,
        meaning="Keys that are shared, or taken for those of another issuer, let one issuer speak for another's users.",
        mend="Compare `iss` with the one issuer that the key belongs to.",
        reference="RFC 8725 §3.8, CVE-2025-30144",
        need=Need.KEY,
        forge=_wrong_issuer,
    ),
    Case(
        id="issuer-prefix",
        title="An issuer that only resembles ours is accepted",
        severity=Severity.HIGH,
        meaning="The issuer is searched for in a text, so that one with a similar name is believed.",
        mend="Compare `iss` whole, character by character.",
        reference="RFC 8725 §3.8, CVE-2024-53861",
        need=Need.KEY,
        forge=_issuer_prefix,
        covered_by=("wrong-issuer",),
    ),
    Case(
        id="wrong-type",
        title="A token of another kind is accepted as an access token",
        severity=Severity.MEDIUM,
        meaning="An ID token, a proof or a logout token, which others get to see, opens the API.",
        mend="Require `typ` to be `at+jwt`.",
        reference="RFC 9068 §4, RFC 8725 §3.11",
        need=Need.KEY,
        forge=_wrong_type,
    ),
)
