"""Checks of the way to a running issuer: whether it answers, TLS, and plain HTTP beside it."""

from typing import Final

from keyturn.server.doctor.findings import Chapter, Check, Sentences, Severity
from keyturn.server.doctor.identity import host_of
from keyturn.server.doctor.published import OK, Probe, Published, Reach
from keyturn.verify.locations import is_loopback

SOON: Final = 14 * 86_400
"""Seconds before the end of a certificate in which whatever renews it should have done so."""

GOOD_TLS: Final = frozenset({"TLSv1.2", "TLSv1.3"})


def _silent(reach: Reach) -> Sentences:
    if reach.silence and not reach.is_distrusted:
        yield f"{reach.asked_at} does not answer: {reach.silence}."


def _distrusted(reach: Reach) -> Sentences:
    if reach.is_distrusted:
        yield f"The certificate of {reach.asked_at} is not trusted: {reach.silence}."


def _asked_plainly(reach: Reach) -> Sentences:
    if reach.asked_at.startswith("http:") and not is_loopback(host_of(reach.asked_at)):
        yield f"{reach.asked_at} is plain HTTP."


def _expires(published: Published) -> Sentences:
    found = published.certificate
    if found and found.expires_at - published.now < SOON:
        yield f"The certificate ends in {(found.expires_at - published.now) / 86400:.0f} days."


def _tls_old(published: Published) -> Sentences:
    if published.certificate and published.certificate.version not in GOOD_TLS:
        yield f"The connection has {published.certificate.version}."


def _served_plainly(published: Published) -> Sentences:
    answer = published.answered(Probe.PLAIN)
    if published.asked_at.startswith("https:") and answer.status == OK and "keys" in answer.document():
        yield "The key set is also served over plain HTTP."


def _not_ready(published: Published) -> Sentences:
    answer = published.answered(Probe.READY)
    if answer.status == _UNAVAILABLE:
        yield "GET /readyz answers 503."


CHAPTER: Final = Chapter(
    name="reach",
    title="The way to the issuer",
    subject=Reach,
    checks=(
        Check(
            id="issuer-unreachable",
            severity=Severity.HIGH,
            meaning="Nobody can log in, and an API that starts now has no keys.",
            mend="Start the server; look at the name, the firewall and the proxy.",
            reference="operations.md, When a part is down",
            judge=_silent,
        ),
        Check(
            id="tls-distrusted",
            severity=Severity.CRITICAL,
            meaning="Clients and APIs refuse it, or were told to take anything, and so take an impostor too.",
            mend="Use a certificate of an authority that clients trust, for this very name, with its chain.",
            reference="OPS-06; RFC 9525",
            judge=_distrusted,
        ),
        Check(
            id="issuer-plain-http",
            severity=Severity.CRITICAL,
            meaning="Passwords, tokens, cookies and the keys cross the network where anybody can read or replace them.",
            mend="Serve it over https.",
            reference="OPS-06; RFC 6750 §5.3; RFC 8414 §2",
            judge=_asked_plainly,
        ),
    ),
)

WIRE: Final = Chapter(
    name="wire",
    title="TLS and readiness",
    subject=Published,
    checks=(
        Check(
            id="tls-expires",
            severity=Severity.HIGH,
            meaning="When it has ended nobody can log in, and no API gets keys.",
            mend="Renew it, and find out why that did not happen by itself.",
            reference="OPS-06",
            judge=_expires,
        ),
        Check(
            id="tls-old",
            severity=Severity.HIGH,
            meaning="Versions before TLS 1.2 are broken.",
            mend="Switch on TLS 1.3 and 1.2 alone.",
            reference="OPS-06; RFC 8996; RFC 9325 §3.1",
            judge=_tls_old,
        ),
        Check(
            id="plain-http-served",
            severity=Severity.HIGH,
            meaning="A client with http:// in its configuration works, and hands passwords to whoever is on the way.",
            mend="Close port 80, or let it redirect pages and answer nothing else.",
            reference="OPS-06; OWASP ASVS 5.0 4.1.2",
            judge=_served_plainly,
        ),
        Check(
            id="not-ready",
            severity=Severity.HIGH,
            meaning="It can't reach its database, has no signing key, or the clock of its host is off.",
            mend="GET /readyz says which.",
            reference="operations.md, Monitoring",
            judge=_not_ready,
        ),
    ),
)

_UNAVAILABLE: Final = 503
