"""What is sound, as each chapter sees it; a test changes one thing and sees one check object."""

import json
from dataclasses import replace
from email.utils import formatdate
from typing import Any

from keyturn.core.model import KeyState, SigningKeyRecord
from keyturn.core.policy import KeyPolicy
from keyturn.server.doctor.catalogue import all_checks
from keyturn.server.doctor.findings import Check
from keyturn.server.doctor.identity import Identity
from keyturn.server.doctor.kept import Kept
from keyturn.server.doctor.machine import Machine
from keyturn.server.doctor.published import Answer, Certificate, Probe, Published
from keyturn.server.settings import Settings
from keyturn.store import Survey
from keyturn.tokens import revocation_feed
from keyturn.tokens.algorithms import Algorithm
from keyturn.tokens.keys import SigningKey
from keyturn.tokens.revocation_feed import Page

NOW = 1_800_000_000
DAY = 86_400
ISSUER = "https://auth.example.com"
MASTER_KEY = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"
CURRENT, OLDER, STRANGER = b"\x01\x01\x01\x01", b"\x02\x02\x02\x02", b"\x03\x03\x03\x03"

KEY = SigningKey.generate(Algorithm.ES256)
CHECKS: dict[str, Check[Any]] = {check.id: check for check in all_checks()}

SOUND_SETTINGS: dict[str, dict[str, Any]] = {
    "server": {"trusted_proxies": ["127.0.0.1"]},
    "access_token": {"audience": ["https://api.example.com"]},
    "roles": {"user": ["orders:read"]},
    "keys": {"master_key": MASTER_KEY},
    "password": {"min_length": 15},
}


def seen(check_id: str, subject: object) -> list[str]:
    """Return what the check sees in *subject*."""
    return list(CHECKS[check_id].judge(subject))


def settings(**changes: Any) -> Settings:
    """Return sound settings, in which *changes* go before."""
    values: dict[str, Any] = {"issuer": ISSUER}
    for name, sound in SOUND_SETTINGS.items():
        values[name] = sound | changes.pop(name, {}) if name != "roles" else changes.pop(name, sound)
    return Settings.model_validate(values | changes)


def identity(*refused: str, **changes: Any) -> Identity:
    """Return sound settings of which those that are *refused* can't be used as they are written."""
    return Identity(settings=settings(**changes), refused=frozenset(refused))


def machine(**changes: Any) -> Machine:
    """Return a sound machine."""
    values: dict[str, Any] = {
        "hash_seconds": 0.03,
        "hash_bytes": 19 << 20,
        "threads": 1,
        "workers": 1,
        "cores": 2,
        "memory_bytes": 1 << 30,
        "python": (3, 12),
        "now": NOW,
    }
    return Machine(**values | changes)


def record(state: KeyState = KeyState.ACTIVE, *, under: bytes = CURRENT, **changes: Any) -> SigningKeyRecord:
    """Return a signing key that has been active for a day."""
    values: dict[str, Any] = {
        "kid": f"key-{state}",
        "algorithm": Algorithm.ES256,
        "state": state,
        "sealed": under + b"sealed",
        "published_at": NOW - 2 * DAY,
        "activate_at": NOW - DAY,
        "activated_at": NOW - DAY,
    }
    return SigningKeyRecord(**values | changes)


def survey(**changes: Any) -> Survey:
    """Return a sound survey."""
    values: dict[str, Any] = {
        "keys": (record(),),
        "sessions": {CURRENT: 3},
        "overdue": (),
        "roles": {("user",): 5, ("admin", "user"): 1},
        "named_user": None,
        "other_hashes": 0,
    }
    return Survey(**values | changes)


def kept(*, now: int = NOW, offset_ms: int = 0, master_key_ids: tuple[bytes, ...] = (CURRENT,), **changes: Any) -> Kept:
    """Return a sound database, judged by a schedule of 30 days and a day."""
    return Kept(
        survey=survey(**changes),
        keys=KeyPolicy(algorithm=Algorithm.ES256, rotate_every=30 * DAY, publish_ahead=DAY),
        roles={"user": ("orders:read",)},
        master_key_ids=master_key_ids,
        now=now,
        offset_ms=offset_ms,
    )


def metadata(**changes: Any) -> dict[str, Any]:
    """Return sound metadata; None takes a member out."""
    told: dict[str, Any] = {
        "issuer": ISSUER,
        "token_endpoint": f"{ISSUER}/token",
        "jwks_uri": f"{ISSUER}/.well-known/jwks.json",
        "response_types_supported": [],
        "grant_types_supported": ["refresh_token"],
        "keyturn_revocations_endpoint": f"{ISSUER}/revocations",
    }
    return {name: value for name, value in (told | changes).items() if value is not None}


def page(*, issued_at: int = NOW, issuer: str = ISSUER, key: SigningKey = KEY) -> bytes:
    """Return a page of the feed."""
    return revocation_feed.sign(Page(issuer=issuer, issued_at=issued_at, seq=1, more=False, entries=()), key).encode()


def answer(body: object = b"", *, status: int = 200, took_ms: int = 10, **headers: str) -> Answer:
    """Return an answer of this very moment; an object becomes JSON, ``a_b`` the header a-b."""
    return Answer(
        status=status,
        headers=tuple((name.replace("_", "-"), value) for name, value in headers.items()),
        body=body if isinstance(body, bytes) else json.dumps(body).encode(),
        at_ms=NOW * 1000,
        took_ms=took_ms,
    )


def jwks(*entries: object, **headers: str) -> Answer:
    """Return a key set with *entries*, ours if there are none."""
    usual = {"content_type": "application/jwk-set+json", "cache_control": "public, max-age=300"}
    return answer({"keys": list(entries) or [KEY.public.to_jwk()]}, **usual | headers)


def date(offset: int = 0, **headers: str) -> dict[str, str]:
    """Return the Date of a clock that is *offset* seconds ahead of ours."""
    return {"date": formatdate(NOW + offset, usegmt=True), **headers}


STRICT_COOKIE = "__Host-keyturn_refresh=; Max-Age=0; Path=/; Secure; HttpOnly; SameSite=Strict"


def told(**changes: Any) -> Answer:
    """Return the sound answer with the metadata, in which *changes* go before."""
    headers = {"strict_transport_security": "max-age=31536000", "x_content_type_options": "nosniff", **date()}
    return answer(metadata(**changes), **headers)


def published(answers: dict[Probe, Answer] | None = None, **changes: Any) -> Published:
    """Return a sound issuer; *answers* go before the usual ones."""
    usual = {
        Probe.METADATA: told(),
        Probe.KEYS: jwks(),
        Probe.FEED: answer(page(), cache_control="public, max-age=1"),
        Probe.READY: answer({"status": "ok"}, **date()),
        Probe.METRICS: answer(status=403),
        Probe.METRICS_FORWARDED: answer(status=403),
        Probe.ORIGIN: jwks(),
        Probe.NULL_ORIGIN: jwks(),
        Probe.HOST: told(),
        Probe.LOGOUT: answer(status=204, set_cookie=STRICT_COOKIE),
        Probe.TOKEN: answer({"error": "invalid_grant"}, status=400, cache_control="no-store"),
        Probe.DOCS: answer(b"<html>", content_type="text/html", content_security_policy="frame-ancestors 'none'"),
        Probe.PLAIN: answer(status=301),
    }
    values: dict[str, Any] = {
        "issuer": ISSUER,
        "asked_at": ISSUER,
        "now": NOW,
        "certificate": Certificate(expires_at=NOW + 60 * DAY, version="TLSv1.3"),
        "kids": frozenset({KEY.kid}),
        "publish_ahead": DAY,
    }
    return Published(answers=usual | (answers or {}), **values | changes)


def at_loopback(subject: Published) -> Published:
    """Return the same, asked on this machine."""
    return replace(subject, asked_at="http://127.0.0.1:8080")
