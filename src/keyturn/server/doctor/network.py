"""Checks of the wires: plain text, whom we believe what they say about others, who may read the metrics."""

from collections.abc import Iterable
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Final

from keyturn.errors import ConfigurationError
from keyturn.server.configuration import rules
from keyturn.server.configuration.masking import mask_url
from keyturn.server.doctor.findings import Chapter, Check, Sentences, Severity
from keyturn.server.doctor.identity import host_of
from keyturn.server.settings import Settings
from keyturn.store.sql.postgres.location import location_of
from keyturn.verify.locations import is_loopback

WIDEST: Final = {4: 8, 6: 7}
"""The shortest prefix that a network of somebody's own has: 10.0.0.0/8 and fc00::/7."""

LARGEST_PUBLIC: Final = {4: 24, 6: 48}
"""The shortest prefix of a public network that may well be one's own proxies and nothing else."""


def _plain_http(settings: Settings) -> Sentences:
    if settings.issuer.startswith("http:") and not is_loopback(host_of(settings.issuer)):
        yield f"issuer is {mask_url(settings.issuer)}."


def _http_allowed(settings: Settings) -> Sentences:
    if settings.danger.allow_http:
        yield "danger.allow_http is true."


def _proxies_missing(settings: Settings) -> Sentences:
    server = settings.server
    if settings.issuer.startswith("https:") and not (server.tls_cert or server.trusted_proxies):
        yield "issuer is an https URL, server.tls_cert and server.trusted_proxies are empty: a proxy is there, unnamed."


def _proxies_wide(settings: Settings) -> Sentences:
    for network in _wide(settings.server.trusted_proxies):
        yield f"server.trusted_proxies holds {network}."


def _proxies_public(settings: Settings) -> Sentences:
    for network in _public(settings.server.trusted_proxies):
        yield f"server.trusted_proxies holds {network}."


def _metrics_wide(settings: Settings) -> Sentences:
    listed = settings.server.metrics_from
    for network in dict.fromkeys((*_wide(listed), *_public(listed))):
        yield f"server.metrics_from holds {network}."


def _redis_plain(settings: Settings) -> Sentences:
    for concern in rules.concerns(settings):
        if "redis.url" in concern.names:
            yield "redis.url leads to another machine without TLS."


def _database_plain(settings: Settings) -> Sentences:
    if _sslmode(settings) == "disable":
        yield "database.url has sslmode=disable, and its host is another machine."


def _database_unverified(settings: Settings) -> Sentences:
    if (mode := _sslmode(settings)) in {"require", "verify-ca"}:
        yield f"database.url has sslmode={mode}, and its host is another machine."


def _wide(texts: Iterable[str]) -> list[IPv4Network | IPv6Network]:
    return [network for network in map(ip_network, texts) if network.prefixlen < WIDEST[network.version]]


def _public(texts: Iterable[str]) -> list[IPv4Network | IPv6Network]:
    networks = [network for network in map(ip_network, texts) if not network.is_private]
    return [each for each in networks if WIDEST[each.version] <= each.prefixlen < LARGEST_PUBLIC[each.version]]


def _sslmode(settings: Settings) -> str:
    """Return how a PostgreSQL on another machine is reached; nothing where there is none."""
    try:
        location = location_of(settings.database.url)
    except ConfigurationError:  # another database, or told elsewhere
        return ""
    return location.options.get("sslmode", "") if any(map(_is_elsewhere, location.hosts)) else ""


def _is_elsewhere(host: str) -> bool:
    return not is_loopback(host) and not host.startswith(("/", "%2F", "%2f"))


CHAPTER: Final = Chapter(
    name="network",
    title="Wires and proxies",
    subject=Settings,
    checks=(
        Check(
            id="plain-http",
            severity=Severity.CRITICAL,
            meaning="Passwords, tokens and cookies cross the network where anybody on the way can read and keep them.",
            mend="Use an https issuer, with server.tls_cert and server.tls_key or a proxy that ends TLS.",
            reference="OPS-06; RFC 6750 §5.3; RFC 8414 §2",
            judge=_plain_http,
        ),
        Check(
            id="http-allowed",
            severity=Severity.HIGH,
            meaning="Nothing refuses plain HTTP any more, neither for the issuer nor for other origins.",
            mend="Remove danger.allow_http.",
            reference="OPS-06",
            judge=_http_allowed,
        ),
        Check(
            id="proxies-missing",
            severity=Severity.MEDIUM,
            meaning="All clients share the proxy's address: login_per_ip slows everybody down as soon as one guesses.",
            mend="Name the proxy's own address in server.trusted_proxies, such as 127.0.0.1, or end TLS here.",
            reference="WEB-13; PWD-06; RFC 7239 §8.1",
            judge=_proxies_missing,
        ),
        Check(
            id="proxies-wide",
            severity=Severity.HIGH,
            meaning="Whoever has an address in so wide a network chooses the address that limits see.",
            mend="Name only the addresses of the proxies in server.trusted_proxies.",
            reference="WEB-13; RFC 7239 §8.1",
            judge=_proxies_wide,
        ),
        Check(
            id="proxies-public",
            severity=Severity.MEDIUM,
            meaning="The network is public: strangers with an address there choose the address that limits see.",
            mend="Name only the addresses of the proxies. If these are a provider's, let its firewall keep others out.",
            reference="WEB-13; RFC 7239 §8.1",
            judge=_proxies_public,
        ),
        Check(
            id="metrics-wide",
            severity=Severity.MEDIUM,
            meaning="Strangers can read how many people log in, and when, and which limits they meet.",
            mend="Name only the addresses of your monitoring in server.metrics_from.",
            reference="OWASP ASVS 5.0 13.4.6",
            judge=_metrics_wide,
        ),
        Check(
            id="redis-plain",
            severity=Severity.MEDIUM,
            meaning="Its password crosses the network in plain text, and who is on it can lift limits.",
            mend="Write rediss:// in redis.url, unless nobody else is on that network.",
            reference="OPS-06",
            judge=_redis_plain,
        ),
        Check(
            id="database-plain",
            severity=Severity.MEDIUM,
            meaning="Password hashes, sessions and the database's password cross the network in plain text.",
            mend="Use ?sslmode=verify-full&sslrootcert=/path/to/ca.pem in database.url, unless nobody else is on it.",
            reference="OPS-06",
            judge=_database_plain,
        ),
        Check(
            id="database-unverified",
            severity=Severity.MEDIUM,
            meaning="Whoever is on the way can answer in the database's place, and be handed its password.",
            mend="Use ?sslmode=verify-full&sslrootcert=/path/to/ca.pem in database.url.",
            reference="OPS-06; RFC 9525",
            judge=_database_unverified,
        ),
    ),
)
