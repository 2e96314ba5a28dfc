"""What takes time or an account: revocation, and a Keyturn issuer's own promises. Played after everything else."""

from typing import Final

from keyturn.attack.case import Case
from keyturn.attack.model import Need, Severity

CASES: Final = (
    Case(
        id="revoked-late",
        title="A revoked token goes on to work",
        severity=Severity.HIGH,
        meaning="After a logout, or a theft that was noticed, the thief goes on until the token expires.",
        mend="Ask the issuer, or follow its revocations: `Verifier(..., revocations=Revocations())`.",
        reference="RFC 7009, RFC 9700 §4.14",
        need=Need.REVOCATION,
    ),
    Case(
        id="refresh-twice",
        title="One refresh token has two successors",
        severity=Severity.HIGH,
        meaning="A thief and the owner each go on with a line of their own, and nobody notices.",
        mend="Rotate by one atomic statement; answer a repetition with the same successor, or refuse it.",
        reference="RFC 9700 §4.14.2",
        need=Need.ISSUER,
    ),
    Case(
        id="replay-unnoticed",
        title="A used refresh token is accepted, or ends nothing",
        severity=Severity.HIGH,
        meaning="A thief who comes after the owner is served, or the owner goes on beside them.",
        mend="Refuse a used refresh token and end its session.",
        reference="RFC 9700 §4.14.2",
        need=Need.ISSUER,
    ),
    Case(
        id="csrf",
        title="Another site's page uses the refresh cookie",
        severity=Severity.HIGH,
        meaning="A page that the user only looks at refreshes their session, or logs them out.",
        mend="Require `Sec-Fetch-Site: same-origin`, or an `Origin` of yours, where a cookie alone authenticates.",
        reference="RFC 6749 §10.12",
        need=Need.ISSUER,
    ),
    Case(
        id="no-limits",
        title="Passwords can be guessed without an end",
        severity=Severity.HIGH,
        meaning="A list of the commonest passwords is tried on every account.",
        mend="Limit failed logins, by address and by account.",
        reference="OWASP API4:2023, NIST SP 800-63B §5.2.2",
        need=Need.ISSUER,
    ),
)
