"""The flows on a real SQLite store, with an injected clock and a hasher that costs nothing."""

import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from random import Random
from typing import Any

import pytest

sys.path.append(str(Path(__file__).parent))

from builders import POLICY
from house import House, PlainHasher, generate_key, sign

from keyturn import store as stores
from keyturn.core import keys
from keyturn.core.denylist import Denylist
from keyturn.core.directory import LocalUsers
from keyturn.core.keyring import Keyring
from keyturn.core.services import Services
from keyturn.server.hash_threads import HashThreads
from keyturn.server.password_judge import ListJudge
from keyturn.tokens.base64url import encode
from keyturn.tokens.master_key import MasterKeys, parse_master_keys


@pytest.fixture
def master_keys() -> MasterKeys:
    """Two master keys, the current one first."""
    rng = Random(7)
    return parse_master_keys(",".join(encode(rng.randbytes(32)) for _ in range(2)))


@pytest.fixture
async def make_house(tmp_path: Path, master_keys: MasterKeys) -> AsyncIterator[Callable[..., Any]]:
    """Make a house on one database; made again, it is a restart."""
    url = f"sqlite:///{tmp_path}/keyturn.db"
    await stores.upgrade(url)
    opened = []

    async def make(**changes: Any) -> House:
        store = await stores.open_store(url)
        opened.append(store)
        hasher, waited = PlainHasher(), list[int]()
        local = LocalUsers(store.users, hasher, ListJudge(HashThreads(1)))

        async def wait_until(second: int) -> None:
            waited.append(second)

        values = {
            "policy": POLICY,
            "store": store,
            "users": local,
            "local_users": local,
            "master_keys": master_keys,
            "keyring": Keyring(changes.get("master_keys", master_keys)),
            "denylist": Denylist(store.revocations),
            "randomness": Random().randbytes,
            "sign": sign,
            "generate_key": generate_key,
            "wait_until": wait_until,
        }
        house = House(services=Services(**(values | changes)), hasher=hasher, waited=waited)
        await keys.rotate_if_due(house.services, now_ms=house.now_ms)
        await house.services.denylist.catch_up()
        return house

    yield make
    for store in opened:
        await store.close()


@pytest.fixture
async def house(make_house: Callable[..., Any]) -> House:
    """One running house with the user ``alice``."""
    made: House = await make_house()
    await made.add_user()
    return made
