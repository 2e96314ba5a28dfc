"""The store: the tables over one connection."""

from keyturn.core.ports import CacheState, Store
from keyturn.store.sql.audit import SqlAuditLog
from keyturn.store.sql.audit_seals import SqlAuditSeals
from keyturn.store.sql.rate_limits import SqlRateLimits
from keyturn.store.sql.revocations import SqlRevocations
from keyturn.store.sql.script import Abort, Connection, Script
from keyturn.store.sql.sessions import SqlSessions
from keyturn.store.sql.signing_keys import SqlSigningKeys
from keyturn.store.sql.turns import SqlTurns
from keyturn.store.sql.used_tokens import SqlUsedTokens
from keyturn.store.sql.users import SqlUsers

READ = "SELECT last FROM revocation_sequence"

WRITE = "UPDATE revocation_sequence SET last = last"


class SqlStore(Store):
    """`core.ports.Store` over a `Connection`, which it closes."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._sessions = SqlSessions(connection)
        self._users = SqlUsers(connection)
        self._revocations = SqlRevocations(connection)
        self._signing_keys = SqlSigningKeys(connection)
        self._rate_limits = SqlRateLimits(connection)
        self._audit = SqlAuditLog(connection)
        self._audit_seals = SqlAuditSeals(connection)
        self._turns = SqlTurns(connection)
        self._used_tokens = SqlUsedTokens(connection)

    @property
    def sessions(self) -> SqlSessions:
        """Sessions."""
        return self._sessions

    @property
    def users(self) -> SqlUsers:
        """Our own users."""
        return self._users

    @property
    def revocations(self) -> SqlRevocations:
        """The revocation log."""
        return self._revocations

    @property
    def signing_keys(self) -> SqlSigningKeys:
        """Signing keys."""
        return self._signing_keys

    @property
    def rate_limits(self) -> SqlRateLimits:
        """Rate limits."""
        return self._rate_limits

    @property
    def audit(self) -> SqlAuditLog:
        """The audit log."""
        return self._audit

    @property
    def audit_seals(self) -> SqlAuditSeals:
        """The seals of the audit log."""
        return self._audit_seals

    @property
    def turns(self) -> SqlTurns:
        """Whose turn it is."""
        return self._turns

    @property
    def used_tokens(self) -> SqlUsedTokens:
        """Tokens that are good for one use."""
        return self._used_tokens

    @property
    def cache_state(self) -> CacheState | None:
        """Return None: there is only the database."""
        return None

    async def ping(self) -> None:
        """Return if the store takes reads and writes, else raise `TemporarilyUnavailable`."""
        await self._connection.read(_read)
        await self._connection.write(_write)

    async def now_ms(self) -> int | None:
        """Return the time of the database's clock in epoch milliseconds; None where it is this process's own."""
        return await self._connection.now_ms()

    async def close(self) -> None:
        """Finish what is under way and let go of every resource."""
        await self._connection.close()


def _read() -> Script[None]:
    yield READ, {}


def _write() -> Script[None]:
    yield WRITE, {}
    raise Abort(None)
