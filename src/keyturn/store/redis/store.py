"""The store of the database, made faster by Redis."""

from keyturn.core.ports import AuditLog, AuditSeals, CacheState, SigningKeys, Store, Turns, Users
from keyturn.store.redis import keys
from keyturn.store.redis.client import Client
from keyturn.store.redis.guard import Guard, OnFallback
from keyturn.store.redis.location import Location
from keyturn.store.redis.mirror import Mirror
from keyturn.store.redis.rate_limits import RedisRateLimits
from keyturn.store.redis.revocations import RedisRevocations
from keyturn.store.redis.sessions import RedisSessions
from keyturn.store.redis.used_tokens import RedisUsedTokens
from keyturn.store.redis.wakeups import Wakeups


class RedisStore(Store):
    """`core.ports.Store` over the store of a database, which it closes. For one event loop.

    It needs Redis neither to open nor to go on: what Redis does not answer, the database does.
    """

    def __init__(self, sql: Store, location: Location, *, on_fallback: OnFallback) -> None:
        self._sql = sql
        self._client = Client(location)
        self._guard = Guard(self._probe, on_back=self._when_back, on_fallback=on_fallback)
        self._mirror = Mirror(sql.revocations, self._client, self._guard)
        self._wakeups = Wakeups(self._client)
        self._rate_limits = RedisRateLimits(sql.rate_limits, self._client, self._guard)
        self._sessions = RedisSessions(sql.sessions, self._rate_limits)
        self._revocations = RedisRevocations(sql.revocations, self._mirror, self._wakeups)
        self._used_tokens = RedisUsedTokens(sql.used_tokens, self._client, self._guard)

    @property
    def sessions(self) -> RedisSessions:
        """Sessions."""
        return self._sessions

    @property
    def users(self) -> Users:
        """Our own users."""
        return self._sql.users

    @property
    def revocations(self) -> RedisRevocations:
        """The revocation log."""
        return self._revocations

    @property
    def signing_keys(self) -> SigningKeys:
        """Signing keys."""
        return self._sql.signing_keys

    @property
    def rate_limits(self) -> RedisRateLimits:
        """Rate limits."""
        return self._rate_limits

    @property
    def audit(self) -> AuditLog:
        """The audit log."""
        return self._sql.audit

    @property
    def audit_seals(self) -> AuditSeals:
        """The seals of the audit log."""
        return self._sql.audit_seals

    @property
    def turns(self) -> Turns:
        """Whose turn it is."""
        return self._sql.turns

    @property
    def used_tokens(self) -> RedisUsedTokens:
        """Tokens that are good for one use."""
        return self._used_tokens

    @property
    def cache_state(self) -> CacheState:
        """How Redis fares."""
        return self._guard.state

    async def ping(self) -> None:
        """Return if the database answers, else raise `TemporarilyUnavailable`; `cache_state` is up to date then."""
        await self._guard.check()
        await self._sql.ping()

    async def now_ms(self) -> int | None:
        """Return the time of the database's clock in epoch milliseconds; None where it is this process's own."""
        return await self._sql.now_ms()

    async def close(self) -> None:
        """Finish what is under way and let go of every resource."""
        try:
            await self._mirror.close()
            await self._wakeups.close()
            await self._guard.close()
            await self._client.close()
        finally:
            await self._sql.close()

    async def _probe(self) -> None:
        """Ask for what everything else needs: a place that takes writes. A replica and a full Redis do not."""
        await self._client.execute("SET", keys.PROBE, 1, "PX", 1000)

    def _when_back(self) -> None:
        self._mirror.wake()
