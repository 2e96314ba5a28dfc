"""Unsafe settings refuse to start: a table of each, with the sentence that names it."""

from pathlib import Path
from typing import Any

import pytest
from installation import COMPLETE, MASTER_KEY

from keyturn.errors import ConfigurationError
from keyturn.server.settings import Purpose, Settings

ISSUER = "issuer (KEYTURN_ISSUER): "
AUDIENCE = "access_token.audience (KEYTURN_ACCESS_TOKEN_AUDIENCE): "
ORIGINS = "server.cors_origins (KEYTURN_SERVER_CORS_ORIGINS): "
DATABASE = "database.url (KEYTURN_DATABASE_URL): "
PROXIES = "server.trusted_proxies (KEYTURN_SERVER_TRUSTED_PROXIES): "
EVERYWHERE = "0.0.0.0"  # noqa: S104 - refused below
SPELLING = "write https://host[:port][/path]"


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run where no configuration file lies about."""
    monkeypatch.chdir(tmp_path)


def load(purpose: Purpose = Purpose.SERVE, **flags: Any) -> Settings:
    """Load complete settings but for *flags*."""
    access = COMPLETE["access_token"] | flags.pop("access_token", {})
    keys = COMPLETE["keys"] | flags.pop("keys", {})
    return Settings.load(environ={}, purpose=purpose, **(COMPLETE | {"access_token": access, "keys": keys} | flags))


@pytest.mark.parametrize(
    ("flags", "sentence"),
    [
        ({"issuer": "http://auth.example.com"}, f"{ISSUER}plain HTTP is for localhost alone"),
        ({"issuer": "auth.example.com"}, ISSUER + SPELLING),
        ({"issuer": "ftp://auth.example.com"}, ISSUER + SPELLING),
        ({"issuer": "https://auth.example.com/"}, ISSUER + SPELLING),
        ({"issuer": "https://auth.example.com/a/"}, ISSUER + SPELLING),
        ({"issuer": "https://auth.example.com/a//b"}, ISSUER + SPELLING),
        ({"issuer": "https://auth.example.com/a/../b"}, ISSUER + SPELLING),
        ({"issuer": "https://auth.example.com/%61"}, ISSUER + SPELLING),
        ({"issuer": "https://auth.example.com?a=b"}, ISSUER + SPELLING),
        ({"issuer": "https://auth.example.com#a"}, ISSUER + SPELLING),
        ({"issuer": "https://me@auth.example.com"}, ISSUER + SPELLING),
        ({"issuer": "https://localhost:80@attacker.example"}, ISSUER + SPELLING),
        ({"issuer": "https://auth.example.com\\@attacker.example"}, ISSUER + SPELLING),
        ({"issuer": "https://Auth.example.com"}, ISSUER + SPELLING),
        ({"issuer": "HTTPS://auth.example.com"}, ISSUER + SPELLING),
        ({"issuer": "https://auth.example.com:99999"}, ISSUER + SPELLING),
        ({"issuer": "https://auth.example.com:0"}, ISSUER + SPELLING),
        ({"issuer": "https://*.example.com"}, ISSUER + SPELLING),
        ({"issuer": "https://"}, ISSUER + SPELLING),
        ({"access_token": {"audience": ["*"]}}, f"{AUDIENCE}each is a name or a URL without blanks or wildcards"),
        ({"access_token": {"audience": ["https://*.example.com"]}}, f"{AUDIENCE}each is a name"),
        ({"access_token": {"audience": ["my api"]}}, f"{AUDIENCE}each is a name"),
        ({"access_token": {"audience": ["a", "a"]}}, f"{AUDIENCE}one of them is there twice"),
        ({"access_token": {"audience": ["https://auth.example.com"]}}, f"{AUDIENCE}the issuer itself can't be an API"),
        ({"access_token": {"lifetime": "14s"}}, "14s is out of range; choose 15s to 60m"),
        ({"access_token": {"lifetime": "61m"}}, "61m is out of range; choose 15s to 60m"),
        ({"access_token": {"lifetime": "15500ms"}}, "15500ms is not a whole number of seconds"),
        ({"refresh_token": {"grace": "601s"}}, "601s is out of range; choose 0s to 10m"),
        ({"refresh_token": {"idle": "31d"}}, "31d is more than refresh_token.lifetime, 30d"),
        ({"refresh_token": {"idle": "1s"}}, "1s is out of range; choose 1m to 3650d"),
        ({"refresh_token": {"lifetime": "9999d"}}, "9999d is out of range; choose 1m to 3650d"),
        ({"access_token": {"algorithm": "ES512"}}, "it can't sign here; choose one of ES256, ES384, EdDSA"),
        ({"access_token": {"algorithm": "none"}}, "(KEYTURN_ACCESS_TOKEN_ALGORITHM): Input should be"),
        ({"access_token": {"algorithm": "HS256"}}, "a shared secret is for an issuer and a verifier in one process"),
        ({"keys": {"publish_ahead": "299s"}}, "299s is out of range; choose 300s to"),
        ({"keys": {"publish_ahead": "30d"}}, "30d is not less than keys.rotate_every, 30d"),
        ({"keys": {"publish_ahead": "300500ms"}}, "300500ms is not a whole number of seconds"),
        ({"keys": {"rotate_every": "3600001ms", "publish_ahead": "5m"}}, "3600001ms is not a whole number of seconds"),
        ({"keys": {"rotate_every": "10m", "publish_ahead": "5m"}}, "10m is out of range; choose 1h to"),
        ({"keys": {"master_key": "c2hvcnQ"}}, "(KEYTURN_KEYS_MASTER_KEY): a master key has 32 bytes"),
        ({"keys": {"master_key": "A" * 43}}, "(KEYTURN_KEYS_MASTER_KEY): the master key can be guessed"),
        ({"keys": {"master_key": f"{MASTER_KEY},{MASTER_KEY}"}}, "one key is in the list twice"),
        ({"keys": {"master_key": "vault:secret/keyturn"}}, "write vault:mount/path#field"),
        ({"keys": {"master_key": "awssm:#a"}}, "write awssm:name, awssm:name#field"),
        ({"password": {"memory_kib": 19455}}, "(KEYTURN_PASSWORD_MEMORY_KIB): weaker than every"),
        ({"password": {"memory_kib": 19456, "time_cost": 1}}, "weaker than every"),
        ({"password": {"memory_kib": 7167, "time_cost": 100}}, "weaker than every"),
        ({"password": {"min_length": 7}}, "(KEYTURN_PASSWORD_MIN_LENGTH): Input should be greater than or equal to 8"),
        ({"roles": {"bad role": []}}, "roles (KEYTURN_ROLES): a role's name is"),
        ({"roles": {"user": ['a"b']}}, "roles (KEYTURN_ROLES): a scope is"),
        ({"server": {"cors_origins": ["*"]}}, f"{ORIGINS}each is an exact origin"),
        ({"server": {"cors_origins": ["null"]}}, f"{ORIGINS}each is an exact origin"),
        ({"server": {"cors_origins": ["https://app.example.com/"]}}, f"{ORIGINS}each is an exact origin"),
        ({"server": {"cors_origins": ["https://app.example.com/x"]}}, f"{ORIGINS}each is an exact origin"),
        ({"server": {"cors_origins": ["https://app.example.com:443"]}}, f"{ORIGINS}each is an exact origin"),
        ({"server": {"cors_origins": ["https://*.example.com"]}}, f"{ORIGINS}each is an exact origin"),
        ({"server": {"cors_origins": ["http://app.example.com"]}}, f"{ORIGINS}plain HTTP is for localhost alone"),
        ({"server": {"host": EVERYWHERE}}, "passwords would cross the network in the clear"),
        ({"server": {"host": "::"}}, "passwords would cross the network in the clear"),
        ({"server": {"host": "auth.internal"}}, "passwords would cross the network in the clear"),
        (
            {"issuer": "http://localhost:8080", "server": {"host": EVERYWHERE, "trusted_proxies": ["10.0.0.0/8"]}},
            f"{ISSUER}plain HTTP is for this machine alone, and server.host",
        ),
        (
            {"issuer": "http://127.0.0.1", "server": {"host": "auth.internal", "trusted_proxies": ["10.0.0.0/8"]}},
            f"{ISSUER}plain HTTP is for this machine alone, and server.host",
        ),
        ({"server": {"trusted_proxies": ["0.0.0.0/1", "128.0.0.0/1"]}}, f"{PROXIES}they hold every address"),
        ({"server": {"trusted_proxies": ["10.0.0.0/8", "::/1", "8000::/2", "c000::/2"]}}, f"{PROXIES}they hold every"),
        ({"server": {"metrics_from": ["128.0.0.0/1", "0.0.0.0/2", "64.0.0.0/2"]}}, "they hold every address"),
        (
            {"server": {"tls_cert": "cert.pem"}},
            "server.tls_key (KEYTURN_SERVER_TLS_KEY): certificate and key go together",
        ),
        (
            {"server": {"tls_key": "key.pem"}},
            "server.tls_cert (KEYTURN_SERVER_TLS_CERT): certificate and key go together",
        ),
        ({"server": {"tls_cert": "no.pem", "tls_key": "no.pem"}}, "no.pem or no.pem can't be read"),
        ({"database": {"url": "mysql://db/keyturn"}}, "write sqlite:///path/to/keyturn.db or postgresql://"),
        ({"database": {"url": "postgresql://db/keyturn"}}, f"{DATABASE}what crosses the network could be in plain"),
        ({"database": {"url": "postgresql://db/keyturn?sslmode=prefer"}}, f"{DATABASE}what crosses the network could"),
        ({"database": {"url": "postgresql://127.0.0.1,db/keyturn"}}, f"{DATABASE}what crosses the network could"),
        ({"database": {"url": "postgresql:///keyturn?host=db"}}, f"{DATABASE}what crosses the network could"),
        (
            {"database": {"url": "postgresql://me:a@b@127.0.0.1/keyturn"}},
            f"{DATABASE}write postgresql://user:password@",
        ),
        (
            {"database": {"url": "postgresql:///keyturn?host=/run/postgresql", "pooler": "session"}},
            "write 'transaction' behind PgBouncer",
        ),
        ({"database": {"pooler": "transaction"}}, "database.pooler (KEYTURN_DATABASE_POOLER): SQLite has no pooler"),
        ({"redis": {"url": "http://cache"}}, "redis.url (KEYTURN_REDIS_URL): it must start with redis://"),
    ],
)
def test_an_unsafe_setting_refuses_to_start(flags: dict[str, Any], sentence: str) -> None:
    """OPS-06, ISS-02, KEY-03, PWD-01, PWD-02, WEB-08, VER-12: the sentence names the setting and its variable."""
    with pytest.raises(ConfigurationError) as refused:
        load(**flags)

    assert sentence in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    "flags",
    [
        {"issuer": "http://localhost:8080"},
        {"issuer": "http://127.0.0.1"},
        {"issuer": "http://[::1]:8080"},
        {"issuer": "https://auth.example.com:8443/auth/v1.0"},
        {"issuer": "http://auth.internal", "danger": {"allow_http": True}},
        {"access_token": {"audience": ["my-api", "urn:example:api"], "lifetime": "15s"}},
        {"access_token": {"lifetime": "60m"}},
        {"refresh_token": {"grace": "0s"}},
        {"refresh_token": {"grace": "10m", "idle": "30d"}},
        {"keys": {"publish_ahead": "5m", "rotate_every": "1h"}},
        {"password": {"memory_kib": 47104, "time_cost": 1}},
        {"password": {"memory_kib": 7168, "time_cost": 5}},
        {"roles": {"user": ["orders:read"], "nobody": []}},
        {
            "server": {
                "cors_origins": ["https://app.example.com", "http://localhost:3000", "https://[2001:db8::1]:8443"]
            }
        },
        {"server": {"host": EVERYWHERE, "trusted_proxies": ["10.0.0.0/8", "192.0.2.1"]}},
        {"server": {"trusted_proxies": ["0.0.0.0/1", "128.0.0.0/2", "::/1"]}},
        {"server": {"host": EVERYWHERE}, "danger": {"allow_http": True}},
        {"issuer": "http://localhost", "server": {"host": EVERYWHERE}, "danger": {"allow_http": True}},
        {"issuer": "http://localhost:8080", "server": {"trusted_proxies": ["127.0.0.1"]}},
        {"server": {"host": "localhost"}},
        {"server": {"host": "::1"}},
        {"database": {"url": "postgresql://me:a%40b@127.0.0.1:5433/keyturn", "pooler": "transaction"}},
        {"database": {"url": "postgres:///keyturn?host=/run/postgresql"}},
        {"database": {"url": "postgresql://[::1],localhost/keyturn?target_session_attrs=read-write"}},
        {"database": {"url": "postgresql://db1,db2:5433/keyturn?sslmode=verify-full"}},
        {"database": {"url": "postgresql://db/keyturn?sslmode=disable"}},
    ],
)
def test_a_safe_setting_starts(flags: dict[str, Any]) -> None:
    """What is allowed at its edge is allowed."""
    load(**flags)


@pytest.mark.parametrize("algorithm", ["ES256", "EdDSA", "RS256", "PS256", "ES384", "RS512"])
def test_every_documented_algorithm_is_taken(algorithm: str) -> None:
    """And no other, but for the shared secrets below."""
    assert load(access_token={"algorithm": algorithm}).access_token.algorithm == algorithm


@pytest.mark.parametrize("algorithm", ["HS256", "HS512"])
def test_a_shared_secret_is_for_an_embedded_server_alone(algorithm: str) -> None:
    """ISS-01: there issuer and verifier are one process."""
    assert load(Purpose.EMBED, access_token={"algorithm": algorithm}).access_token.algorithm == algorithm


def test_where_an_embedded_server_listens_is_not_ours_to_judge() -> None:
    """The app around it has its own server."""
    load(Purpose.EMBED, server={"host": EVERYWHERE})
