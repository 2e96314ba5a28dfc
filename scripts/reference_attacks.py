"""Every flaw that ``keyturn attack`` looks for: how bad, what it takes, what it means, how to mend it."""

from typing import Final

import pages
from keyturn.attack.case import Case
from keyturn.attack.cases import CASES
from keyturn.attack.model import Need


def page() -> str:
    """Return the page."""
    return pages.page(
        "Attacks", _INTRO, pages.table(("flaw", "severity", "needs"), map(_row, CASES)), *map(_section, CASES)
    )


def _row(case: Case) -> tuple[str, ...]:
    return f"[`{case.id}`](#{case.id})", case.severity.value, _NEEDS[case.need]


def _section(case: Case) -> str:
    covered = f"\n\nNot looked for where {_listed(case.covered_by)} was found." if case.covered_by else ""
    return f"## {case.id}\n\n{case.title}. {case.meaning}\n\n*Mend:* {case.mend} ({case.reference}){covered}"


def _listed(ids: tuple[str, ...]) -> str:
    return " or ".join(f"[`{name}`](#{name})" for name in ids)


_NEEDS: Final = {
    Need.NOTHING: "",
    Need.TOKEN: "a token",
    Need.JWT: "a token that is a JWT, or the issuer's key",
    Need.PUBLIC_KEY: "the issuer's public keys",
    Need.KEY: "the issuer's signing key",
    Need.REVOCATION: "a token, and a way to revoke it",
    Need.ISSUER: "an account at a Keyturn issuer",
}

_INTRO: Final = """\
What [`keyturn attack`](../attack.md) looks for, in the order in which it plays it. The id is what `--only` and `--skip`
take, what a report names, and the name of the test in pytest."""
