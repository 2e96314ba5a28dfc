"""What an operator may decide, as the rules see it. The server makes it from the settings."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from keyturn.core.ratelimit import Rate
from keyturn.tokens.access_token import MAX_LEEWAY, MAX_LIFETIME
from keyturn.tokens.algorithms import Algorithm

MAX_SESSIONS_PER_USER = 100
"""Live sessions a user may have; a further login ends the oldest."""

LONGEST_USE = MAX_LIFETIME + MAX_LEEWAY
"""Seconds for which somebody may take an access token: the longest life plus the longest leeway."""

REVOCATION_LIFETIME = LONGEST_USE
"""Seconds a revocation is kept: until nobody takes what it refuses."""

JWKS_MAX_AGE = 300
"""Seconds that a resource server may keep our JWK Set, as its ``Cache-Control`` says."""


class Enforcement(StrEnum):
    """What a change of device or address does to a session."""

    OFF = "off"
    OBSERVE = "observe"
    ENFORCE = "enforce"


class RegistrationMode(StrEnum):
    """Who may make an account."""

    OPEN = "open"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyPolicy:
    """When signing keys change. Seconds."""

    algorithm: Algorithm
    rotate_every: int
    publish_ahead: int
    keep_retired: int = LONGEST_USE + 2 * JWKS_MAX_AGE


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """The decisions that the rules follow.

    Attributes:
        audiences: the configured resource servers; the first is what a token is for if none is asked for.
        access_lifetime: seconds an access token lives.
        refresh_lifetime: seconds from login to the absolute end of a session.
        refresh_idle: seconds a session lives without a refresh.
        grace_ms: milliseconds for which the previous refresh token gets the same successor; 0 switches it off.
        roles: role name to the scopes it gives.

    """

    issuer: str
    audiences: tuple[str, ...]
    access_lifetime: int
    refresh_lifetime: int
    refresh_idle: int
    grace_ms: int
    roles: Mapping[str, tuple[str, ...]]
    keys: KeyPolicy
    login_per_ip: Rate
    login_per_account: Rate
    login_per_device: Rate
    refresh_per_session: Rate
    device_binding: Enforcement
    device_address: Enforcement
    password_min_length: int
    registration: RegistrationMode
