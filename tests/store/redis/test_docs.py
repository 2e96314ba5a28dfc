"""What ``docs/redis.md`` shows works as it stands there."""

import re
import time
from pathlib import Path
from typing import Any

import pytest
import redis
from valkey_servers import PASSWORD, Valkey
from waiting import until

from keyturn.core.ports import CacheState, Revoking, Store
from keyturn.core.ratelimit import Rate, Reservation
from keyturn.store import open_store
from keyturn.tokens.revocation import RevocationKind, digest

pytestmark = pytest.mark.slow

PAGE = (Path(__file__).parents[3] / "docs" / "redis.md").read_text("utf-8")
NOW = int(time.time())
HEADER = {"kid": "k"}
CLAIMS = {"jti": "j", "sid": "s", "sub": "ada", "iat": NOW}


def shown(language: str) -> str:
    """Return the one block of *language*."""
    (block,) = re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)
    return str(block)


REVOKED = [
    ("jti", "j", None),
    ("sid", "s", None),
    ("kid", "k", None),
    ("sub", "ada", NOW),
    ("all", "", NOW),
]
NOT_REVOKED = [
    ("sub", "ada", NOW - 1),
    ("all", "", NOW - 1),
    ("jti", "another", None),
    ("sub", "eve", NOW),
]


@pytest.mark.parametrize("revoked", [*REVOKED, *NOT_REVOKED])
async def test_the_example_refuses_what_is_revoked(
    store: Store, valkey: Valkey, given: Any, revoked: tuple[str, str, int | None]
) -> None:
    """REF-08: an API without our SDK asks Redis, for each kind of revocation."""
    example = shown("python").replace(
        'host="cache.example.com", password="…"', f'port={valkey.port}, password="{PASSWORD}"'
    )
    page: dict[str, Any] = {}
    exec(example, page)  # noqa: S102 - our own page
    assert not page["is_revoked"](HEADER, CLAIMS)

    kind, value, before = revoked
    named = RevocationKind(kind)
    order = Revoking(kind=named, digest=digest(named, value), before=before, expires_at=int(time.time()) + 600)
    entry = await store.revocations.add(order, given.event())

    with valkey.client() as client:
        await until(lambda: client.get("{keyturn}:revoked:seq") == str(entry.seq))
    assert page["is_revoked"](HEADER, CLAIMS) is (revoked in REVOKED)
    page["denylist"].close()


async def test_the_access_list_is_enough(database_url: str, valkey: Valkey, given: Any, now_ms: int) -> None:
    """Everything works for a user who may do no more than what the page lists."""
    (rule,) = re.findall(r"^user keyturn (.*)$", PAGE, re.MULTILINE)
    with valkey.client() as client:
        client.execute_command("ACL", "SETUSER", "keyturn", *rule.split())
    store = await open_store(database_url, redis_url=f"redis://keyturn:password@127.0.0.1:{valkey.port}")
    limit = Reservation(key="ip", rate=Rate.per(1, 60))

    assert [await store.rate_limits.reserve([limit], now_ms) for _ in range(2)] == [0, 60]
    await store.rate_limits.give_back([limit])
    assert await store.used_tokens.use(b"n" * 32, now_ms // 1000 + 60, now_ms // 1000)
    await store.revocations.add(given.revoking(), given.event())
    with valkey.client() as client:
        await until(lambda: client.exists("{keyturn}:revoked:seq"))
        await store.revocations.wait_for_news(0.3)
        assert client.pubsub_numsub("{keyturn}:revocations")[0][1] == 1
        with redis.Redis(port=valkey.port, username="keyturn", password="password", protocol=2) as limited:
            for forbidden in (("GET", "other"), ("CONFIG", "GET", "*"), ("FLUSHALL",)):
                with pytest.raises(redis.exceptions.NoPermissionError):
                    limited.execute_command(*forbidden)
    assert store.cache_state is CacheState.OK
    await store.close()
