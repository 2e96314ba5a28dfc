"""A fresh store of each backend, and orders to give it. One more backend is one more row of `FRESH`."""

import hashlib
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from keyturn.core.model import AuditEvent, AuditKind, ClientKind, Device, EndReason, Origin, Session, StoredUser
from keyturn.core.ports import Advance, Ending, Revoking, Start, Store
from keyturn.core.ratelimit import Rate
from keyturn.store import open_store, upgrade
from keyturn.tokens.revocation import RevocationKind, digest

FRESH: dict[str, Callable[[Path], str]] = {
    "sqlite": lambda folder: f"sqlite:///{folder}/data/keyturn.db",
}


@pytest.fixture(params=FRESH)
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a database that does not exist yet."""
    return FRESH[request.param](tmp_path)


@pytest.fixture
async def store(store_url: str) -> AsyncIterator[Store]:
    """An open, empty store."""
    await upgrade(store_url)
    opened = await open_store(store_url)
    yield opened
    await opened.close()


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
