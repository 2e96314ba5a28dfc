"""One client for a server, for Sentinel and for a Cluster. For one event loop.

Nothing here waits for long or tries again and again: `guard.Guard` sees to what becomes of a failure. A connection that
turns out to be dead is replaced once; a command that timed out is not repeated.
"""

import hashlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from redis.asyncio import BlockingConnectionPool, Redis, RedisCluster, Sentinel, SSLConnection
from redis.asyncio.cluster import ClusterNode
from redis.asyncio.connection import Connection
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import NoScriptError

from keyturn.store.redis.location import Location, Topology

POOL_SIZE: Final = 16
"""Connections of one process for commands; one more listens."""

SOCKET_SECONDS: Final = 1.0
"""How long a connection may take to be made, and an answer to come."""

SENTINEL_SECONDS: Final = 0.25
"""The same of one Sentinel, so that a dead one leaves time to ask the others."""

SILENCE_SECONDS: Final = 5.0
"""A subscription that hears nothing for so long asks whether the other side is there, and waits as long again."""


@dataclass(frozen=True, slots=True)
class Lua:
    """A script, which Redis runs whole or not at all."""

    text: str
    sha: str = field(init=False)

    def __post_init__(self) -> None:
        name = hashlib.sha1(self.text.encode(), usedforsecurity=False).hexdigest()  # the name that Redis gives it
        object.__setattr__(self, "sha", name)


class Client:
    """Talks to Redis. Connects with the first command."""

    def __init__(self, location: Location) -> None:
        self._location = location
        self._sentinel = _sentinel(location) if location.topology is Topology.SENTINEL else None
        self._redis = _redis(location, self._sentinel)

    async def execute(self, *words: str | int) -> Any:  # noqa: ANN401 - each command has its own answer
        """Run one command that names one key."""
        return await self._redis.execute_command(*words)

    async def run(self, script: Lua, keys: Sequence[str], values: Sequence[str | int]) -> Any:  # noqa: ANN401 - likewise
        """Run *script*, which is sent whole only where it is not known yet."""
        try:
            return await self._redis.execute_command("EVALSHA", script.sha, len(keys), *keys, *values)
        except NoScriptError:
            return await self._redis.execute_command("EVAL", script.text, len(keys), *keys, *values)

    async def listen(self, channel: str) -> AsyncIterator[None]:
        """Yield once when subscribed, and then for each message. Ends by raising."""
        redis = await self._listener(channel)
        try:
            async with redis.pubsub() as pubsub:
                await pubsub.subscribe(channel)
                silent = 0
                while True:
                    message = await pubsub.get_message(timeout=SILENCE_SECONDS)
                    silent = silent + 1 if message is None else 0
                    if silent > 1:
                        raise RedisConnectionError("no answer to a ping")
                    if silent:
                        await pubsub.ping()
                    elif message["type"] != "pong":
                        yield
        finally:
            if redis is not self._redis:
                await redis.aclose()

    async def close(self) -> None:
        """Let go of every connection."""
        await self._redis.aclose()
        if self._sentinel is not None:
            await self._sentinel.aclose()

    async def _listener(self, channel: str) -> "Redis":
        """Return what to subscribe with: any node of a Cluster is told what is published on another."""
        if isinstance(self._redis, Redis):
            return self._redis
        await self._redis.initialize()
        node = self._redis.get_node_from_key(channel)
        if node is None:
            raise RedisConnectionError("no node for the channel")
        return Redis(connection_pool=_pool(self._location, node.host, int(node.port)))


def _redis(location: Location, sentinel: Sentinel | None) -> "Redis | RedisCluster":
    if sentinel is not None:
        master: Redis = sentinel.master_for(location.service)
        return master
    if location.topology is Topology.CLUSTER:
        nodes = [ClusterNode(host, port) for host, port in location.hosts]
        return RedisCluster(startup_nodes=nodes, max_connections=POOL_SIZE + 1, ssl=location.tls, **_options(location))
    ((host, port),) = location.hosts
    return Redis.from_pool(_pool(location, host, port))


def _sentinel(location: Location) -> Sentinel:
    """Return the Sentinels, which are asked without a password."""
    patience = {"socket_timeout": SENTINEL_SECONDS, "socket_connect_timeout": SENTINEL_SECONDS}
    asking = {**patience, "protocol": 2, "retry": Retry(NoBackoff(), 0), "ssl": location.tls}
    return Sentinel(  # type: ignore[no-untyped-call]  # its constructor has no annotations
        location.hosts,
        sentinel_kwargs=asking,
        max_connections=2 * POOL_SIZE,
        ssl=location.tls,
        db=location.db,
        **_options(location),
    )


def _pool(location: Location, host: str, port: int) -> BlockingConnectionPool:
    return BlockingConnectionPool(
        host=host,
        port=port,
        db=location.db,
        max_connections=POOL_SIZE + 1,
        timeout=SOCKET_SECONDS,
        connection_class=SSLConnection if location.tls else Connection,
        **_options(location),
    )


def _options(location: Location) -> dict[str, Any]:
    return {
        "username": location.username,
        "password": location.password,
        "socket_timeout": SOCKET_SECONDS,
        "socket_connect_timeout": SOCKET_SECONDS,
        "retry": Retry(NoBackoff(), 1, (RedisConnectionError,)),
        "protocol": 2,  # understood by all of them, and nothing here needs the newer one
    }
