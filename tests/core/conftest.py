"""The flows on a real SQLite store, with an injected clock and a hasher that costs nothing."""

import sys
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from builders import NOW_MS, POLICY

from keyturn import store as stores
from keyturn.core import keys, login, refresh, users
from keyturn.core.denylist import Denylist
from keyturn.core.directory import LocalUsers
from keyturn.core.issue import Issued
from keyturn.core.keyring import Keyring
from keyturn.core.model import AuditEvent, ClientKind, Device, Origin, StoredUser
from keyturn.core.services import Services
from keyturn.tokens import access_token
from keyturn.tokens.access_token import AccessToken, Expected
from keyturn.tokens.algorithms import ASYMMETRIC, Algorithm
from keyturn.tokens.base64url import encode
from keyturn.tokens.keys import SigningKey
from keyturn.tokens.master_key import MasterKeys, parse_master_keys

PASSWORD = "correct horse battery"
ORIGIN = Origin(address="192.0.2.7", browser="Firefox")


class PlainHasher:
    """Hashes by writing the password down, and counts what it was asked."""

    def __init__(self) -> None:
        self.verified = 0
        self.full = False

    async def hash(self, password: str) -> str:
        """Write it down."""
        return f"plain:{password}"

    async def verify(self, encoded: str, password: str) -> bool:
        """Compare."""
        if self.full:
            raise stores_unavailable()
        self.verified += 1
        return encoded == f"plain:{password}"

    async def verify_dummy(self, password: str) -> None:
        """Cost as much as the real thing."""
        await self.verify("plain:", password)

    def needs_rehash(self, encoded: str) -> bool:
        """Never."""
        return False


def stores_unavailable() -> Exception:
    """Return what a full queue raises."""
    from keyturn.errors import TemporarilyUnavailable  # noqa: PLC0415 - only one test needs it

    return TemporarilyUnavailable("full")


@dataclass
class House:
    """The services and shortcuts to use them as a client would."""

    services: Services
    hasher: PlainHasher
    waited: list[int] = field(default_factory=list)
    now_ms: int = NOW_MS

    def later(self, seconds: float) -> None:
        """Let time pass."""
        self.now_ms += int(seconds * 1000)

    def policy(self, **changes: Any) -> None:
        """Change the policy from here on."""
        self.services = replace(self.services, policy=replace(self.services.policy, **changes))

    async def add_user(self, name: str = "alice", roles: tuple[str, ...] = ("user",)) -> StoredUser:
        """Make an account with the password of all tests."""
        return await users.add_user(
            self.services, name, PASSWORD, roles=roles, origin=Origin(actor="operator"), now_ms=self.now_ms
        )

    async def login(self, name: str = "alice", password: str = PASSWORD, **changes: Any) -> Issued:
        """Log in with a native client."""
        request = login.LoginRequest(
            username=name,
            password=password,
            client=ClientKind.NATIVE,
            device_name="laptop",
            scope=None,
            resource=None,
            device_token=None,
            device=Device(browser="Firefox", os="Linux", address=""),
            origin=ORIGIN,
        )
        return await login.login(self.services, replace(request, **changes), now_ms=self.now_ms)

    async def refresh(self, token: str, **changes: Any) -> Issued:
        """Refresh with a native client."""
        request = refresh.RefreshRequest(
            refresh_token=token,
            clients=frozenset({ClientKind.NATIVE}),
            scope=None,
            resource=None,
            device_token=None,
            device=Device(browser="Firefox", os="Linux", address=""),
            origin=ORIGIN,
        )
        return await refresh.refresh(self.services, replace(request, **changes), now_ms=self.now_ms)

    def read(self, text: str) -> AccessToken:
        """Verify an access token as a resource server does."""
        audiences = frozenset({*self.services.policy.audiences, self.services.policy.issuer})
        expected = Expected(issuer=self.services.policy.issuer, audiences=audiences, algorithms=ASYMMETRIC)
        find_key = self.services.keyring.find
        return access_token.verify(text, find_key=find_key, expected=expected, now=self.now_ms / 1000)

    def revoked(self, text: str) -> bool:
        """Tell whether the server's own view refuses an access token."""
        return self.services.denylist.view.revokes(self.read(text), self.now_ms / 1000)

    async def audit(self) -> list[AuditEvent]:
        """Return the audit log."""
        return [event for _, event in await self.services.store.audit.list_page(0, 1000)]

    async def kinds(self) -> list[str]:
        """Return what kinds of events were written."""
        return [str(event.kind) for event in await self.audit()]


async def generate_key(algorithm: Algorithm) -> SigningKey:
    """Make a key right here."""
    return SigningKey.generate(algorithm)


async def sign(claims: access_token.Claims, key: SigningKey) -> str:
    """Sign right here."""
    return access_token.issue(claims, key)


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
        local = LocalUsers(store.users, hasher)

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
