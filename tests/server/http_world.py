"""A whole server in process, on a database of its own, with a clock that a test moves."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, NoReturn

import httpx2
from starlette.applications import Starlette

from keyturn.core import users
from keyturn.core.denylist import Denylist
from keyturn.core.model import AuditEvent, Origin, StoredUser
from keyturn.core.services import Services
from keyturn.errors import TemporarilyUnavailable
from keyturn.server.clock import Clock
from keyturn.server.state import ServerState

NOW = 1_800_000_000
ISSUER = "https://auth.example.com"
AUDIENCE = "https://api.example.com"
OTHER_AUDIENCE = "https://other.example.com"
APP = "https://app.example.com"
PASSWORD = "correct horse battery"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0"

REFRESH = "__Host-keyturn_refresh"
ACCESS = "__Host-keyturn_access"
DEVICE = "__Host-keyturn_device"

SAME_ORIGIN = {"Sec-Fetch-Site": "same-origin"}
REFRESH_FORM = {"grant_type": "refresh_token"}


class StoppedClock(Clock):
    """Stands until somebody moves it; waiting moves it."""

    def __init__(self) -> None:
        self.ms = NOW * 1000

    def now_ms(self) -> int:
        """Return where it stands."""
        return self.ms

    async def wait_until(self, second: int) -> None:
        """Be there."""
        self.ms = max(self.ms, second * 1000)

    def later(self, seconds: float) -> None:
        """Let time pass."""
        self.ms += int(seconds * 1000)


class Down:
    """A store that does not answer: whatever of it is called raises."""

    cache_state = None

    def __getattr__(self, name: str) -> "Down":
        """Return a part of it, which is down as well."""
        return self

    def __call__(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Answer nothing."""
        raise TemporarilyUnavailable("down")


@dataclass(kw_only=True)
class World:
    """The server and what tests do with it."""

    app: Starlette
    clock: StoppedClock

    @property
    def state(self) -> ServerState:
        """What the endpoints work with."""
        state: ServerState = self.app.state.keyturn
        return state

    @property
    def services(self) -> Services:
        """What the flows work with."""
        return self.state.services

    def client(self, address: str = "192.0.2.7", **headers: str) -> httpx2.AsyncClient:
        """Return a client at *address*, with a cookie jar of its own."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return httpx2.AsyncClient(
            transport=httpx2.ASGITransport(app=self.app, client=(address, 50000)),
            base_url=ISSUER,
            headers={"User-Agent": FIREFOX} | named,
        )

    async def add_user(self, name: str = "ada", roles: tuple[str, ...] = ("user",)) -> StoredUser:
        """Make an account with the password of all tests."""
        return await users.add_user(
            self.services, name, PASSWORD, roles=roles, origin=Origin(actor="operator"), now_ms=self.clock.ms
        )

    async def login(self, name: str = "ada", **fields: Any) -> dict[str, Any]:
        """Log in with a native client; return what it was answered."""
        body = {"username": name, "password": PASSWORD, "client": "native"} | fields
        async with self.client() as client:
            response = await client.post("/login", json=body)
        assert response.status_code == 200, response.text
        answer: dict[str, Any] = response.json()
        return answer

    async def browser(self, name: str = "ada", **fields: Any) -> httpx2.AsyncClient:
        """Return a browser that has logged in and has its cookies."""
        client = self.client(**{"Sec-Fetch-Site": "same-origin"})
        response = await client.post("/login", json={"username": name, "password": PASSWORD} | fields)
        assert response.status_code == 200, response.text
        return client

    async def is_good(self, access_token: str) -> bool:
        """Tell whether the server takes an access token."""
        async with self.client() as client:
            return (await client.get("/me", headers=bearer(access_token))).status_code == 200

    async def refreshes(self, refresh_token: str) -> bool:
        """Tell whether a native refresh token is good for another one."""
        async with self.client() as client:
            form = REFRESH_FORM | {"refresh_token": refresh_token}
            return (await client.post("/token", data=form)).status_code == 200

    async def audit(self) -> list[AuditEvent]:
        """Return the audit log."""
        return [event for _, event in await self.services.store.audit.list_page(0, 1000)]

    async def reasons(self) -> list[tuple[str, str]]:
        """Return kind and private reason of what the audit log tells."""
        return [(str(event.kind), event.reason) for event in await self.audit()]

    def take_store_down(self) -> None:
        """Let the store answer nothing from now on."""
        down: Any = Down()
        services = replace(self.services, store=down, users=down, denylist=Denylist(down))
        self.state.start(services, self.state.checker)

    def policy(self, **changes: Any) -> None:
        """Change the policy from here on."""
        services = replace(self.services, policy=replace(self.services.policy, **changes))
        self.state.start(services, self.state.checker)


def bearer(access_token: str) -> dict[str, str]:
    """Return the header that carries an access token."""
    return {"Authorization": f"Bearer {access_token}"}


def set_cookies(response: httpx2.Response) -> dict[str, str]:
    """Return the Set-Cookie headers of an answer by the name of the cookie."""
    headers = response.headers.get_list("set-cookie")
    return {header.partition("=")[0]: header for header in headers}


def attributes(set_cookie: str) -> Mapping[str, str]:
    """Return the attributes of a Set-Cookie header, their names in lower case."""
    parts = (part.strip().partition("=") for part in set_cookie.split(";")[1:])
    return {name.lower(): value for name, _, value in parts}


def assert_problem(response: httpx2.Response, status: int, code: str) -> dict[str, Any]:
    """Assert that an answer is this problem, and return its body."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    body: dict[str, Any] = response.json()
    assert (body["status"], body["error"], body["type"]) == (status, code, f"{ISSUER}/docs#{code}")
    assert body["title"]
    return body


def assert_oauth_error(response: httpx2.Response, status: int, code: str) -> None:
    """Assert that an answer is this error of RFC 6749 §5.2."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/json"
    assert response.headers["cache-control"] == "no-store"
    assert set(response.json()) == {"error", "error_description"}
    assert response.json()["error"] == code
