"""Checks of the revocation feed and of the issuer's clock: an API goes by both."""

import re
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Final

from keyturn.errors import InvalidKey, InvalidToken
from keyturn.server.clock import MAX_OFFSET_MS
from keyturn.server.doctor.findings import Chapter, Check, Sentences, Severity
from keyturn.server.doctor.key_set import max_age
from keyturn.server.doctor.published import OK, Answer, Probe, Published
from keyturn.tokens import revocation_feed
from keyturn.tokens.algorithms import ASYMMETRIC
from keyturn.tokens.key_set import parse_key_set
from keyturn.tokens.revocation_feed import Page

MAX_AGE: Final = 10
"""Seconds after which an API no longer goes by what it knows of revocations, unless told otherwise."""


def _missing(published: Published) -> Sentences:
    answer = published.answered(Probe.FEED)
    if "keyturn_revocations_endpoint" in published.metadata and answer.status != OK:
        yield f"The answer has status {answer.status}." if answer.status else "There is no answer."


def _untrusted(published: Published) -> Sentences:
    try:
        _page(published)
    except (InvalidToken, InvalidKey) as error:
        yield f"Its page is refused: {error.reason}."


def _stale(published: Published) -> Sentences:
    page, answer = _trusted_page(published), published.answered(Probe.FEED)
    if page and answer.at_ms // 1000 - page.issued_at > MAX_AGE:
        yield f"Its page is {answer.at_ms // 1000 - page.issued_at} s old."


def _cached(published: Published) -> Sentences:
    seconds = max_age(published.answered(Probe.FEED).header("cache-control"))
    if seconds is not None and seconds > MAX_AGE:
        yield f"Caches may keep a page for {seconds} s."


def _clock(published: Published) -> Sentences:
    offsets = [_offset_ms(published.answered(probe)) for probe in (Probe.READY, Probe.METADATA)]
    known = [offset for offset in offsets if offset is not None]
    if known and abs(known[0]) > MAX_OFFSET_MS:
        yield f"Its clock is {known[0] / 1000:+.0f} s from ours."


def _offset_ms(answer: Answer) -> int | None:
    """Return by how much the peer's clock is surely ahead or behind; 0 if it may be right; None if it does not say.

    A date has no parts of a second, a cache adds its ``Age``, and the answer was some time on its way: that much doubt.
    """
    age = int(answer.header("age")) if _SECONDS.fullmatch(answer.header("age")) else 0
    try:
        date = int(parsedate_to_datetime(answer.header("date")).replace(tzinfo=UTC).timestamp())
    except (TypeError, ValueError, OverflowError):
        return None
    offset = (date + age) * 1000 + 500 - answer.at_ms
    doubt = 500 + answer.took_ms // 2 + (1000 if age else 0)
    return 0 if abs(offset) <= doubt else offset


def _page(published: Published) -> Page | None:
    """Return the page of the feed, if there is one.

    Raises:
        InvalidToken: it is none of this issuer's.
        InvalidKey: there is no key to verify it with.

    """
    answer = published.answered(Probe.FEED)
    if answer.status != OK or "keyturn_revocations_endpoint" not in published.metadata:
        return None
    keys = parse_key_set({"keys": list(published.jwks)}, algorithms=ASYMMETRIC)
    text = answer.body.decode("ascii", "replace")
    return revocation_feed.verify(text, find_key=keys.get, algorithms=ASYMMETRIC, issuer=published.issuer)


def _trusted_page(published: Published) -> Page | None:
    try:
        return _page(published)
    except (InvalidToken, InvalidKey):
        return None


CHAPTER: Final = Chapter(
    name="feed",
    title="Revocation feed and clock of the issuer",
    subject=Published,
    checks=(
        Check(
            id="feed-missing",
            severity=Severity.HIGH,
            meaning="APIs that follow it soon answer 503, or, if told so, take revoked tokens.",
            mend="Let the proxy pass on /revocations, with its query.",
            reference="REF-12; REF-17",
            judge=_missing,
        ),
        Check(
            id="feed-untrusted",
            severity=Severity.HIGH,
            meaning="APIs refuse it as they would a forged one, and go on as without a feed.",
            mend="Let nothing on the way change it; see to it that it comes from the issuer of the key set.",
            reference="REF-16",
            judge=_untrusted,
        ),
        Check(
            id="feed-stale",
            severity=Severity.HIGH,
            meaning="What was revoked meanwhile is unknown to APIs: they answer 503, or take it.",
            mend="Look for a cache that keeps pages longer than their Cache-Control says, and at the clocks.",
            reference="REF-16; REF-17",
            judge=_stale,
        ),
        Check(
            id="feed-cached",
            severity=Severity.MEDIUM,
            meaning="APIs hear of a revocation only when a cache on the way lets go of the last page.",
            mend="Leave its Cache-Control as it is.",
            reference="REF-12; REF-17",
            judge=_cached,
        ),
        Check(
            id="clock-issuer",
            severity=Severity.MEDIUM,
            meaning="APIs find tokens expired too early, or not yet valid.",
            mend="Run NTP on its host, and on this one.",
            reference="VER-25; VER-26; RFC 7519 §4.1.4",
            judge=_clock,
        ),
    ),
)

_SECONDS: Final = re.compile(r"[0-9]{1,9}")
