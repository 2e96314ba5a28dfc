"""Checks of an issuer's answers: whom it believes, whom it lets read, and what it tells browsers."""

import re
from http.cookies import CookieError, SimpleCookie
from typing import Final

from keyturn.server.doctor.findings import Chapter, Check, Sentences, Severity
from keyturn.server.doctor.identity import host_of
from keyturn.server.doctor.published import EVIL_HOST, EVIL_ORIGIN, OK, Probe, Published
from keyturn.verify.locations import is_loopback

LEAST_HSTS: Final = 180 * 86_400
"""Seconds for which a browser should remember to come over TLS alone."""


def _unanswered(published: Published) -> Sentences:
    # That nobody listens at port 80 is as it should be.
    silent = [probe.value for probe in Probe if probe is not Probe.PLAIN and probe not in published.answers]
    if silent:
        yield f"No answer came, or not in time, about: {', '.join(silent)}."


def _metrics_open(published: Published) -> Sentences:
    if not is_loopback(host_of(published.asked_at)) and published.answered(Probe.METRICS).status == OK:
        yield "GET /metrics answers 200 from here."


def _forwarded_believed(published: Published) -> Sentences:
    plain, forwarded = published.answered(Probe.METRICS), published.answered(Probe.METRICS_FORWARDED)
    if plain.status not in {0, OK} and forwarded.status == OK:
        yield f"GET /metrics answers {plain.status}, and 200 to X-Forwarded-For: 127.0.0.1."


def _host_believed(published: Published) -> Sentences:
    answer = published.answered(Probe.HOST)
    shown = answer.body + answer.header("location").encode()
    if EVIL_HOST.encode() in shown:
        yield f"An answer names {EVIL_HOST}, which only X-Forwarded-Host and Forwarded had named."


def _cors_reflects(published: Published) -> Sentences:
    answer = published.answered(Probe.ORIGIN)
    allowed = answer.header("access-control-allow-origin")
    with_cookies = answer.header("access-control-allow-credentials").lower() == "true"
    if allowed == EVIL_ORIGIN or (allowed == "*" and with_cookies):
        yield f"To {EVIL_ORIGIN} it says Access-Control-Allow-Origin: {allowed}{', with cookies' * with_cookies}."


def _cors_null(published: Published) -> Sentences:
    if published.answered(Probe.NULL_ORIGIN).header("access-control-allow-origin") == "null":
        yield "To the origin null it says Access-Control-Allow-Origin: null."


def _hsts(published: Published) -> Sentences:
    if published.asked_at.startswith("https:") and not is_loopback(host_of(published.asked_at)):
        found = _HSTS.search(published.answered(Probe.METADATA).header("strict-transport-security").lower())
        if found is None or int(found[1]) < LEAST_HSTS:
            yield f"Strict-Transport-Security says max-age={found[1]}." if found else "There is no such header."


def _headers(published: Published) -> Sentences:
    answer = published.answered(Probe.METADATA)
    if answer.status == OK and answer.header("x-content-type-options").lower() != "nosniff":
        yield "An answer has no X-Content-Type-Options: nosniff."


def _docs(published: Published) -> Sentences:
    answer = published.answered(Probe.DOCS)
    policy = answer.header("content-security-policy")
    if answer.status == OK and "text/html" in answer.header("content-type") and "frame-ancestors" not in policy:
        yield f"GET /docs has {'no frame-ancestors in its' if policy else 'no'} Content-Security-Policy."


def _cookies(published: Published) -> Sentences:
    is_https = published.issuer.startswith("https:")
    for text in published.answered(Probe.LOGOUT).all("set-cookie"):
        name, missing = _missing(text, is_https=is_https)
        if missing:
            yield f"The cookie {name} has no {', no '.join(missing)}."


def _cacheable(published: Published) -> Sentences:
    answer = published.answered(Probe.TOKEN)
    if answer.status in _REFUSALS and "no-store" not in answer.header("cache-control"):
        yield "An answer of POST /token has no Cache-Control: no-store."


def _banner(published: Published) -> Sentences:
    for name in ("server", "x-powered-by"):
        value = published.answered(Probe.METADATA).header(name)
        if any(char.isdigit() for char in value):
            yield f"{name} is {value}."


def _missing(text: str, *, is_https: bool) -> tuple[str, list[str]]:
    """Return the name of the cookie that ``Set-Cookie`` sets with *text*, and what it lacks."""
    try:
        ((name, cookie),) = SimpleCookie(text).items()
    except (CookieError, ValueError):
        return "that can't be read", ["form"]
    has = {
        "HttpOnly": bool(cookie["httponly"]),
        "SameSite": cookie["samesite"].lower() in {"strict", "lax"},
        "Secure": bool(cookie["secure"]) or not is_https,
        "__Host- before its name": name.startswith("__Host-") or not is_https,
    }
    return name, [attribute for attribute, there in has.items() if not there]


CHAPTER: Final = Chapter(
    name="answers",
    title="Answers of the issuer",
    subject=Published,
    checks=(
        Check(
            id="answers-missing",
            severity=Severity.MEDIUM,
            meaning="Nothing is said of what they would have shown: a slow issuer looks sound.",
            mend="Look at its log and at what is between, and ask again once it answers in time.",
            reference="operations.md, When a part is down",
            judge=_unanswered,
        ),
        Check(
            id="metrics-open",
            severity=Severity.MEDIUM,
            meaning="Whoever is where this command ran can read how many people log in, and when.",
            mend="Empty server.metrics_from but for your monitoring; let the proxy refuse /metrics.",
            reference="OWASP ASVS 5.0 13.4.6",
            judge=_metrics_open,
        ),
        Check(
            id="forwarded-believed",
            severity=Severity.HIGH,
            meaning="Anybody can say which address they come from: limits per address mean nothing.",
            mend="Name only your proxies in server.trusted_proxies; let the proxy overwrite X-Forwarded-For.",
            reference="WEB-13; RFC 7239 §8.1",
            judge=_forwarded_believed,
        ),
        Check(
            id="host-believed",
            severity=Severity.HIGH,
            meaning="Anybody can have links and metadata lead to a host of theirs, in a cache for everybody.",
            mend="Take the issuer from the settings alone, and let the proxy drop X-Forwarded-Host.",
            reference="WEB-13; RFC 8414 §3.3",
            judge=_host_believed,
        ),
        Check(
            id="cors-reflects",
            severity=Severity.CRITICAL,
            meaning="A page of any site can call it from a user's browser, and read what it is answered.",
            mend="List exact origins; look for a proxy that adds the header.",
            reference="RFC 6454 §8; OWASP ASVS 5.0 3.4.2",
            judge=_cors_reflects,
        ),
        Check(
            id="cors-null",
            severity=Severity.HIGH,
            meaning="A sandboxed frame on any site has that origin.",
            mend="Never list null.",
            reference="RFC 6454 §7.3; OWASP ASVS 5.0 3.4.2",
            judge=_cors_null,
        ),
        Check(
            id="hsts-missing",
            severity=Severity.MEDIUM,
            meaning="A browser that is sent to http:// goes there, and whoever is on the way answers.",
            mend="Let it say Strict-Transport-Security: max-age=31536000; look for a proxy that removes it.",
            reference="WEB-10; RFC 6797 §6.1",
            judge=_hsts,
        ),
        Check(
            id="sniffing-allowed",
            severity=Severity.LOW,
            meaning="A browser may take an answer for something else than it is.",
            mend="Let it say X-Content-Type-Options: nosniff; look for a proxy that removes it.",
            reference="WEB-10; OWASP ASVS 5.0 3.4.4",
            judge=_headers,
        ),
        Check(
            id="docs-frameable",
            severity=Severity.LOW,
            meaning="Another site can show the page in a frame and have users click on it.",
            mend="Leave its Content-Security-Policy as it is; look for a proxy that removes it.",
            reference="WEB-10; OWASP ASVS 5.0 3.4.6",
            judge=_docs,
        ),
        Check(
            id="cookie-weak",
            severity=Severity.HIGH,
            meaning="A script, a sibling domain, another site or whoever is on the way can read or plant it.",
            mend="Set it as __Host-…; Secure; HttpOnly; SameSite=Strict; Path=/; look for a proxy that changes it.",
            reference="RFC 6265bis §4.1.3; OWASP ASVS 5.0 3.3.1",
            judge=_cookies,
        ),
        Check(
            id="tokens-cacheable",
            severity=Severity.MEDIUM,
            meaning="A cache, or a browser's history, may keep tokens and hand them to others.",
            mend="Let it say Cache-Control: no-store; look for a proxy that removes it.",
            reference="ISS-08; RFC 6749 §5.1",
            judge=_cacheable,
        ),
        Check(
            id="version-told",
            severity=Severity.INFO,
            meaning="Whoever looks for servers with a known hole finds it by its version.",
            mend="Have the proxy leave its version out.",
            reference="WEB-12; OWASP ASVS 5.0 13.4.6",
            judge=_banner,
        ),
    ),
)

_HSTS: Final = re.compile(r"max-age=\"?([0-9]{1,10})")
_REFUSALS: Final = range(200, 500)
