"""The Content-Type of a body (RFC 9110 §8.3): one of the few we read, in UTF-8, or none."""

from collections.abc import Sequence
from enum import StrEnum

from keyturn.errors import UnsupportedMediaType


class MediaType(StrEnum):
    """What a body may be."""

    JSON = "application/json"
    FORM = "application/x-www-form-urlencoded"


def parse(values: Sequence[str], accepted: frozenset[MediaType]) -> MediaType:
    """Return the media type that the Content-Type headers *values* name.

    Raises:
        UnsupportedMediaType: there is not exactly one, it is not *accepted*, or it names another charset than UTF-8.

    """
    if len(values) != 1:
        raise UnsupportedMediaType("not one Content-Type")
    if values[0] in accepted:
        return MediaType(values[0])
    essence, *parameters = (part.strip(" \t").lower() for part in values[0].split(";"))
    if essence not in accepted or not all(parameter in _HARMLESS for parameter in parameters):
        raise UnsupportedMediaType("another Content-Type")
    return MediaType(essence)


_HARMLESS = frozenset({"charset=utf-8", 'charset="utf-8"'})
