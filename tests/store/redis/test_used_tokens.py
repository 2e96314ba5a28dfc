"""Single use holds whatever becomes of Redis."""

import asyncio
import hashlib

import pytest
from valkey_servers import Valkey
from waiting import until_state

from keyturn.core.ports import CacheState, Store

pytestmark = pytest.mark.slow

NAME = hashlib.sha256(b"jti").digest()


async def test_a_token_stays_used_when_redis_is_lost_and_when_it_comes_back_empty(
    store: Store, other: Store, valkey: Valkey, now_ms: int
) -> None:
    """POP-04: used with Redis, without it, and with one that has forgotten everything: it is good once."""
    now = now_ms // 1000
    assert await store.used_tokens.use(NAME, now + 60, now)
    assert not await other.used_tokens.use(NAME, now + 60, now)
    valkey.kill()
    assert not await store.used_tokens.use(NAME, now + 60, now)
    during = hashlib.sha256(b"during").digest()
    assert await store.used_tokens.use(during, now + 60, now)

    valkey.start()
    await until_state(store, CacheState.OK)

    for name in (NAME, during):
        for process in (store, other):
            assert not await process.used_tokens.use(name, now + 60, now)


async def test_a_replay_is_refused_without_the_database(store: Store, valkey: Valkey, now_ms: int) -> None:
    """Redis knows a used token until its end, and of nothing else."""
    now = now_ms // 1000
    with valkey.client() as client:
        assert await store.used_tokens.use(NAME, now + 60, now)
        (key,) = client.keys("{keyturn}:used:*")
        assert 50 <= client.ttl(key) <= 60
    await store._sql.close()  # type: ignore[attr-defined]  # the database is gone

    assert not await store.used_tokens.use(NAME, now + 60, now)


async def test_one_of_many_at_once_in_two_processes_succeeds(store: Store, other: Store, now_ms: int) -> None:
    """POP-04, A34: the quick no beside the database leaves no gap."""
    now = now_ms // 1000
    uses = ((store, other)[n % 2].used_tokens.use(NAME, now + 60, now) for n in range(40))

    assert (await asyncio.gather(*uses)).count(True) == 1
