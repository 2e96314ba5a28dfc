"""``/admin/api/audit``: what happened, the newest first."""

import pytest
from admin_api import new_admin
from http_world import NOW, World

from keyturn.core import audit
from keyturn.core.model import AuditEvent, AuditKind, Origin
from sealed_log import Log


async def write(world: World, count: int, sub: str | None = None) -> None:
    """Append so many entries."""
    event = AuditEvent(at_ms=world.clock.ms, kind=AuditKind.USER_ENABLED, sub=sub, origin=Origin(actor="operator"))
    await world.services.store.audit.append([event] * count)


async def test_the_newest_entry_comes_first(world: World) -> None:
    """OPS-03: when, what, who, whose, from where, why."""
    root = await new_admin(world)
    world.clock.later(1.5)
    async with world.client() as client:
        refused = await client.post("/login", json={"username": "root", "password": "wrong password"})

    newest, before, *_ = (await root.get("/audit"))["items"]

    assert newest == {
        "number": len(await world.audit()),
        "at": NOW + 1,
        "at_ms": NOW * 1000 + 1500,
        "kind": "login_refused",
        "sub": root.sub,
        "session_id": None,
        "reason": newest["reason"],
        "actor": "peer",
        "address": "192.0.2.7",
        "browser": "Firefox",
        "request_id": refused.headers["x-request-id"],
        "details": {},
    }
    assert (before["kind"], before["session_id"]) == ("login", root.login["session_id"])


async def test_what_somebody_has_tampered_with_can_be_read(world: World) -> None:
    """Bytes that are no text are escapes, in whatever column: one such entry takes nobody the others."""
    root = await new_admin(world)
    columns = ("kind", "sub", "sid", "reason", "actor", "address", "browser", "request_id", "details")
    last = len(await world.audit())
    no_text = ", ".join(f"{column} = CAST(x'ff41' AS TEXT)" for column in columns)
    await Log(world.services).sql(f"UPDATE audit SET {no_text} WHERE number = {last}")

    newest, before, *_ = (await root.get("/audit"))["items"]

    odd = "\\udcffA"
    assert {newest[name] for name in ("kind", "sub", "session_id", "reason", "actor", "address", "browser")} == {odd}
    assert (newest["request_id"], newest["details"]) == (odd, {"unreadable": odd})
    assert before["number"] == last - 1


async def test_what_an_admin_did_names_the_admin(world: World) -> None:
    """By subject."""
    root = await new_admin(world)
    lost = await world.login()
    await root.do(f"/sessions/{lost['session_id']}/end")

    (entry,) = (await root.get("/audit", session_id=lost["session_id"], kind="session_ended"))["items"]

    assert entry["actor"] == f"admin:{root.sub}"


async def test_pages_hold_every_entry_once(world: World) -> None:
    """Whatever is written meanwhile comes before the first page, and moves nothing."""
    root = await new_admin(world)
    await write(world, 20)
    expected = list(range(len(await world.audit()), 0, -1))

    seen: list[int] = []
    cursor: dict[str, str] = {}
    while True:
        page = await root.get("/audit", limit=7, **cursor)
        seen += [item["number"] for item in page["items"]]
        if page["next"] is None:
            break
        await write(world, 3)
        cursor = {"cursor": page["next"]}

    assert seen == expected


async def test_filters_look_through_a_bounded_part(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A page may be empty and yet not the last: no request reads a log of any length to find nothing."""
    monkeypatch.setattr(audit, "WINDOW", 5)
    root = await new_admin(world)
    await write(world, 2, sub="somebody")
    await write(world, 11)

    found: list[str] = []
    pages, cursor = 0, dict[str, str]()
    while True:
        page = await root.get("/audit", sub="somebody", **cursor)
        found += [item["sub"] for item in page["items"]]
        pages += 1
        if page["next"] is None:
            break
        cursor = {"cursor": page["next"]}

    assert found == ["somebody"] * 2
    assert pages == -(-len(await world.audit()) // 5)


async def test_an_entry_that_cannot_be_read_is_shown_as_it_stands(world: World) -> None:
    """As of a newer release, or after somebody has tampered with it: the log must stay readable then of all times."""
    root = await new_admin(world)
    await world.services.store.audit._connection.write(tampering)  # type: ignore[attr-defined]

    entry = (await root.get("/audit"))["items"][0]

    assert (entry["kind"], entry["details"]) == ("unheard_of", {"unreadable": "[1]"})


def tampering():  # type: ignore[no-untyped-def]  # noqa: ANN201 - a script
    """Change every entry."""
    yield "UPDATE audit SET kind = 'unheard_of', details = '[1]'", {}


@pytest.mark.parametrize(
    "query",
    [
        "kind=nothing", "kind=", "sub=a&sub=b", "session_id=%00", "limit=0", "limit=201", "cursor=MA", "cursor=YWJj",
        "cursor=LTE", "cursor=***", "cursor=MTIzNDU2Nzg5MDEyMzQ1Njc4OTA", "since=now",
    ],
)  # fmt: skip
async def test_a_query_that_means_nothing_is_400(world: World, query: str) -> None:
    """It never means everything."""
    root = await new_admin(world)

    response = await root.ask("GET", f"/audit?{query}")

    assert (response.status_code, response.json()["error"]) == (400, "invalid_request")
