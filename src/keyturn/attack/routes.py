"""Routes as people write them: a method and a path. Pure."""

import re
from typing import Final

from keyturn.attack.model import Expectation, Route
from keyturn.errors import ConfigurationError

#: Methods that change nothing, so that an accepted token does no harm (RFC 9110 §9.2.1).
SAFE_METHODS: Final = frozenset({"GET", "HEAD"})


def parse_route(text: str) -> Route:
    """Return the route that *text* names, such as ``GET /orders``; a path alone is read.

    Raises:
        ConfigurationError: it is none.

    """
    method, _, path = text.strip().rpartition(" ")
    route = Route(method=(method.strip() or "GET").upper(), path=path, expectation=Expectation.PROTECTED)
    if not _METHOD.fullmatch(route.method) or not _PATH.fullmatch(route.path):
        raise ConfigurationError('A route is a method and a path without blanks, such as "GET /orders/1".')
    return route


_METHOD: Final = re.compile(r"[A-Z]{1,20}")
_PATH: Final = re.compile(r"/[!-\"$-;=?-~]{0,2000}")
