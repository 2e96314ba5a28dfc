"""The parameters of URLs as the OpenAPI document tells them: those of the path, and those of the query."""

import re
from typing import Any, Final

from keyturn.core.feed import MAX_WAIT
from keyturn.core.model import AuditKind
from keyturn.server.description.operation import Operation
from keyturn.server.endpoints.revocations import MAX_SEQ
from keyturn.server.reading import paging

Json = dict[str, Any]


def parameters(operation: Operation) -> list[Json]:
    """Return the parameters of *operation*, those of its path first."""
    named = _NAME.findall(operation.path)
    return [_in_path(name) for name in named] + [_in_query(name) for name in operation.query]


def _in_path(name: str) -> Json:
    described = {"name": name, "in": "path", "required": True, "description": _PATH[name]}
    return described | {"schema": {"type": "string", "minLength": 1}}


def _in_query(name: str) -> Json:
    says, schema = _QUERY[name]
    return {"name": name, "in": "query", "required": False, "description": says, "schema": schema}


_NAME: Final = re.compile(r"{(\w+)}")

_PATH: Final = {
    "session_id": "As `/sessions` names it.",
    "sub": "The subject of the user's tokens.",
    "kid": "The key, as the JWK Set names it.",
}

_QUERY: Final[dict[str, tuple[str, Json]]] = {
    "limit": (
        "How many items at most.",
        {"type": "integer", "minimum": 1, "maximum": paging.MOST, "default": paging.DEFAULT},
    ),
    "cursor": ("The `next` of the page before.", {"type": "string", "minLength": 1, "pattern": "^[A-Za-z0-9_-]+$"}),
    "sub": ("Those of this user alone.", {"type": "string", "minLength": 1}),
    "session_id": ("Those of this session alone.", {"type": "string", "minLength": 1}),
    "kind": ("Those of this kind alone.", {"type": "string", "enum": list(AuditKind)}),
    "after": (
        "The `seq` of the page before. Without it, and beyond the newest, the feed begins anew.",
        {"type": "integer", "minimum": 0, "maximum": MAX_SEQ},
    ),
    "wait": (
        "Seconds to wait for there to be something new; the answer may come sooner.",
        {"type": "integer", "minimum": 0, "maximum": MAX_WAIT, "default": 0},
    ),
}
