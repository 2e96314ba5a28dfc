"""Opening what a server works with: the store, the keys, the hasher, the checker of its own tokens."""

import asyncio
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from keyturn.core import keys
from keyturn.core.denylist import Denylist
from keyturn.core.directory import LocalUsers
from keyturn.core.keyring import Keyring
from keyturn.core.policy import Policy
from keyturn.core.ports import PasswordJudge, Store, UserDirectory
from keyturn.core.services import Services
from keyturn.errors import ConfigurationError, InvalidKey
from keyturn.server.breach_check import BreachCheck
from keyturn.server.clock import Clock
from keyturn.server.configuration.sections import Switch
from keyturn.server.hash_threads import HashThreads, default_threads
from keyturn.server.hashing import Argon2Hasher, HashCost
from keyturn.server.password_judge import ListJudge
from keyturn.server.policy import policy_of
from keyturn.server.settings import Settings
from keyturn.server.signing import generate_key, sign
from keyturn.store import open_store
from keyturn.tokens.access_token import Expected
from keyturn.tokens.algorithms import ASYMMETRIC, ISSUER_ALGORITHMS, SYMMETRIC, Algorithm
from keyturn.tokens.master_key import MasterKeys, parse_master_keys
from keyturn.verify.checking import TokenChecker
from keyturn.verify.token_cache import TokenCache


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenServices:
    """Services, and what has to be closed after them."""

    services: Services
    threads: HashThreads

    async def close(self) -> None:
        """End the hashes, then the store, in which they might still have been written."""
        await self.threads.close()
        await self.services.store.close()


async def open_services(
    settings: Settings,
    users: UserDirectory | None = None,
    *,
    clock: Clock,
    on_fallback: Callable[[str], object] = lambda _: None,
    on_breach_check: Callable[[str], object] = lambda _: None,
) -> OpenServices:
    """Open the store and make the services on it; the signing keys are loaded, and none is changed.

    Args:
        settings: what it is told.
        users: the directory of an app that keeps its own users; None for ours.
        clock: the time.
        on_fallback: called each time that the database does what Redis does otherwise, with the reason in one word.
        on_breach_check: called with how a breach check ended, in one word.

    Raises:
        ConfigurationError: the database is missing, unfit, or was sealed with another master key.

    """
    master_keys = parse_master_keys(settings.keys.master_key.get_secret_value())
    store = await open_store(
        settings.database.url,
        pooler=settings.database.pooler,
        redis_url=settings.redis.url,
        on_fallback=on_fallback,
    )
    threads = HashThreads(settings.password.concurrency or default_threads(settings.server.workers))
    judge = ListJudge(threads, _breach_check(settings, on_breach_check))
    try:
        services = await _services(
            settings, users, clock, store=store, threads=threads, judge=judge, master_keys=master_keys
        )
        await _load_keys(services)
    except BaseException:
        await threads.close()
        await store.close()
        raise
    return OpenServices(services=services, threads=threads)


async def prepare_to_serve(services: Services, *, now_ms: int) -> None:
    """See to it that there is a key to sign with, and that every revocation is known.

    Raises:
        ConfigurationError: the database has keys that don't go together with the algorithm.

    """
    _check_family(services)
    await keys.rotate_if_due(services, now_ms=now_ms)
    await services.denylist.catch_up()


def checker_of(services: Services) -> TokenChecker:
    """Return what verifies our own tokens at our own URLs: for every configured audience, and for the issuer itself."""
    policy = services.policy
    expected = expected_of(policy, frozenset({policy.issuer, *policy.audiences}))
    return TokenChecker(expected, revocations=services.denylist.view, cache=TokenCache(_CACHE_BYTES))


def expected_of(policy: Policy, audiences: frozenset[str]) -> Expected:
    """Return what is taken of a token: one clock reads and writes it, so there is no leeway.

    All algorithms of the family count, since the keys of the one before stay good when another is chosen.
    """
    return Expected(issuer=policy.issuer, audiences=audiences, algorithms=_family(policy), leeway=0)


async def _services(
    settings: Settings,
    users: UserDirectory | None,
    clock: Clock,
    *,
    store: Store,
    threads: HashThreads,
    judge: PasswordJudge,
    master_keys: MasterKeys,
) -> Services:
    local_users = None
    if users is None:
        hasher = await asyncio.to_thread(Argon2Hasher, _cost(settings), threads)  # it makes a hash
        users = local_users = LocalUsers(store.users, hasher, judge)
    return Services(
        policy=policy_of(settings),
        store=store,
        users=users,
        local_users=local_users,
        master_keys=master_keys,
        keyring=Keyring(master_keys),
        denylist=Denylist(store.revocations),
        randomness=secrets.token_bytes,
        sign=sign,
        generate_key=generate_key,
        wait_until=clock.wait_until,
    )


async def _load_keys(services: Services) -> None:
    """Load the signing keys before anything is written, so that a wrong master key overwrites nothing."""
    try:
        services.keyring.load(await services.store.signing_keys.list_all())
    except InvalidKey:
        raise ConfigurationError(
            "keys.master_key (KEYTURN_KEYS_MASTER_KEY): this database was sealed with another master key. Give the one"
            " it was made with; while you rotate, keep the old one in the list. Nothing was changed."
        ) from None


def _check_family(services: Services) -> None:
    """Refuse to take shared secrets and key pairs at the same time (RFC 8725 §3.1)."""
    allowed = _family(services.policy)
    if any(record.algorithm not in allowed for record in services.keyring.records() if record.revoked_at is None):
        raise ConfigurationError(
            "access_token.algorithm (KEYTURN_ACCESS_TOKEN_ALGORITHM): this database has signing keys of the other kind,"
            " shared secrets or key pairs. Revoke those with `keyturn keys revoke`, or go back to their algorithm."
        )


def _family(policy: Policy) -> frozenset[Algorithm]:
    return ISSUER_ALGORITHMS & (SYMMETRIC if policy.keys.algorithm in SYMMETRIC else ASYMMETRIC)


def _breach_check(settings: Settings, count: Callable[[str], object]) -> BreachCheck | None:
    chosen = settings.password
    return BreachCheck(chosen.breach_url, count=count) if chosen.breach_check is Switch.ON else None


def _cost(settings: Settings) -> HashCost:
    chosen = settings.password
    return HashCost(memory_kib=chosen.memory_kib, time_cost=chosen.time_cost, parallelism=chosen.parallelism)


_CACHE_BYTES: Final = 8 * 1024 * 1024
"""What our own cache of verified tokens may take: each of our pages asks for few of them."""
