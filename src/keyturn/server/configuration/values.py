"""How a single setting is read: from TOML's own types, or from the text of an environment variable."""

import json
from collections.abc import Callable, Mapping
from ipaddress import IPv4Network, IPv6Network, collapse_addresses, ip_network
from typing import Annotated, Any, TypeAlias, TypeVar

from pydantic import AfterValidator, BeforeValidator, PlainValidator, StringConstraints

from keyturn.server.configuration.durations import Duration, Limit

T = TypeVar("T")


def _text_of(kind: type[T], parse: Callable[[str], T]) -> PlainValidator:
    def read(value: object) -> T:
        if isinstance(value, kind):
            return value
        if not isinstance(value, str):
            raise ValueError("write it as a text in quotes")  # noqa: TRY004 - pydantic collects ValueErrors
        return parse(value.strip())

    return PlainValidator(read)


def _items(value: Any) -> Any:  # noqa: ANN401 - whatever a source holds
    """Read ``a, b`` and ``["a", "b"]`` as lists."""
    if not isinstance(value, str):
        return value
    if value.lstrip().startswith("["):
        return _json(value)
    return [item.strip() for item in value.split(",") if item.strip()]


def _table(value: Any) -> Any:  # noqa: ANN401 - whatever a source holds
    if isinstance(value, str):
        value = _json(value)
    if not isinstance(value, Mapping):
        raise ValueError('write a table, in the environment as JSON: {"user": ["orders:read"]}')  # noqa: TRY004
    return {name: _items(items) for name, items in value.items()}


def _json(text: str) -> Any:  # noqa: ANN401 - whatever it holds
    try:
        return json.loads(text)
    except ValueError:
        raise ValueError("it begins like JSON and is none") from None


def _network(text: str) -> str:
    try:
        network = ip_network(text)
    except ValueError:
        raise ValueError("each is a network such as '10.0.0.0/8', or one address; no bits behind the prefix") from None
    return str(network)


def _not_everybody(texts: tuple[str, ...]) -> tuple[str, ...]:
    """Take networks that leave somebody out, together too: two halves are the whole."""
    networks = [ip_network(text) for text in texts]
    together: tuple[IPv4Network | IPv6Network, ...] = (
        *collapse_addresses(each for each in networks if isinstance(each, IPv4Network)),
        *collapse_addresses(each for each in networks if isinstance(each, IPv6Network)),
    )
    if any(network.prefixlen == 0 for network in together):
        raise ValueError("they hold every address, and so trust everybody; name the real ones")
    return texts


DurationSetting: TypeAlias = Annotated[Duration, _text_of(Duration, Duration.parse)]
LimitSetting: TypeAlias = Annotated[Limit, _text_of(Limit, Limit.parse)]
Text: TypeAlias = Annotated[str, StringConstraints(strip_whitespace=True)]
Texts: TypeAlias = Annotated[tuple[Text, ...], BeforeValidator(_items)]
Networks: TypeAlias = Annotated[
    tuple[Annotated[Text, AfterValidator(_network)], ...], BeforeValidator(_items), AfterValidator(_not_everybody)
]
RoleTable: TypeAlias = Annotated[dict[Text, Texts], BeforeValidator(_table)]
