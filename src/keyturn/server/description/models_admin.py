"""What the answers of ``/admin/api`` look like. What is not known is ``null`` there, so that every item looks alike."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema

from keyturn.core.model import AuditKind, KeyState
from keyturn.server.description.models import SessionAnswer

Cursor = Annotated[
    str | None,
    WithJsonSchema({"type": ["string", "null"], "description": "The `cursor` of the next page; null on the last."}),
]


class _Answer(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


def _moment_or_none(says: str) -> WithJsonSchema:
    return WithJsonSchema({"type": ["integer", "null"], "description": f"{says}; epoch seconds."})


def _text_or_none(says: str) -> WithJsonSchema:
    return WithJsonSchema({"type": ["string", "null"], "description": f"{says}."})


class AdminUser(_Answer):
    """An account."""

    sub: Annotated[str, Field(description="The subject of its tokens.")]
    username: Annotated[str, Field(description="The name it logs in with.")]
    roles: list[str]
    disabled: Annotated[bool, Field(description="Whether it is shut out.")]
    created_at: Annotated[int, Field(description="Epoch seconds.")]


class AdminUsers(_Answer):
    """A page of the users, by their names."""

    items: list[AdminUser]
    next: Cursor


class AdminSession(SessionAnswer):
    """One login of somebody on one device."""

    sub: Annotated[str, Field(description="Whose it is.")]


class AdminSessions(_Answer):
    """A page of the live sessions."""

    items: list[AdminSession]
    next: Cursor


class AdminKey(_Answer):
    """A signing key. Its private part is told to nobody."""

    kid: str
    algorithm: str
    state: KeyState
    published_at: Annotated[int, Field(description="Since when it stands in the JWK Set; epoch seconds.")]
    activate_at: Annotated[int, Field(description="When it is due to sign; epoch seconds.")]
    activated_at: Annotated[int | None, _moment_or_none("When it began to sign")]
    retired_at: Annotated[int | None, _moment_or_none("When it signed no more")]
    revoked_at: Annotated[int | None, _moment_or_none("When it was revoked")]


class AdminKeys(_Answer):
    """The signing keys, the newest first."""

    items: list[AdminKey]
    next: Cursor


class AdminAuditEntry(_Answer):
    """One entry of the audit log."""

    number: Annotated[int, Field(description="From 1, without a gap, in the order in which they were written.")]
    at: Annotated[int, Field(description="Epoch seconds.")]
    at_ms: Annotated[int, Field(description="The same in milliseconds.")]
    kind: Annotated[str, Field(description=f"One of {', '.join(f'`{kind}`' for kind in AuditKind)}.")]
    sub: Annotated[str | None, _text_or_none("The user whom it concerns")]
    session_id: Annotated[str | None, _text_or_none("The session that it concerns")]
    reason: Annotated[str, Field(description="Why; of a refusal, what the peer was not told.")]
    actor: Annotated[
        str,
        Field(description="`peer`, `admin:` and their subject, `operator` for the command line, `system` for a job."),
    ]
    address: Annotated[str, Field(description="Where the request came from.")]
    browser: str
    request_id: Annotated[str, Field(description="As in the log of the server, and in `X-Request-Id`.")]
    details: Annotated[dict[str, Any], Field(description="Further facts.")]


class AdminAudit(_Answer):
    """A page of the audit log, the newest first."""

    items: list[AdminAuditEntry]
    next: Cursor
