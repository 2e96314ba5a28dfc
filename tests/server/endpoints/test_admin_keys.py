"""``/admin/api/keys``: list, rotate, and revoke in an emergency."""

from dataclasses import replace
from typing import Any

from admin_api import Admin, new_admin
from http_world import ISSUER, NOW, World, assert_problem, bearer

from keyturn.core.model import AuditKind
from keyturn.tokens import jws

DAY = 86_400


async def keys(root: Admin) -> list[dict[str, Any]]:
    """Return the keys as they are listed."""
    body = await root.get("/keys")
    assert body["next"] is None
    items: list[dict[str, Any]] = body["items"]
    return items


async def published(world: World) -> set[str]:
    """Return the kids in the JWK Set."""
    async with world.client() as client:
        return {key["kid"] for key in (await client.get("/.well-known/jwks.json")).json()["keys"]}


def kid_of(text: str) -> Any:
    """Return the key that signed a token."""
    return jws.parse(text).header.members["kid"]


async def test_keys_are_listed_without_what_is_secret(world: World) -> None:
    """Every member is there, those without a value as null."""
    root = await new_admin(world)

    (key,) = await keys(root)

    assert key == {
        "kid": kid_of(root.login["access_token"]),
        "algorithm": "ES256",
        "state": "active",
        "published_at": NOW,
        "activate_at": NOW,
        "activated_at": NOW,
        "retired_at": None,
        "revoked_at": None,
    }


async def test_rotate_publishes_and_later_switches(world: World) -> None:
    """The new key signs once it has been published long enough; asking sooner changes nothing. Nobody is logged out."""
    root, mine = await new_admin(world), await world.login()
    (old,) = await keys(root)
    world.clock.later(1)

    for _ in range(2):
        await root.do("/keys/rotate")
        new, _ = await keys(root)
        assert (new["state"], new["activate_at"], new["activated_at"]) == ("next", NOW + 1 + DAY, None)
    assert await published(world) == {old["kid"], new["kid"]}
    assert kid_of((await world.login())["access_token"]) == old["kid"]

    # A day later the server would switch by itself, and it would be chance who comes first.
    world.policy(keys=replace(world.services.policy.keys, publish_ahead=0))
    await root.do("/keys/rotate")

    assert [(key["kid"], key["state"]) for key in await keys(root)] == [(new["kid"], "active"), (old["kid"], "retired")]
    assert kid_of((await world.login())["access_token"]) == new["kid"]
    assert await world.is_good(mine["access_token"])
    assert await world.refreshes(mine["refresh_token"])
    kinds = [event.kind for event in await root.events()]
    assert kinds == [AuditKind.KEY_CREATED, AuditKind.KEY_RETIRED, AuditKind.KEY_ACTIVATED]


async def test_a_revoked_key_is_good_for_nothing_at_once(world: World) -> None:
    """Its tokens are refused, the JWK Set is without it, another key signs, sessions go on; the log names the admin."""
    root, mine = await new_admin(world), await world.login()
    (old,) = await keys(root)

    await root.do(f"/keys/{old['kid']}/revoke")

    assert not await world.is_good(mine["access_token"])
    assert (await root.ask("GET", "/keys")).status_code == 401, "the admin's own token was of this key"
    (new,) = await published(world)
    assert new != old["kid"]
    assert await world.refreshes(mine["refresh_token"])
    fresh = (await world.login())["access_token"]
    assert kid_of(fresh) == new
    assert await world.is_good(fresh)

    events = await root.events()
    assert {event.kind for event in events} == {AuditKind.KEY_REVOKED, AuditKind.KEY_CREATED, AuditKind.KEY_ACTIVATED}
    assert world.state.metrics.registry.get_sample_value("keyturn_revocations_total", {"kind": "kid"}) == 1


async def test_a_published_key_steps_in_for_a_revoked_one(world: World) -> None:
    """The one that resource servers know already; a second revocation of the same key changes nothing."""
    root = await new_admin(world)
    (old,) = await keys(root)
    await root.do("/keys/rotate")
    new = next(key for key in await keys(root) if key["kid"] != old["kid"])
    await root.do(f"/keys/{old['kid']}/revoke")

    root.login = await world.login("root", resource=ISSUER)
    assert kid_of(root.login["access_token"]) == new["kid"]
    written = len(await root.events())
    await root.do(f"/keys/{old['kid']}/revoke")

    assert len(await root.events()) == written
    states = {key["kid"]: key["state"] for key in await keys(root)}
    assert states == {old["kid"]: "revoked", new["kid"]: "active"}


async def test_an_unknown_key_is_not_there(world: World) -> None:
    """404, and every key is as it was; a key is revoked by POST alone."""
    root = await new_admin(world)
    before = await keys(root)

    assert_problem(await root.ask("POST", "/keys/never/revoke"), 404, "not_found")
    for method in ("GET", "DELETE"):
        response = await root.ask(method, f"/keys/{before[0]['kid']}/revoke")
        assert_problem(response, 405, "invalid_request")
    assert_problem(await root.ask("GET", "/keys/rotate"), 405, "invalid_request")
    assert await keys(root) == before


async def test_another_process_refuses_the_tokens_of_a_revoked_key_too(world: World, make_world: Any) -> None:
    """Contract §4: on the authorization server a revocation works at once, in every process."""
    root, mine = await new_admin(world), await world.login()
    other = await make_world()
    assert await other.is_good(mine["access_token"])
    (old,) = await keys(root)

    await root.do(f"/keys/{old['kid']}/revoke")

    async with other.client() as client:
        answer = await client.get("/me", headers=bearer(mine["access_token"]))
    assert answer.status_code == 401
