"""Every endpoint with input that nobody in their right mind sends: a documented error, the right face, no change.

Contract §2 names the faces: OAuth endpoints speak RFC 6749 §5.2, bad bearer tokens are challenged as RFC 6750 §3
says, the rest is a problem (RFC 9457). The tables are the same before and after, but for rate limits and audit log.
"""

import asyncio
import json
from collections.abc import Coroutine, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import quote_from_bytes, urlencode

import faces
import pytest
from wire import FORM, JSON, Answer, ask, request

from keyturn.core.issue import Issued
from server import PASSWORD, Installation, Server, add_users, install, log_in, serving

pytestmark = pytest.mark.slow

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """An endpoint with a body: fields that are in order, and how its errors look.

    Attributes:
        required: the fields that must be there.
        refusal: status and code where a value is not acceptable.

    """

    path: str
    types: tuple[str, ...]
    fields: dict[str, str]
    required: tuple[str, ...]
    face: str
    refusal: tuple[int, str]
    bearer: bool = False

    def __str__(self) -> str:
        return self.path


UNPROCESSABLE = (422, "validation_failed")
BAD_REQUEST = (400, "invalid_request")

ENDPOINTS = (
    Endpoint(
        path="/login",
        types=(JSON, FORM),
        fields={"username": "nobody", "password": PASSWORD},
        required=("username", "password"),
        face="problem",
        refusal=UNPROCESSABLE,
    ),
    Endpoint(
        path="/token",
        types=(FORM,),
        fields={"grant_type": "refresh_token", "refresh_token": "ktr_evil"},
        required=("grant_type",),
        face="oauth",
        refusal=BAD_REQUEST,
    ),
    Endpoint(
        path="/revoke",
        types=(FORM,),
        fields={"token": "ktr_evil"},
        required=("token",),
        face="oauth",
        refusal=BAD_REQUEST,
    ),
    Endpoint(
        path="/logout",
        types=(JSON, FORM),
        fields={"refresh_token": "ktr_evil"},
        required=(),
        face="problem",
        refusal=UNPROCESSABLE,
    ),
    Endpoint(
        path="/password",
        types=(JSON,),
        fields={"current_password": PASSWORD, "new_password": PASSWORD},
        required=("current_password", "new_password"),
        face="problem",
        refusal=UNPROCESSABLE,
        bearer=True,
    ),
    Endpoint(
        path="/register",
        types=(JSON,),
        fields={"username": "newcomer", "password": PASSWORD},
        required=("username", "password"),
        face="problem",
        refusal=UNPROCESSABLE,
    ),
)

KINDS = [pytest.param(each, kind, id=f"{each.path} {kind[12:16]}") for each in ENDPOINTS for kind in each.types]
every_kind = pytest.mark.parametrize(("endpoint", "kind"), KINDS)
every_endpoint = pytest.mark.parametrize("endpoint", ENDPOINTS, ids=str)

DOUBLED = {
    JSON: lambda name: f'{{"{name}": "evil", "{name}": "evil"}}'.encode(),
    FORM: lambda name: f"{name}=evil&{name}=evil".encode(),
}
MALFORMED = {
    JSON: (
        b"",
        b"{",
        b"[]",
        b"null",
        b'"evil"',
        b"1e999",
        b'{"a": NaN}',
        b'{"a": "\xff\xfe"}',
        b'\xef\xbb\xbf{"a": "b"}',
        '{"a": "b"}'.encode("utf-16"),
        b'{"a": "\\ud800"}',
        b'{"a": "evil\\u0000"}',
        b'{"evil\x1b": "b"}',
        b'{"a": "evil\r\n"}',
        b"[" * 8000,
        b'{"a":' * 3000,
        b'{"a": 1' + b"0" * 8000 + b"}",
        b"a=b",
    ),
    FORM: (
        b"a=%",
        b"a=%zz",
        b"a=%ff%fe",
        b"a=\xff\xfe",
        b"a=%00",
        b"a=\x00",
        b"%00=a",
        b"a=%ed%a0%80",
        b"a=%c0%af",
    ),
}
TYPES = ("", "text/plain", "multipart/form-data; boundary=evil", "application/jsonevil", "application/xml", "*/*")
NAUGHTY = (
    "evil\r\nSet-Cookie: evil=1",
    "evil\nX-Evil: 1",
    "\x1b[31mevil\x07",
    "evil\u2028\u202e",
    "' OR 1=1--evil",
    "../../../evil",
    "{{7*7}}${evil}",
    "evil" * 3000,
    "\ufdfa" * 500,
)
GOOD_WHATEVER_IT_IS = {("/register", "password"), ("/password", "new_password"), ("/register", "username")}
"""Fields where such a text may be what somebody wants."""


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Installation:
    """An installation where even registration is open."""
    made = install(tmp_path_factory.mktemp("hostile"), KEYTURN_REGISTRATION_MODE="open")
    add_users(made, "alice")
    return made


@pytest.fixture(scope="module")
def alice(installation: Installation) -> Issued:
    """Somebody with a token for the issuer itself."""
    return log_in(installation, "alice", for_issuer=True)[0]


@pytest.fixture(scope="module")
def server(installation: Installation, alice: Issued) -> Iterator[Server]:
    """Its server."""
    with serving(installation) as running:
        yield running


@pytest.fixture(autouse=True)
def nothing_changes(installation: Installation, server: Server) -> Iterator[None]:
    """Compare the tables before and after, and see that the process still is the same one."""
    before = dump(installation)
    yield
    assert dump(installation) == before, "a refused request changed something"
    assert server.process.poll() is None


@every_kind
def test_a_field_that_is_missing(server: Server, alice: Issued, endpoint: Endpoint, kind: str) -> None:
    """WEB-11: a required field that is not there is named, and that is all."""
    for name in endpoint.required:
        fields = {key: value for key, value in endpoint.fields.items() if key != name}
        answer = send(server, alice, endpoint, kind, encoded(kind, fields))
        expect(answer, endpoint, endpoint.refusal)
        assert name in answer.body.decode()


@every_kind
def test_a_field_that_is_there_twice(server: Server, alice: Issued, endpoint: Endpoint, kind: str) -> None:
    """A56, WEB-11: a body has one meaning, or none."""
    for name in endpoint.fields:
        expect(send(server, alice, endpoint, kind, DOUBLED[kind](name)), endpoint, BAD_REQUEST)


@every_kind
def test_a_body_that_can_not_be_read(server: Server, alice: Issued, endpoint: Endpoint, kind: str) -> None:
    """A19, A20: broken JSON, broken escapes, other encodings, NUL, depth: one error."""
    for body in MALFORMED[kind]:
        if body or endpoint.required:  # a logout may go without a body
            expect(send(server, alice, endpoint, kind, body), endpoint, BAD_REQUEST)


@pytest.mark.parametrize("endpoint", [each for each in ENDPOINTS if JSON in each.types], ids=str)
def test_a_field_of_another_type(server: Server, alice: Issued, endpoint: Endpoint) -> None:
    """WEB-11: a number, a list, an object or null is no text."""
    for name in endpoint.fields:
        for value in (1, 1.5, True, ["evil"], {"evil": "evil"}, None):
            if value is None and name not in endpoint.required:
                continue
            body = json.dumps({**endpoint.fields, name: value}).encode()
            expect(send(server, alice, endpoint, JSON, body), endpoint, UNPROCESSABLE)


@every_kind
def test_a_body_that_is_too_large(server: Server, alice: Issued, endpoint: Endpoint, kind: str) -> None:
    """WEB-11: more than 16 KiB is refused, announced or sent in chunks."""
    body = encoded(kind, {**endpoint.fields, "more": "x" * 17_000})
    expect(send(server, alice, endpoint, kind, body), endpoint, (413, "invalid_request"))
    expect(send_chunked(server, alice, endpoint, kind, body), endpoint, (413, "invalid_request"))


@every_kind
def test_a_body_with_too_many_fields(server: Server, alice: Issued, endpoint: Endpoint, kind: str) -> None:
    """WEB-11: more than 64 fields are refused."""
    body = encoded(kind, {**endpoint.fields, **{f"f{number}": "x" for number in range(65)}})
    answer = send(server, alice, endpoint, kind, body)
    expect(answer, endpoint, (413, "invalid_request"))


@every_endpoint
def test_a_body_of_another_type(server: Server, alice: Issued, endpoint: Endpoint) -> None:
    """WEB-11, A42: text/plain and the like smuggle nothing in, nor does another charset or a second header."""
    others = tuple({JSON, FORM} - set(endpoint.types))
    charsets = tuple(f"{kind}; charset=utf-16" for kind in endpoint.types)
    body = encoded(endpoint.types[0], endpoint.fields)
    for kind in (*TYPES, *others, *charsets):
        expect(send(server, alice, endpoint, kind, body), endpoint, (415, "invalid_request"))
    expect(
        send(server, alice, endpoint, endpoint.types[0], body, content_Type=JSON), endpoint, (415, "invalid_request")
    )


@every_kind
def test_a_value_that_wants_to_be_something_else(server: Server, alice: Issued, endpoint: Endpoint, kind: str) -> None:
    """A52: line ends, escapes, SQL, paths and lengths in every field: refused, and nothing of it comes back."""
    for name in endpoint.fields:
        for text in NAUGHTY:
            if (endpoint.path, name) in GOOD_WHATEVER_IT_IS and len(text) < 400:
                continue
            answer = send(server, alice, endpoint, kind, encoded(kind, {**endpoint.fields, name: text}))
            if endpoint.path in {"/revoke", "/logout"} and answer.status in {200, 204}:
                continue  # an unknown token is as good as revoked (RFC 7009 §2.2)
            faces.check(answer)


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE", "TRACE", "PROPFIND"])
@every_endpoint
def test_a_method_that_is_not_taken(server: Server, endpoint: Endpoint, method: str) -> None:
    """A URL that takes POST alone says so, in every other method."""
    answer = run(ask(server.port, request(method, endpoint.path)))
    assert (answer.status, answer.json()["error"]) == (405, "invalid_request")
    assert set((answer.header("allow") or "").replace(" ", "").split(",")) == {"POST", "OPTIONS"}


@pytest.mark.parametrize(
    "path",
    ["/evil", "/login/", "//login", "/LOGIN", "/token/evil", "/%2e%2e/evil", "/sessions/", "/me%00", "/login%0d%0a"],
)
def test_a_url_that_is_none(server: Server, path: str) -> None:
    """A47: there are no second spellings of a URL."""
    answer = run(ask(server.port, request("POST", path, b"{}", JSON)))
    assert faces.check(answer) == "problem"
    assert answer.status == 404


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/me"), ("GET", "/sessions"), ("DELETE", "/sessions/x"), ("POST", "/logout/all"), ("POST", "/password")],
)
def test_a_bearer_token_that_is_none(server: Server, alice: Issued, method: str, path: str) -> None:
    """WEB-01, WEB-02, A38: none, two, malformed, forged, a refresh token, one in the URL."""
    token = alice.access_token
    good = f"Bearer {token}"
    cases: list[tuple[str, dict[str, str], int, str]] = [
        ("", {}, 401, "invalid_token"),
        (f"?access_token={token}", {}, 401, "invalid_token"),
        ("", {"Authorization": "Basic ZXZpbDpldmls"}, 401, "invalid_token"),
        ("", {"Authorization": good, "authorization": good}, 400, "invalid_request"),
        ("", {"Authorization": "Bearer"}, 400, "invalid_request"),
        ("", {"Authorization": f"{good} evil"}, 400, "invalid_request"),
        ("", {"Authorization": "Bearer evil"}, 401, "invalid_token"),
        ("", {"Authorization": f"Bearer {token[:-4]}AAAA"}, 401, "invalid_token"),
        ("", {"Authorization": f"Bearer {alice.refresh_token}"}, 401, "invalid_token"),
        ("", {"Authorization": "Bearer " + "e" * 9000}, 401, "invalid_token"),
    ]
    for query, headers, status, code in cases:
        answer = run(ask(server.port, request(method, path + query, b"", None, **headers)))
        assert (answer.status, answer.json()["error"]) == (status, code), headers
        assert faces.check(answer) == "bearer"
        sent_one = "Bearer" in headers.get("Authorization", "")
        assert ("error=" in (answer.header("www-authenticate") or "")) == sent_one


@pytest.mark.parametrize(
    "name", ["\x1b[31mevil", "evil\r\nSet-Cookie: a=b", " evil", "evil\u202e", "e" * 255, "evil\x00"]
)
def test_a_name_that_nobody_may_have(server: Server, name: str) -> None:
    """A52: no account gets a name that can't be seen or that forges a line."""
    body = json.dumps({"username": name, "password": PASSWORD}).encode()
    answer = run(ask(server.port, request("POST", "/register", body, JSON)))
    assert answer.status in {400, 422}
    assert faces.check(answer) == "problem"


def test_a_cookie_that_is_there_twice(server: Server) -> None:
    """A43, WEB-05: a refresh cookie that is there twice is refused, in one header or in two."""
    pair = "keyturn_refresh=ktr_evil"
    body = urlencode({"grant_type": "refresh_token"}).encode()
    for headers in ({"Cookie": f"{pair}; {pair}"}, {"Cookie": pair, "cookie": pair}):
        answer = run(ask(server.port, request("POST", "/token", body, FORM, Sec_Fetch_Site="same-origin", **headers)))
        assert faces.check(answer) == "oauth"
        assert (answer.status, answer.json()["error"]) == BAD_REQUEST


def encoded(kind: str, fields: dict[str, str]) -> bytes:
    """Return *fields* as a body of this *kind*."""
    if kind == JSON:
        return json.dumps(fields).encode()
    pairs = ((name, value.encode("utf-8", "surrogatepass")) for name, value in fields.items())
    return "&".join(f"{name}={quote_from_bytes(value)}" for name, value in pairs).encode()


def send(server: Server, alice: Issued, endpoint: Endpoint, kind: str, body: bytes, **headers: str) -> Answer:
    """Send a body to an endpoint, with alice's token where it asks for one."""
    if endpoint.bearer:
        headers["Authorization"] = f"Bearer {alice.access_token}"
    return run(ask(server.port, request("POST", endpoint.path, body, kind or None, **headers)))


def send_chunked(server: Server, alice: Issued, endpoint: Endpoint, kind: str, body: bytes) -> Answer:
    """Send a body in chunks of a thousand bytes."""
    head = f"POST {endpoint.path} HTTP/1.1\r\nHost: x\r\nContent-Type: {kind}\r\nTransfer-Encoding: chunked\r\n"
    if endpoint.bearer:
        head += f"Authorization: Bearer {alice.access_token}\r\n"
    parts = [body[at : at + 1000] for at in range(0, len(body), 1000)]
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts)
    return run(ask(server.port, head.encode() + b"\r\n" + chunks + b"0\r\n\r\n"))


def expect(answer: Answer, endpoint: Endpoint, wanted: tuple[int, str]) -> None:
    """Assert status, code and face. A malformed request to what takes a bearer token is answered as RFC 6750 §3.1."""
    assert (answer.status, answer.json()["error"]) == wanted, answer.body
    takes_bearer = endpoint.path in {"/logout", "/password"}
    assert faces.check(answer) == ("bearer" if takes_bearer and wanted == BAD_REQUEST else endpoint.face)


def dump(installation: Installation) -> dict[str, list[tuple[Any, ...]]]:
    """Return every row of every table but the rate limits and the audit log."""
    tables = ("users", "sessions", "revocations", "revocation_sequence", "signing_keys", "schema_version")
    return {table: sorted(installation.query(f"SELECT * FROM {table}"), key=repr) for table in tables}


def run(flow: Coroutine[Any, Any, T]) -> T:
    """Run to the end, which comes within half a minute."""
    return asyncio.run(asyncio.wait_for(flow, 30))
