"""Passwords as argon2id hashes (RFC 9106), made and checked away from the event loop."""

import secrets
from dataclasses import dataclass
from functools import partial

from argon2 import Parameters, extract_parameters
from argon2.exceptions import InvalidHashError, VerificationError, VerifyMismatchError
from argon2.low_level import ARGON2_VERSION, Type, hash_secret, verify_secret

from keyturn.server.hash_threads import HashThreads
from keyturn.server.observing import logs

SALT_BYTES = 16
HASH_BYTES = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class HashCost:
    """What a hash costs: memory in KiB, passes over it, and lanes."""

    memory_kib: int
    time_cost: int
    parallelism: int


class Argon2Hasher:
    """A `core.ports.PasswordHasher`."""

    def __init__(self, cost: HashCost, threads: HashThreads) -> None:
        self._cost = cost
        self._threads = threads
        self._today = Parameters(
            type=Type.ID,
            version=ARGON2_VERSION,
            salt_len=SALT_BYTES,
            hash_len=HASH_BYTES,
            time_cost=cost.time_cost,
            memory_cost=cost.memory_kib,
            parallelism=cost.parallelism,
        )
        self._dummy = make_hash(cost, secrets.token_bytes(32))

    async def hash(self, password: str) -> str:
        """Return the encoded hash of *password*, with a salt of its own.

        Raises:
            TemporarilyUnavailable: too many hashes wait.

        """
        return await self._threads.run(partial(make_hash, self._cost, _bytes(password)))

    async def verify(self, encoded: str, password: str) -> bool:
        """Tell whether *password* made *encoded*. What is no argon2id hash was made by no password.

        Raises:
            TemporarilyUnavailable: too many hashes wait.

        """
        if _parameters(encoded) is None:
            logs.get_logger().error("stored password hash is not argon2id")
            await self.verify_dummy(password)
            return False
        return await self._threads.run(partial(_verify, encoded, _bytes(password)))

    async def verify_dummy(self, password: str) -> None:
        """Spend the time that `verify` takes, by doing all that it does.

        Raises:
            TemporarilyUnavailable: too many hashes wait.

        """
        await self.verify(self._dummy, password)

    def needs_rehash(self, encoded: str) -> bool:
        """Tell whether *encoded* was made with other parameters than today's."""
        return _parameters(encoded) != self._today


def make_hash(cost: HashCost, password: bytes) -> str:
    """Return the encoded hash of *password*, with a salt of its own. It keeps a core busy for as long as it takes."""
    salt = secrets.token_bytes(SALT_BYTES)
    encoded = hash_secret(
        password, salt, cost.time_cost, cost.memory_kib, cost.parallelism, HASH_BYTES, Type.ID, ARGON2_VERSION
    )
    return encoded.decode("ascii")


def _verify(encoded: str, password: bytes) -> bool:
    try:
        return verify_secret(encoded.encode(), password, Type.ID)
    except VerifyMismatchError:
        return False
    except VerificationError as error:
        logs.get_logger().error("stored password hash can't be checked", reason=type(error).__name__)
        return False


def _parameters(encoded: str) -> Parameters | None:
    try:
        found = extract_parameters(encoded)
    except (InvalidHashError, ValueError):
        return None
    return found if found.type is Type.ID else None


def _bytes(password: str) -> bytes:
    """Return *password* in UTF-8; a lone surrogate, which no password of ours has, still makes some bytes."""
    return password.encode("utf-8", "surrogatepass")
