"""Tokens that are good for one use: nobody uses one twice, in whatever process."""

import asyncio
import hashlib
from typing import Any

from keyturn.core.ports import Store


def name(number: int) -> bytes:
    """Return the digest of a token's name."""
    return hashlib.sha256(b"%d" % number).digest()


async def test_a_token_is_used_once(store: Store, given: Any) -> None:
    """POP-04: the second use is refused, up to its last second; another token is not concerned."""
    until = given.now + 60

    assert await store.used_tokens.use(name(1), until, given.now)
    assert not await store.used_tokens.use(name(1), until, given.now)
    assert not await store.used_tokens.use(name(1), until, until - 1)
    assert await store.used_tokens.use(name(2), until, given.now)


async def test_of_many_uses_at_once_one_succeeds(store: Store, given: Any) -> None:
    """POP-04, A34: check and note are one step."""
    uses = (store.used_tokens.use(name(1), given.now + 60, given.now) for _ in range(32))

    assert (await asyncio.gather(*uses)).count(True) == 1


async def test_a_name_may_come_again_after_its_end(store: Store, given: Any) -> None:
    """And is then kept until its new end."""
    await store.used_tokens.use(name(1), given.now + 60, given.now)

    assert await store.used_tokens.use(name(1), given.now + 200, given.now + 60)
    assert not await store.used_tokens.use(name(1), given.now + 200, given.now + 199)


async def test_names_are_deleted_after_their_end_and_not_before(store: Store, given: Any) -> None:
    """In batches; what is still good stays used."""
    for number in range(5):
        await store.used_tokens.use(name(number), given.now + 10, given.now)
    await store.used_tokens.use(name(9), given.now + 60, given.now)

    assert await store.used_tokens.prune(given.now + 9, 100) == 0
    assert await store.used_tokens.prune(given.now + 10, 3) == 3
    assert await store.used_tokens.prune(given.now + 10, 100) == 2
    assert not await store.used_tokens.use(name(9), given.now + 60, given.now + 11)
