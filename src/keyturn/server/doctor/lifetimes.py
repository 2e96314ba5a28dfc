"""Checks of how long things live: access tokens, sessions, the grace, and the schedule of the signing keys."""

from typing import Final

from keyturn.server.configuration.durations import Duration
from keyturn.server.doctor.findings import Chapter, Check, Sentences, Severity
from keyturn.server.settings import Settings
from keyturn.tokens.algorithms import SYMMETRIC
from keyturn.verify.fetch import MAX_FRESH

SHORT_LIFETIME: Final = Duration.parse("5m")
LONG_LIFETIME: Final = Duration.parse("15m")
LONG_SESSION: Final = Duration.parse("90d")
LONG_IDLE: Final = Duration.parse("30d")
LONG_GRACE: Final = Duration.parse("2m")
FAST_ROTATION: Final = Duration.parse("1d")
SLOW_ROTATION: Final = Duration.parse("90d")


def _lifetime_short(settings: Settings) -> Sentences:
    if settings.access_token.lifetime < SHORT_LIFETIME:
        yield f"access_token.lifetime is {settings.access_token.lifetime}, under {SHORT_LIFETIME}."


def _lifetime_long(settings: Settings) -> Sentences:
    if settings.access_token.lifetime > LONG_LIFETIME:
        yield f"access_token.lifetime is {settings.access_token.lifetime}, over {LONG_LIFETIME}."


def _session_long(settings: Settings) -> Sentences:
    if settings.refresh_token.lifetime > LONG_SESSION:
        yield f"refresh_token.lifetime is {settings.refresh_token.lifetime}, over {LONG_SESSION}."


def _idle_long(settings: Settings) -> Sentences:
    if settings.refresh_token.idle > LONG_IDLE:
        yield f"refresh_token.idle is {settings.refresh_token.idle}, over {LONG_IDLE}."


def _grace_off(settings: Settings) -> Sentences:
    if settings.refresh_token.grace.milliseconds == 0:
        yield f"refresh_token.grace is {settings.refresh_token.grace}."


def _grace_long(settings: Settings) -> Sentences:
    if settings.refresh_token.grace > LONG_GRACE:
        yield f"refresh_token.grace is {settings.refresh_token.grace}, over {LONG_GRACE}."


def _publish_ahead_short(settings: Settings) -> Sentences:
    if settings.keys.publish_ahead.seconds < MAX_FRESH:
        yield f"keys.publish_ahead is {settings.keys.publish_ahead}; an API may keep the key set for {MAX_FRESH:.0f}s."


def _rotation_fast(settings: Settings) -> Sentences:
    if settings.keys.rotate_every < FAST_ROTATION:
        yield f"keys.rotate_every is {settings.keys.rotate_every}, under {FAST_ROTATION}."


def _rotation_slow(settings: Settings) -> Sentences:
    if settings.keys.rotate_every > SLOW_ROTATION:
        yield f"keys.rotate_every is {settings.keys.rotate_every}, over {SLOW_ROTATION}."


def _algorithm_symmetric(settings: Settings) -> Sentences:
    if settings.access_token.algorithm in SYMMETRIC:
        yield f"access_token.algorithm is {settings.access_token.algorithm}."


CHAPTER: Final = Chapter(
    name="lifetimes",
    title="Lifetimes and the key schedule",
    subject=Settings,
    checks=(
        Check(
            id="lifetime-short",
            severity=Severity.LOW,
            meaning="Every client refreshes more often than it need, and a clock that is off refuses tokens.",
            mend="Set access_token.lifetime to 5m to 15m.",
            reference="ISS-02",
            judge=_lifetime_short,
        ),
        Check(
            id="lifetime-long",
            severity=Severity.MEDIUM,
            meaning="A stolen access token, and a role that was taken away, work for so long at APIs without the feed.",
            mend="Set access_token.lifetime to 5m to 15m.",
            reference="ISS-02; RFC 9700 §2.2",
            judge=_lifetime_long,
        ),
        Check(
            id="session-long",
            severity=Severity.LOW,
            meaning="Who took over a session once keeps it for months.",
            mend="Set refresh_token.lifetime to 90d or less.",
            reference="REF-09; OWASP ASVS 5.0 7.3.2",
            judge=_session_long,
        ),
        Check(
            id="session-idle-long",
            severity=Severity.LOW,
            meaning="A device that was lost or sold is still logged in after weeks in a drawer.",
            mend="Set refresh_token.idle to 30d or less.",
            reference="REF-09; OWASP ASVS 5.0 7.3.1",
            judge=_idle_long,
        ),
        Check(
            id="grace-off",
            severity=Severity.MEDIUM,
            meaning="Two tabs that refresh at once, or a lost answer, count as theft: users are logged out.",
            mend='Set refresh_token.grace to "60s".',
            reference="REF-05; RFC 9700 §4.14.2",
            judge=_grace_off,
        ),
        Check(
            id="grace-long",
            severity=Severity.LOW,
            meaning="A thief who presents a refresh token within the grace is not noticed.",
            mend='Set refresh_token.grace to "2m" or less; known devices retry after it too.',
            reference="REF-05; RFC 9700 §4.14.2",
            judge=_grace_long,
        ),
        Check(
            id="publish-ahead-short",
            severity=Severity.MEDIUM,
            meaning="A new key signs before every API has it: tokens in order are refused around each rotation.",
            mend="Set keys.publish_ahead to at least twice the time that caches keep the key set, better to 1d.",
            reference="KEY-03; OWASP ASVS 5.0 13.3.4",
            judge=_publish_ahead_short,
        ),
        Check(
            id="rotation-fast",
            severity=Severity.LOW,
            meaning="Each rotation is a moment in which caches matter, and nothing is won by so many.",
            mend='Set keys.rotate_every to "30d".',
            reference="KEY-03",
            judge=_rotation_fast,
        ),
        Check(
            id="rotation-slow",
            severity=Severity.MEDIUM,
            meaning="Who got at a signing key without a trace can sign with it for so long.",
            mend='Set keys.rotate_every to "30d"; nobody notices a rotation.',
            reference="KEY-03; OWASP ASVS 5.0 13.3.4",
            judge=_rotation_slow,
        ),
        Check(
            id="algorithm-symmetric",
            severity=Severity.HIGH,
            meaning="Whoever can verify a token can make one. There is no key set to publish, and no feed.",
            mend="Set access_token.algorithm to ES256, unless issuer and verifier are one process.",
            reference="ISS-01; RFC 9068 §2.1",
            judge=_algorithm_symmetric,
        ),
    ),
)
