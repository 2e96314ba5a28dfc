"""What is seen in the answers to all the other cases, and what is not a shot at a route."""

from typing import Final

from keyturn.attack.case import Case
from keyturn.attack.model import Need, Severity

CASES: Final = (
    Case(
        id="crash",
        title="A hostile token makes it fail",
        severity=Severity.MEDIUM,
        meaning="An error that nobody foresaw: often a stack trace in the log, a slow path, or worse behind it.",
        mend="Answer every bad token with 401, whatever is wrong with it.",
        reference="RFC 6750 §3.1",
        need=Need.NOTHING,
    ),
    Case(
        id="leaks-token",
        title="An answer repeats the token, or shows a stack trace",
        severity=Severity.MEDIUM,
        meaning="The token gets into caches, logs and pages; a trace tells a thief what is inside.",
        mend="Answer with a code and a sentence of your own, and with nothing of the request.",
        reference="RFC 9700 §4.3, CWE-209",
        need=Need.NOTHING,
    ),
    Case(
        id="wrong-status",
        title="A bad token is answered with 403",
        severity=Severity.LOW,
        meaning="A client gives up where it should refresh its token.",
        mend="401 for a token that is missing or bad; 403 for a good one without the scope or the role.",
        reference="RFC 6750 §3.1",
        need=Need.NOTHING,
    ),
    Case(
        id="no-challenge",
        title="A 401 does not say what it wants",
        severity=Severity.LOW,
        meaning="A client can't tell that a bearer token is wanted, nor that its token has expired.",
        mend="Send `WWW-Authenticate: Bearer` with each 401.",
        reference="RFC 9110 §15.5.2, RFC 6750 §3",
        need=Need.NOTHING,
    ),
)
