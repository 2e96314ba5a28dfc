"""``keyturn serve`` with a login that is not as it ships: what a clock must see, and must not see.

The arguments say what is different:
    ``cheap`` leaves hashes that cost next to nothing, so that whatever else a login does stands out;
    ``hasty`` hashes nothing for a name that nobody has;
    ``counting`` writes a failure down with the account, where there is one;
    ``blocking`` hashes on the event loop.
"""

import asyncio
import sys
from collections.abc import Callable
from typing import Any, NoReturn

from keyturn.__main__ import main
from keyturn.core.directory import LocalUsers
from keyturn.core.model import User
from keyturn.errors import InvalidCredentials
from keyturn.server import services
from keyturn.server.hash_threads import HashThreads
from keyturn.server.hashing import HashCost

CHEAPEST = HashCost(memory_kib=8, time_cost=1, parallelism=1)

authenticate = LocalUsers.authenticate


async def refuse_at_once(_: LocalUsers, _plain: str) -> NoReturn:
    """Refuse a name that nobody has, without a hash."""
    raise InvalidCredentials("unknown_user")


async def count_failures(self: LocalUsers, username: str, password: str) -> User | None:
    """Write to the row of an account at each try, as a server that counts failures there, three milliseconds away."""
    found = await self.rows.find_by_name(username)
    if found is not None:
        await asyncio.sleep(0.003)
        await self.rows.rehash(found.sub, found.version, found.password_hash)
    return await authenticate(self, username, password)


async def run_at_once(_: HashThreads, work: Callable[[], Any]) -> Any:
    """Hash here and now."""
    return work()


PLANTS: dict[str, tuple[object, str, Any]] = {
    "cheap": (services, "_cost", lambda _: CHEAPEST),
    "hasty": (LocalUsers, "_refuse_unknown", refuse_at_once),
    "blocking": (HashThreads, "run", run_at_once),
    "counting": (LocalUsers, "authenticate", count_failures),
}


if __name__ == "__main__":
    for name in sys.argv[1:]:
        setattr(*PLANTS[name])
    sys.argv = ["keyturn", "serve"]
    main()
