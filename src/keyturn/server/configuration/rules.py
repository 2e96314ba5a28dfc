"""Which settings are unsafe or make no sense. Each rule is a function from the settings to what is wrong with them.

Nothing unsafe is only warned of: the start stops, and the sentence names the setting and the mend.
"""

from collections.abc import Callable, Iterator
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from keyturn.errors import ConfigurationError
from keyturn.server.configuration import rules_network as network
from keyturn.server.configuration import rules_tokens as tokens
from keyturn.server.configuration.problem import Problem
from keyturn.store.redis.location import parse_location
from keyturn.store.sql.postgres.location import SCHEMES as POSTGRES_SCHEMES
from keyturn.store.sql.postgres.location import location_of as parse_postgres
from keyturn.verify.locations import is_loopback

if TYPE_CHECKING:
    from keyturn.server.settings import Settings

Problems = Iterator[Problem]


class Purpose(StrEnum):
    """What the settings are for.

    ``serve`` is a server of our own, ``embed`` one inside another app, ``administer`` a command beside it.
    """

    SERVE = "serve"
    EMBED = "embed"
    ADMINISTER = "administer"


def problems(settings: "Settings", purpose: Purpose) -> Problems:
    """Yield everything that stops a start for *purpose*."""
    for rule in _RULES[purpose]:
        yield from rule(settings)


def concerns(settings: "Settings") -> Problems:
    """Yield what an operator should know of and what stops nothing."""
    yield from _without_effect(settings)
    yield from _plain_redis(settings)


def _without_effect(settings: "Settings") -> Problems:
    limits = settings.rate_limit
    if limits.token_per_client != type(limits)().token_per_client:
        yield Problem(
            ("rate_limit.token_per_client",), "it has no effect: this installation gives no tokens to clients."
        )


def _plain_redis(settings: "Settings") -> Problems:
    """Tell of plain text where a network may be anybody's. Redis holds neither secrets nor names: no refusal."""
    try:
        location = parse_location(settings.redis.url)
    except ConfigurationError:  # told elsewhere
        return
    if not location.tls and not all(_is_ours(host) for host, _ in location.hosts):
        yield Problem(
            ("redis.url",),
            "its password and all else crosses the network in plain text; write rediss:// unless nobody else is on it.",
        )


def _is_ours(host: str) -> bool:
    """Say whether *host* is this machine, or a name that means something only inside one network, as Compose's do."""
    return is_loopback(host) or not {".", ":"} & set(host)


def required(settings: "Settings") -> Problems:
    """Ask for what has no default."""
    if not settings.issuer:
        yield Problem(("issuer",), "it has no default; set the URL that clients reach this server at.")
    if not settings.access_token.audience:
        yield Problem(("access_token.audience",), "it has no default; name the APIs that tokens are for.")
    if not settings.keys.master_key.get_secret_value():
        yield Problem(
            ("keys.master_key",),
            "it has no default; `keyturn init` makes one. KEYTURN_KEYS_MASTER_KEY_FILE names a file.",
        )


def _database(settings: "Settings") -> Problems:
    """Take a URL that names its backend, and a pooler only where there can be one."""
    scheme, pooler = settings.database.url.partition(":")[0], settings.database.pooler
    if scheme in POSTGRES_SCHEMES:
        yield from _postgres(settings.database.url)
    elif scheme != "sqlite":
        yield Problem(("database.url",), "write sqlite:///path/to/keyturn.db or postgresql://user@host/database.")
    elif pooler:
        yield Problem(("database.pooler",), "SQLite has no pooler; leave it empty.")
    if pooler not in {"", "transaction"}:
        yield Problem(("database.pooler",), "write 'transaction' behind PgBouncer in transaction mode, else nothing.")


def _postgres(url: str) -> Problems:
    try:
        location = parse_postgres(url)
    except ConfigurationError as error:
        yield Problem(("database.url",), str(error).removeprefix("database.url: "))
        return
    if location.may_fall_back_to_plain_text:
        yield Problem(
            ("database.url",),
            "what crosses the network could be in plain text. Add ?sslmode=verify-full&sslrootcert=/path/to/ca.pem;"
            " or ?sslmode=disable, if nobody else is on that network.",
        )


def _redis(settings: "Settings") -> Problems:
    if not settings.redis.url:
        return
    try:
        parse_location(settings.redis.url)
    except ConfigurationError as error:
        yield Problem(("redis.url",), str(error).removeprefix("redis.url: "))


_ANYWHERE: Final[tuple[Callable[["Settings"], Problems], ...]] = (
    network.issuer,
    tokens.audience,
    tokens.lifetimes,
    tokens.algorithm,
    tokens.key_rotation,
    tokens.master_key,
    tokens.password,
    tokens.breach_check,
    tokens.roles,
    network.cors,
    _database,
    _redis,
)
_RULES: Final = {
    Purpose.ADMINISTER: _ANYWHERE,
    Purpose.EMBED: (required, *_ANYWHERE),
    Purpose.SERVE: (required, *_ANYWHERE, tokens.asymmetric, network.transport, network.tls),
}
