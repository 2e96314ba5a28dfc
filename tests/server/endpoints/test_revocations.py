"""``GET /revocations``: the feed as a verifier sees it, by poll and by long poll (contract §5, REF-16)."""

import asyncio
import json
import signal
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

import httpx2
import pytest
from http_world import ISSUER, NOW, PASSWORD, World, assert_problem
from installation import MASTER_KEY, installed
from server_process import running

from free_ports import free_port
from keyturn.core import keys, revoke
from keyturn.core.model import Origin
from keyturn.errors import TemporarilyUnavailable
from keyturn.server import signing
from keyturn.server.services import open_services
from keyturn.tokens import base64url, revocation_feed
from keyturn.tokens.algorithms import ASYMMETRIC
from keyturn.tokens.key_set import parse_key_set
from keyturn.tokens.revocation import RevocationKind, digest
from keyturn.tokens.revocation_feed import MAX_ENTRIES, Page

PATIENCE = 20


async def ask(client: httpx2.AsyncClient, **query: int) -> Page:
    """Ask for a page and verify it as a resource server does, with the JWK Set."""
    response = await client.get("/revocations", params=query, timeout=2 * PATIENCE)
    assert response.status_code == 200, response.text
    return await verified(client, response.text)


async def verified(client: httpx2.AsyncClient, text: str) -> Page:
    """Verify a page with the server's JWK Set."""
    found = parse_key_set((await client.get("/.well-known/jwks.json")).json(), algorithms=ASYMMETRIC)
    return revocation_feed.verify(text, find_key=found.get, algorithms=ASYMMETRIC, issuer=ISSUER)


async def log_out(client: httpx2.AsyncClient, login: dict[str, Any]) -> None:
    """End a session."""
    response = await client.post("/logout", json={"refresh_token": login["refresh_token"]})
    assert response.status_code == 204


async def until(condition: Callable[[], bool]) -> None:
    """Return when *condition* holds."""
    async with asyncio.timeout(PATIENCE):
        while not condition():  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.005)


@asynccontextmanager
async def waiting(client: httpx2.AsyncClient, world: World, count: int = 1) -> AsyncIterator[list[asyncio.Task[Page]]]:
    """Let so many wait for what follows the newest place."""
    seq = (await ask(client)).seq
    polls = [asyncio.create_task(ask(client, after=seq, wait=30)) for _ in range(count)]
    await until(lambda: world.state.feed.waiting == count)
    yield polls
    for poll in polls:
        poll.cancel()
    await asyncio.gather(*polls, return_exceptions=True)


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    """An environment for a server in this folder, whose database is there."""
    installed(tmp_path)
    return {
        "KEYTURN_ISSUER": ISSUER,
        "KEYTURN_ACCESS_TOKEN_AUDIENCE": "my-api",
        "KEYTURN_KEYS_MASTER_KEY": MASTER_KEY,
        "KEYTURN_DATABASE_URL": f"sqlite:///{tmp_path}/keyturn.db",
        "KEYTURN_SERVER_PORT": str(free_port()),
        "KEYTURN_REGISTRATION_MODE": "open",
    }


async def test_a_page_is_public_and_may_be_kept_for_a_second(world: World) -> None:
    """No credential; the media type of its ``typ`` (RFC 7515 §4.1.9); a shared cache keeps it no longer than that."""
    async with world.client() as client:
        response = await client.get("/revocations")
        head = await client.head("/revocations")

    assert response.headers["content-type"] == "application/revocations+jwt"
    assert response.headers["cache-control"] == "public, max-age=1"
    assert (head.status_code, head.content, head.headers["cache-control"]) == (200, b"", "public, max-age=1")
    assert "set-cookie" not in response.headers


async def test_a_logout_is_in_the_feed_and_tells_nobody_who_it_was(world: World) -> None:
    """The digest of the ``sid``; no ``sid``, no ``sub``, no name anywhere in it (contract §5)."""
    user = await world.add_user("grace")
    login = await world.login("grace")
    async with world.client() as client:
        before = await ask(client)
        await log_out(client, login)
        text = (await client.get("/revocations", params={"after": before.seq})).text
        page = await verified(client, text)

    (entry,) = page.entries
    assert (entry.kind, entry.digest) == (RevocationKind.SID, digest(RevocationKind.SID, login["session_id"]))
    assert (page.issued_at, page.seq, page.more) == (NOW, entry.seq, False)
    said = base64url.decode(text.split(".")[1]).decode()
    assert set(json.loads(said)["entries"][0]) == {"seq", "kind", "digest", "exp"}
    assert not [secret for secret in (login["session_id"], user.sub, "grace") if secret in said]


async def test_what_was_seen_is_not_told_again(world: World) -> None:
    """``after`` the newest: nothing; beyond it, after a roll-back of the store, or without: all there is."""
    async with world.client() as client:
        for _ in range(2):
            await log_out(client, await world.login())
        first, second = (await ask(client)).entries

        assert (await ask(client, after=first.seq)).entries == (second,)
        assert (await ask(client, after=second.seq)).entries == ()
        assert (await ask(client, after=second.seq + 1)).entries == (first, second)
        assert (await ask(client, after=0, wait=30)).entries == (first, second)


@pytest.mark.parametrize("name", ["after", "wait"])
@pytest.mark.parametrize("value", ["-1", "1.0", "", "x", "+1", "1e3", "٣", "9" * 17, "9" * 5000, "1 ", "0x1", "%00"])
async def test_a_number_that_is_none_is_refused(world: World, name: str, value: str) -> None:
    """400, as a problem, with the parameter named."""
    async with world.client() as client:
        problem = assert_problem(await client.get(f"/revocations?{name}={value}"), 400, "invalid_request")

    assert name in problem["detail"]


@pytest.mark.parametrize("query", ["wait=31", "after=9007199254740992", "after=1&after=1", "wait=0&wait=0"])
async def test_a_number_beyond_its_limit_or_twice_is_refused(world: World, query: str) -> None:
    """30 seconds, 2^53 - 1, and one meaning (RFC 6749 §3.1)."""
    async with world.client() as client:
        assert_problem(await client.get(f"/revocations?{query}"), 400, "invalid_request")


async def test_a_long_poll_hears_of_a_logout(world: World) -> None:
    """And no cache keeps its answer: the next one would hear of nothing."""
    login = await world.login()
    async with world.client() as client, waiting(client, world) as (poll,):
        await log_out(client, login)
        page = await asyncio.wait_for(poll, PATIENCE)
        kept = (await client.get("/revocations", params={"wait": 1})).headers["cache-control"]

    assert [entry.digest for entry in page.entries] == [digest(RevocationKind.SID, login["session_id"])]
    assert kept == "no-store"


async def test_a_long_poll_hears_of_what_another_process_revoked(world: World) -> None:
    """Whoever runs beside this server on the same database."""
    beside = await open_services(world.state.settings, clock=world.clock)
    async with world.client() as client, waiting(client, world) as (poll,):
        await revoke.revoke_jti(beside.services, "j1", origin=Origin(), now_ms=world.clock.ms)
        page = await asyncio.wait_for(poll, PATIENCE)
    await beside.close()

    assert [entry.digest for entry in page.entries] == [digest(RevocationKind.JTI, "j1")]


async def test_a_long_poll_without_news_ends_in_time_with_a_page_of_then(world: World) -> None:
    """Its ``iat`` is that of the answer, so that the view it renews is as young as can be."""
    async with world.client() as client:
        seq = (await ask(client)).seq
        poll = asyncio.create_task(ask(client, after=seq, wait=1))
        await until(lambda: world.state.feed.waiting == 1)
        world.clock.later(1)
        page = await poll

    assert (page.issued_at, page.entries) == (NOW + 1, ())


async def test_two_hundred_who_wait_share_a_signature(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """One revocation wakes them all; the page is made once."""
    signed: list[Page] = []

    def sign(page: Page, key: Any) -> str:
        signed.append(page)
        return original(page, key)

    original = revocation_feed.sign
    monkeypatch.setattr(signing.revocation_feed, "sign", sign)
    login = await world.login()
    async with world.client() as client, waiting(client, world, 200) as polls:
        signed.clear()
        await log_out(client, login)
        pages = await asyncio.wait_for(asyncio.gather(*polls), PATIENCE)

    assert {entry.digest for page in pages for entry in page.entries} == {
        digest(RevocationKind.SID, login["session_id"])
    }
    assert len(signed) == 1


async def test_a_store_that_is_down_is_503(world: World) -> None:
    """With the time to come again, and no page: whoever verifies shall know that their view ages."""
    async with world.client() as client:
        await ask(client)
        world.take_store_down()
        for query in ("", "?after=0", "?wait=30"):
            response = await client.get(f"/revocations{query}")
            assert_problem(response, 503, "temporarily_unavailable")
            assert int(response.headers["retry-after"]) >= 1


async def test_the_end_of_the_server_ends_every_wait(world: World) -> None:
    """Who waits gets a page at once, and nobody waits any more; once it has stopped, the answer is 503."""
    async with world.client() as client:
        async with waiting(client, world, 3) as polls:
            world.state.end_waiting()
            pages = await asyncio.wait_for(asyncio.gather(*polls), PATIENCE)
        assert (await asyncio.wait_for(ask(client, after=pages[0].seq, wait=30), PATIENCE)).seq == pages[0].seq
        world.state.stop()
        assert_problem(await client.get("/revocations"), 503, "temporarily_unavailable")
        with pytest.raises(TemporarilyUnavailable):
            _ = world.state.feed


async def test_a_peer_that_goes_away_waits_no_longer(world: World) -> None:
    """Nothing of it is left; what it sends after its request is not kept."""
    gone, sent = asyncio.Event(), list[Any]()

    async def receive() -> dict[str, Any]:
        if len(sent) < 3:
            sent.append("body")
            return {"type": "http.request", "body": b"x", "more_body": True}
        await gone.wait()
        return {"type": "http.disconnect"}

    async def send(_message: Any) -> None:
        pytest.fail("nobody is there to be answered")

    async with world.client() as client:
        query = f"after={(await ask(client)).seq}&wait=30".encode()
    path = "/revocations"
    scope = {"type": "http", "method": "GET", "path": path, "raw_path": path.encode(), "query_string": query}
    more = {"headers": [], "client": ("192.0.2.7", 1), "server": None, "scheme": "https", "http_version": "1.1"}
    tasks = asyncio.all_tasks()
    answering = asyncio.create_task(world.app({**scope, **more}, receive, send))
    await until(lambda: world.state.feed.waiting == 1)
    gone.set()
    await asyncio.wait_for(answering, PATIENCE)

    assert world.state.feed.waiting == 0
    assert {task for task in asyncio.all_tasks() if not task.done()} <= tasks


async def test_a_revoked_key_is_told_by_another(world: World) -> None:
    """The page with the ``kid`` entry is signed by the key that stepped in, and that one is in the JWK Set."""
    kid = world.services.keyring.signing_key().kid
    async with world.client() as client, waiting(client, world) as (poll,):
        await keys.revoke_key(world.services, kid, origin=Origin(), now_ms=world.clock.ms)
        page = await asyncio.wait_for(poll, PATIENCE)
        text = (await client.get("/revocations")).text

    assert [entry.digest for entry in page.entries] == [digest(RevocationKind.KID, kid)]
    assert json.loads(base64url.decode(text.split(".")[0]))["kid"] != kid


async def test_a_shared_secret_has_no_feed(make_world: Any) -> None:
    """HS256: nobody else could verify it; the metadata names none."""
    world = await make_world(access_token={"audience": ["https://api.example.com"], "algorithm": "HS256"})
    async with world.client() as client:
        assert_problem(await client.get("/revocations?wait=30"), 404, "not_found")
        metadata = (await client.get("/.well-known/oauth-authorization-server")).json()

    assert "keyturn_revocations_endpoint" not in metadata


async def test_a_slow_algorithm_signs_pages_too(make_world: Any) -> None:
    """RS256, away from the event loop."""
    world = await make_world(access_token={"audience": ["https://api.example.com"], "algorithm": "RS256"})
    async with world.client() as client:
        assert (await ask(client)).entries == ()


@pytest.mark.slow
async def test_a_long_log_is_handed_out_in_pages(world: World) -> None:
    """25,000 entries, each once, in three pages."""
    path = world.state.settings.database.url.removeprefix("sqlite:///")
    rows = [(number, "sid", number.to_bytes(16), NOW + 3660) for number in range(1, 25_001)]
    with closing(sqlite3.connect(path)) as database, database:
        database.executemany("INSERT INTO revocations (seq, kind, digest, expires_at) VALUES (?, ?, ?, ?)", rows)
        database.execute("UPDATE revocation_sequence SET last = 25000")
    async with world.client() as client:
        pages = [await ask(client)]
        while pages[-1].more:
            pages.append(await ask(client, after=pages[-1].seq))

    assert [len(page.entries) for page in pages] == [MAX_ENTRIES, MAX_ENTRIES, 5_000]
    assert [entry.seq for page in pages for entry in page.entries] == list(range(1, 25_001))


@pytest.mark.slow
async def test_a_real_server_tells_who_waits_and_ends_promptly(tmp_path: Path, environ: dict[str, str]) -> None:
    """On a socket: a logout is heard of by who waits, an idle wait is not cut off, and SIGTERM holds nobody up."""
    with running(tmp_path, environ) as server:
        async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{server.port}", timeout=2 * PATIENCE) as client:
            user = {"username": "ada", "password": PASSWORD}
            assert (await client.post("/register", json=user)).status_code == 201
            login = (await client.post("/login", json=user | {"client": "native"})).json()
            seq = (await ask(client)).seq
            poll = asyncio.create_task(ask(client, after=seq, wait=30))
            await asyncio.sleep(0.5)
            assert not poll.done()
            await log_out(client, login)
            page = await asyncio.wait_for(poll, PATIENCE)

            patient = asyncio.create_task(ask_text(client, page.seq))
            await asyncio.sleep(0.5)
            code, _ = await asyncio.to_thread(server.stop, signal.SIGTERM)
            text = await patient

    assert [entry.digest for entry in page.entries] == [digest(RevocationKind.SID, login["session_id"])]
    assert (code, text.count(".")) == (0, 2)  # a page: what is under way after the grace of 10 seconds gets none


async def ask_text(client: httpx2.AsyncClient, after: int) -> str:
    """Wait for a page; return it unverified."""
    return (await client.get("/revocations", params={"after": after, "wait": 30})).text
