"""The operations below ``/admin/api`` as their document tells them."""

from functools import partial
from typing import Final

from keyturn.core.admin import OwnAccount
from keyturn.errors import InsufficientScope, InvalidRequest, InvalidToken, NotFound, TemporarilyUnavailable
from keyturn.server.description import models_admin
from keyturn.server.description.operation import Access, Credential, Errors, Operation
from keyturn.server.problems import Face

_ERRORS: Final[Errors] = (InvalidRequest, InvalidToken, InsufficientScope, TemporarilyUnavailable)
_WHO: Final = "For admins alone, with an access token for the issuer itself."
_PAGE: Final = ("limit", "cursor")

ADMIN: Final = "Administration"

_operation: Final = partial(
    Operation, tag=ADMIN, face=Face.BEARER, credentials=(Credential.BEARER,), access=Access.PROTECTED
)

ADMIN_OPERATIONS: Final = (
    _operation(
        method="GET",
        path="/admin/api/users",
        summary="List users",
        description=f"Accounts in the order of their names. Not there where an app keeps its own users. {_WHO}",
        query=_PAGE,
        answer=models_admin.AdminUsers,
        answer_says="A page.",
        errors=(*_ERRORS, NotFound),
    ),
    _operation(
        method="GET",
        path="/admin/api/users/{sub}",
        summary="Show a user",
        description=f"One account. {_WHO}",
        answer=models_admin.AdminUser,
        answer_says="The user.",
        errors=(*_ERRORS, NotFound),
    ),
    _operation(
        method="POST",
        path="/admin/api/users/{sub}/disable",
        summary="Disable a user",
        description="Shuts a user out and ends all their sessions: from the answer on, none of their tokens is taken. "
        f"Again is fine; oneself is not. {_WHO}",
        status=204,
        answer_says="Disabled.",
        errors=(*_ERRORS, NotFound, OwnAccount),
    ),
    _operation(
        method="POST",
        path="/admin/api/users/{sub}/enable",
        summary="Enable a user",
        description=f"Lets a user log in again; sessions that ended stay so. {_WHO}",
        status=204,
        answer_says="Enabled.",
        errors=(*_ERRORS, NotFound),
    ),
    _operation(
        method="GET",
        path="/admin/api/sessions",
        summary="List all sessions",
        description=f"Live sessions of everybody, or of one user, in the order of their ids. {_WHO}",
        query=(*_PAGE, "sub"),
        answer=models_admin.AdminSessions,
        answer_says="A page.",
        errors=_ERRORS,
    ),
    _operation(
        method="POST",
        path="/admin/api/sessions/{session_id}/end",
        summary="End any session",
        description="Ends one session: from the answer on, its tokens are refused. One that has ended already is fine, "
        f"as long as it is known. {_WHO}",
        status=204,
        answer_says="Ended.",
        errors=(*_ERRORS, NotFound),
    ),
    _operation(
        method="GET",
        path="/admin/api/keys",
        summary="List signing keys",
        description=f"Every signing key, revoked ones too, the newest first; one page holds them all. {_WHO}",
        answer=models_admin.AdminKeys,
        answer_says="The keys.",
        errors=_ERRORS,
    ),
    _operation(
        method="POST",
        path="/admin/api/keys/rotate",
        summary="Rotate the signing keys",
        description="Publishes the next key, which signs once it has been published for `keys.publish_ahead`; one that "
        f"has been published that long signs from now on. Tokens that are out stay good. {_WHO}",
        status=204,
        answer_says="Rotated.",
        errors=_ERRORS,
    ),
    _operation(
        method="POST",
        path="/admin/api/keys/{kid}/revoke",
        summary="Revoke a signing key",
        description="In an emergency: every access token that the key signed is refused from now on, yours too if it is"
        f" one of them. Sessions go on; another key signs at once if this one did. {_WHO}",
        status=204,
        answer_says="Revoked.",
        errors=(*_ERRORS, NotFound),
    ),
    _operation(
        method="GET",
        path="/admin/api/audit",
        summary="Read the audit log",
        description="What happened, the newest first: everything, or what concerns one user, one session or one kind. "
        "A page looks through a bounded part of the log, so it may have fewer items than `limit`, or none, and still "
        f"have a `next`. {_WHO}",
        query=(*_PAGE, "sub", "session_id", "kind"),
        answer=models_admin.AdminAudit,
        answer_says="A page.",
        errors=_ERRORS,
    ),
)
