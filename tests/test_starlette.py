"""Starlette endpoints behind tokens."""

from collections.abc import Callable, Iterator
from http import HTTPMethod

import pytest
from starlette.applications import Starlette
from starlette.endpoints import HTTPEndpoint
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Host, Mount, Route, Router, WebSocketRoute
from starlette.staticfiles import StaticFiles
from starlette.testclient import TestClient, WebSocketDenialResponse
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket

from following import NO_FEED, follows, wait_for_the_end
from keyturn.errors import ConfigurationError
from keyturn.starlette import Keyturn
from keyturn.testing import TestIssuer

ISSUER = TestIssuer()
REALM = f'Bearer realm="{ISSUER.issuer}"'
auth = Keyturn(ISSUER.issuer, ISSUER.audience, jwks=ISSUER.jwks)

#: Of the registry of methods (RFC 9110 §16.1.1), all that a method of a class can be named like.
METHODS = [*HTTPMethod, "ACL", "BIND", "COPY", "LINK", "LOCK", "MERGE", "MKCOL", "MOVE", "PROPFIND", "QUERY", "SEARCH"]


@auth.require("orders:read")
async def orders(request: Request) -> Response:
    """Say who the token speaks for, in every way there is."""
    return JSONResponse(
        {
            "sub": request.state.token.sub,
            "user": request.user.identity,
            "authenticated": request.user.is_authenticated,
            "name": request.user.display_name,
            "scopes": request.auth.scopes,
        }
    )


@auth.require()
async def greedy(request: Request) -> Response:
    """Add to its own scopes."""
    request.auth.scopes.append("everything")
    return JSONResponse(request.auth.scopes)


@auth.require(roles=["admin"])
def admin(request: Request) -> Response:
    """Answer from a thread."""
    return PlainTextResponse(request.user.token.sub)


@auth.public
def health(_request: Request) -> Response:
    """Answer anybody."""
    return PlainTextResponse("ok")


class Things(HTTPEndpoint):
    """A class whose methods each ask for something."""

    @auth.require("things:read")
    async def get(self, request: Request) -> Response:
        """Read."""
        return PlainTextResponse(request.user.identity)

    @auth.require("things:write")
    def post(self, request: Request) -> Response:
        """Write."""
        return PlainTextResponse(request.user.identity)


@auth.require()
async def live(websocket: WebSocket) -> None:
    """Say who it is."""
    await websocket.accept()
    await websocket.send_text(websocket.user.identity)
    await websocket.close()


ROUTES: list[BaseRoute] = [
    Route("/orders", orders),
    Route("/admin", admin),
    Route("/greedy", greedy),
    Route("/health", health),
    Route("/things", Things),
    WebSocketRoute("/live", live),
    Mount("/static", auth.public(StaticFiles(directory="."))),
    Mount("/sub", routes=[Route("/orders", orders)]),
    Host("api.test", Router([Route("/orders", orders)])),
]


@pytest.fixture
def client() -> Iterator[TestClient]:
    """Return a client of a guarded app with a route of each kind."""
    app = Starlette(routes=ROUTES)
    auth.guard(app)
    with TestClient(app) as client:
        yield client


def test_a_good_token_reaches_the_endpoint(client: TestClient) -> None:
    """By Starlette's habits: ``request.user``, ``request.auth``, and the token itself."""
    answer = client.get("/orders", headers=ISSUER.headers("ada", scopes=["orders:read", "x"]))
    assert answer.json() == {
        "sub": "ada",
        "user": "ada",
        "authenticated": True,
        "name": "ada",
        "scopes": ["orders:read", "x"],
    }
    assert client.get("/admin", headers=ISSUER.headers("ada", roles=["admin"])).text == "ada"
    assert client.get("/health").text == "ok"


def test_what_one_request_does_to_its_scopes_is_not_seen_by_the_next(client: TestClient) -> None:
    """The token is kept and shared, ``request.auth`` is not."""
    headers = ISSUER.headers("ada", scopes=["orders:read"])
    for _ in range(2):
        assert client.get("/greedy", headers=headers).json() == ["orders:read", "everything"]


def test_methods_of_a_class_have_requirements_of_their_own(client: TestClient) -> None:
    """Async or not."""
    headers = ISSUER.headers("ada", scopes=["things:write"])
    assert client.post("/things", headers=headers).text == "ada"
    assert client.get("/things", headers=headers).status_code == 403


@pytest.mark.parametrize(
    ("headers", "status", "challenge"),
    [
        ({}, 401, REALM),
        ({"Authorization": "Basic eDp5"}, 401, REALM),
        ({"Authorization": "Bearer"}, 400, f'{REALM}, error="invalid_request"'),
        ({"Authorization": "Bearer a.b.c d"}, 400, f'{REALM}, error="invalid_request"'),
        ({"Authorization": "Bearer a,b"}, 400, f'{REALM}, error="invalid_request"'),
        ({"Authorization": f"{ISSUER.headers()['Authorization']}="}, 401, f'{REALM}, error="invalid_token"'),
        ({"Authorization": "Bearer a.b.c"}, 401, f'{REALM}, error="invalid_token"'),
        (ISSUER.headers(expires_in=3600), 403, f'{REALM}, error="insufficient_scope"'),
    ],
)
def test_what_is_wrong_is_answered_as_everywhere(
    client: TestClient, headers: dict[str, str], status: int, challenge: str
) -> None:
    """WEB-01: RFC 6750 §3.1."""
    answer = client.get("/orders", headers=headers)
    assert answer.status_code == status
    assert answer.headers["www-authenticate"].startswith(challenge)
    assert set(answer.json()) == {"error", "error_description"}


def test_a_websocket_is_refused_before_it_opens(client: TestClient) -> None:
    """The same rules at the handshake."""
    with pytest.raises(WebSocketDenialResponse) as refusal, client.websocket_connect("/live"):
        pass
    assert refusal.value.status_code == 401
    with client.websocket_connect("/live", headers=ISSUER.headers("ada")) as socket:
        assert socket.receive_text() == "ada"


def test_a_websocket_from_another_site_does_not_get_in_with_a_cookie() -> None:
    """A42: browsers send cookies with any handshake, so it needs the CSRF rule though it is a GET."""
    pages = Keyturn(ISSUER.issuer, ISSUER.audience, jwks=ISSUER.jwks, token_from="cookie")

    @pages.require()
    async def endpoint(websocket: WebSocket) -> None:
        await websocket.accept()
        await websocket.close()

    cookie = {"Cookie": f"__Host-keyturn_access={ISSUER.make_token()}"}
    client = TestClient(Starlette(routes=[WebSocketRoute("/live", endpoint)]))
    with pytest.raises(WebSocketDenialResponse) as refusal, client.websocket_connect("/live", headers=cookie):
        pass
    assert refusal.value.status_code == 403
    with client.websocket_connect("/live", headers=cookie | {"Origin": ISSUER.issuer}):
        pass


class HalfDecided(HTTPEndpoint):
    """A class with one method that nobody decided on."""

    get = Things.get

    async def delete(self, _request: Request) -> Response:
        """Delete, for anybody."""
        return Response()


@auth.public
class Open(HTTPEndpoint):
    """A class that is public on purpose."""

    async def get(self, _request: Request) -> Response:
        """Answer anybody."""
        return Response()


class Heir(Open):
    """A class that nobody decided on, below a public one."""

    async def get(self, _request: Request) -> Response:
        """Answer anybody, not on purpose."""
        return Response()


async def bare(_request: Request) -> Response:
    """Answer anybody, not on purpose."""
    return Response()


async def bare_method(_self: HTTPEndpoint, _request: Request) -> Response:
    """Answer anybody, not on purpose, from a class."""
    return Response()


async def bare_socket(websocket: WebSocket) -> None:
    """Talk to anybody, not on purpose."""
    await websocket.close()


async def fallback(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer anybody whatever they ask for."""
    await PlainTextResponse("secret")(scope, receive, send)


def falling_back(routes: list[BaseRoute]) -> Starlette:
    """Return an app that answers what none of its routes matches."""
    app = Starlette(routes=routes)
    app.router.default = fallback
    return app


@pytest.mark.parametrize(
    "route",
    [
        lambda: Route("/open", bare),
        lambda: Route("/open", HalfDecided),
        lambda: WebSocketRoute("/open", bare_socket),
        lambda: Mount("/open", StaticFiles(directory=".")),
        lambda: Mount("/open", routes=[Route("/x", bare)]),
        lambda: Mount("/open", Starlette(routes=[Route("/x", bare)])),
        lambda: Mount("/x", routes=[Mount("/open", routes=[Route("/y", bare)])]),
        lambda: Host("open.test", Router([Route("/open", bare)])),
        lambda: Route("/open", Heir),
        lambda: Mount("/open", falling_back([Route("/x", orders)])),
        lambda: Mount("/open", Router([Route("/x", orders)], default=fallback)),
        lambda: Mount("/open", falling_back([Route("/x", orders)]), middleware=[Middleware(GZipMiddleware)]),
        lambda: Host("open.test", falling_back([Route("/open", orders)])),
    ],
)
def test_a_guarded_app_with_an_undecided_route_does_not_start(route: Callable[[], BaseRoute]) -> None:
    """OPS-01."""
    app = Starlette(routes=[*ROUTES, route()])
    auth.guard(app)
    with pytest.raises(ConfigurationError, match=r"/open|open\.test"), TestClient(app):
        pass


def test_no_method_that_a_class_answers_to_is_overlooked() -> None:
    """OPS-01: what Starlette calls for a request is what the guard asks about, for every method that there is."""
    answered = set()
    for method in METHODS:
        endpoint = type("Endpoint", (HTTPEndpoint,), {"post": Things.post, method.lower(): bare_method})
        open_app = Starlette(routes=[Route("/open", endpoint)])
        if TestClient(open_app).request(method, "/open").status_code != 200:
            continue
        answered.add(method)
        auth.guard(open_app)
        with pytest.raises(ConfigurationError, match="/open"), TestClient(open_app):
            pass

    assert answered >= {"GET", "DELETE", "QUERY"}


def test_a_guarded_app_with_a_fallback_of_its_own_does_not_start() -> None:
    """OPS-01: it would answer every path that has no route; marked as public it may."""
    app = falling_back(ROUTES)
    auth.guard(app)
    with pytest.raises(ConfigurationError, match="whatever no route matches"), TestClient(app):
        pass
    app.router.default = auth.public(PlainTextResponse("nothing here"))
    with TestClient(app) as client:
        assert client.get("/nowhere").text == "nothing here"


def test_an_endpoint_without_a_request_can_not_be_protected() -> None:
    """It stops where it is written."""
    with pytest.raises(ConfigurationError):
        auth.require()(lambda: None)


@pytest.mark.parametrize("through", ["guard", "lifespan"])
def test_the_feed_is_followed_as_long_as_the_app_runs(through: str) -> None:
    """From its start to its end, and again at the next start."""
    auth = Keyturn(ISSUER.issuer, ISSUER.audience, jwks=ISSUER.jwks, revocations=NO_FEED)
    app = Starlette(lifespan=auth.lifespan if through == "lifespan" else None)
    if through == "guard":
        auth.guard(app)
    for _ in range(2):
        with TestClient(app):
            assert follows(auth)
        wait_for_the_end(auth)


def test_a_stale_view_is_a_matter_of_each_endpoint(monkeypatch: pytest.MonkeyPatch) -> None:
    """REF-17: 503, or the last view."""
    monkeypatch.setattr("keyturn.verify.feed.follower.PATIENCE", 0.1)
    auth = Keyturn(ISSUER.issuer, ISSUER.audience, jwks=ISSUER.jwks, revocations=NO_FEED)

    def answer(request: Request) -> Response:
        return PlainTextResponse(request.user.identity)

    app = Starlette(
        routes=[
            Route("/strict", auth.require()(answer)),
            Route("/lenient", auth.require(on_stale="accept")(answer)),
        ],
        lifespan=auth.lifespan,
    )
    with TestClient(app) as client:
        strict = client.get("/strict", headers=ISSUER.headers())
        assert (strict.status_code, strict.headers["retry-after"]) == (503, "1")
        assert client.get("/lenient", headers=ISSUER.headers("ada")).text == "ada"
        assert client.get("/strict", headers=ISSUER.headers(expires_in=-60)).status_code == 401
    wait_for_the_end(auth)
