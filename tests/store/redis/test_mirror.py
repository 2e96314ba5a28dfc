"""The denylist's copy in Redis: plain commands read it, it ends with its entries, and what was lost comes again."""

import asyncio
import base64
import hashlib
import time
from typing import Any

import pytest
from valkey_servers import Valkey
from waiting import PATIENCE_SECONDS, until, until_state

from keyturn.core.ports import CacheState, Revoking, Store
from keyturn.store import open_store
from keyturn.tokens.revocation import RevocationKind, digest

pytestmark = pytest.mark.slow

SEQ = "{keyturn}:revoked:seq"


def key(kind: str, value: str) -> str:
    """Return the name of an entry as ``docs/redis.md`` tells it, with nothing of ours."""
    first = hashlib.sha256(f"{kind}\0{value}".encode()).digest()[:16]
    return f"{{keyturn}}:revoked:{kind}:{base64.urlsafe_b64encode(first).rstrip(b'=').decode()}"


def revoking(kind: RevocationKind, value: str, *, ends_in: int = 600, before: int | None = None) -> Revoking:
    """Return an order to revoke."""
    return Revoking(kind=kind, digest=digest(kind, value), before=before, expires_at=int(time.time()) + ends_in)


async def test_every_kind_can_be_asked_for_with_plain_commands(store: Store, valkey: Valkey, given: Any) -> None:
    """REF-08: a present entry refuses; of a user or of all, tokens up to the second it says. Each has its end."""
    now = int(time.time())
    await store.revocations.add(revoking(RevocationKind.JTI, "j"), given.event())
    await store.revocations.add(revoking(RevocationKind.KID, "k"), given.event())
    await store.revocations.add(revoking(RevocationKind.SUB, "ada", before=now - 5), given.event())
    await store.sessions.start(given.start(given.session(1)))
    await store.sessions.end(given.ending(sid="sid-1"))
    await store.revocations.add(revoking(RevocationKind.ALL, "", before=now - 9), given.event())
    newest = await store.revocations.newest()

    with valkey.client() as client:
        await until(lambda: client.get(SEQ) == str(newest))
        names = [key("jti", "j"), key("sid", "sid-1"), key("sub", "ada"), key("kid", "k"), key("all", "")]
        assert client.mget(names) == ["1", "1", str(now - 5), "1", str(now - 9)]
        assert client.mget([key("jti", "other"), key("sub", "eve")]) == [None, None]
        ends = sorted(entry.expires_at for entry in await store.revocations.after(0, 9))
        assert sorted(client.expiretime(name) for name in names) == ends


async def test_of_two_entries_the_later_cut_off_and_the_later_end_hold(
    store: Store, valkey: Valkey, given: Any
) -> None:
    """As in the view of the SDK, in whichever order they come."""
    now = int(time.time())
    for before, ends_in in ((now - 5, 100), (now - 1, 50), (now - 9, 300)):
        await store.revocations.add(revoking(RevocationKind.SUB, "ada", before=before, ends_in=ends_in), given.event())
    newest = await store.revocations.newest()

    with valkey.client() as client:
        await until(lambda: client.get(SEQ) == str(newest))
        assert client.get(key("sub", "ada")) == str(now - 1)
        assert 290 < client.ttl(key("sub", "ada")) <= 300


async def test_an_entry_goes_when_its_time_has_come(store: Store, valkey: Valkey, given: Any) -> None:
    """What it refused has expired by then."""
    await store.revocations.add(revoking(RevocationKind.JTI, "short", ends_in=2), given.event())
    await store.revocations.add(revoking(RevocationKind.JTI, "long"), given.event())

    with valkey.client() as client:
        await until(lambda: client.exists(key("jti", "long")))
        await until(lambda: not client.exists(key("jti", "short")))
        assert client.exists(key("jti", "long"))


async def test_what_redis_lost_comes_again(
    store: Store, valkey: Valkey, given: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a restart that forgot everything, with what was revoked meanwhile; and after somebody emptied it."""
    monkeypatch.setattr("keyturn.store.redis.mirror.CHECK_SECONDS", 0.2)
    names = [key("jti", str(n)) for n in range(1200)]
    for n in range(1199):
        await store.revocations.add(revoking(RevocationKind.JTI, str(n)), given.event())
    with valkey.client() as client:
        await until(lambda: client.exists(*names) == 1199)
    valkey.kill()
    await store.revocations.add(revoking(RevocationKind.JTI, "1199"), given.event())
    await store.ping()
    assert store.cache_state is CacheState.DEGRADED

    valkey.start()
    with valkey.client() as client:
        await until(lambda: client.exists(*names) == 1200)
        await until_state(store, CacheState.OK)
        client.flushall()
        await until(lambda: client.exists(*names) == 1200)


async def test_another_process_hears_of_a_revocation_at_once(store: Store, other: Store, given: Any) -> None:
    """REF-08: far sooner than it would have looked by itself, and what it hears of is there."""
    await asyncio.gather(other.revocations.wait_for_news(60), _soon(store, given, "first"))
    start = time.monotonic()

    await asyncio.gather(other.revocations.wait_for_news(60), _soon(store, given, "second"))

    print(f"another process heard of it in {(time.monotonic() - start) * 1000:.0f} ms")  # noqa: T201 - with 100 of waiting
    assert time.monotonic() - start < PATIENCE_SECONDS
    assert len(await other.revocations.after(0, 9)) == 2


async def test_word_comes_again_after_redis_was_lost(store: Store, other: Store, valkey: Valkey, given: Any) -> None:
    """Without Redis a wait ends by itself; the subscription is made anew."""
    await other.revocations.wait_for_news(0.2)
    valkey.kill()
    async with asyncio.timeout(PATIENCE_SECONDS):
        await other.revocations.wait_for_news(0.2)
    valkey.start()
    await until_state(store, CacheState.OK)
    with valkey.client() as client:
        await until(lambda: client.pubsub_numsub("{keyturn}:revocations")[0][1] == 1)
    await other.revocations.wait_for_news(0.2)

    await asyncio.gather(other.revocations.wait_for_news(PATIENCE_SECONDS * 2), _soon(store, given, "third"))

    assert len(await other.revocations.after(0, 9)) == 1


async def test_a_process_that_ends_copies_what_it_revoked(
    database_url: str, valkey: Valkey, given: Any, other: Store
) -> None:
    """The command line revokes and is gone, at whichever moment of the copying."""
    with valkey.client() as client:
        for n in range(40):
            command = await open_store(database_url, redis_url=valkey.url)
            await command.revocations.add(revoking(RevocationKind.JTI, str(n)), given.event())
            await asyncio.sleep(n / 5000)
            await command.close()
            assert client.get(key("jti", str(n))) == "1"


async def _soon(store: Store, given: Any, value: str) -> None:
    await asyncio.sleep(0.1)
    await store.revocations.add(revoking(RevocationKind.JTI, value), given.event())
