"""Checks of other origins against cookies: who may call us with them, and whether browsers send them."""

from typing import Final
from urllib.parse import urlsplit

from keyturn.server.configuration.masking import mask_url
from keyturn.server.doctor.findings import Chapter, Check, Sentences, Severity
from keyturn.server.doctor.identity import host_of
from keyturn.server.settings import Settings
from keyturn.verify.locations import is_loopback


def _cors_plain(settings: Settings) -> Sentences:
    for origin in settings.server.cors_origins:
        if origin.startswith("http:") and not is_loopback(host_of(origin)):
            yield f"server.cors_origins holds {origin}."


def _cors_loopback(settings: Settings) -> Sentences:
    if not is_loopback(host_of(settings.issuer)):
        for origin in settings.server.cors_origins:
            if is_loopback(host_of(origin)):
                yield f"server.cors_origins holds {origin}."


def _cors_cross_site(settings: Settings) -> Sentences:
    for origin in settings.server.cors_origins:
        if not _may_be_one_site(origin, settings.issuer) and not is_loopback(host_of(origin)):
            yield f"server.cors_origins holds {origin}, issuer is {mask_url(settings.issuer) or 'not set'}."


def _may_be_one_site(one: str, other: str) -> bool:
    """Tell whether two URLs may be of one site: the same scheme, and a registered name in common.

    Which part of a name can be registered only a list of all countries' rules tells. Two labels are the least, so
    that no one site is taken for two.
    """
    if urlsplit(one).scheme != urlsplit(other).scheme:
        return False
    here, there = host_of(one), host_of(other)
    return here == there or here.split(".")[-2:] == there.split(".")[-2:]


CHAPTER: Final = Chapter(
    name="origins",
    title="Other origins and cookies",
    subject=Settings,
    checks=(
        Check(
            id="cors-plain",
            severity=Severity.HIGH,
            meaning="Whoever is on the way to that page can put a script into it, which acts for the user.",
            mend="Serve the page over https and list that origin.",
            reference="OPS-06; RFC 6454 §8",
            judge=_cors_plain,
        ),
        Check(
            id="cors-loopback",
            severity=Severity.MEDIUM,
            meaning="Left over from development: a program on a user's machine can serve a page that acts for them.",
            mend="Remove it from server.cors_origins; `keyturn dev` lets pages of this machine in by itself.",
            reference="RFC 6454 §8",
            judge=_cors_loopback,
        ),
        Check(
            id="cors-cross-site",
            severity=Severity.MEDIUM,
            meaning="Our cookies are SameSite: the browser never sends them from that site, and its refreshes fail.",
            mend='Serve page and issuer below one domain, or let the page log in with "client": "native".',
            reference="RFC 6265bis §5.6",
            judge=_cors_cross_site,
        ),
    ),
)
