"""What the rules need from the outside: a store, a user directory, a hasher and a judge of passwords.

A new store is these protocols and the conformance suite in ``tests/store/conformance``; nothing else.
Each method of a store is one atomic step: it happens whole and durably before it returns, or not at all.
A store that can't answer raises `TemporarilyUnavailable`, and then nothing was changed.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from keyturn.core.model import (
    AuditEntry,
    AuditEvent,
    Device,
    EndReason,
    Seal,
    Session,
    SigningKeyRecord,
    StoredUser,
    User,
)
from keyturn.core.password_blocklist import Names, Objection
from keyturn.core.ratelimit import Rate, Reservation
from keyturn.tokens.revocation import RevocationEntry, RevocationKind


class UserDirectory(Protocol):
    """Who may log in. Ours is `core.users.LocalUsers`; an app that keeps its own users brings its own."""

    async def authenticate(self, username: str, password: str) -> User | None:
        """Return the user whose password this is, else None. Takes the same time for an unknown name."""
        ...

    async def find(self, sub: str) -> User | None:
        """Return the user as they are now, else None."""
        ...


class PasswordHasher(Protocol):
    """Hashes passwords away from the event loop. Raises `TemporarilyUnavailable` when its queue is full."""

    async def hash(self, password: str) -> str:
        """Return the encoded argon2id hash of *password*."""
        ...

    async def verify(self, encoded: str, password: str) -> bool:
        """Tell whether *password* made *encoded*."""
        ...

    async def verify_dummy(self, password: str) -> None:
        """Spend the time that `verify` takes, for a user that does not exist."""
        ...

    def needs_rehash(self, encoded: str) -> bool:
        """Tell whether *encoded* was made with other parameters than today's."""
        ...


class PasswordJudge(Protocol):
    """Knows passwords that others would try. Raises `TemporarilyUnavailable` when its queue is full."""

    async def objection(self, password: str, names: Names) -> Objection | None:
        """Return what stands against a new *password* of somebody with these *names*, away from the event loop."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Revoking:
    """What goes into the revocation log: a kind, the digest of the value, and until when it is kept.

    Attributes:
        before: for a cut-off (``sub``, ``all``): tokens with ``iat`` up to and including it are refused.

    """

    kind: RevocationKind
    digest: bytes
    before: int | None
    expires_at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """An order to end sessions: those with this *handle*, this *sid* or this *sub*; exactly one of them is set.

    Attributes:
        of_sub: where set, a session of somebody else is left alone.
        but_sid: where set, this session is left alone.
        event: the audit event, written once for each session that ended, with its ``sub`` and ``sid`` filled in.

    """

    reason: EndReason
    at_ms: int
    revocation_expires_at: int
    event: AuditEvent
    handle: bytes | None = field(default=None, repr=False)
    sid: str | None = None
    sub: str | None = None
    of_sub: str | None = None
    but_sid: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EndingAll:
    """An order to end every session there is.

    Attributes:
        revoking: one entry that refuses all their access tokens, instead of one for each session.
        event: the one audit event; ``sessions``, how many ended, is added to its details.

    """

    reason: EndReason
    at_ms: int
    revoking: Revoking
    event: AuditEvent


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """An order to start a session.

    Attributes:
        session: the row to insert.
        user_version: start only if our own directory's user still has this version and is not disabled;
            None where another directory keeps the users.
        most: how many live sessions the user may have; the oldest beyond it end with `EndReason.TOO_MANY`.
        give_back: reservations of rate limits that the success returns, in the same step.

    """

    session: Session
    user_version: int | None
    most: int
    revocation_expires_at: int
    give_back: Sequence[Reservation]
    event: AuditEvent


@dataclass(frozen=True, slots=True, kw_only=True)
class Advance:
    """An order to move a session from one generation to the next, only if it is live and exactly there.

    Attributes:
        rate: the rotation limit, judged in the same statement.

    """

    handle: bytes = field(repr=False)
    from_generation: int
    to_generation: int
    key_id: bytes
    now_ms: int
    idle: int
    rate: Rate
    device: Device


@dataclass(frozen=True, slots=True, kw_only=True)
class Advanced:
    """The outcome of an `Advance`.

    Attributes:
        moved: whether this very order moved the session.
        session: the row after the order; None if there is none.
        newest_revocation: the highest ``seq`` of the revocation log at that moment.

    """

    moved: bool
    session: Session | None
    newest_revocation: int


class Sessions(Protocol):
    """Sessions, one row a login."""

    async def start(self, order: Start) -> bool:
        """Insert the session, end the oldest beyond the most, write the event; False if the user changed meanwhile."""
        ...

    async def find(self, handle: bytes) -> Session | None:
        """Return the session with this handle, ended or not."""
        ...

    async def find_with_user(self, handle: bytes) -> tuple[Session, User | None] | None:
        """Return the session and the user of our own directory that it belongs to, in one query."""
        ...

    async def advance(self, order: Advance) -> Advanced:
        """Rotate in one conditional ``UPDATE … RETURNING``; if no row came back, read it in the same step."""
        ...

    async def note_replay(self, handle: bytes, generation: int, event: AuditEvent) -> None:
        """Write *event* the first time that this generation is replayed, so that replays can't fill the log."""
        ...

    async def end(self, order: Ending) -> Sequence[Session]:
        """End live sessions, publish a ``sid`` revocation and write an event for each; return those that ended now."""
        ...

    async def end_all(self, order: EndingAll) -> int:
        """Append the revocation, end every session that has not ended, write the event; return how many ended.

        Not one step but many, in this order: there may be millions. After a failure the order can be given again.
        """
        ...

    async def count_by_key_id(self, now: int) -> Mapping[bytes, int]:
        """Return how many live sessions have a refresh token of each master key, by the key's id. Reads them all."""
        ...

    async def list_live(self, sub: str, now: int) -> Sequence[Session]:
        """Return the user's sessions that are neither ended nor expired, the last used first."""
        ...

    async def list_page(self, after: str, most: int, now: int) -> Sequence[Session]:
        """Return up to *most* live sessions of anybody whose ``sid`` follows *after*, in its order."""
        ...

    async def find_by_sid(self, sid: str) -> Session | None:
        """Return the session with this ``sid``, ended or not."""
        ...

    async def prune(self, now: int, most: int) -> int:
        """Delete up to *most* sessions that ended, or expired either way, over an hour ago; return how many."""
        ...


class Users(Protocol):
    """The rows of our own user directory."""

    async def add(self, user: StoredUser, event: AuditEvent) -> bool:
        """Insert the user; False if the name is taken."""
        ...

    async def find(self, sub: str) -> StoredUser | None:
        """Return the user with this subject."""
        ...

    async def find_by_name(self, username_key: str) -> StoredUser | None:
        """Return the user with this normalised name."""
        ...

    async def list_page(self, after: str, most: int) -> Sequence[StoredUser]:
        """Return up to *most* users whose normalised name follows *after*, in its order."""
        ...

    async def rehash(self, sub: str, version: int, password_hash: str) -> bool:
        """Replace the hash of the same password; False if the user has another version by now. The version stays."""
        ...

    async def set_password(self, sub: str, version: int, password_hash: str, ending: Ending, event: AuditEvent) -> bool:
        """Replace the password, move the version and end the sessions, in one step; False if the version is another."""
        ...

    async def set_disabled(self, sub: str, disabled_at: int | None, ending: Ending | None, event: AuditEvent) -> bool:
        """Disable (and end the sessions) or enable the user, moving the version; False if there is no such user."""
        ...

    async def set_roles(self, sub: str, roles: tuple[str, ...], event: AuditEvent) -> bool:
        """Replace the roles; False if there is no such user."""
        ...


class Revocations(Protocol):
    """The revocation log. ``seq`` is max(last + 1, epoch milliseconds), taken inside the revoking transaction."""

    async def add(self, revoking: Revoking, event: AuditEvent) -> RevocationEntry:
        """Append one entry."""
        ...

    async def add_once(self, revoking: Revoking, event: AuditEvent) -> RevocationEntry | None:
        """Append one entry; None, and no event, if this did so before and that entry is still kept."""
        ...

    async def after(self, seq: int, most: int) -> Sequence[RevocationEntry]:
        """Return the first *most* entries behind *seq*, in order."""
        ...

    async def newest(self) -> int:
        """Return the highest ``seq`` that was given out, also if its entry is deleted by now; 0 before the first."""
        ...

    async def wait_for_news(self, seconds: float) -> None:
        """Return when another process may have appended something, at the latest after *seconds*.

        It may also return without news, and where nobody tells it of any it only waits. Never raises: whoever was
        woken looks for themselves.
        """
        ...

    async def prune(self, now: int, most: int) -> int:
        """Delete up to *most* entries past their ``expires_at``; return how many."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyChanges:
    """What a plan does to the signing keys: rows to insert, rows to replace, kids to delete, entries to revoke."""

    insert: tuple[SigningKeyRecord, ...] = ()
    update: tuple[SigningKeyRecord, ...] = ()
    delete: tuple[str, ...] = ()
    revoke: tuple[Revoking, ...] = ()
    events: tuple[AuditEvent, ...] = ()

    def __bool__(self) -> bool:
        """Tell whether there is anything to do."""
        return bool(self.insert or self.update or self.delete)


class SigningKeys(Protocol):
    """Signing keys, sealed."""

    async def list_all(self) -> Sequence[SigningKeyRecord]:
        """Return every key, the newest published first."""
        ...

    async def change(
        self, plan: Callable[[Sequence[SigningKeyRecord]], KeyChanges]
    ) -> tuple[KeyChanges, Sequence[SigningKeyRecord]]:
        """Read the keys, ask *plan* and carry it out, in one step that no other process can come between.

        *plan* must be pure and quick; it may be asked again. Returns what was done and the keys after it.
        """
        ...


class RateLimits(Protocol):
    """Counters of rate limits."""

    async def reserve(self, reservations: Sequence[Reservation], now_ms: int) -> int:
        """Draw on all of them or on none. Return 0, or the seconds after which the fullest has room again."""
        ...

    async def give_back(self, reservations: Sequence[Reservation]) -> None:
        """Return what was drawn."""
        ...

    async def prune(self, now_ms: int, most: int) -> int:
        """Delete up to *most* counters that are back at rest; return how many."""
        ...


class Turns(Protocol):
    """Whose turn it is to do what one process of the fleet has to do now and then."""

    async def take(self, job: str, now_ms: int, every_ms: int) -> bool:
        """Take the turn of *job* if the last one was taken *every_ms* ago or longer; False if it is not due."""
        ...


class UsedTokens(Protocol):
    """Names of tokens that are good for one use (RFC 7523 §3, ``jti``)."""

    async def use(self, digest: bytes, expires_at: int, now: int) -> bool:
        """Note the use of the token with this *digest* until its ``expires_at``; False if it was used before."""
        ...

    async def prune(self, now: int, most: int) -> int:
        """Delete up to *most* names past their ``expires_at``; return how many."""
        ...


class CacheState(StrEnum):
    """How the store beside the database fares, which makes things faster and holds nothing that can't be missed."""

    OK = "ok"
    DEGRADED = "degraded"


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditFilter:
    """Which entries of the audit log are meant; None for any.

    Attributes:
        since_ms: written then or later.
        until_ms: written before.

    """

    sub: str | None = None
    sid: str | None = None
    kind: str | None = None
    since_ms: int | None = None
    until_ms: int | None = None


class AuditLog(Protocol):
    """The audit log. Only ever grows."""

    async def append(self, events: Sequence[AuditEvent]) -> None:
        """Write the events."""
        ...

    async def list_page(self, after: int, most: int) -> Sequence[tuple[int, AuditEvent]]:
        """Return up to *most* events behind the number *after*, each with its number."""
        ...

    async def entries(self, after: int, most: int) -> Sequence[AuditEntry]:
        """Return up to *most* entries behind the number *after* in order; one without a number has -1."""
        ...

    async def newest(self, wanted: AuditFilter, *, least: int, before: int, most: int) -> Sequence[AuditEntry]:
        """Return up to *most* of the entries numbered *least* or more, but below *before*, the newest first."""
        ...

    async def strays(self, most: int) -> Sequence[int]:
        """Return up to *most* numbers of entries that no number was given out for; there should be none."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Extent:
    """How far the audit log and its seals reach, at one moment.

    Attributes:
        last: the newest number that was given to an entry.
        seals: the number of the newest seal; 0 before the first.
        sealed: the last entry that it covers.

    """

    last: int
    seals: int
    sealed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Unsealed:
    """Entries behind those that are sealed, and the newest number that had been given to one at the same moment."""

    last: int
    entries: Sequence[AuditEntry]


class AuditSeals(Protocol):
    """The seals of the audit log. Only ever grow."""

    async def extent(self) -> Extent:
        """Return how far log and seals reach."""
        ...

    async def unsealed(self, after: int, most: int) -> Unsealed:
        """Return the entries with the *most* numbers behind *after*. One that is not among them is not there."""
        ...

    async def add(self, seal: Seal) -> bool:
        """Add the seal, and let it be durable; False if there is one of its number, and then nothing is changed."""
        ...

    async def find(self, number: int) -> Seal | None:
        """Return the seal of this number."""
        ...

    async def list_page(self, after: int, most: int) -> Sequence[Seal]:
        """Return up to *most* seals behind the number *after*, in order; -1 is a number that is none."""
        ...


class Store(Protocol):
    """Where everything is kept."""

    @property
    def sessions(self) -> Sessions:
        """Sessions."""
        ...

    @property
    def users(self) -> Users:
        """Our own users."""
        ...

    @property
    def revocations(self) -> Revocations:
        """The revocation log."""
        ...

    @property
    def signing_keys(self) -> SigningKeys:
        """Signing keys."""
        ...

    @property
    def rate_limits(self) -> RateLimits:
        """Rate limits."""
        ...

    @property
    def audit(self) -> AuditLog:
        """The audit log."""
        ...

    @property
    def audit_seals(self) -> AuditSeals:
        """The seals of the audit log."""
        ...

    @property
    def turns(self) -> Turns:
        """Whose turn it is."""
        ...

    @property
    def used_tokens(self) -> UsedTokens:
        """Tokens that are good for one use."""
        ...

    @property
    def cache_state(self) -> CacheState | None:
        """How Redis fares; None where there is none."""
        ...

    async def ping(self) -> None:
        """Return if the store answers, else raise `TemporarilyUnavailable`."""
        ...

    async def now_ms(self) -> int | None:
        """Return the time of the database's clock in epoch milliseconds; None where it is this process's own."""
        ...

    async def close(self) -> None:
        """Finish what is under way and let go of every resource."""
        ...


WaitUntil = Callable[[int], Awaitable[None]]
"""Sleeps until the wall clock has passed the given epoch second."""
