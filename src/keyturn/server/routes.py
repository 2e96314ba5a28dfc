"""Every URL of the server, relative to the issuer.

There are no second spellings: no URL redirects to another one, with or without a slash at its end.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from starlette.routing import Route

from keyturn.server.endpoints import (
    docs,
    healthz,
    jwks,
    login,
    logout,
    me,
    metrics,
    oauth_authorization_server,
    openapi,
    password,
    readyz,
    register,
    revocations,
    revoke,
    sessions,
    token,
)
from keyturn.server.endpoints.admin import audit as admin_audit
from keyturn.server.endpoints.admin import keys as admin_keys
from keyturn.server.endpoints.admin import sessions as admin_sessions
from keyturn.server.endpoints.admin import users as admin_users
from keyturn.server.problems import Face
from keyturn.server.resource import Handler, Resource

METADATA_PATH: Final = "/.well-known/oauth-authorization-server"


@dataclass(frozen=True, slots=True)
class Url:
    """One URL: its template, how it words errors, and who answers which method."""

    path: str
    face: Face
    handlers: Mapping[str, Handler]


#: Looked through from the top, so what is asked for most stands first.
URLS: Final = (
    Url("/token", Face.OAUTH, {"POST": token.post}),
    Url("/login", Face.PROBLEM, {"POST": login.post}),
    Url("/revoke", Face.OAUTH, {"POST": revoke.post}),
    Url("/revocations", Face.PROBLEM, {"GET": revocations.get}),
    Url("/logout", Face.BEARER, {"POST": logout.post}),
    Url("/logout/all", Face.BEARER, {"POST": logout.post_all}),
    Url("/me", Face.BEARER, {"GET": me.get}),
    Url("/sessions", Face.BEARER, {"GET": sessions.list_sessions}),
    Url("/sessions/{session_id}", Face.BEARER, {"DELETE": sessions.end_session}),
    Url("/password", Face.BEARER, {"POST": password.post}),
    Url("/register", Face.PROBLEM, {"POST": register.post}),
    Url("/.well-known/jwks.json", Face.PROBLEM, {"GET": jwks.get}),
    Url(METADATA_PATH, Face.PROBLEM, {"GET": oauth_authorization_server.get}),
    Url("/admin/api/users", Face.BEARER, {"GET": admin_users.list_users}),
    Url("/admin/api/users/{sub}", Face.BEARER, {"GET": admin_users.get}),
    Url("/admin/api/users/{sub}/disable", Face.BEARER, {"POST": admin_users.disable}),
    Url("/admin/api/users/{sub}/enable", Face.BEARER, {"POST": admin_users.enable}),
    Url("/admin/api/sessions", Face.BEARER, {"GET": admin_sessions.list_sessions}),
    Url("/admin/api/sessions/{session_id}/end", Face.BEARER, {"POST": admin_sessions.end}),
    Url("/admin/api/keys", Face.BEARER, {"GET": admin_keys.list_keys}),
    Url("/admin/api/keys/rotate", Face.BEARER, {"POST": admin_keys.rotate}),
    Url("/admin/api/keys/{kid}/revoke", Face.BEARER, {"POST": admin_keys.revoke}),
    Url("/admin/api/audit", Face.BEARER, {"GET": admin_audit.list_entries}),
    Url("/healthz", Face.PROBLEM, {"GET": healthz.get}),
    Url("/readyz", Face.PROBLEM, {"GET": readyz.get}),
    Url("/metrics", Face.PROBLEM, {"GET": metrics.get}),
    Url("/openapi.json", Face.PROBLEM, {"GET": openapi.get}),
    Url("/docs", Face.PROBLEM, {"GET": docs.get}),
)


def routes() -> list[Route]:
    """Return the routes below the issuer."""
    return [Route(url.path, Resource(url.handlers, face=url.face), name=url.path) for url in URLS]


def well_known_routes(issuer_path: str) -> list[Route]:
    """Return the routes at the root of the issuer's host: its metadata, with the path behind (RFC 8414 §3.1).

    Args:
        issuer_path: the path of the issuer, such as ``/auth``; an empty text if it has none.

    """
    metadata = Resource({"GET": oauth_authorization_server.get}, face=Face.PROBLEM)
    path = f"{METADATA_PATH}{issuer_path}"
    return [Route(path, metadata, name=path)]
