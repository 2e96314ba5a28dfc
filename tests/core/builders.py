"""Values for tests of the rules: a session, a policy, a key record; every field can be replaced."""

from dataclasses import replace
from typing import Any

from keyturn.core.model import ClientKind, Device, KeyState, Session, SigningKeyRecord
from keyturn.core.policy import Enforcement, KeyPolicy, Policy, RegistrationMode
from keyturn.core.ratelimit import Rate
from keyturn.tokens.algorithms import Algorithm

NOW = 1_800_000_000
NOW_MS = NOW * 1000
DAY = 86_400

FIREFOX = Device(browser="Firefox", os="Linux", address="192.0.2.0/24")

KEY_POLICY = KeyPolicy(algorithm=Algorithm.ES256, rotate_every=30 * DAY, publish_ahead=DAY)

POLICY = Policy(
    issuer="https://auth.example.com",
    audiences=("https://api.example.com", "https://other.example.com"),
    access_lifetime=600,
    refresh_lifetime=30 * DAY,
    refresh_idle=7 * DAY,
    grace_ms=60_000,
    roles={"user": ("orders:read",), "admin": ("orders:read", "orders:write")},
    keys=KEY_POLICY,
    login_per_ip=Rate.per(5, 60),
    login_per_account=Rate.per(10, 900),
    login_per_device=Rate.per(10, 900),
    refresh_per_session=Rate.per(30, 60),
    device_binding=Enforcement.OBSERVE,
    device_address=Enforcement.OBSERVE,
    password_min_length=12,
    registration=RegistrationMode.OPEN,
)

SESSION = Session(
    sid="sid-1",
    handle=b"h" * 16,
    sub="sub-1",
    client=ClientKind.NATIVE,
    client_id="first-party",
    scope=None,
    resource=None,
    generation=5,
    key_id=b"key1",
    rotated_at_ms=NOW_MS,
    auth_time=NOW,
    created_at=NOW,
    last_used_at=NOW,
    expires_at=NOW + 30 * DAY,
    idle_expires_at=NOW + 7 * DAY,
    device_id=b"d" * 16,
    device_name="laptop",
    device=FIREFOX,
)


def session(**changes: Any) -> Session:
    """Return a live session at generation 5, rotated right now, but for *changes*."""
    return replace(SESSION, **changes)


def policy(**changes: Any) -> Policy:
    """Return the default policy but for *changes*."""
    return replace(POLICY, **changes)


def key(kid: str, state: KeyState, **changes: Any) -> SigningKeyRecord:
    """Return a record of a key that was published and made active right now, but for *changes*."""
    record = SigningKeyRecord(
        kid=kid,
        algorithm=Algorithm.ES256,
        state=state,
        sealed=b"sealed",
        published_at=NOW,
        activate_at=NOW,
        activated_at=None if state is KeyState.NEXT else NOW,
    )
    return replace(record, **changes)
