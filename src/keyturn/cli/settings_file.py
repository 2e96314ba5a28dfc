"""A ``keyturn.toml`` that explains itself: every setting, what it does, and its default."""

import json
from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Any, Final

from pydantic import SecretStr

from keyturn.server.settings import Settings, all_names

SENTENCES: Final = {
    "issuer": "The URL that clients reach this server at; it stands in every token.",
    "server.host": "The address to listen on. Beyond this machine it needs TLS here or a proxy that ends it.",
    "server.port": "The TCP port to listen on.",
    "server.workers": "Equal processes that serve; about as many as there are cores.",
    "server.trusted_proxies": "Networks of the proxies whose forwarding headers are believed.",
    "server.cors_origins": "Origins of pages, beside the issuer's own, that may log users in.",
    "server.metrics_from": "Networks, beside this machine, that may read /metrics.",
    "server.tls_cert": "A certificate chain in PEM, where no proxy ends TLS.",
    "server.tls_key": "Its private key in PEM.",
    "database.url": "Where everything is kept: sqlite:///relative.db, or postgresql://user:password@host/database.",
    "database.pooler": "'transaction' behind PgBouncer in transaction mode, else empty.",
    "redis.url": "Redis or Valkey beside the database: redis://host:6379/0; empty for none.",
    "access_token.lifetime": "How long an access token lives: 15s to 60m.",
    "access_token.audience": "The APIs that tokens are for; the first one unless another is asked for.",
    "access_token.algorithm": "What signs: ES256, ES384, EdDSA, RS256, RS512 or PS256.",
    "refresh_token.lifetime": "A session's absolute end, counted from the login.",
    "refresh_token.idle": "A session ends that was not refreshed for so long.",
    "refresh_token.grace": "A lost answer to a refresh can be had again for so long: 0s to 10m.",
    "roles": "What each role may do, as scopes.",
    "keys.master_key": "32 random bytes in base64url; or file:, credential:, vault: or awssm:. It can forge tokens.",
    "keys.rotate_every": "How long a signing key signs.",
    "keys.publish_ahead": "How long a key is published before it signs; at least 5m.",
    "password.min_length": "Characters of a password, at least; not below 8.",
    "password.memory_kib": "Memory of one argon2id hash.",
    "password.time_cost": "Passes of one argon2id hash.",
    "password.parallelism": "Lanes of one argon2id hash.",
    "password.concurrency": "Hashes at the same time; 0 is the number of cores less one, and at least one.",
    "password.breach_check": "on asks a list of stolen passwords for five digits of a new one's SHA-1, off nobody.",
    "password.breach_url": "That list, by HTTPS; the five digits are appended.",
    "rate_limit.login_per_ip": "Logins from one address: so many at once, then spread over the time.",
    "rate_limit.login_per_account": "Logins to one account from devices that it does not know.",
    "rate_limit.login_per_device": "Logins to one account from a device that it knows.",
    "rate_limit.refresh_per_session": "Refreshes of one session.",
    "rate_limit.token_per_client": "Tokens for one client; without effect in this release.",
    "registration.mode": "Who may make an account: closed (the operator alone) or open (everybody).",
    "device.binding": "What a change of browser does: off, observe (audit it) or enforce (end the session).",
    "device.address": "What a change of network does: off, observe or enforce.",
    "cookie.same_site": "strict, or lax where links from elsewhere must find the user logged in.",
    "log.level": "The least urgent lines that are written: debug, info, warning or error.",
    "log.format": "console, json, or auto: console on a terminal and JSON elsewhere.",
    "danger.allow_http": "Lets passwords and tokens cross networks in the clear. Never in production.",
}


def render(values: Mapping[str, Any], *, intro: str) -> str:
    """Return the text of a settings file.

    Args:
        values: what differs from the defaults, by the setting's name.
        intro: the first lines, without comment signs.

    """
    lines = [*(f"# {line}".rstrip() for line in intro.splitlines()), ""]
    section = ""
    for name, default in _defaults():
        value = values.get(name, default)
        table = name if isinstance(value, Mapping) else name.rpartition(".")[0]
        if table != section:
            lines += ["", f"[{table}]"]
            section = table
        lines += _setting(name, value)
    return "\n".join(lines) + "\n"


def _defaults() -> Iterator[tuple[str, Any]]:
    defaults = Settings()
    for name in all_names():
        section, _, key = name.partition(".")
        value = getattr(defaults, section)
        yield name, getattr(value, key) if key else value


def _setting(name: str, value: object) -> list[str]:
    if isinstance(value, Mapping):
        roles = [f"{_toml(role)} = {_toml(scopes)}" for role, scopes in value.items()]
        return [f"# {SENTENCES[name]}", *(roles or _EXAMPLE)]
    return [f"# {SENTENCES[name]}", f"{name.rpartition('.')[2]} = {_toml(value)}"]


def _toml(value: object) -> str:
    """Return *value* as TOML writes it."""
    if isinstance(value, bool | int):
        return json.dumps(value)
    if isinstance(value, tuple | list):
        return f"[{', '.join(_toml(item) for item in value)}]"
    if isinstance(value, SecretStr):
        return _quoted(value.get_secret_value())
    return _quoted(value.value if isinstance(value, StrEnum) else str(value))


def _quoted(text: str) -> str:
    """Return *text* as a basic string: JSON's, but for characters beyond the BMP, which JSON would write as two."""
    return json.dumps(text, ensure_ascii=False)


_EXAMPLE: Final = ['# user = ["orders:read"]', '# admin = ["orders:read", "orders:write"]']
