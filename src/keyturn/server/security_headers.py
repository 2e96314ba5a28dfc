"""The headers of every answer (WEB-10): nothing of ours is framed, sniffed, embedded elsewhere or kept by accident.

An endpoint that sets one of them itself, such as the page at ``/docs`` its Content-Security-Policy, has its own.
"""

from typing import Final

Header = tuple[bytes, bytes]

CACHE_CONTROL: Final = b"cache-control"
CONTENT_SECURITY_POLICY: Final = b"content-security-policy"


def fixed_headers(issuer: str) -> list[Header]:
    """Return what every answer of *issuer* carries."""
    if issuer.startswith("https://"):
        return [*_FIXED, _HSTS]
    return list(_FIXED)


def missing_headers(sent: list[Header]) -> list[Header]:
    """Return what an answer with the headers *sent* carries for want of its own."""
    names = {name for name, _ in sent}
    return [header for header in _DEFAULTS if header[0] not in names]


_FIXED: Final[tuple[Header, ...]] = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
)
_HSTS: Final = (b"strict-transport-security", b"max-age=31536000")
_DEFAULTS: Final[tuple[Header, ...]] = (
    (CACHE_CONTROL, b"no-store"),
    (CONTENT_SECURITY_POLICY, b"default-src 'none'; frame-ancestors 'none'"),
    (b"cross-origin-resource-policy", b"same-origin"),
)
