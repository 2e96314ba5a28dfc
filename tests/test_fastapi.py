"""FastAPI routes behind tokens, as the five lines of the README write them."""

from collections.abc import Callable, Iterator
from contextlib import asynccontextmanager
from typing import Annotated, Any

import pytest
from fastapi import APIRouter, Depends, FastAPI, Request, WebSocket
from fastapi.responses import JSONResponse
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.staticfiles import StaticFiles
from starlette.testclient import TestClient, WebSocketDenialResponse

from following import NO_FEED, follows, wait_for_the_end
from keyturn.errors import ConfigurationError, VerifierUnavailable
from keyturn.fastapi import AccessToken, Keyturn
from keyturn.testing import TestIssuer
from keyturn.verify.marks import mark

ISSUER = TestIssuer()
REALM = f'Bearer realm="{ISSUER.issuer}"'


@pytest.fixture
def auth() -> Keyturn:
    """Return what an API makes of its issuer."""
    return Keyturn(ISSUER.issuer, ISSUER.audience, jwks=ISSUER.jwks)


@pytest.fixture
def app(auth: Keyturn) -> FastAPI:
    """Return an API with a route of each kind, and nothing registered."""
    app = FastAPI()

    @app.get("/orders")
    async def orders(token: Annotated[AccessToken, auth.require("orders:read")]) -> str:
        return token.sub

    @app.get("/me")
    def me(token: Annotated[AccessToken, auth.require()]) -> str:
        return token.sub

    @app.get("/admin", dependencies=[auth.require(roles=["admin", "support"])])
    async def admin() -> str:
        return "in"

    @app.post("/orders")
    async def order(token: Annotated[AccessToken, auth.require("orders:read", "orders:write")]) -> str:
        return token.sub

    @app.websocket("/live")
    async def live(websocket: WebSocket, token: Annotated[AccessToken, auth.require()]) -> None:
        await websocket.accept()
        await websocket.send_text(token.sub)
        await websocket.close()

    return app


@pytest.fixture
def client(app: FastAPI) -> Iterator[TestClient]:
    """Return a client of the API."""
    with TestClient(app) as client:
        yield client


def test_a_good_token_reaches_the_route(client: TestClient) -> None:
    """Contract §6: as a parameter, in an async and in a plain function."""
    assert client.get("/orders", headers=ISSUER.headers("ada", scopes=["orders:read", "x"])).json() == "ada"
    assert client.get("/me", headers=ISSUER.headers("ada")).json() == "ada"


def test_no_token_is_asked_for_without_an_error_code(client: TestClient) -> None:
    """WEB-01; in a query or a form there is never one (WEB-02)."""
    token = ISSUER.make_token(scopes=["orders:read"])
    for answer in (client.get("/orders"), client.get("/orders", params={"access_token": token})):
        assert (answer.status_code, answer.headers["www-authenticate"]) == (401, REALM)
        assert answer.json()["error"] == "invalid_token"


@pytest.mark.parametrize(
    "token",
    [ISSUER.make_token(expires_in=-60), ISSUER.make_token(aud="other"), TestIssuer().make_token(), "junk", "a.b.c"],
)
def test_every_bad_token_gets_one_answer(client: TestClient, token: str) -> None:
    """WEB-01, VER-28: 401 invalid_token, never 403, never why."""
    answer = client.get("/orders", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith(f'{REALM}, error="invalid_token"')
    assert answer.json() == {
        "error": "invalid_token",
        "error_description": "The access token is invalid, expired or revoked.",
    }


@pytest.mark.parametrize("headers", [[("Authorization", "Bearer")], [("Authorization", "Bearer a.b.c")] * 2])
def test_a_malformed_or_doubled_header_is_400(client: TestClient, headers: list[tuple[str, str]]) -> None:
    """WEB-01, A56."""
    answer = client.get("/orders", headers=headers)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


def test_a_missing_scope_is_403_and_named(client: TestClient) -> None:
    """WEB-01: all scopes are needed."""
    answer = client.post("/orders", headers=ISSUER.headers(scopes=["orders:read", "orders:writer"]))
    assert (answer.status_code, answer.json()["error"]) == (403, "insufficient_scope")
    assert answer.headers["www-authenticate"].endswith('scope="orders:read orders:write"')


@pytest.mark.parametrize(("roles", "status"), [(["support"], 200), (["administrator"], 403), ([], 403)])
def test_one_role_is_enough(client: TestClient, roles: list[str], status: int) -> None:
    """A30: and it is compared whole."""
    assert client.get("/admin", headers=ISSUER.headers(roles=roles)).status_code == status


def test_an_unavailable_verifier_is_503_with_retry_after(client: TestClient, auth: Keyturn) -> None:
    """KEY-06: never a verdict."""

    class Down:
        expected = auth.verifier.expected

        async def verify_async(self, _text: str, *, on_stale: str | None = None) -> AccessToken:
            raise VerifierUnavailable(retry_after=9)

    auth.verifier = Down()
    answer = client.get("/me", headers=ISSUER.headers())
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "9")
    assert answer.json()["error"] == "temporarily_unavailable"


def test_an_app_that_shapes_its_errors_is_not_overruled(app: FastAPI) -> None:
    """Its handler for HTTPException gets ours too, with our body as the detail."""

    async def shape(_request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, HTTPException)
        return JSONResponse({"shaped": error.detail}, error.status_code, headers=error.headers)

    app.add_exception_handler(HTTPException, shape)
    with TestClient(app) as client:
        answer = client.get("/me")
    assert answer.json()["shaped"]["error"] == "invalid_token"
    assert answer.headers["www-authenticate"] == REALM


def test_a_websocket_is_refused_before_it_opens(client: TestClient) -> None:
    """The same rules at the handshake."""
    with pytest.raises(WebSocketDenialResponse) as refusal, client.websocket_connect("/live"):
        pass
    assert refusal.value.status_code == 401
    with client.websocket_connect("/live", headers=ISSUER.headers("ada")) as socket:
        assert socket.receive_text() == "ada"


def test_the_openapi_document_shows_the_button_and_the_scopes(client: TestClient) -> None:
    """Contract §6."""
    document = client.get("/openapi.json").json()
    assert document["components"]["securitySchemes"]["Keyturn"]["scheme"] == "bearer"
    assert document["paths"]["/orders"]["post"]["security"] == [{"Keyturn": ["orders:read", "orders:write"]}]


def test_a_cookie_counts_only_where_it_was_chosen() -> None:
    """WEB-05, WEB-06: and then unsafe methods need the CSRF rule."""
    auth = Keyturn(ISSUER.issuer, ISSUER.audience, jwks=ISSUER.jwks, token_from="cookie")
    app = FastAPI()
    for method in ("GET", "POST"):
        app.add_api_route("/page", lambda: "in", methods=[method], dependencies=[auth.require()])
    cookie = {"Cookie": f"__Host-keyturn_access={ISSUER.make_token()}"}
    with TestClient(app) as client:
        assert client.get("/page", headers=cookie).status_code == 200
        assert client.get("/page", headers=ISSUER.headers()).status_code == 401
        refused = client.post("/page", headers=cookie | {"Origin": "https://evil.example"})
        assert (refused.status_code, refused.json()["error"]) == (403, "forbidden")
        assert client.post("/page", headers=cookie | {"Origin": ISSUER.issuer}).status_code == 200
        scheme = client.get("/openapi.json").json()["components"]["securitySchemes"]["Keyturn"]
    assert (scheme["in"], scheme["name"]) == ("cookie", "__Host-keyturn_access")


def start(app: FastAPI) -> None:
    """Start *app* and stop it."""
    with TestClient(app):
        pass


def test_a_guarded_app_of_decided_routes_starts(app: FastAPI, auth: Keyturn) -> None:
    """OPS-01: required, or public by any of the marks; FastAPI's own pages are let be."""

    @app.get("/health", dependencies=[auth.public])
    def health() -> str:
        return "ok"

    @app.get("/about")
    @auth.public
    def about() -> str:
        return "us"

    def user(token: Annotated[AccessToken, auth.require()]) -> str:
        return token.sub

    @app.get("/nested")
    def nested(sub: Annotated[str, Depends(user)]) -> str:
        return sub

    router = APIRouter(dependencies=[auth.require()])
    router.add_api_route("/inner", lambda: 1)
    outer = APIRouter()
    outer.include_router(router, prefix="/b")
    app.include_router(outer, prefix="/a")
    app.include_router(APIRouter(routes=[Route("/raw", auth.public(lambda _request: PlainTextResponse("raw")))]))
    app.mount("/static", auth.public(StaticFiles(directory=".")))
    auth.guard(app)
    with TestClient(app) as client:
        assert client.get("/about").json() == "us"
        assert client.get("/health").json() == "ok"
        assert client.get("/a/b/inner").status_code == 401


def _route(app: FastAPI) -> None:
    app.add_api_route("/open", lambda: 1)


def _included(app: FastAPI) -> None:
    inner, outer = APIRouter(), APIRouter()
    inner.add_api_route("/open", lambda: 1)
    outer.include_router(inner)
    app.include_router(outer, prefix="/x")


def _raw(app: FastAPI) -> None:
    app.add_route("/open", lambda _request: PlainTextResponse("open"))


def _socket(app: FastAPI) -> None:
    async def endpoint(websocket: WebSocket) -> None:
        await websocket.close()

    app.add_api_websocket_route("/open", endpoint)


def _static(app: FastAPI) -> None:
    app.mount("/open", StaticFiles(directory="."))


def _sub_app(app: FastAPI) -> None:
    sub = FastAPI()
    sub.add_api_route("/deep", lambda: 1)
    app.mount("/open", sub)


def _frontend(app: FastAPI) -> None:
    app.frontend("/open", directory=".")


def _falling_back(app: FastAPI) -> None:
    sub = FastAPI()
    sub.router.default = PlainTextResponse("open")
    app.mount("/open", sub)


def _falling_back_elsewhere(app: FastAPI) -> None:
    sub = Starlette(routes=[Route("/in", mark(lambda _request: PlainTextResponse("in")))])
    sub.router.default = PlainTextResponse("open")
    app.mount("/open", sub)


def _default(app: FastAPI) -> None:
    app.router.default = PlainTextResponse("open")


@pytest.mark.parametrize(
    "add",
    [
        _route,
        _included,
        _raw,
        _socket,
        _static,
        _sub_app,
        _frontend,
        _falling_back,
        _falling_back_elsewhere,
        _default,
    ],
)
def test_a_guarded_app_with_an_undecided_route_does_not_start(
    app: FastAPI, auth: Keyturn, add: Callable[[FastAPI], None]
) -> None:
    """OPS-01: also one that was added after the guard."""
    auth.guard(app)
    start(app)
    add(app)
    with pytest.raises(ConfigurationError, match=r"open|frontend|whatever no route matches"):
        start(app)


def test_the_guard_keeps_the_apps_own_lifespan(auth: Keyturn) -> None:
    """It starts after the check, and hands its state on."""
    ran: list[str] = []

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> Any:
        ran.append("start")
        yield {"state": "kept"}
        ran.append("stop")

    app = FastAPI(lifespan=lifespan)

    @app.get("/state", dependencies=[auth.public])
    def state(request: Request) -> str:
        return str(request.state.state)

    auth.guard(app)
    with TestClient(app) as client:
        assert client.get("/state").json() == "kept"
    assert ran == ["start", "stop"]


def test_the_feed_is_followed_unless_said_otherwise() -> None:
    """Contract §6: by default, but not without a network, nor around another verifier."""
    assert Keyturn("https://a.test", "b").verifier._feed is not None  # type: ignore[attr-defined]
    for auth in (
        Keyturn("https://a.test", "b", revocations=None),
        Keyturn("https://a.test", "b", jwks=ISSUER.jwks),
        Keyturn.around(ISSUER.verifier()),
    ):
        assert auth.verifier._feed is None  # type: ignore[attr-defined]


@pytest.mark.parametrize("through", ["guard", "lifespan"])
def test_the_feed_is_followed_as_long_as_the_app_runs(through: str) -> None:
    """From the start, so that the first request finds a view; to the end; and again at the next start."""
    auth = Keyturn(ISSUER.issuer, ISSUER.audience, jwks=ISSUER.jwks, revocations=NO_FEED)
    app = FastAPI(lifespan=auth.lifespan if through == "lifespan" else None)
    if through == "guard":
        auth.guard(app)
    for _ in range(2):
        with TestClient(app):
            assert follows(auth)
        wait_for_the_end(auth)


def test_without_a_guard_the_first_request_begins(monkeypatch: pytest.MonkeyPatch) -> None:
    """And a stale view is a matter of each route: 503, or the last view."""
    monkeypatch.setattr("keyturn.verify.feed.follower.PATIENCE", 0.1)
    auth = Keyturn(ISSUER.issuer, ISSUER.audience, jwks=ISSUER.jwks, revocations=NO_FEED)
    app = FastAPI()
    app.add_api_route("/strict", lambda: "in", dependencies=[auth.require()])
    app.add_api_route("/lenient", lambda: "in", dependencies=[auth.require(on_stale="accept")])
    with TestClient(app) as client:
        assert not follows(auth)
        strict = client.get("/strict", headers=ISSUER.headers())
        assert (strict.status_code, strict.headers["retry-after"]) == (503, "1")
        assert strict.json()["error"] == "temporarily_unavailable"
        assert client.get("/lenient", headers=ISSUER.headers()).status_code == 200
        assert client.get("/strict", headers=ISSUER.headers(aud="other")).status_code == 401
        assert follows(auth)
    auth.verifier.close()  # type: ignore[attr-defined]
    wait_for_the_end(auth)


def test_a_policy_that_does_not_exist_is_told_at_once(auth: Keyturn) -> None:
    """Not in the first outage."""
    with pytest.raises(ConfigurationError, match="on_stale"):
        auth.require(on_stale="acept")
