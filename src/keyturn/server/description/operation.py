"""What an operation's document says of it: one method of one URL."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from pydantic import BaseModel

from keyturn.errors import KeyturnError
from keyturn.server.problems import Face
from keyturn.server.reading.media_type import MediaType

Errors = tuple[type[KeyturnError], ...]


class Credential(StrEnum):
    """What a request may be authenticated with, by its name in the document."""

    BEARER = "bearer"
    REFRESH_COOKIE = "refreshCookie"


class Access(StrEnum):
    """Whether an operation asks for a credential."""

    OPEN = "open"
    PROTECTED = "protected"


class Presence(StrEnum):
    """Whether a body must be there."""

    REQUIRED = "required"
    OPTIONAL = "optional"


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One method of one URL.

    Attributes:
        takes: the kinds of body; none if there is no body.
        query: the parameters it takes in the query, by their names.
        presence: whether the body must be there.
        status: of the answer that is no error.
        answer: what that answer looks like; None if it has no body.
        answer_type: its media type.
        more: further answers that are no errors, each status with its meaning.
        errors: every error it knows but ``server_error``, which any may answer.
        credentials: any of them does.
        example: the fields of a request that shows it.
        access: whether the request may also go without.

    """

    method: str
    path: str
    tag: str
    summary: str
    description: str
    face: Face = Face.PROBLEM
    body: type[BaseModel] | None = None
    takes: tuple[MediaType, ...] = ()
    query: tuple[str, ...] = ()
    presence: Presence = Presence.REQUIRED
    status: int = 200
    answer: type[BaseModel] | None = None
    answer_type: str = "application/json"
    answer_says: str = "Done."
    answer_headers: tuple[str, ...] = ()
    more: tuple[tuple[int, str], ...] = ()
    errors: Errors = ()
    credentials: tuple[Credential, ...] = ()
    access: Access = Access.OPEN
    example: Mapping[str, str] = field(default_factory=dict)
