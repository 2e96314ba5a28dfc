"""Admins of a server, and what they ask of it."""

from typing import Any

import httpx2
from http_world import ISSUER, World, bearer

from keyturn.core import users
from keyturn.core.model import AuditEvent, Origin

API = "/admin/api"


class Admin:
    """Somebody with an access token for the issuer itself."""

    def __init__(self, world: World, sub: str, login: dict[str, Any]) -> None:
        self.world = world
        self.sub = sub
        self.login = login

    async def ask(self, method: str, path: str, **more: Any) -> httpx2.Response:
        """Send a request below ``/admin/api``."""
        async with self.world.client() as client:
            return await client.request(method, f"{API}{path}", headers=bearer(self.login["access_token"]), **more)

    async def get(self, path: str, **params: Any) -> Any:
        """Return the body of what has to be there."""
        response = await self.ask("GET", path, params=params)
        assert response.status_code == 200, response.text
        return response.json()

    async def do(self, path: str) -> None:
        """Do what has to succeed."""
        response = await self.ask("POST", path)
        assert (response.status_code, response.content) == (204, b""), response.text

    async def events(self) -> list[AuditEvent]:
        """Return what the audit log says that this admin did."""
        return [event for event in await self.world.audit() if event.origin.actor == f"admin:{self.sub}"]


async def new_admin(world: World, name: str = "root", roles: tuple[str, ...] = ("admin",)) -> Admin:
    """Make an account with *roles* and log it in, for the issuer."""
    user = await world.add_user(name, roles)
    return Admin(world, user.sub, await world.login(name, resource=ISSUER))


async def set_roles(world: World, name: str, *roles: str) -> None:
    """Change a user's roles, as the command line does."""
    user = await users.get_by_name(world.services, name)
    await users.set_roles(world.services, user, roles, origin=Origin(actor="operator"), now_ms=world.clock.ms)
