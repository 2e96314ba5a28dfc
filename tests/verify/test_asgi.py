"""The headers of an ASGI scope."""

from collections.abc import Iterable
from typing import Any

import pytest

from keyturn.verify.asgi import header_values

HEADERS = [(b"authorization", b"Bearer a"), (b"x-authorization", b"no"), (b"origin", b"\xe4"), (b"authorization", b"b")]


@pytest.mark.parametrize("headers", [HEADERS, tuple(HEADERS), iter(HEADERS)])
def test_every_value_of_a_header_is_found(headers: Iterable[tuple[bytes, bytes]]) -> None:
    """WEB-01, A56: a doubled header is seen as such, by its exact name; the scope may hold any iterable, once."""
    scope: dict[str, Any] = {"headers": headers}
    for _ in range(2):
        values = header_values(scope)
        assert values("authorization") == ["Bearer a", "b"]
        assert values("origin") == ["\xe4"]
        assert values("cookie") == []
