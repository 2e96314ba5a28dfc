"""A token in a cookie: reading the Cookie header to the byte (RFC 6265 §4.2.1), and the CSRF rule. Pure.

Servers that fold white space, quotes or ``$Version`` in a Cookie header can be made to see a ``__Host-`` cookie
that no browser would have let anybody set. Here a name fits exactly or not at all.
"""

from collections.abc import Collection, Iterable, Sequence
from typing import Final
from urllib.parse import urlsplit

from keyturn.errors import InvalidRequest

#: The requests that change nothing (RFC 9110 §9.2.1), so that forging one gains nothing.
SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})


def access_cookie_name(issuer: str) -> str:
    """Return the name of the cookie that carries the access token."""
    return cookie_name("keyturn_access", issuer=issuer)


def cookie_name(name: str, *, issuer: str) -> str:
    """Return *name* with its ``__Host-`` prefix, which only a plain-HTTP issuer on this machine goes without."""
    parts = urlsplit(issuer)
    plain = parts.scheme == "http" and parts.hostname in {"localhost", "127.0.0.1"}
    return name if plain else f"__Host-{name}"


def find_cookie(values: Iterable[str], name: str) -> str | None:
    """Return the value of the cookie *name*, or None.

    Args:
        values: all values of the request's Cookie headers; HTTP/2 may split them.
        name: the exact name.

    Raises:
        InvalidRequest: the cookie is there twice: then somebody else may have set one of them.

    """
    found = [value for key, value in _pairs(values) if key == name]
    if len(found) > 1:
        raise InvalidRequest("a cookie of ours is there twice")
    return found[0] if found else None


def parse_cookies(values: Iterable[str]) -> dict[str, list[str]]:
    """Return all cookies in *values*, each name with its values in the order sent."""
    cookies: dict[str, list[str]] = {}
    for key, value in _pairs(values):
        cookies.setdefault(key, []).append(value)
    return cookies


def origin_of(url: str) -> str:
    """Return the origin of *url* as browsers write it in an Origin header (RFC 6454 §6.2)."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    host = f"[{host}]" if ":" in host else host
    port = "" if parts.port in {None, _DEFAULT_PORTS.get(parts.scheme)} else f":{parts.port}"
    return f"{parts.scheme}://{host}{port}"


def csrf_allows(
    *,
    origins: Sequence[str],
    fetch_sites: Sequence[str],
    own_origin: str,
    allowed_origins: Collection[str] = (),
) -> bool:
    """Say whether a request that a cookie alone authenticates comes from a page that may send it.

    Needed is ``Sec-Fetch-Site: same-origin``, or an Origin that is ours or listed. ``same-site`` is a stranger's;
    so is ``null``; and a header sent twice counts as one that says nothing.

    Args:
        origins: all values of the Origin headers.
        fetch_sites: all values of the Sec-Fetch-Site headers.
        own_origin: the issuer's origin.
        allowed_origins: the others whose pages may send it.

    """
    if len(origins) > 1 or len(fetch_sites) > 1:
        return False
    if list(fetch_sites) == ["same-origin"]:
        # Whatever the Origin says: no page can set this header, so the browser itself found page and URL to be of one
        # origin. Behind a development server that passes requests on to us, that origin is not the issuer's.
        return True
    return bool(origins) and origins[0] != "null" and (origins[0] == own_origin or origins[0] in allowed_origins)


def csrf_allows_or_absent(
    *,
    origins: Sequence[str],
    fetch_sites: Sequence[str],
    own_origin: str,
    allowed_origins: Collection[str] = (),
) -> bool:
    """Say the same of a request that carries its own credentials: there both headers may also be absent."""
    if not origins and not fetch_sites:
        return True
    return csrf_allows(origins=origins, fetch_sites=fetch_sites, own_origin=own_origin, allowed_origins=allowed_origins)


def _pairs(values: Iterable[str]) -> Iterable[tuple[str, str]]:
    """Yield each ``name=value``. One space after a semicolon is the separator's; any other belongs to the name."""
    for header in values:
        for number, pair in enumerate(header.split(";")):
            name, equals, value = (pair.removeprefix(" ") if number else pair).partition("=")
            if name and equals:
                yield name, value


_DEFAULT_PORTS: Final = {"http": 80, "https": 443}
