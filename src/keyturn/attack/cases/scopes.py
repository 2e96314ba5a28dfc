"""Are scopes and roles compared whole (RFC 6749 §3.3)? Well signed tokens, with names that resemble the real ones."""

from collections.abc import Iterator
from typing import Final

from keyturn.attack.case import Case
from keyturn.attack.material import Material
from keyturn.attack.model import Need, Severity, Shot, bearer


def _string_scope(material: Material) -> Iterator[Shot]:
    for claim in _present(material, _SCOPE_CLAIMS):
        names = _names(material.claims[claim])
        yield _signed(material, "each with a letter more", **{claim: " ".join(f"{name}x" for name in names)})
        yield _signed(material, "each after a letter", **{claim: " ".join(f"x{name}" for name in names)})
        yield _signed(material, "run together", **{claim: f"x{'x'.join(names)}x"})
        yield _signed(material, "each cut short", **{claim: " ".join(name[:-1] for name in names)})


def _role_confusion(material: Material) -> Iterator[Shot]:
    for claim in _present(material, _ROLE_CLAIMS):
        names = _names(material.claims[claim])
        yield _signed(material, "a text that contains them", **{claim: f"x{'x'.join(names)}x"})
        yield _signed(material, "keys of an object", **{claim: dict.fromkeys(names, 0)})
        yield _signed(material, "a list of lists", **{claim: [names]})
        yield _signed(material, "in other letters", **{claim: [name.swapcase() for name in names]})
        yield _signed(material, "with a letter more", **{claim: [f"{name}x" for name in names]})


def _without_scopes(material: Material) -> Iterator[Shot]:
    present = _present(material, _SCOPE_CLAIMS)
    if present:
        yield _signed(material, "without scopes", **dict.fromkeys(present))


def _without_roles(material: Material) -> Iterator[Shot]:
    present = _present(material, _ROLE_CLAIMS)
    if present:
        yield _signed(material, "without roles", **dict.fromkeys(present))


def _signed(material: Material, variant: str, **claims: object) -> Shot:
    return bearer(variant, material.signed(material.fresh_claims(**claims)))


def _present(material: Material, claims: tuple[str, ...]) -> list[str]:
    return [claim for claim in claims if _names(material.claims.get(claim))]


def _names(value: object) -> list[str]:
    if isinstance(value, str):
        return value.split()
    return [name for name in value if isinstance(name, str)] if isinstance(value, list) else []


_SCOPE_CLAIMS: Final = ("scope", "scp", "permissions")
_ROLE_CLAIMS: Final = ("roles", "role", "groups")

CASES: Final = (
    Case(
        id="string-scope",
        title="A scope that only resembles the needed one is enough",
        severity=Severity.HIGH,
        meaning="The scope is searched for in a text: `orders:readx` opens what needs `orders:read`.",
        mend="Split `scope` at its blanks and compare whole names.",
        reference="RFC 6749 §3.3",
        need=Need.KEY,
        forge=_string_scope,
        control=_without_scopes,
        control_means="The route asks for no scope.",
    ),
    Case(
        id="role-confusion",
        title="Roles of another shape are enough",
        severity=Severity.HIGH,
        meaning="The role is searched for in a text or among the keys of an object: whoever is `notadmin` is `admin`.",
        mend="Take a list of texts alone, and compare whole names.",
        reference="RFC 9068 §2.2.3.1",
        need=Need.KEY,
        forge=_role_confusion,
        control=_without_roles,
        control_means="The route asks for no role.",
    ),
)
