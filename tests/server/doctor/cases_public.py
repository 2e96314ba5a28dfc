"""For each check of a running issuer: what provokes it, and the nearest thing that does not."""

from dataclasses import replace

from doctor_world import (
    DAY,
    ISSUER,
    KEY,
    NOW,
    STRICT_COOKIE,
    answer,
    at_loopback,
    date,
    jwks,
    page,
    published,
    told,
)

from keyturn.server.doctor.published import EVIL_ORIGIN, Certificate, Probe, Reach
from keyturn.tokens.algorithms import Algorithm
from keyturn.tokens.jwk import from_unsigned
from keyturn.tokens.keys import SigningKey

SOUND = published()
OTHER_KEY = SigningKey.generate(Algorithm.ES256)
PUBLIC = KEY.public.to_jwk()
WEAK_MODULUS = (1 << 1023) + 1
WEAK = {
    "kty": "RSA",
    "kid": "weak",
    "use": "sig",
    "alg": "RS256",
    "n": from_unsigned(WEAK_MODULUS),
    "e": "AQAB",
}
SECRET = {"kty": "oct", "kid": "secret", "k": "c2VjcmV0", "alg": "HS256"}
WITHOUT_ALG = {"kty": "EC", "kid": "bare", "crv": "P-256", "x": "AAAA", "y": "AAAA"}
FOR_ENCRYPTION = {"kty": "EC", "kid": "enc", "use": "enc", "crv": "P-256", "x": "AA", "y": "AA"}


def cookie(text: str, *, issuer: str = ISSUER) -> object:
    """Return an issuer that sets this cookie."""
    return published({Probe.LOGOUT: answer(status=204, set_cookie=text)}, issuer=issuer)


def kept_for(seconds: int, *, publish_ahead: int = DAY) -> object:
    """Return an issuer whose key set may be kept for so long."""
    return published({Probe.KEYS: jwks(cache_control=f"max-age={seconds}")}, publish_ahead=publish_ahead)


def with_origin(allowed: str, **headers: str) -> object:
    """Return an issuer that lets this origin in."""
    return published({Probe.ORIGIN: jwks(access_control_allow_origin=allowed, **headers)})


def over_plain_http() -> object:
    """Return an issuer that no browser would take that header from (RFC 6797 §8.1)."""
    return published({Probe.METADATA: answer({})}, asked_at="http://auth.example.com")


CASES = [
    ("issuer-unreachable", Reach(asked_at=ISSUER, silence="ConnectError"), Reach(asked_at=ISSUER)),
    (
        "issuer-unreachable",
        Reach(asked_at=ISSUER, silence="ConnectError"),
        Reach(asked_at=ISSUER, silence="expired", is_distrusted=True),
    ),
    (
        "tls-distrusted",
        Reach(asked_at=ISSUER, silence="expired", is_distrusted=True),
        Reach(asked_at=ISSUER, silence="ConnectError"),
    ),
    (
        "issuer-plain-http",
        Reach(asked_at="http://auth.example.com"),
        Reach(asked_at="http://127.0.0.1:8080"),
    ),
    (
        "tls-expires",
        published(certificate=Certificate(expires_at=NOW + 14 * DAY - 1, version="TLSv1.3")),
        published(certificate=Certificate(expires_at=NOW + 14 * DAY, version="TLSv1.3")),
    ),
    (
        "tls-old",
        published(certificate=Certificate(expires_at=NOW + 60 * DAY, version="TLSv1.1")),
        published(certificate=Certificate(expires_at=NOW + 60 * DAY, version="TLSv1.2")),
    ),
    ("plain-http-served", published({Probe.PLAIN: jwks()}), SOUND),
    ("plain-http-served", published({Probe.PLAIN: jwks()}), published({Probe.PLAIN: answer(b"<html>hello")})),
    ("not-ready", published({Probe.READY: answer({"status": "unavailable"}, status=503)}), SOUND),
    ("metadata-missing", published({Probe.METADATA: answer(status=404)}), SOUND),
    ("metadata-missing", published({Probe.METADATA: answer(b"<html>")}), SOUND),
    ("metadata-issuer", published({Probe.METADATA: told(issuer=f"{ISSUER}/")}), SOUND),
    (
        "metadata-issuer",
        published({Probe.METADATA: told(issuer=None)}),
        published({Probe.METADATA: answer(status=404)}),
    ),
    (
        "metadata-elsewhere",
        published({Probe.METADATA: told(jwks_uri="http://auth.example.com/jwks.json")}),
        published({Probe.METADATA: told(jwks_uri=f"{ISSUER}/elsewhere/jwks.json")}),
    ),
    (
        "metadata-elsewhere",
        published({Probe.METADATA: told(token_endpoint="https://auth.example.com.evil.example/token")}),
        published({Probe.METADATA: told(service_documentation="https://docs.example.com")}),
    ),
    (
        "password-grant",
        published({Probe.METADATA: told(grant_types_supported=["refresh_token", "password"])}),
        published({Probe.METADATA: told(grant_types_supported="password")}),
    ),
    (
        "implicit-grant",
        published({Probe.METADATA: told(response_types_supported=["code", "id_token token"])}),
        published({Probe.METADATA: told(response_types_supported=["code", "id_token"])}),
    ),
    ("jwks-missing", published({Probe.KEYS: answer(status=404)}), SOUND),
    ("jwks-missing", published({Probe.KEYS: answer({"keys": []})}), SOUND),
    ("jwks-missing", published({Probe.KEYS: answer(b"<html>")}), SOUND),
    ("jwks-private", published({Probe.KEYS: jwks({**PUBLIC, "d": "AAAA"})}), SOUND),
    ("jwks-symmetric", published({Probe.KEYS: jwks(PUBLIC, SECRET)}), SOUND),
    ("jwks-symmetric", published({Probe.KEYS: jwks(PUBLIC, {"kty": "oct"})}), SOUND),
    ("jwks-symmetric", published({Probe.KEYS: jwks({**PUBLIC, "k": "AAAA"})}), SOUND),
    ("jwks-weak", published({Probe.KEYS: jwks(WITHOUT_ALG)}), published({Probe.KEYS: jwks(PUBLIC, {"kty": "XYZ"})})),
    ("jwks-weak", published({Probe.KEYS: jwks({**WEAK, "alg": "ES256"})}), SOUND),
    ("jwks-weak", published({Probe.KEYS: jwks(PUBLIC, WEAK)}), published({Probe.KEYS: jwks(PUBLIC, FOR_ENCRYPTION)})),
    (
        "jwks-weak",
        published({Probe.KEYS: jwks({**PUBLIC, "x": "AAAA"})}),
        published({Probe.KEYS: jwks({name: PUBLIC[name] for name in PUBLIC if name != "alg"})}),
    ),
    ("jwks-unusable", published({Probe.KEYS: jwks(PUBLIC, PUBLIC)}), SOUND),
    ("jwks-unusable", published({Probe.KEYS: jwks(FOR_ENCRYPTION)}), published({Probe.KEYS: jwks(PUBLIC, WEAK)})),
    ("jwks-incomplete", published({Probe.KEYS: jwks({n: PUBLIC[n] for n in PUBLIC if n != "use"})}), SOUND),
    (
        "jwks-media-type",
        published({Probe.KEYS: jwks(content_type="application/json")}),
        published({Probe.KEYS: jwks(content_type="Application/JWK-Set+JSON; charset=utf-8")}),
    ),
    ("jwks-cached-long", kept_for(3601), kept_for(3600)),
    ("jwks-cached-long", kept_for(601, publish_ahead=600), kept_for(600, publish_ahead=600)),
    ("jwks-cache-unstated", published({Probe.KEYS: jwks(cache_control="")}), SOUND),
    ("jwks-differs", published(kids=frozenset({OTHER_KEY.kid, KEY.kid})), published(kids=None)),
    ("jwks-differs", published(kids=frozenset()), SOUND),
    ("feed-missing", published({Probe.FEED: answer(status=404)}), SOUND),
    (
        "feed-missing",
        published({Probe.FEED: answer(status=404)}),
        published({Probe.FEED: answer(status=404), Probe.METADATA: told(keyturn_revocations_endpoint=None)}),
    ),
    ("feed-untrusted", published({Probe.FEED: answer(page(key=OTHER_KEY))}), SOUND),
    ("feed-untrusted", published({Probe.FEED: answer(page(issuer="https://other.example"))}), SOUND),
    ("feed-untrusted", published({Probe.FEED: answer(b"\xff<html>")}), SOUND),
    ("feed-untrusted", published({Probe.FEED: answer(b"<html>")}), published({Probe.FEED: answer(status=404)})),
    (
        "feed-untrusted",
        published({Probe.FEED: answer(b"<html>")}),
        published({Probe.FEED: answer(b"<html>"), Probe.METADATA: told(keyturn_revocations_endpoint=None)}),
    ),
    (
        "feed-stale",
        published({Probe.FEED: answer(page(issued_at=NOW - 11))}),
        published({Probe.FEED: answer(page(issued_at=NOW - 10))}),
    ),
    (
        "feed-cached",
        published({Probe.FEED: answer(page(), cache_control="s-maxage=60, max-age=60")}),
        published({Probe.FEED: answer(page(), cache_control="public, max-age=10")}),
    ),
    (
        "clock-issuer",
        published({Probe.READY: answer({}, **date(-7))}),
        published({Probe.READY: answer({}, **date(4))}),
    ),
    (
        "clock-issuer",
        published({Probe.READY: answer({}, **date(60))}),
        published({Probe.READY: answer({}, took_ms=130_000, **date(60))}),  # it may have been written a minute ago
    ),
    (
        "clock-issuer",
        published({Probe.READY: answer({}, **date(-60))}),
        published({Probe.READY: answer({}, **date(-60, age="60"))}),  # a cache has kept it for that long
    ),
    (
        "clock-issuer",
        published({Probe.READY: answer({}, **date(5))}),
        published({Probe.READY: answer({}, **date(-5))}),
    ),
    (
        "clock-issuer",
        published({Probe.READY: answer({}, took_ms=8400, **date(-66))}),
        published({Probe.READY: answer({}, took_ms=8400, **date(-66, age="60"))}),  # an Age has no parts of a second
    ),
    (
        "answers-missing",
        replace(SOUND, answers={probe: each for probe, each in SOUND.answers.items() if probe is not Probe.ORIGIN}),
        replace(SOUND, answers={probe: each for probe, each in SOUND.answers.items() if probe is not Probe.PLAIN}),
    ),
    ("metrics-open", published({Probe.METRICS: answer(b"# HELP")}), SOUND),
    (
        "metrics-open",
        published({Probe.METRICS: answer(b"# HELP")}),
        at_loopback(published({Probe.METRICS: answer(b"# HELP")})),
    ),
    (
        "forwarded-believed",
        published({Probe.METRICS_FORWARDED: answer(b"# HELP")}),
        published({Probe.METRICS: answer(b"# HELP"), Probe.METRICS_FORWARDED: answer(b"# HELP")}),
    ),
    ("host-believed", published({Probe.HOST: told(issuer="https://evil.example")}), SOUND),
    ("host-believed", published({Probe.HOST: answer(status=302, location="https://evil.example/")}), SOUND),
    ("cors-reflects", with_origin(EVIL_ORIGIN), with_origin("https://app.example.com")),
    (
        "cors-reflects",
        with_origin("*", access_control_allow_credentials="true"),
        with_origin("*"),  # a key set is for everybody
    ),
    (
        "cors-null",
        published({Probe.NULL_ORIGIN: jwks(access_control_allow_origin="null")}),
        published({Probe.NULL_ORIGIN: jwks(access_control_allow_origin="*")}),
    ),
    ("hsts-missing", published({Probe.METADATA: answer({})}), SOUND),
    (
        "hsts-missing",
        published({Probe.METADATA: answer({}, strict_transport_security="max-age=300")}),
        at_loopback(published({Probe.METADATA: answer({})})),
    ),
    (
        "hsts-missing",
        published({Probe.METADATA: answer({}, strict_transport_security="max-age=15551999")}),
        published({Probe.METADATA: answer({}, strict_transport_security="max-age=15552000")}),
    ),
    ("hsts-missing", published({Probe.METADATA: answer({})}), over_plain_http()),
    ("sniffing-allowed", published({Probe.METADATA: answer({})}), SOUND),
    ("docs-frameable", published({Probe.DOCS: answer(b"<html>", content_type="text/html")}), SOUND),
    (
        "docs-frameable",
        published({Probe.DOCS: answer(b"", content_type="text/html", content_security_policy="default-src 'self'")}),
        published({Probe.DOCS: answer(status=404, content_type="text/html")}),
    ),
    ("cookie-weak", cookie(STRICT_COOKIE.replace("; HttpOnly", "")), SOUND),
    ("cookie-weak", cookie(STRICT_COOKIE.replace("; Secure", "")), cookie(STRICT_COOKIE.replace("Strict", "Lax"))),
    ("cookie-weak", cookie(STRICT_COOKIE.replace("Strict", "None")), SOUND),
    ("cookie-weak", cookie(STRICT_COOKIE.replace("; SameSite=Strict", "")), SOUND),
    (
        "cookie-weak",
        cookie(STRICT_COOKIE.replace("__Host-", "")),
        cookie("keyturn_refresh=; Path=/; HttpOnly; SameSite=Strict", issuer="http://localhost:8080"),
    ),
    ("tokens-cacheable", published({Probe.TOKEN: answer({}, status=400)}), SOUND),
    (
        "tokens-cacheable",
        published({Probe.TOKEN: answer({}, status=400, cache_control="private")}),
        published({Probe.TOKEN: answer({}, status=503)}),
    ),
    ("version-told", published({Probe.METADATA: answer({}, server="nginx/1.18.0")}), SOUND),
    (
        "version-told",
        published({Probe.METADATA: answer({}, x_powered_by="PHP/8.1")}),
        published({Probe.METADATA: answer({}, server="nginx")}),
    ),
]
