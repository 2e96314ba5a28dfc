"""A31 to A33: whatever happens where the keys come from, good tokens stay good and no stranger's key gets in."""

import concurrent.futures
import gzip
import json
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from web_server import Behave, Web, answer

from keyturn import InvalidToken, Verifier, VerifierUnavailable
from keyturn.errors import ConfigurationError
from keyturn.testing import TestIssuer
from keyturn.tokens import base64url, jws
from keyturn.tokens.keys import SigningKey
from keyturn.verify import fetch
from keyturn.verify.key_cache import COOLDOWN, KeyCache

AUDIENCE = "https://api.test"


@pytest.fixture
def issuer(web: Web) -> TestIssuer:
    """Return an issuer whose keys are served on loopback."""
    issuer = TestIssuer(web.url, AUDIENCE)
    web.behave = serve(issuer.jwks)
    return issuer


@pytest.fixture
def attacker(issuer: TestIssuer) -> TestIssuer:
    """Return who signs in the issuer's name, with a key of their own."""
    return TestIssuer(issuer.issuer, AUDIENCE)


def serve(document: Any, **headers: str) -> Behave:
    """Return a behaviour: answer this JSON."""
    return answer(json.dumps(document).encode(), **headers)


def test_a31_a_flood_of_key_names_is_one_fetch(issuer: TestIssuer, web: Web) -> None:
    """A31, KEY-05: 10,000 random kids from 64 threads: one fetch in a cooldown, 0 good tokens refused."""
    verifier, good = Verifier(issuer.issuer, AUDIENCE), [issuer.make_token(f"user-{number}") for number in range(64)]
    verifier.verify(good[0])
    _skip(verifier, COOLDOWN + 1)
    payload, signature = good[0].split(".")[1:]

    def flood(thread: int) -> int:
        refused = 0
        for number in range(157):
            header = {"alg": "ES256", "kid": f"kid-{thread}-{number}", "typ": "at+jwt"}
            with pytest.raises(InvalidToken):
                verifier.verify(f"{base64url.encode(json.dumps(header).encode())}.{payload}.{signature}")
            refused += 1
            assert verifier.verify(good[thread]).sub == f"user-{thread}"
        return refused

    with concurrent.futures.ThreadPoolExecutor(64) as pool:
        assert sum(pool.map(flood, range(64))) == 10_048
    assert len(web.requests) == 2


def test_a31_a_flood_during_an_outage_stays_as_modest(issuer: TestIssuer, web: Web) -> None:
    """A31: with the issuer down, unknown names bring no more fetches, and known keys go on."""
    verifier, good = Verifier(issuer.issuer, AUDIENCE), issuer.make_token("ada")
    verifier.verify(good)
    web.behave = answer(b"", status=500)
    _skip(verifier, COOLDOWN + 1)
    for stranger in [TestIssuer(issuer.issuer, AUDIENCE).make_token() for _ in range(50)]:
        with pytest.raises(InvalidToken):
            verifier.verify(stranger)
        assert verifier.verify(good).sub == "ada"
    assert len(web.requests) == 2


def _bombs() -> dict[str, Callable[[dict[str, Any], Web], Behave]]:
    """Return what a key set endpoint may turn into, by name; each is given the attacker's key set and the server."""

    def doubled(evil: dict[str, Any], _web: Web) -> Behave:
        return serve({"keys": evil["keys"] * 2})

    def private(evil: dict[str, Any], _web: Web) -> Behave:
        return serve({"keys": [*evil["keys"], {**SigningKey.generate(_ES256).public.to_jwk(), "d": "AAAA"}]})

    def symmetric(evil: dict[str, Any], _web: Web) -> Behave:
        secret = base64url.encode(bytes(range(64)))
        return serve({"keys": [*evil["keys"], {"kty": "oct", "kid": "shared", "alg": "HS256", "k": secret}]})

    return {
        "500": lambda evil, _web: serve(evil, status=500),  # type: ignore[arg-type]
        "503 without a body": lambda _evil, _web: answer(b"", status=503),
        "404": lambda evil, _web: serve(evil, status=404),  # type: ignore[arg-type]
        "206": lambda evil, _web: serve(evil, status=206),  # type: ignore[arg-type]
        "HTML": lambda _evil, _web: answer(b"<html>login</html>", content_type="text/html"),
        "keys as HTML": lambda evil, _web: serve(evil, content_type="text/html"),
        "{}": lambda _evil, _web: serve({}),
        "no keys": lambda _evil, _web: serve({"keys": []}),
        "keys that are no list": lambda evil, _web: serve({"keys": evil["keys"][0]}),
        "no usable key": lambda _evil, _web: serve({"keys": [{"kty": "EC"}]}),
        "a list": lambda evil, _web: serve(evil["keys"]),
        "an empty body": lambda _evil, _web: answer(b""),
        "half of it": lambda evil, _web: answer(json.dumps(evil).encode()[:-20]),
        "keys twice": lambda evil, _web: answer(json.dumps(evil)[:-1].encode() + b',"keys":[]}'),
        "another encoding": lambda evil, _web: answer(json.dumps(evil).encode("utf-16")),
        "one kid twice": doubled,
        "a private key in it": private,
        "a symmetric key in it": symmetric,
        "101 keys": lambda evil, _web: serve({"keys": [{**evil["keys"][0], "kid": f"k{n}"} for n in range(101)]}),
        "a redirect to the attacker": lambda _evil, web: answer(b"", status=302, location=f"{web.url}/evil"),
        "a redirect to a metadata service": lambda _evil, _web: answer(
            b"", status=307, location="http://169.254.169.254/latest/meta-data/"
        ),
        "a permanent redirect": lambda _evil, web: answer(b"", status=308, location=f"{web.url}/evil"),
        "a gigabyte": lambda _evil, _web: _pour,
        "a gzip bomb": lambda _evil, _web: answer(
            gzip.compress(b'{"keys":[]' + b" " * 10_000_000 + b"}"), content_encoding="gzip"
        ),
        "keys in gzip": lambda evil, _web: answer(gzip.compress(json.dumps(evil).encode()), content_encoding="gzip"),
        "silence": lambda _evil, web: lambda _handler: _wait(web),
        "a byte now and then": lambda _evil, web: lambda handler: _drip(handler, web),
        "a length that is a lie": lambda evil, _web: serve(evil, content_length="100000"),
        "no HTTP": lambda _evil, _web: _babble,
    }


_ES256 = TestIssuer()._algorithm


def _pour(handler: BaseHTTPRequestHandler) -> None:
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n{")
    for _ in range(16_384):  # until the client hangs up, which the server ends quietly
        handler.wfile.write(b" " * 65_536)


def _babble(handler: BaseHTTPRequestHandler) -> None:
    handler.wfile.write(b"\0\1\2\r\n\r\n")


def _wait(web: Web) -> None:
    web.over.wait(20)


def _drip(handler: BaseHTTPRequestHandler, web: Web) -> None:
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n{")
    while not web.over.wait(0.05):
        handler.wfile.write(b" ")


@pytest.fixture
def impatience(what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait for a slow answer no longer than it takes to see that it is one."""
    if what in {"silence", "a byte now and then"}:
        monkeypatch.setattr(fetch, "DEADLINE", 1.0)


@pytest.mark.usefixtures("impatience")
@pytest.mark.parametrize("what", _bombs())
def test_a32_the_last_good_set_is_kept(what: str, issuer: TestIssuer, attacker: TestIssuer, web: Web) -> None:
    """A32, KEY-06: whatever the endpoint turns into, its keys are not taken, and the issuer's tokens stay good."""
    verifier, seen = Verifier(issuer.issuer, AUDIENCE), issuer.make_token("ada")
    verifier.verify(seen)
    web.behave = _bombs()[what](attacker.jwks, web)
    _skip(verifier, 601)  # the keys are no longer fresh, and must be asked for

    began = time.monotonic()
    assert verifier.verify(seen).sub == "ada"
    assert verifier.verify(issuer.make_token("bob")).sub == "bob"
    with pytest.raises((InvalidToken, VerifierUnavailable)):
        verifier.verify(attacker.make_token("admin"))
    assert time.monotonic() - began < 10
    assert web.requests == ["/.well-known/jwks.json"] * 2
    assert issuer.issuer == attacker.issuer


@pytest.mark.usefixtures("impatience")
@pytest.mark.parametrize("what", _bombs())
def test_a32_what_is_no_key_set_at_first_is_none(what: str, issuer: TestIssuer, attacker: TestIssuer, web: Web) -> None:
    """A32, KEY-06: without a good set there is no verdict, neither for the attacker nor for the issuer."""
    web.behave = _bombs()[what](attacker.jwks, web)
    verifier = Verifier(issuer.issuer, AUDIENCE)
    for text in (attacker.make_token("admin"), issuer.make_token()):
        with pytest.raises(VerifierUnavailable):
            verifier.verify(text)
    assert set(web.requests) == {"/.well-known/jwks.json"}


@pytest.mark.parametrize(
    "url",
    [
        "http://localhost.evil.example",
        "http://127.0.0.1.nip.io",
        "http://evil.example",
        "http://169.254.169.254",
        "http://0.0.0.0",
        "http://[::ffff:127.0.0.1]",
        "http://localhost@evil.example",
        "http://127.1",
        "http://2130706433",
        "http://0x7f.0.0.1",
    ],
)
def test_a32_a_name_that_may_lead_anywhere_is_not_this_machine(url: str) -> None:
    """A32: plain HTTP is for loopback by its own name: a name that is rebound to it is a stranger's (DNS rebinding)."""
    for make in (lambda: Verifier(url, AUDIENCE), lambda: Verifier("https://a.test", AUDIENCE, jwks_uri=f"{url}/keys")):
        with pytest.raises(ConfigurationError):
            make()


def test_a32_whoever_a_name_leads_to_must_prove_it(web: Web, tmp_path: Path) -> None:
    """A32: over TLS a server without the name's certificate gives no keys: rebinding a name gains nothing."""
    with _over_tls(web, tmp_path):
        url = web.url.replace("http://127.0.0.1", "https://localhost")
        attacker = TestIssuer(url, AUDIENCE)
        web.behave = serve(attacker.jwks)
        with pytest.raises(VerifierUnavailable):
            Verifier(url, AUDIENCE).verify(attacker.make_token("admin"))
    assert web.requests == []


def test_a33_an_issuer_that_publishes_anothers_kid_gains_nothing(web: Web) -> None:
    """A33: two APIs side by side: A's set holds B's ``kid`` with A's key; B's tokens are B's, under B's key alone."""
    one, two = TestIssuer(f"{web.url}/a", AUDIENCE), TestIssuer(f"{web.url}/b", AUDIENCE)
    kid = two.jwks["keys"][0]["kid"]
    poisoned = {"keys": [*one.jwks["keys"], {**one.jwks["keys"][0], "kid": kid}]}
    by_path = {"/a/.well-known/jwks.json": serve(poisoned), "/b/.well-known/jwks.json": serve(two.jwks)}
    web.behave = lambda handler: by_path[handler.path](handler)
    api_a, api_b = Verifier(one.issuer, AUDIENCE), Verifier(two.issuer, AUDIENCE)

    assert api_b.verify(two.make_token("ada")).sub == "ada"
    assert api_a.verify(one.make_token("bob")).sub == "bob"
    for text in (_under(kid, one, one.issuer), _under(kid, one, two.issuer), one.make_token("x", iss=two.issuer)):
        with pytest.raises(InvalidToken):
            api_b.verify(text)
    for text in (two.make_token(), two.make_token("x", iss=one.issuer), _under(kid, one, two.issuer)):
        with pytest.raises(InvalidToken):
            api_a.verify(text)
    assert api_b.verify(two.make_token("ada")).sub == "ada"


def test_a33_an_answer_that_comes_late_does_not_bring_an_old_key_back(issuer: TestIssuer, web: Web) -> None:
    """A33, KEY-07: a stale answer that lands after a newer one changes nothing."""
    verifier, old = Verifier(issuer.issuer, AUDIENCE), issuer.make_token()
    stale, release, began = serve(issuer.jwks), threading.Event(), threading.Event()

    def late(handler: BaseHTTPRequestHandler) -> None:
        began.set()
        release.wait(10)
        stale(handler)

    web.behave = late
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(verifier.verify, old)
        began.wait(10)
        issuer.rotate()
        issuer.withdraw_old_keys()
        web.behave = serve(issuer.jwks)
        _skip(verifier, 60)  # the first fetch counts as over, and another may begin
        assert verifier.verify(issuer.make_token("new")).sub == "new"
        release.set()
        with pytest.raises((InvalidToken, VerifierUnavailable)):
            waiting.result(10)
    assert verifier.verify(issuer.make_token("new")).sub == "new"
    with pytest.raises(InvalidToken):
        verifier.verify(old)


def test_a33_no_cache_on_the_way_is_asked_for_what_it_kept(issuer: TestIssuer, web: Web) -> None:
    """A33, KEY-04: each fetch asks past caches; a cache that answers all the same with a wrong key lets nobody in."""
    asked: list[dict[str, str]] = []
    wrong = {"keys": [{**TestIssuer().jwks["keys"][0], "kid": issuer.jwks["keys"][0]["kid"]}]}

    def cached(handler: BaseHTTPRequestHandler) -> None:
        asked.append({name.lower(): value for name, value in handler.headers.items()})
        serve(wrong, age="86400", cache_control="max-age=31536000, immutable")(handler)

    web.behave = cached
    verifier = Verifier(issuer.issuer, AUDIENCE)
    with pytest.raises(InvalidToken):
        verifier.verify(issuer.make_token())
    assert asked[0]["cache-control"] == "no-cache"
    web.behave = serve(issuer.jwks)
    _skip(verifier, 601)  # a year it is not kept
    assert verifier.verify(issuer.make_token("ada")).sub == "ada"


def _skip(verifier: Verifier, seconds: float) -> None:
    """Move the clock of the key cache."""
    keys = verifier._keys
    assert isinstance(keys, KeyCache)
    keys._clock = lambda: time.monotonic() + seconds


def _under(kid: str, issuer: TestIssuer, iss: str) -> str:
    """Return a token that *issuer* signs in the name of *iss*, under another's *kid*."""
    payload = base64url.decode(issuer.make_token("admin", iss=iss).split(".")[1])
    header = base64url.encode(json.dumps({"alg": "ES256", "kid": kid, "typ": "at+jwt"}).encode())
    signing_input = f"{header}.{base64url.encode(payload)}"
    text = f"{signing_input}.{base64url.encode(issuer._keys[0].sign(signing_input.encode()))}"
    assert jws.parse(text).header.kid == kid
    return text


@contextmanager
def _over_tls(web: Web, folder: Path) -> Iterator[None]:
    """Let *web* speak TLS, with a certificate that it made itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    certificate = x509.CertificateBuilder(
        issuer_name=name,
        subject_name=name,
        public_key=key.public_key(),
        serial_number=1,
        not_valid_before=now - timedelta(days=1),
        not_valid_after=now + timedelta(days=1),
    ).add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
    path = folder / "server.pem"
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path.write_bytes(pem + certificate.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    plain = web._server.socket
    web._server.socket = context.wrap_socket(plain, server_side=True)
    yield
