"""Where a verifier's keys come from: a set that was handed over, or the issuer's, fetched and kept."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from keyturn.tokens.algorithms import Algorithm
from keyturn.tokens.key_set import parse_key_set
from keyturn.tokens.keys import VerificationKey

if TYPE_CHECKING:
    from keyturn.verify.fetch import ClientFactory
    from keyturn.verify.key_cache import KeyCache

Keys = Mapping[str, VerificationKey]


@dataclass(frozen=True, slots=True, kw_only=True)
class KeySet:
    """The keys of one good answer.

    Attributes:
        keys: by their ``kid``.
        fresh_for: seconds that they need not be asked for again.

    """

    keys: Keys
    fresh_for: float


class KeySource(Protocol):
    """What a verifier asks for keys; :class:`~keyturn.verify.key_cache.KeyCache` says what each call does."""

    def at_hand(self) -> Keys | None:
        """Return the keys if nobody need wait for them and no fetch is due, else None."""
        ...

    def get_keys(self) -> Keys:
        """Return the keys."""
        ...

    async def get_keys_async(self) -> Keys:
        """Return the keys."""
        ...

    def get_newer(self, keys: Keys) -> Keys | None:
        """Return other keys than *keys*, or None."""
        ...

    async def get_newer_async(self, keys: Keys) -> Keys | None:
        """Return other keys than *keys*, or None."""
        ...

    async def get_newest_async(self, keys: Keys) -> Keys | None:
        """Return other keys than *keys*, or None; for what the issuer itself has sent."""
        ...

    def close(self) -> None:
        """Fetch no more."""
        ...


class FixedKeys:
    """The keys of one JWK Set, for good: no network."""

    def __init__(self, document: Mapping[str, Any], *, algorithms: frozenset[Algorithm]) -> None:
        """Take the keys of *document*.

        Raises:
            InvalidKey: the set is unusable.

        """
        self._keys = parse_key_set(document, algorithms=algorithms)

    def at_hand(self) -> Keys:
        """Return the keys."""
        return self._keys

    def get_keys(self) -> Keys:
        """Return the keys."""
        return self._keys

    async def get_keys_async(self) -> Keys:
        """Return the keys."""
        return self._keys

    def get_newer(self, keys: Keys) -> Keys | None:
        """Return None: there will be no others than *keys*."""
        return None if keys is self._keys else self._keys

    async def get_newer_async(self, keys: Keys) -> Keys | None:
        """Return None: there will be no others than *keys*."""
        return None if keys is self._keys else self._keys

    async def get_newest_async(self, keys: Keys) -> Keys | None:
        """Return None: there will be no others than *keys*."""
        return None if keys is self._keys else self._keys

    def close(self) -> None:
        """Do nothing: there is nothing to end."""


def fetched_keys(url: str, *, algorithms: frozenset[Algorithm], new_client: "ClientFactory | None") -> "KeyCache":
    """Return the keys at *url*; nothing is fetched yet."""
    # Threads, futures and logs are a third of what `import keyturn` would take, and a fixed set needs none of them.
    from keyturn.verify.fetch import DEADLINE, fetch  # noqa: PLC0415
    from keyturn.verify.key_cache import KeyCache  # noqa: PLC0415

    def load() -> KeySet:
        import asyncio  # noqa: PLC0415 - only the thread that fetches waits for it

        answer = asyncio.run(fetch(url, new_client=new_client, deadline=DEADLINE))
        return KeySet(keys=parse_key_set(answer.document, algorithms=algorithms), fresh_for=answer.fresh_for)

    return KeyCache(load)
