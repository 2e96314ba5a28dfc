"""No secret gets out: every token, password and key of a scripted day is looked for in all that a server leaves behind.

Looked through are its output at the level ``debug``, its metrics and documents, every answer that refused something,
what the commands print, and the database with its log. The database holds handles, by design, and password hashes; it
holds no MAC of a token, no token, no password and no key in the clear.
"""

import asyncio
import base64
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.serialization import load_der_private_key
from wire import FORM, JSON, Answer, ask, me_request, refresh_request, request

from keyturn.core.keyring import Keyring
from keyturn.store import open_store
from keyturn.tokens import base64url
from keyturn.tokens.master_key import parse_master_keys
from server import PASSWORD, Installation, Server, add_users, install, serving

pytestmark = pytest.mark.slow

NEW_PASSWORD = "another horse, another battery"
WRONG_PASSWORD = "hunter2 hunter2 hunter2"
COMMANDS = (
    ("config", "show"),
    ("users", "list", "--json"),
    ("users", "show", "alice", "--json"),
    ("sessions", "list", "--json"),
    ("keys", "list", "--json"),
    ("db", "status", "--json"),
)


@dataclass(slots=True)
class Day:
    """What happened: the secrets that were about, and the answers that came back."""

    port: int
    secrets: set[str] = field(default_factory=set)
    raw_secrets: set[bytes] = field(default_factory=set)
    handles: set[bytes] = field(default_factory=set)
    answers: list[Answer] = field(default_factory=list)

    async def ask(self, data: bytes) -> Answer:
        """Ask, and keep what an answer must not repeat and what it gave."""
        answer = await ask(self.port, data)
        self.answers.append(answer)
        if answer.header("content-type") == JSON:
            self._keep(answer.json())
        for name, value in answer.headers:
            if name == "set-cookie":
                self._keep_token(value.partition(";")[0].partition("=")[2])
        return answer

    def _keep(self, body: dict[str, Any]) -> None:
        for name in ("access_token", "refresh_token", "device_token"):
            if name in body:
                self._keep_token(body[name])

    def _keep_token(self, token: str) -> None:
        if not token:
            return
        self.secrets.add(token)
        if token.startswith("ktr_"):
            data = base64url.decode(token.removeprefix("ktr_"))
            self.handles.add(data[5:21])
            self.raw_secrets.add(data[-32:])
        elif token.startswith("eyJ"):
            self.secrets.add(token.rpartition(".")[2])


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Installation:
    """An installation that logs all it can."""
    made = install(tmp_path_factory.mktemp("secrets"), KEYTURN_LOG_LEVEL="debug", KEYTURN_REGISTRATION_MODE="open")
    add_users(made, "alice")
    return made


@pytest.fixture(scope="module")
def server(installation: Installation) -> Iterator[Server]:
    """Its server."""
    with serving(installation) as running:
        yield running


@pytest.fixture(scope="module")
def day(installation: Installation, server: Server) -> Day:
    """A day in which everything happens that may happen to a secret."""
    lived = Day(server.port, secrets={PASSWORD, NEW_PASSWORD, WRONG_PASSWORD, master_key(installation)})
    asyncio.run(live(lived, installation))
    lived.raw_secrets |= asyncio.run(keys_in_use(installation))
    lived.raw_secrets.add(base64url.decode(master_key(installation)))
    return lived


def test_the_search_finds_a_secret_in_any_form(day: Day) -> None:
    """The proof can fail: a token, a handle and a password would be found, as they are and written down."""
    for secret in (next(iter(day.secrets)).encode(), next(iter(day.raw_secrets)), next(iter(day.handles))):
        assert all(hits(day, b"..." + form + b"...", handles=True) for form in forms(secret))


def test_no_secret_in_the_log(day: Day, installation: Installation, server: Server) -> None:
    """A57, VER-30, OPS-03: standard output and standard error, at the level debug."""
    output = server.log.read_bytes()
    assert b'"route":"/token"' in output
    assert hits(day, output, handles=True) == []
    assert b"$argon2" not in output
    assert b"PRIVATE KEY" not in output


def test_no_secret_in_what_anybody_may_read(day: Day) -> None:
    """A57: metrics, documents, key set and health."""

    async def read() -> list[Answer]:
        paths = ("/metrics", "/openapi.json", "/docs", "/.well-known/jwks.json", "/readyz", "/healthz")
        return [await ask(day.port, request("GET", path)) for path in paths]

    for answer in asyncio.run(read()):
        assert answer.status == 200
        assert hits(day, whole(answer), handles=True) == []


def test_no_secret_in_a_refusal(day: Day) -> None:
    """A57: no answer to something wrong repeats what was sent, in its body or its headers."""
    refusals = [answer for answer in day.answers if answer.status >= 400]
    assert len(refusals) > 20
    for answer in refusals:
        assert hits(day, whole(answer), handles=True) == []


def test_no_token_in_an_answer_shows_the_handle(day: Day) -> None:
    """Contract §3: the handle of a session is in its refresh token, and in no other part of any answer."""
    for answer in day.answers:
        told = whole(answer)
        for secret in day.secrets:
            told = told.replace(secret.encode(), b"")
        assert not [handle for handle in day.handles if any(form in told for form in forms(handle))]


def test_no_usable_secret_in_the_database(day: Day, installation: Installation) -> None:
    """A57, REF-01, KEY-10: no token, no MAC, no password and no key; handles are there, as the look-up needs them."""
    files = {path.name: path.read_bytes() for path in installation.folder.glob("keyturn.db*")}
    assert {"keyturn.db", "keyturn.db-wal"} <= files.keys()
    content = b"".join(files.values())
    assert hits(day, content, handles=False) == []
    assert any(handle in content for handle in day.handles), "the search would find a secret if there were one"


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_no_secret_in_what_a_command_prints(day: Day, installation: Installation, command: tuple[str, ...]) -> None:
    """A57: what operators read and paste into tickets."""
    done = installation.run(*command)
    assert done.returncode == 0, done.stderr
    assert hits(day, (done.stdout + done.stderr).encode(), handles=True) == []


async def live(day: Day, installation: Installation) -> None:
    """Log in in every way, refresh, replay, be robbed, mistype, send secrets to the wrong places, log out."""
    native = (await day.ask(login(client="native", resource=installation.issuer))).json()
    other = (await day.ask(login(client="native", device_token=native["device_token"]))).json()
    browser = await day.ask(login(client="browser"))
    await day.ask(login(client="cookie"))
    await cookie_life(day, browser)
    await token_life(day, other["refresh_token"])
    await mistakes(day, native)
    await wrong_places(day, native)
    await day.ask(change_password(native["access_token"], PASSWORD, NEW_PASSWORD))
    last = (await day.ask(refresh_request(native["refresh_token"]))).json()
    await day.ask(request("POST", "/revoke", urlencode({"token": last["access_token"]}).encode(), FORM))
    await day.ask(me_request(last["access_token"]))
    await day.ask(request("POST", "/logout", json.dumps({"refresh_token": last["refresh_token"]}).encode(), JSON))
    await day.ask(refresh_request(last["refresh_token"]))


async def cookie_life(day: Day, login_answer: Answer) -> None:
    """Refresh and log out with a cookie, with and without what the CSRF rule asks for."""
    pairs = [value.partition(";")[0] for name, value in login_answer.headers if name == "set-cookie"]
    cookie, body = "; ".join(pairs), urlencode({"grant_type": "refresh_token"}).encode()
    await day.ask(request("POST", "/token", body, FORM, Cookie=cookie))
    await day.ask(request("POST", "/token", body, FORM, Cookie=cookie, Sec_Fetch_Site="same-origin"))
    await day.ask(request("POST", "/token", body, FORM, Cookie=f"{cookie}; {cookie}", Sec_Fetch_Site="same-origin"))
    await day.ask(request("POST", "/logout", Cookie=cookie))
    await day.ask(request("POST", "/logout", Cookie=cookie, Sec_Fetch_Site="same-origin"))


async def token_life(day: Day, first: str) -> None:
    """Refresh, replay within the grace, and use a token that was used twice over."""
    second = (await day.ask(refresh_request(first))).json()["refresh_token"]
    await day.ask(refresh_request(first))
    await day.ask(refresh_request(second))
    assert (await day.ask(refresh_request(first))).status == 400


async def mistakes(day: Day, native: dict[str, str]) -> None:
    """Mistype passwords, and send bodies that can't be read but hold secrets."""
    token = native["refresh_token"]
    await day.ask(login(password=WRONG_PASSWORD))
    await day.ask(login(username="nobody", password=WRONG_PASSWORD))
    await day.ask(login(username=PASSWORD, password="alice"))
    await day.ask(login(resource="https://else.example", password=PASSWORD))
    await day.ask(login(scope=PASSWORD))
    await day.ask(change_password(native["access_token"], WRONG_PASSWORD, NEW_PASSWORD))
    await day.ask(change_password(native["access_token"], PASSWORD, "short"))
    await day.ask(request("POST", "/register", json.dumps({"username": "alice", "password": PASSWORD}).encode(), JSON))
    await day.ask(request("POST", "/login", f'{{"password": "{PASSWORD}", "username": '.encode(), JSON))
    await day.ask(request("POST", "/login", json.dumps({"password": [PASSWORD], "username": 1}).encode(), JSON))
    await day.ask(request("POST", "/login", json.dumps({PASSWORD: PASSWORD}).encode(), "text/plain"))
    await day.ask(request("POST", "/token", f"grant_type=refresh_token&refresh_token={token}%zz".encode(), FORM))
    await day.ask(request("POST", "/token", f"grant_type={token}&refresh_token={token}".encode(), FORM))
    await day.ask(refresh_request(token, scope=token))
    await day.ask(refresh_request(token, resource=token))
    await day.ask(refresh_request(token[:-3] + "AAA"))


async def wrong_places(day: Day, native: dict[str, str]) -> None:
    """Send tokens and passwords where they do not belong."""
    access, token = native["access_token"], native["refresh_token"]
    await day.ask(request("GET", f"/me?access_token={access}&password={quote(PASSWORD)}"))
    await day.ask(request("GET", f"/{token}"))
    await day.ask(request("DELETE", f"/sessions/{token}", Authorization=f"Bearer {access}"))
    await day.ask(request("GET", "/me", Authorization=f"Bearer {token}"))
    await day.ask(request("GET", "/me", Authorization=f"Basic {base64.b64encode(PASSWORD.encode()).decode()}"))
    await day.ask(request("GET", "/me", Authorization=f"Bearer {access} {access}"))
    await day.ask(request("GET", "/me", X_Request_Id=token, User_Agent=token, Origin=f"https://{token[4:40]}.example"))
    await day.ask(request("POST", "/logout", json.dumps({"refresh_token": access}).encode(), JSON))
    await day.ask(refresh_request(access))
    await day.ask(request(token[4:30].upper().replace("_", "A"), "/me"))
    await day.ask(request("GET", "/me", Forwarded=f"for={token}", X_Forwarded_For=access))


def login(**fields: str) -> bytes:
    """Return a login of alice but for *fields*."""
    return request("POST", "/login", json.dumps({"username": "alice", "password": PASSWORD, **fields}).encode(), JSON)


def change_password(access_token: str, current: str, new: str) -> bytes:
    """Return a change of password."""
    body = json.dumps({"current_password": current, "new_password": new}).encode()
    return request("POST", "/password", body, JSON, Authorization=f"Bearer {access_token}")


def hits(day: Day, content: bytes, *, handles: bool) -> list[str]:
    """Return the beginnings of the secrets that are in *content*, in whatever form."""
    looked_for = {secret.encode() for secret in day.secrets} | day.raw_secrets | (day.handles if handles else set())
    return [secret[:6].hex() for secret in looked_for if any(form in content for form in forms(secret))]


def forms(secret: bytes) -> set[bytes]:
    """Return *secret* as it is, and as it may be written down."""
    text = {base64.b64encode(secret), base64.urlsafe_b64encode(secret).rstrip(b"="), secret.hex().encode()}
    return {secret, quote(secret).encode(), secret.hex().upper().encode(), *text}


def whole(answer: Answer) -> bytes:
    """Return headers and body."""
    return repr(answer.headers).encode() + answer.body


def master_key(installation: Installation) -> str:
    """Return the master key."""
    return Path(installation.environ["KEYTURN_KEYS_MASTER_KEY_FILE"]).read_text("ascii")


async def keys_in_use(installation: Installation) -> set[bytes]:
    """Return what signs and what makes MACs: the private key as it is sealed and as the curve has it, derived keys."""
    master_keys = parse_master_keys(master_key(installation))
    keyring = Keyring(master_keys)
    store = await open_store(installation.environ["KEYTURN_DATABASE_URL"])
    try:
        keyring.load(await store.signing_keys.list_all())
    finally:
        await store.close()
    sealed = keyring.signing_key().to_bytes()
    private = load_der_private_key(sealed, password=None)
    assert isinstance(private, EllipticCurvePrivateKey)
    number = private.private_numbers().private_value.to_bytes(32)
    current = master_keys.current
    return {sealed, number, current.refresh_token_key.secret, current.device_token_key.secret}
