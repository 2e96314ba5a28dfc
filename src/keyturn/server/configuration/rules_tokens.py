"""Rules for the settings about tokens, keys, passwords and roles."""

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from keyturn.core.policy import JWKS_MAX_AGE
from keyturn.errors import ConfigurationError
from keyturn.server.configuration.durations import Duration
from keyturn.server.configuration.problem import Problem
from keyturn.tokens.algorithms import ISSUER_ALGORITHMS, SYMMETRIC
from keyturn.tokens.master_key import parse_master_keys
from keyturn.verify.locations import check_location

if TYPE_CHECKING:
    from keyturn.server.settings import Settings

Problems = Iterator[Problem]

OWASP_MINIMA: Final = ((47104, 1), (19456, 2), (12288, 3), (9216, 4), (7168, 5))
"""PWD-01: argon2id's memory in KiB and passes, at least one row of which must be met (OWASP Password Storage)."""


def audience(settings: "Settings") -> Problems:
    """Take names of APIs, none of which is the issuer's."""
    name, audiences = ("access_token.audience",), settings.access_token.audience
    if any(not _AUDIENCE.fullmatch(audience) for audience in audiences):
        yield Problem(name, "each is a name or a URL without blanks or wildcards.")
    if len(set(audiences)) != len(audiences):
        yield Problem(name, "one of them is there twice.")
    if settings.issuer in audiences:
        yield Problem(
            (*name, "issuer"),
            "the issuer itself can't be an API: tokens for it change passwords. Name the API differently.",
        )


def lifetimes(settings: "Settings") -> Problems:
    """Take lifetimes within what revocations and sessions are made for."""
    access, refresh = settings.access_token, settings.refresh_token
    yield from _within("access_token.lifetime", access.lifetime, "15s", "60m")
    yield from _within("refresh_token.lifetime", refresh.lifetime, "1m", "3650d")
    yield from _within("refresh_token.idle", refresh.idle, "1m", "3650d")
    yield from _within("refresh_token.grace", refresh.grace, "0s", "10m")
    if refresh.idle > refresh.lifetime:
        yield Problem(
            ("refresh_token.idle", "refresh_token.lifetime"),
            f"{refresh.idle} is more than refresh_token.lifetime, {refresh.lifetime}; make it at most that.",
        )
    for name, value in {"access_token.lifetime": access.lifetime, "refresh_token.lifetime": refresh.lifetime}.items():
        yield from _whole_seconds(name, value)
    yield from _whole_seconds("refresh_token.idle", refresh.idle)


def algorithm(settings: "Settings") -> Problems:
    """Take what an issuer may sign with."""
    if settings.access_token.algorithm not in ISSUER_ALGORITHMS:
        allowed = ", ".join(sorted(ISSUER_ALGORITHMS - SYMMETRIC))
        yield Problem(("access_token.algorithm",), f"it can't sign here; choose one of {allowed}.")


def asymmetric(settings: "Settings") -> Problems:
    """Take key pairs alone: what verifies a shared secret can sign too."""
    if settings.access_token.algorithm in SYMMETRIC:
        yield Problem(
            ("access_token.algorithm",),
            "a shared secret is for an issuer and a verifier in one process; choose ES256, or embed the server.",
        )


def key_rotation(settings: "Settings") -> Problems:
    """Let no key sign before every cached key set has it."""
    keys = settings.keys
    yield from _within("keys.publish_ahead", keys.publish_ahead, f"{JWKS_MAX_AGE}s", "3650d")
    yield from _within("keys.rotate_every", keys.rotate_every, "1h", "3650d")
    yield from _whole_seconds("keys.publish_ahead", keys.publish_ahead)
    yield from _whole_seconds("keys.rotate_every", keys.rotate_every)
    if keys.publish_ahead >= keys.rotate_every:
        yield Problem(
            ("keys.publish_ahead", "keys.rotate_every"),
            f"{keys.publish_ahead} is not less than keys.rotate_every, {keys.rotate_every}; shorten it.",
        )


def master_key(settings: "Settings") -> Problems:
    """Take keys that can be used."""
    text = settings.keys.master_key.get_secret_value()
    if text:
        try:
            parse_master_keys(text)
        except ConfigurationError as error:
            yield Problem(("keys.master_key",), str(error).removeprefix("keys.master_key: "))


def password(settings: "Settings") -> Problems:
    """Take argon2id parameters that are strong enough."""
    chosen = settings.password
    if not any(chosen.memory_kib >= memory and chosen.time_cost >= time for memory, time in OWASP_MINIMA):
        rows = ", ".join(f"{memory}/{time}" for memory, time in OWASP_MINIMA)
        yield Problem(
            ("password.memory_kib", "password.time_cost"),
            f"weaker than every memory_kib/time_cost that is taken; use at least one of {rows}.",
        )
    if chosen.memory_kib < 8 * chosen.parallelism:
        yield Problem(("password.parallelism", "password.memory_kib"), "argon2 needs 8 KiB for each lane.")


def breach_check(settings: "Settings") -> Problems:
    """Take a list that is asked by HTTPS, or on this machine, also while nobody asks it."""
    name, url = "password.breach_url", settings.password.breach_url
    try:
        check_location(url, name=name)
    except ConfigurationError:
        yield Problem((name,), "write https://host/path/ without user name or fragment; http:// on this machine alone.")
        return
    if not url.endswith(("/", "=")):
        yield Problem((name,), "five hexadecimal digits are appended to it; end it with a slash.")


def roles(settings: "Settings") -> Problems:
    """Take names that a token can carry (RFC 6749 §3.3)."""
    for role, scopes in settings.roles.items():
        if not _SCOPE.fullmatch(role):
            yield Problem(("roles",), "a role's name is printable ASCII without blanks, quotes and backslashes.")
        if not all(_SCOPE.fullmatch(scope) for scope in scopes):
            yield Problem(
                ("roles",), "a scope is printable ASCII without blanks, quotes and backslashes (RFC 6749 §3.3)."
            )


def _within(name: str, value: Duration, least: str, most: str) -> Problems:
    if not Duration.parse(least) <= value <= Duration.parse(most):
        yield Problem((name,), f"{value} is out of range; choose {least} to {most}.")


def _whole_seconds(name: str, value: Duration) -> Problems:
    if value.milliseconds % 1000:
        yield Problem((name,), f"{value} is not a whole number of seconds.")


_AUDIENCE: Final = re.compile(r"[!-)+-~]{1,255}")
_SCOPE: Final = re.compile(r"[!#-\[\]-~]{1,128}")
