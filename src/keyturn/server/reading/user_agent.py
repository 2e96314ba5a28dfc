"""The families of browser and operating system that a User-Agent header names (RFC 9110 §10.1.5), from a small table.

Families only, without versions: an update of the browser is no change of device. The first line that fits wins, so
what calls itself something else as well (Edge says Chrome, Chrome says Safari) stands before it.
"""

from functools import lru_cache
from typing import Final

UNKNOWN: Final = "unknown"

MAX_LENGTH: Final = 256
"""Characters that are looked at; no browser needs more to say what it is."""


def families(user_agent: str) -> tuple[str, str]:
    """Return the families of the browser and of the operating system; ``unknown`` where the table knows none."""
    return _families(user_agent[:MAX_LENGTH])


@lru_cache(maxsize=1024)
def _families(user_agent: str) -> tuple[str, str]:
    return _first(_BROWSERS, user_agent), _first(_SYSTEMS, user_agent)


def _first(table: tuple[tuple[str, str], ...], user_agent: str) -> str:
    return next((family for mark, family in table if mark in user_agent), UNKNOWN)


_BROWSERS: Final = (
    ("Edg/", "Edge"),
    ("EdgA/", "Edge"),
    ("EdgiOS/", "Edge"),
    ("OPR/", "Opera"),
    ("OPT/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("YaBrowser/", "Yandex"),
    ("Vivaldi/", "Vivaldi"),
    ("DuckDuckGo/", "DuckDuckGo"),
    ("Ddg/", "DuckDuckGo"),
    ("Firefox/", "Firefox"),
    ("FxiOS/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
    ("okhttp/", "OkHttp"),
    ("CFNetwork/", "CFNetwork"),
    ("Dart/", "Dart"),
    ("curl/", "curl"),
    ("Wget/", "Wget"),
    ("HTTPie/", "HTTPie"),
    ("PostmanRuntime/", "Postman"),
    ("insomnia/", "Insomnia"),
    ("python-", "Python"),
    ("Python/", "Python"),
    ("Python-urllib/", "Python"),
    ("aiohttp/", "Python"),
    ("Go-http-client/", "Go"),
    ("axios/", "Node.js"),
    ("undici", "Node.js"),
    ("node", "Node.js"),
    ("Java/", "Java"),
    ("Java-http-client/", "Java"),
    ("Apache-HttpClient/", "Java"),
)

_SYSTEMS: Final = (
    ("Windows", "Windows"),
    ("Android", "Android"),
    ("iPhone", "iOS"),
    ("iPad", "iOS"),
    ("iPod", "iOS"),
    ("CrOS", "ChromeOS"),
    ("Macintosh", "macOS"),
    ("Mac OS X", "macOS"),
    ("Darwin/", "Apple"),
    ("Linux", "Linux"),
    ("X11", "Linux"),
    ("FreeBSD", "FreeBSD"),
    ("OpenBSD", "OpenBSD"),
)
