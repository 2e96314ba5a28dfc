"""The server as an app: what it opens and closes, where it answers, and what it refuses to start with."""

import sqlite3
import threading
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack, closing
from pathlib import Path
from typing import Any

import httpx2
import pytest
from http_world import NOW, PASSWORD, World
from installation import MASTER_KEY, OTHER_MASTER_KEY, settings_in
from starlette.applications import Starlette

from keyturn import store
from keyturn.core import users
from keyturn.core.model import Origin, User
from keyturn.errors import ConfigurationError, TemporarilyUnavailable
from keyturn.server import create_app
from keyturn.server.endpoints import readyz
from keyturn.tokens.algorithms import Algorithm

MakeWorld = Callable[..., Awaitable[World]]


async def app_in(folder: Path, **changes: Any) -> Starlette:
    """Return a server in *folder*, whose database is up to date."""
    settings = settings_in(folder, **changes)
    await store.upgrade(settings.database.url)
    return create_app(settings)


def client_of(app: Starlette) -> httpx2.AsyncClient:
    """Return a client on this machine."""
    return httpx2.AsyncClient(
        transport=httpx2.ASGITransport(app, client=("127.0.0.1", 1)), base_url="https://auth.example.com"
    )


def dump(path: Path) -> list[str]:
    """Return what a database holds, as SQL."""
    with closing(sqlite3.connect(path)) as connection:
        return list(connection.iterdump())


async def test_a_server_can_sign_before_the_first_request(tmp_path: Path) -> None:
    """KEY-03: the very first key is active at once."""
    app = await app_in(tmp_path)

    async with app.router.lifespan_context(app), client_of(app) as client:
        ready = await client.get("/readyz")
        keys = await client.get("/.well-known/jwks.json")

    assert ready.status_code == 200
    assert ready.json() == {"status": "ok", "database": "ok", "signing_key": "ok", "clock": {"offset_ms": 0}}
    assert len(keys.json()["keys"]) == 1


async def test_a_server_that_has_not_started_or_has_stopped_answers_503(tmp_path: Path) -> None:
    """It is alive, and not ready; nothing is answered from a half-open state."""
    app = await app_in(tmp_path)

    async def answers() -> list[int]:
        async with client_of(app) as client:
            form = {"grant_type": "refresh_token", "refresh_token": "ktr_x"}
            return [
                (await client.get("/healthz")).status_code,
                (await client.get("/readyz")).status_code,
                (await client.get("/.well-known/jwks.json")).status_code,
                (await client.post("/token", data=form)).status_code,
            ]

    assert await answers() == [200, 503, 503, 503]
    async with app.router.lifespan_context(app):
        assert await answers() == [200, 200, 200, 400]
    assert await answers() == [200, 503, 503, 503]


async def test_a_server_may_be_started_again(tmp_path: Path) -> None:
    """What it knew is in the database: the same key signs."""
    app = await app_in(tmp_path)
    kids = []
    for _ in range(2):
        async with app.router.lifespan_context(app):
            kids.append(app.state.keyturn.services.keyring.signing_key().kid)

    assert kids[0] == kids[1]


async def test_a_database_that_does_not_answer_is_not_ready(world: World) -> None:
    """REF-07: the process is alive, the balancer sends requests elsewhere, and nothing was consumed."""
    world.take_store_down()

    async with world.client() as client:
        ready, alive = await client.get("/readyz"), await client.get("/healthz")

    assert (ready.status_code, alive.status_code) == (503, 200)
    assert ready.json() == {
        "status": "unavailable",
        "database": "unavailable",
        "signing_key": "ok",
        "clock": {"offset_ms": 0},
    }


async def test_a_database_that_hangs_is_not_ready(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """OPS-07: the question has a deadline; when the lock is gone the server is ready again."""
    monkeypatch.setattr(readyz, "PATIENCE_SECONDS", 0.2)
    path = world.state.settings.database.url.removeprefix("sqlite:///")
    async with world.client() as client:
        with closing(sqlite3.connect(path)) as other:
            other.execute("BEGIN IMMEDIATE")
            hanging = await client.get("/readyz")
        monkeypatch.undo()
        ready = await client.get("/readyz")

    assert (hanging.status_code, hanging.json()["database"]) == (503, "unavailable")
    assert ready.status_code == 200


async def test_another_master_key_refuses_to_start_and_changes_nothing(tmp_path: Path) -> None:
    """KEY-10: neither a key nor an audit line is written; the right key starts as before."""
    app = await app_in(tmp_path)
    async with app.router.lifespan_context(app):
        pass
    before = dump(tmp_path / "keyturn.db")

    wrong = create_app(settings_in(tmp_path, keys={"master_key": OTHER_MASTER_KEY}))
    with pytest.raises(ConfigurationError, match=r"keys\.master_key .* sealed with another master key"):
        async with wrong.router.lifespan_context(wrong):
            pass

    assert dump(tmp_path / "keyturn.db") == before
    async with app.router.lifespan_context(app):
        pass


async def test_a_new_master_key_before_the_old_one_starts(tmp_path: Path) -> None:
    """Rotation of the master key: the list opens what the old one has sealed."""
    app = await app_in(tmp_path)
    async with app.router.lifespan_context(app):
        pass

    rotated = create_app(settings_in(tmp_path, keys={"master_key": f"{OTHER_MASTER_KEY},{MASTER_KEY}"}))

    async with rotated.router.lifespan_context(rotated):
        assert rotated.state.keyturn.services.keyring.signing_key()


async def test_a_database_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    """A server never migrates; the sentence says who does."""
    app = create_app(settings_in(tmp_path))

    with pytest.raises(ConfigurationError, match="does not exist; run 'keyturn db upgrade'"):
        async with app.router.lifespan_context(app):
            pass

    assert not (tmp_path / "keyturn.db").exists()


async def test_a_damaged_database_refuses_to_start(tmp_path: Path) -> None:
    """And is left as it is."""
    (tmp_path / "keyturn.db").write_text("not a database" * 100)
    app = create_app(settings_in(tmp_path))

    with pytest.raises(ConfigurationError, match="is not an SQLite database"):
        async with app.router.lifespan_context(app):
            pass


@pytest.mark.parametrize("algorithm", ["RS256", "EdDSA", "HS256"])
async def test_every_kind_of_key_signs_what_the_server_takes(make_world: MakeWorld, algorithm: str) -> None:
    """Fast ones on the loop, RSA in a thread, a shared secret where there is one process."""
    world = await make_world(access_token={"audience": ["my-api"], "algorithm": algorithm})
    await world.add_user()

    tokens = await world.login()

    assert await world.is_good(tokens["access_token"])
    async with world.client() as client:
        published = (await client.get("/.well-known/jwks.json")).json()["keys"]
    assert len(published) == (0 if algorithm == "HS256" else 1)


async def test_tokens_stay_good_when_another_algorithm_is_chosen(tmp_path: Path) -> None:
    """KEY-04: the keys of the one before are accepted until they are gone."""
    app = await app_in(tmp_path)
    async with app.router.lifespan_context(app):
        old = app.state.keyturn.services.keyring.signing_key()

    access = {"audience": ["https://api.example.com"], "algorithm": "EdDSA"}
    changed = create_app(settings_in(tmp_path, access_token=access))

    async with changed.router.lifespan_context(changed):
        state = changed.state.keyturn
        assert state.services.keyring.signing_key().kid == old.kid
        assert {Algorithm.ES256, Algorithm.EdDSA} <= state.checker.expected.algorithms
        assert Algorithm.HS256 not in state.checker.expected.algorithms


async def test_key_pairs_and_shared_secrets_are_never_taken_together(tmp_path: Path) -> None:
    """VER-12: a database has keys of one kind; the sentence says how to change over."""
    app = await app_in(tmp_path)
    async with app.router.lifespan_context(app):
        pass

    access = {"audience": ["https://api.example.com"], "algorithm": "HS256"}
    changed = create_app(settings_in(tmp_path, access_token=access))

    with pytest.raises(ConfigurationError, match=r"access_token\.algorithm .*signing keys of the other kind"):
        async with changed.router.lifespan_context(changed):
            pass


async def test_an_issuer_with_a_path_answers_below_it_alone(make_world: MakeWorld) -> None:
    """KEY-12: but for its metadata, which are also where RFC 8414 §3.1 looks for them."""
    world = await make_world(issuer="https://auth.example.com/auth")

    async with world.client() as client:
        below = await client.get("/auth/healthz")
        root = await client.get("/healthz")
        metadata = await client.get("/.well-known/oauth-authorization-server/auth")
        appended = await client.get("/auth/.well-known/oauth-authorization-server")

    assert (below.status_code, root.status_code) == (200, 404)
    assert metadata.json() == appended.json()
    assert metadata.json()["issuer"] == "https://auth.example.com/auth"


async def test_no_second_spelling_of_a_url_is_redirected(world: World) -> None:
    """A47: a slash more or less is another URL, and there is nothing."""
    async with world.client() as client:
        for path in ("/login/", "//login", "/healthz/", "/LOGIN"):
            assert (await client.post(path)).status_code == 404


class Directory:
    """An app that keeps its own users."""

    async def authenticate(self, username: str, password: str) -> User | None:
        """Know one user."""
        return User("user-1", "grace", ("user",)) if (username, password) == ("grace", "hopper") else None

    async def find(self, sub: str) -> User | None:
        """Know one user."""
        return User("user-1", "grace", ("user",)) if sub == "user-1" else None


async def test_an_app_may_bring_its_own_users(make_world: MakeWorld) -> None:
    """Then there is nothing to register or to change here."""
    world = await make_world(users=Directory())

    async with world.client() as client:
        login = await client.post("/login", json={"username": "grace", "password": "hopper", "client": "native"})
        me = await client.get("/me", headers={"Authorization": f"Bearer {login.json()['access_token']}"})
        register = await client.post("/register", json={"username": "a", "password": "b" * 12})

    assert (me.json()["sub"], register.status_code) == ("user-1", 404)


async def test_a_failed_start_leaves_no_thread_behind(tmp_path: Path) -> None:
    """The store and the hasher are closed again."""
    before = set(threading.enumerate())
    app = await app_in(tmp_path)
    async with app.router.lifespan_context(app):
        pass
    wrong = create_app(settings_in(tmp_path, keys={"master_key": OTHER_MASTER_KEY}))
    with pytest.raises(ConfigurationError):
        async with wrong.router.lifespan_context(wrong):
            pass

    left = set(threading.enumerate()) - before
    assert not [thread.name for thread in left if thread.name.startswith("keyturn")]


async def test_two_servers_on_one_database_know_each_other_s_revocations_at_once(tmp_path: Path) -> None:
    """REF-12: no process of the authorization server takes a token that another one has revoked."""
    settings = settings_in(tmp_path)
    await store.upgrade(settings.database.url)
    async with AsyncExitStack() as stack:
        one, other = create_app(settings), create_app(settings)
        for app in (one, other):
            await stack.enter_async_context(app.router.lifespan_context(app))
        from_one = await stack.enter_async_context(client_of(one))
        from_other = await stack.enter_async_context(client_of(other))
        body = {"username": "ada", "password": PASSWORD, "client": "native"}
        services = one.state.keyturn.services
        await users.add_user(services, "ada", PASSWORD, roles=(), origin=Origin(), now_ms=NOW * 1000)
        bearer = {"Authorization": f"Bearer {(await from_one.post('/login', json=body)).json()['access_token']}"}
        assert (await from_other.get("/me", headers=bearer)).status_code == 200

        await from_one.post("/logout", headers=bearer)

        assert (await from_other.get("/me", headers=bearer)).status_code == 401


async def test_a_closed_state_lets_nothing_through(tmp_path: Path) -> None:
    """OPS-05: what is asked for before the start or after the end raises."""
    app = await app_in(tmp_path)

    for part in ("services", "checker"):
        with pytest.raises(TemporarilyUnavailable):
            getattr(app.state.keyturn, part)
