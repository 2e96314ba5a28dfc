"""The real flows on a real SQLite store, driven from synchronous code: one event loop, one clock that a test moves."""

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from typing import Any, TypeVar

from builders import NOW_MS, POLICY

from keyturn import store as stores
from keyturn.core import keys, login, refresh
from keyturn.core.denylist import Denylist
from keyturn.core.directory import LocalUsers
from keyturn.core.issue import Issued
from keyturn.core.keyring import Keyring
from keyturn.core.model import ClientKind, Device, Origin
from keyturn.core.password_blocklist import Names
from keyturn.core.policy import Policy
from keyturn.core.ratelimit import Rate
from keyturn.core.services import Services
from keyturn.tokens import access_token
from keyturn.tokens.access_token import AccessToken, Expected
from keyturn.tokens.algorithms import ASYMMETRIC, Algorithm
from keyturn.tokens.base64url import encode
from keyturn.tokens.keys import SigningKey
from keyturn.tokens.master_key import parse_master_keys

T = TypeVar("T")

MEMORY = next((path for path in ("/dev/shm",) if Path(path).is_dir()), None)  # noqa: S108 - mkdtemp makes the name
"""Where flushing costs nothing: what is under test is not the disk."""

PEER = Origin(address="192.0.2.7", browser="Firefox")
DEVICE = Device(browser="Firefox", os="Linux", address="")
NO_LIMIT = Rate(burst=10**9, interval_us=10**5)
UNLIMITED = replace(
    POLICY,
    login_per_ip=NO_LIMIT,
    login_per_account=NO_LIMIT,
    login_per_device=NO_LIMIT,
    refresh_per_session=NO_LIMIT,
)


class PlainHasher:
    """Hashes by writing the password down: what is under test is not argon2."""

    async def hash(self, password: str) -> str:
        """Write it down."""
        return f"plain:{password}"

    async def verify(self, encoded: str, password: str) -> bool:
        """Compare."""
        return encoded == f"plain:{password}"

    async def verify_dummy(self, password: str) -> None:
        """Cost as much as the real thing."""

    def needs_rehash(self, encoded: str) -> bool:
        """Never."""
        return False


@dataclass(frozen=True, slots=True)
class Refused:
    """A flow that raised: the code of the error."""

    code: str


class NoJudge:
    """Takes every password."""

    async def objection(self, password: str, names: Names) -> None:
        """Have nothing against it."""


class World:
    """The services of one server. `restart` closes them and opens them anew on the same file."""

    def __init__(self, path: Path, policy: Policy = UNLIMITED, seed: int = 7) -> None:
        self.now_ms = NOW_MS
        self.policy = policy
        self._url = f"sqlite:///{path}"
        self._random = Random(seed)
        self._runner = asyncio.Runner()
        self.master_keys = [self._new_master_key()]
        self.run(stores.upgrade(self._url))
        self.services = self.run(self._open())

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run *coroutine* to its end."""
        return self._runner.run(coroutine)

    def restart(self) -> None:
        """Close everything and open it again, as a process that was stopped and started."""
        self.run(self.services.store.close())
        self.services = self.run(self._open())

    def rotate_master_key(self) -> None:
        """Put a new master key first and keep the old ones, as an operator does between two starts."""
        self.master_keys.insert(0, self._new_master_key())
        self.restart()

    def close(self) -> None:
        """Let go of everything."""
        self.run(self.services.store.close())
        self._runner.close()

    async def login(self, username: str, password: str) -> Issued:
        """Log in with a native client."""
        request = login.LoginRequest(
            username=username,
            password=password,
            client=ClientKind.NATIVE,
            device_name="laptop",
            scope=None,
            resource=None,
            device_token=None,
            device=DEVICE,
            origin=PEER,
        )
        return await login.login(self.services, request, now_ms=self.now_ms)

    async def refresh(self, token: str, device_token: str | None = None) -> Issued:
        """Present a refresh token."""
        request = refresh.RefreshRequest(
            refresh_token=token,
            clients=frozenset({ClientKind.NATIVE}),
            scope=None,
            resource=None,
            device_token=device_token,
            device=DEVICE,
            origin=PEER,
        )
        return await refresh.refresh(self.services, request, now_ms=self.now_ms)

    def read(self, text: str) -> AccessToken:
        """Verify an access token as a resource server does, at the time of now."""
        audiences = frozenset({*self.policy.audiences, self.policy.issuer})
        expected = Expected(issuer=self.policy.issuer, audiences=audiences, algorithms=ASYMMETRIC)
        find_key = self.services.keyring.find
        return access_token.verify(text, find_key=find_key, expected=expected, now=self.now_ms / 1000)

    def _new_master_key(self) -> str:
        return encode(self._random.randbytes(32))

    async def _open(self) -> Services:
        store = await stores.open_store(self._url)
        local = LocalUsers(store.users, PlainHasher(), NoJudge())
        master_keys = parse_master_keys(",".join(self.master_keys))
        services = Services(
            policy=self.policy,
            store=store,
            users=local,
            local_users=local,
            master_keys=master_keys,
            keyring=Keyring(master_keys),
            denylist=Denylist(store.revocations),
            randomness=self._random.randbytes,
            sign=_sign,
            generate_key=_generate_key,
            wait_until=_wait_until,
        )
        await keys.rotate_if_due(services, now_ms=self.now_ms)
        await services.denylist.catch_up()
        return services


async def _sign(claims: access_token.Claims, key: SigningKey) -> str:
    return access_token.issue(claims, key)


async def _generate_key(algorithm: Algorithm) -> SigningKey:
    return SigningKey.generate(algorithm)


async def _wait_until(_second: int) -> None:
    """Nobody waits: the clock is the test's."""
