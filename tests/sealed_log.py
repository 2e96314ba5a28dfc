"""An audit log that a test writes, seals, tampers with and verifies."""

from collections.abc import Sequence
from typing import Any

from keyturn.core.audit_check import Report, verify
from keyturn.core.model import AuditEntry, AuditEvent, AuditKind, Origin, Seal
from keyturn.core.ports import Store
from keyturn.core.sealer import Alarm, Sealer
from keyturn.core.services import Services
from keyturn.store.sql.script import Connection, Script


class Log:
    """The audit log of some services, and one server's job; *services* may be whatever has a store and master keys."""

    def __init__(self, services: Any, now_ms: int = 1_800_000_000_000) -> None:
        self.services: Services = services
        self.now_ms = now_ms
        self.sealer = Sealer(services)
        self.pauses = 0
        self._written = 0

    @property
    def store(self) -> Store:
        """Where it is kept."""
        return self.services.store

    def later(self, seconds: float = 1) -> None:
        """Let time pass."""
        self.now_ms += int(seconds * 1000)

    async def write(self, count: int) -> None:
        """Append so many entries, no two alike."""
        await self.store.audit.append([self._event() for _ in range(count)])

    def _event(self) -> AuditEvent:
        self._written += 1
        return AuditEvent(
            at_ms=self.now_ms,
            kind=AuditKind.LOGIN_REFUSED,
            sub=f"sub-{self._written}",
            sid=f"sid-{self._written}",
            reason=f"reason {self._written}",
            origin=Origin(address="192.0.2.7", browser="Firefox", request_id=f"r-{self._written}"),
            details={"n": self._written},
        )

    async def seal(self) -> Sequence[Alarm]:
        """Do what the job does a second later."""
        self.later()
        return await self.sealer.run(now_ms=self.now_ms, pause=self.pause)

    async def pause(self) -> None:
        """Count."""
        self.pauses += 1

    async def seals(self) -> Sequence[Seal]:
        """Return every seal."""
        return await self.store.audit_seals.list_page(0, 10_000)

    async def entries(self) -> Sequence[AuditEntry]:
        """Return every entry."""
        return await self.store.audit.entries(0, 10_000)

    async def last(self) -> int:
        """Return the number of the newest entry."""
        return (await self.store.audit_seals.extent()).last

    async def report(self, *expected: str) -> Report:
        """Verify it."""
        return await verify(self.store, self.services.master_keys, now_ms=self.now_ms, expected=expected)

    async def faults(self) -> list[str]:
        """Return what is wrong with it, in its order."""
        return [finding.fault.value for finding in (await self.report()).findings]

    async def sql(self, *statements: str) -> None:
        """Do what somebody does who can write the database."""

        def step() -> Script[None]:
            for statement in statements:
                yield statement, {}

        await connection_of(self.store).write(step)


def connection_of(store: Any) -> Connection:
    """Return where the scripts of a store run."""
    connection: Connection = getattr(store, "_sql", store)._connection
    return connection
