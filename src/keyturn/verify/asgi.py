"""The headers of an ASGI scope, as they came: no framework's own object is built just to be asked for one of them."""

from collections.abc import MutableMapping
from functools import partial
from typing import Any

from keyturn.verify.credentials import HeaderValues


def header_values(scope: MutableMapping[str, Any]) -> HeaderValues:
    """Return what gives the values of each request header of *scope*, by the lower-case names that ASGI prescribes."""
    headers = scope["headers"]
    if type(headers) is not list:  # any iterable will do for ASGI, one that can be read once too
        headers = scope["headers"] = list(headers)
    return partial(_values, headers)


def _values(headers: list[tuple[bytes, bytes]], name: str) -> list[str]:
    wanted = name.encode("latin-1")
    return [value.decode("latin-1") for key, value in headers if key == wanted]
