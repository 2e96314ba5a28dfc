"""Values of a request against a model, and the answer that says which field was wrong: its name, never its value."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from pydantic import BaseModel, ValidationError

from keyturn.errors import InvalidRequest, ValidationFailed

Model = TypeVar("Model", bound=BaseModel)


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldError:
    """One field that can't be taken.

    Attributes:
        field: its name, one of ours.
        message: a sentence that holds nothing of the value.

    """

    field: str
    message: str


class FieldsRefused(ValidationFailed):
    """Some fields of the request can't be taken.

    Attributes:
        errors: one for each of them.

    """

    def __init__(self, errors: tuple[FieldError, ...]) -> None:
        """Refuse the fields that *errors* name."""
        super().__init__("fields")
        self.errors = errors


def validate(model: type[Model], fields: Mapping[str, Any]) -> Model:
    """Return *fields* as *model*; what the model does not know is left out.

    Raises:
        FieldsRefused: a field is missing, of another type or not acceptable.

    """
    try:
        return model.model_validate(fields)
    except ValidationError as error:
        raise FieldsRefused(tuple(map(_field_error, _details(error)))) from None


def validate_oauth(model: type[Model], fields: Mapping[str, Any]) -> Model:
    """Return *fields* as *model*, where a bad parameter is ``invalid_request`` (RFC 6749 §5.2).

    Raises:
        InvalidRequest: a parameter is missing or not acceptable.

    """
    try:
        return model.model_validate(fields)
    except ValidationError as error:
        names = ", ".join(dict.fromkeys(_name(detail) for detail in _details(error)))
        raise InvalidRequest("a parameter", sentence=f"Missing or not acceptable: {names}.") from None


def _details(error: ValidationError) -> list[Any]:
    return error.errors(include_url=False, include_context=True, include_input=False)


def _field_error(detail: Any) -> FieldError:  # noqa: ANN401 - pydantic's own dictionary
    template = _MESSAGES.get(detail["type"], "This value is not acceptable.")
    return FieldError(field=_name(detail), message=template.format(**_limits(detail)))


def _limits(detail: Any) -> dict[str, Any]:  # noqa: ANN401 - pydantic's own dictionary
    """Return what the model itself says about the field: limits and choices, and nothing of the peer."""
    return {name: value for name, value in detail.get("ctx", {}).items() if name in _OURS}


def _name(detail: Any) -> str:  # noqa: ANN401 - pydantic's own dictionary
    return str(detail["loc"][0]) if detail["loc"] else ""


_OURS: Final = frozenset({"min_length", "max_length", "expected", "rule"})

_MESSAGES: Final = {
    "missing": "This field is required.",
    "string_type": "This field is a text.",
    "string_too_short": "This field must not be empty.",
    "string_too_long": "This field has at most {max_length} characters.",
    "enum": "This field is one of {expected}.",
    "rule": "{rule}",
}
