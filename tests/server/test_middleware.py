"""What surrounds every request: ids, security headers, CORS, metrics, and the 500 that tells nothing."""

import re
import subprocess
import sys
from typing import Any

import httpx2
import pytest
from http_world import APP, ISSUER, World, assert_oauth_error, assert_problem, bearer
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from keyturn.errors import ConfigurationError
from keyturn.server.middleware import KeyturnMiddleware
from keyturn.server.observing import logs
from keyturn.server.problems import Face
from keyturn.server.resource import Resource
from keyturn.server.routes import URLS


def broken(world: World, handler: Any, face: Face = Face.PROBLEM) -> httpx2.AsyncClient:
    """Return a client of a server whose one endpoint is *handler*."""
    route = Route("/broken", Resource({"GET": handler}, face=face))
    app = Starlette(routes=[route], middleware=[Middleware(KeyturnMiddleware)])
    app.state.keyturn = world.state
    return httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url=ISSUER)


@pytest.mark.parametrize("path", [*(url.path for url in URLS), "/unknown"])
async def test_every_answer_carries_the_security_headers(world: World, path: str) -> None:
    """WEB-10: whatever is answered, an error or a page."""
    async with world.client("127.0.0.1") as client:
        for method in ("GET", "POST", "OPTIONS"):
            headers = (await client.request(method, path)).headers
            assert headers["x-content-type-options"] == "nosniff"
            assert headers["referrer-policy"] == "no-referrer"
            assert headers["strict-transport-security"] == "max-age=31536000"
            assert headers["cross-origin-opener-policy"] == "same-origin"
            assert headers["cross-origin-resource-policy"] == "same-origin"
            assert "default-src 'none'" in headers["content-security-policy"]
            assert "frame-ancestors 'none'" in headers["content-security-policy"]
            assert headers["vary"] == "Origin"
            assert headers["cache-control"]
            assert "server" not in headers


async def test_without_tls_there_is_no_hsts(make_world: Any) -> None:
    """An issuer on this machine must not bind all of localhost to TLS."""
    world = await make_world(issuer="http://localhost:8080")
    async with world.client() as client:
        assert "strict-transport-security" not in (await client.get("/healthz")).headers


async def test_every_request_has_an_id_of_its_own(world: World) -> None:
    """It stands in the answer."""
    async with world.client() as client:
        ids = {(await client.get("/healthz")).headers["x-request-id"] for _ in range(10)}

    assert len(ids) == 10
    assert all(re.fullmatch(r"[0-9a-f]{16}", name) for name in ids)


@pytest.mark.parametrize("sent", ["req-1", "A.b_c-9", "x" * 64])
async def test_a_callers_id_is_kept(world: World, sent: str) -> None:
    """So that a request can be followed through several services, into the audit log too."""
    login = {"username": "ada", "password": "wrong"}
    async with world.client(X_Request_Id=sent) as client:
        response = await client.post("/login", json=login)

    assert response.headers["x-request-id"] == sent
    assert (await world.audit())[-1].origin.request_id == sent


@pytest.mark.parametrize("sent", ["", "a b", "x" * 65, "a\x1b[31m", "a;b", "ü", "a\u2028"])
async def test_a_harmful_id_is_replaced(world: World, sent: str) -> None:
    """A52: nothing gets into a log that could forge a line of it."""
    async with world.client() as client:
        response = await client.get("/healthz", headers=[(b"X-Request-Id", sent.encode())])

    assert re.fullmatch(r"[0-9a-f]{16}", response.headers["x-request-id"])


async def test_two_ids_are_none(world: World) -> None:
    """A56: nobody knows which one was meant."""
    async with world.client() as client:
        response = await client.get("/healthz", headers=[("X-Request-Id", "a"), ("X-Request-Id", "b")])

    assert response.headers["x-request-id"] not in {"a", "b"}


async def test_a_fault_of_ours_is_a_500_with_an_id_and_nothing_else(world: World, monkeypatch: Any) -> None:
    """WEB-12: no stack, no SQL, no path, no version; the log has it all, under the same id."""
    logged: list[tuple[Exception, str]] = []
    monkeypatch.setattr(logs, "log_failure", lambda error, *, request_id: logged.append((error, request_id)))
    fault = RuntimeError("SELECT secret FROM /srv/keyturn.db")

    async def fail(_request: Request) -> Response:
        raise fault

    async with broken(world, fail) as client:
        response = await client.get("/broken")

    body = assert_problem(response, 500, "server_error")
    assert set(body) == {"type", "title", "status", "error", "request_id"}
    assert "SELECT" not in response.text
    assert logged == [(fault, response.headers["x-request-id"])]
    assert body["request_id"] == response.headers["x-request-id"]
    assert response.headers["cache-control"] == "no-store"


async def test_a_fault_of_ours_at_an_oauth_endpoint_is_worded_as_oauth_does(world: World, monkeypatch: Any) -> None:
    """RFC 6749 §5.2: two members, and the id in the header."""
    logged: list[str] = []
    monkeypatch.setattr(logs, "log_failure", lambda _error, *, request_id: logged.append(request_id))

    async def fail(_request: Request) -> Response:
        raise RuntimeError("SELECT secret FROM /srv/keyturn.db")

    async with broken(world, fail, Face.OAUTH) as client:
        response = await client.get("/broken")

    assert_oauth_error(response, 500, "server_error")
    assert logged == [response.headers["x-request-id"]]


async def test_the_server_itself_words_a_fault_as_its_url_does(world: World, monkeypatch: Any) -> None:
    """On the short way to a URL, too."""
    monkeypatch.setattr(logs, "log_failure", lambda *_, **__: None)
    monkeypatch.setattr(type(world.state), "services", property(lambda _: 1 // 0))

    async with world.client() as client:
        token = await client.post("/token", data={"grant_type": "refresh_token", "refresh_token": "x"})
        login = await client.post("/login", json={"username": "ada", "password": "x"})

    assert_oauth_error(token, 500, "server_error")
    assert_problem(login, 500, "server_error")


async def test_a_configuration_error_while_serving_is_a_500_as_well(world: World) -> None:
    """WEB-12: its sentence is for the operator."""

    async def fail(_request: Request) -> Response:
        raise ConfigurationError("database.url: /srv/keyturn.db is gone")

    async with broken(world, fail) as client:
        response = await client.get("/broken")

    assert_problem(response, 500, "server_error")
    assert "/srv" not in response.text


async def test_a_fault_in_the_middle_of_an_answer_breaks_it_off(world: World) -> None:
    """Nobody may take half an answer for a whole one."""

    class Half(Response):
        async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
            await send({"type": "http.response.start", "status": 200, "headers": []})
            raise RuntimeError("half-way")

    async def halve(_request: Request) -> Response:
        return Half()

    async with broken(world, halve) as client:
        with pytest.raises(RuntimeError, match="broke off"):
            await client.get("/broken")


async def test_a_peer_that_went_away_is_no_fault(world: World, monkeypatch: Any) -> None:
    """It is counted, and nothing is logged as an error."""
    failures: list[Any] = []
    monkeypatch.setattr(logs, "log_failure", lambda error, **_: failures.append(error))

    async def gone(_request: Request) -> Response:
        raise ClientDisconnect

    async with broken(world, gone) as client:
        with pytest.raises(AssertionError):  # the transport was sent no answer
            await client.get("/broken")

    assert failures == []


@pytest.mark.parametrize("failing", ["http.response.start", "http.response.body"])
async def test_an_answer_that_can_not_be_sent_is_no_fault(world: World, monkeypatch: Any, failing: str) -> None:
    """The server says so with an OSError (ASGI); it is counted as 499, and nothing is logged as an error."""
    failures: list[Any] = []
    statuses: list[int] = []
    monkeypatch.setattr(logs, "log_failure", lambda error, **_: failures.append(error))
    monkeypatch.setattr(logs, "log_request", lambda **fields: statuses.append(fields["status"]))

    async def send(message: Any) -> None:
        if message["type"] == failing:
            raise ConnectionResetError

    for path in ("/healthz", "/unknown"):
        scope: dict[str, Any] = {"type": "http", "method": "GET", "path": path, "query_string": b"", "headers": []}
        await world.app(scope, no_body, send)

    assert (failures, statuses) == ([], [499, 499])


async def test_a_fault_that_nobody_waits_to_hear_of_is_one_line_in_the_log(world: World, monkeypatch: Any) -> None:
    """The server would write a second one about what escapes."""
    failures: list[Any] = []
    monkeypatch.setattr(logs, "log_failure", lambda error, **_: failures.append(type(error)))
    monkeypatch.setattr(type(world.state), "services", property(lambda _: 1 // 0))

    async def send(_message: Any) -> None:
        raise ConnectionResetError

    scope: dict[str, Any] = {
        "type": "http",
        "method": "GET",
        "path": "/.well-known/jwks.json",
        "query_string": b"",
        "headers": [],
    }
    await world.app(scope, no_body, send)

    assert failures == [ZeroDivisionError]


async def test_an_os_error_of_ours_is_a_fault(world: World, monkeypatch: Any) -> None:
    """It has nothing to do with the peer."""
    failures: list[Any] = []
    monkeypatch.setattr(logs, "log_failure", lambda error, **_: failures.append(type(error)))

    async def fail(_request: Request) -> Response:
        raise ConnectionResetError

    async with broken(world, fail) as client:
        assert (await client.get("/broken")).status_code == 500
    assert failures == [ConnectionResetError]


async def no_body() -> dict[str, Any]:
    """Receive a request without a body."""
    return {"type": "http.request", "body": b"", "more_body": False}


async def test_requests_are_timed_by_the_template_of_their_url(world: World) -> None:
    """No label holds what a peer wrote."""
    login = await world.login()
    async with world.client() as client:
        await client.delete("/sessions/some-id", headers=bearer(login["access_token"]))
        await client.request("BREW", "/some/where")

    def count(method: str, route: str, status: str) -> float | None:
        name = "keyturn_http_request_duration_seconds_count"
        labels = {"method": method, "route": route, "status": status}
        return world.state.metrics.registry.get_sample_value(name, labels)

    assert count("DELETE", "/sessions/{session_id}", "4xx") == 1
    assert count("other", "", "4xx") == 1


@pytest.mark.parametrize(("origin", "allowed"), [(APP, True), ("https://evil.example", False), ("null", False)])
async def test_an_answer_may_be_read_by_a_listed_origin_alone(world: World, origin: str, allowed: bool) -> None:
    """WEB-08: the very origin with credentials, or no CORS header at all; caches are told that it depends."""
    async with world.client(Origin=origin) as client:
        headers = (await client.get("/me")).headers

    assert headers.get("access-control-allow-origin") == (origin if allowed else None)
    assert headers.get("access-control-allow-credentials") == ("true" if allowed else None)
    assert headers["vary"] == "Origin"
    assert "*" not in headers.get("access-control-expose-headers", "")


@pytest.mark.parametrize(("origin", "allowed"), [(APP, True), ("https://evil.example", False), ("null", False)])
async def test_a_preflight_is_answered_for_a_listed_origin_alone(world: World, origin: str, allowed: bool) -> None:
    """The Fetch standard §4.8: methods and headers by name, kept for ten minutes."""
    asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization,content-type"}
    async with world.client(Origin=origin) as client:
        response = await client.options("/logout", headers=asked)

    headers = response.headers
    assert response.status_code == 204
    assert ("access-control-allow-methods" in headers) is allowed
    if allowed:
        assert headers["access-control-allow-origin"] == APP
        assert headers["access-control-allow-credentials"] == "true"
        assert headers["access-control-allow-headers"] == "Authorization, Content-Type, X-Request-Id"
        assert headers["access-control-max-age"] == "600"


async def test_two_origins_are_none(world: World) -> None:
    """A56: a browser sends one."""
    async with world.client() as client:
        response = await client.get("/me", headers=[("Origin", APP), ("Origin", APP)])

    assert "access-control-allow-origin" not in response.headers


def test_two_workers_give_no_request_the_same_id() -> None:
    """OPS-03: ids are made from a key of the process, also where one is a fork of the other."""
    program = (
        "import os; from keyturn.server.request_id import choose; os.fork();"
        " os.write(1, ''.join(choose([]) + '\\n' for _ in '123').encode())"  # one write, so that none is cut in two
    )
    printed = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout

    assert len(set(printed.split())) == 6
