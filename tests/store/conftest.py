"""A fresh store of each backend, and orders to give it. One more backend is one more row of `FRESH`."""

import hashlib
import sys
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from keyturn.core.model import AuditEvent, AuditKind, ClientKind, Device, EndReason, Origin, Session, StoredUser
from keyturn.core.ports import Advance, Ending, Revoking, Start, Store
from keyturn.core.ratelimit import Rate
from keyturn.store import open_store, upgrade
from keyturn.store.redis.store import RedisStore
from keyturn.store.sql.store import SqlStore
from keyturn.tokens.revocation import RevocationKind, digest

sys.path.append(str(Path(__file__).parents[1] / "servers"))

import pgbouncer
import postgres
import valkey_servers

FRESH: dict[str, Callable[[Path], str]] = {
    "sqlite": lambda folder: f"sqlite:///{folder}/data/keyturn.db",
    "postgresql": lambda _: postgres.url_of_new_database(),
    "pgbouncer": lambda _: pgbouncer.shared().url_of(postgres.url_of_new_database()),
    "sqlite+valkey": lambda folder: f"sqlite:///{folder}/data/keyturn.db",
    "postgresql+valkey": lambda _: postgres.url_of_new_database(),
}

NEEDED = pytest.mark.skipif(not pgbouncer.PROGRAM, reason="PgBouncer is not installed")

MARKS: dict[str, list[pytest.MarkDecorator]] = {
    "sqlite": [],
    "postgresql": [pytest.mark.slow],
    "pgbouncer": [pytest.mark.slow, NEEDED],
    "sqlite+valkey": [pytest.mark.slow],
    "postgresql+valkey": [pytest.mark.slow],
}


@pytest.fixture(params=[pytest.param(name, marks=MARKS[name]) for name in FRESH])
def backend(request: pytest.FixtureRequest) -> str:
    """The name of the backend that the test runs on."""
    name: str = request.param
    return name


@pytest.fixture
def pooler(backend: str) -> str:
    """What ``database.pooler`` is for it."""
    return "transaction" if backend == "pgbouncer" else ""


@pytest.fixture
def store_url(backend: str, tmp_path: Path) -> str:
    """The URL of a database without our schema; of SQLite there is no file yet."""
    return FRESH[backend](tmp_path)


@pytest.fixture
def redis_url(backend: str) -> str:
    """What ``redis.url`` is for it."""
    return valkey_servers.emptied_url() if backend.endswith("+valkey") else ""


@pytest.fixture
async def store(store_url: str, pooler: str, redis_url: str) -> AsyncIterator[Store]:
    """An open, empty store."""
    await upgrade(store_url)
    opened = await open_store(store_url, pooler=pooler, redis_url=redis_url)
    yield opened
    await opened.close()


@pytest.fixture
def sql_store(store: Store) -> SqlStore:
    """The database's part of the store, for what can only be said of that."""
    inner = store._sql if isinstance(store, RedisStore) else store
    assert isinstance(inner, SqlStore)
    return inner


@pytest.fixture
def given() -> "Given":
    """Values and orders with everything filled in that the test does not speak of."""
    return Given()


class Given:
    """Makes what a test needs; *number* tells one thing from another."""

    now = 1_800_000_000
    now_ms = now * 1000
    day = 86_400
    device = Device(browser="Firefox", os="Linux", address="192.0.2.0/24")
    roomy = Rate(burst=1000, interval_us=1)

    def event(self, kind: AuditKind = AuditKind.LOGIN, **changes: Any) -> AuditEvent:
        """An audit event with every field set."""
        origin = Origin(actor="peer", address="192.0.2.0/24", browser="Firefox", request_id="r-1")
        filled = AuditEvent(
            at_ms=self.now_ms, kind=kind, reason="because", origin=origin, details={"n": 1, "s": "é\n", "l": ["a"]}
        )
        return replace(filled, **changes)

    def session(self, number: int = 1, **changes: Any) -> Session:
        """A live session of user ``u1``."""
        filled = Session(
            sid=f"sid-{number}",
            handle=hashlib.sha256(b"%d" % number).digest()[:16],
            sub="u1",
            client=ClientKind.NATIVE,
            client_id="first-party",
            scope=("orders:read", "orders:write"),
            resource=None,
            generation=0,
            key_id=b"key1",
            rotated_at_ms=self.now_ms,
            auth_time=self.now,
            created_at=self.now,
            last_used_at=self.now,
            expires_at=self.now + 30 * self.day,
            idle_expires_at=self.now + 7 * self.day,
            device_id=b"d" * 16,
            device_name="Zoë's phone",
            device=self.device,
        )
        return replace(filled, **changes)

    def start(self, session: Session, **changes: Any) -> Start:
        """An order to start *session* for whatever user."""
        filled = Start(
            session=session,
            user_version=None,
            most=100,
            revocation_expires_at=self.now + 3660,
            give_back=(),
            event=self.event(sub=session.sub, sid=session.sid),
        )
        return replace(filled, **changes)

    def advance(self, session: Session, **changes: Any) -> Advance:
        """An order to move *session* one generation on, a second later."""
        filled = Advance(
            handle=session.handle,
            from_generation=session.generation,
            to_generation=session.generation + 1,
            key_id=b"key2",
            now_ms=self.now_ms + 1000,
            idle=7 * self.day,
            rate=self.roomy,
            device=self.device,
        )
        return replace(filled, **changes)

    def ending(self, **changes: Any) -> Ending:
        """An order to end sessions by logout."""
        return Ending(
            **{
                "reason": EndReason.LOGOUT,
                "at_ms": self.now_ms + 2000,
                "revocation_expires_at": self.now + 3662,
                "event": self.event(AuditKind.SESSION_ENDED),
                **changes,
            }
        )

    def user(self, number: int = 1, **changes: Any) -> StoredUser:
        """A user who may log in."""
        filled = StoredUser(
            sub=f"u{number}",
            username=f"User{number}",
            username_key=f"user{number}",
            password_hash=f"$argon2id${number}",
            roles=("user", "admin"),
            disabled_at=None,
            version=1,
            created_at=self.now,
        )
        return replace(filled, **changes)

    def revoking(self, value: str = "j1", **changes: Any) -> Revoking:
        """A revocation of one token."""
        filled = Revoking(
            kind=RevocationKind.JTI,
            digest=digest(RevocationKind.JTI, value),
            before=None,
            expires_at=self.now + 3660,
        )
        return replace(filled, **changes)
