"""The nouns of the rules: users, sessions, signing keys, audit events. Values only.

Instants end in ``_at`` (epoch seconds) or ``_at_ms`` (epoch milliseconds).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from keyturn.tokens.algorithms import Algorithm


class ClientKind(StrEnum):
    """Where a session keeps its tokens (contract of ``POST /login``)."""

    BROWSER = "browser"
    NATIVE = "native"
    COOKIE = "cookie"


class EndReason(StrEnum):
    """Why a session ended. Kept with the session and in the audit log; never told to a peer."""

    LOGOUT = "logout"
    LOGOUT_ALL = "logout_all"
    ENDED_BY_USER = "ended_by_user"
    ENDED_BY_OPERATOR = "ended_by_operator"
    REVOKED = "revoked"
    PASSWORD_CHANGED = "password_changed"
    USER_DISABLED = "user_disabled"
    REUSED = "reused"
    DEVICE_CHANGED = "device_changed"
    ADDRESS_CHANGED = "address_changed"
    EXPIRED = "expired"
    TOO_MANY = "too_many"
    RESTORED = "restored"


@dataclass(frozen=True, slots=True)
class User:
    """Somebody who may log in, as a `UserDirectory` knows them.

    Attributes:
        sub: the subject of their tokens; never reused for somebody else.
        username: the name they log in with.
        roles: names that ``[roles]`` maps to scopes.
        disabled: a disabled user can neither log in nor refresh.
        version: changes with the password and with ``disabled``. A session starts only if it is still the one
            that was seen when the password was checked. None where the directory can't tell.

    """

    sub: str
    username: str
    roles: tuple[str, ...] = ()
    disabled: bool = False
    version: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredUser:
    """A row of our own user directory."""

    sub: str
    username: str
    username_key: str
    password_hash: str = field(repr=False)
    roles: tuple[str, ...]
    disabled_at: int | None
    version: int
    created_at: int

    def as_user(self) -> User:
        """Return what the rules may see of this row."""
        return User(self.sub, self.username, self.roles, self.disabled_at is not None, self.version)


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """What a request tells about the machine it comes from.

    Attributes:
        browser: the user-agent family, such as ``Firefox``; ``unknown`` where it is not known.
        os: the operating system's family.
        address: the network of the peer (an IPv4 /24 or an IPv6 /48), never the whole address.

    """

    browser: str
    os: str
    address: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """One login on one device.

    Attributes:
        handle: 128 random bits that only the refresh token carries.
        generation: the number of the refresh token that is current. It only grows.
        key_id: id of the master key that made the current refresh token.
        rotated_at_ms: when *generation* became current.
        scope: the scopes asked for at login; None if none were, which means all that the roles give.
        resource: the audience asked for at login; None means the first configured one.
        expires_at: the absolute end, fixed at login.
        idle_expires_at: the end unless the session is refreshed before it.
        device_id: the id inside the device token that was given out with this login.
        refresh_tat_us: the theoretical arrival time of the rotation limit (GCRA), epoch microseconds.

    """

    sid: str
    handle: bytes = field(repr=False)
    sub: str
    client: ClientKind
    client_id: str
    scope: tuple[str, ...] | None
    resource: str | None
    generation: int
    key_id: bytes
    rotated_at_ms: int
    auth_time: int
    created_at: int
    last_used_at: int
    expires_at: int
    idle_expires_at: int
    device_id: bytes = field(repr=False)
    device_name: str
    device: Device
    refresh_tat_us: int = 0
    ended_at: int | None = None
    end_reason: EndReason | None = None

    def ends_at(self) -> int:
        """Return the earlier of the idle and the absolute end."""
        return min(self.expires_at, self.idle_expires_at)


class KeyState(StrEnum):
    """Where a signing key is in its life. Only ``active`` signs; all but ``revoked`` are published."""

    NEXT = "next"
    ACTIVE = "active"
    RETIRED = "retired"
    REVOKED = "revoked"


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningKeyRecord:
    """A signing key as it is kept: the private part sealed under a master key.

    Attributes:
        published_at: since when the key stands in the JWK Set.
        activate_at: when a ``next`` key is due to sign; for others, when it became so.
        retired_at: when it stopped signing.

    """

    kid: str
    algorithm: Algorithm
    state: KeyState
    sealed: bytes = field(repr=False)
    published_at: int
    activate_at: int
    activated_at: int | None = None
    retired_at: int | None = None
    revoked_at: int | None = None


class AuditKind(StrEnum):
    """What an audit event tells of."""

    LOGIN = "login"
    LOGIN_REFUSED = "login_refused"
    REFRESH_REFUSED = "refresh_refused"
    REFRESH_REPLAYED = "refresh_replayed"
    TOKEN_REUSED = "token_reused"
    STORE_ROLLED_BACK = "store_rolled_back"
    DEVICE_CHANGED = "device_changed"
    ADDRESS_CHANGED = "address_changed"
    SESSION_ENDED = "session_ended"
    TOKEN_REVOKED = "token_revoked"
    USER_ADDED = "user_added"
    USER_DISABLED = "user_disabled"
    USER_ENABLED = "user_enabled"
    ROLES_CHANGED = "roles_changed"
    PASSWORD_CHANGED = "password_changed"
    PASSWORD_REFUSED = "password_refused"
    KEY_CREATED = "key_created"
    KEY_ACTIVATED = "key_activated"
    KEY_RETIRED = "key_retired"
    KEY_REMOVED = "key_removed"
    KEY_REVOKED = "key_revoked"
    KEY_REWRAPPED = "key_rewrapped"
    STORE_RESTORED = "store_restored"
    AUDIT_SET_BACK = "audit_set_back"


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where a request came from, for the audit log.

    Attributes:
        actor: ``peer`` for a request over HTTP, ``admin:`` and their ``sub`` for one to the admin API, ``operator`` for
            the command line, ``system`` for a background job.

    """

    actor: str = "peer"
    address: str = ""
    browser: str = ""
    request_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEvent:
    """One line of the audit log. Holds no token, no password, no key.

    Attributes:
        reason: the private reason of a refusal, or why a thing was done.
        details: further facts, JSON values only.

    """

    at_ms: int
    kind: AuditKind
    sub: str | None = None
    sid: str | None = None
    reason: str = ""
    origin: Origin = Origin()
    details: Mapping[str, str | int | list[str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """An event as it is kept: column by column, whatever stands there. What is sealed is this, not what it means.

    Attributes:
        number: from 1, without a gap, in the order in which they were written.
        kind: of an `AuditKind`, unless a newer release wrote it, or somebody else.
        details: JSON text, as it is kept.

    """

    number: int
    at_ms: int
    kind: str
    sub: str | None
    sid: str | None
    reason: str
    actor: str
    address: str
    browser: str
    request_id: str
    details: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Seal:
    """What was sealed of the audit log at one moment: the entries since the seal before, which this one follows.

    Attributes:
        number: from 1, without a gap.
        last: the number of the last entry that it covers.
        previous: the hash of the seal before; zeros where a chain begins.
        digests: of each entry that it covers, in order, 32 bytes each.
        key_id: of the master key that made *mac*.
        mac: over all of the above.

    """

    number: int
    last: int
    sealed_at_ms: int
    previous: bytes
    digests: bytes
    key_id: bytes
    mac: bytes
