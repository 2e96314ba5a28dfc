"""Every operation as its document tells it: what it takes, what it answers, and each error it knows.

`routes` says who answers; a test holds the two against each other.
"""

from typing import Final

from keyturn.errors import (
    Conflict,
    ContentTooLarge,
    Forbidden,
    InvalidCredentials,
    InvalidGrant,
    InvalidRequest,
    InvalidScope,
    InvalidTarget,
    InvalidToken,
    NotFound,
    RateLimited,
    TemporarilyUnavailable,
    UnsupportedGrantType,
    UnsupportedMediaType,
    UnsupportedTokenType,
    ValidationFailed,
)
from keyturn.server.description import models
from keyturn.server.description.operation import Access, Credential, Errors, Operation, Presence
from keyturn.server.description.operations_admin import ADMIN_OPERATIONS
from keyturn.server.endpoints.password import WrongCurrentPassword
from keyturn.server.problems import Face
from keyturn.server.reading.media_type import MediaType

_BODY: Final[Errors] = (InvalidRequest, UnsupportedMediaType, ContentTooLarge)
_FIELDS: Final[Errors] = (*_BODY, ValidationFailed)
_BEARER: Final[Errors] = (InvalidRequest, InvalidToken, TemporarilyUnavailable)

SESSIONS: Final = "Sessions"
OAUTH: Final = "OAuth"
ACCOUNT: Final = "Account"
SERVER: Final = "Server"

OPERATIONS: Final = (
    Operation(
        method="POST",
        path="/login",
        tag=SESSIONS,
        summary="Log in",
        description="Checks a password and starts a session. Where the tokens go is what `client` says: for a browser "
        "the refresh token is in a cookie that no script can read; a native client gets it in the answer.",
        body=models.LoginRequest,
        example={"username": "ada", "password": "correct horse battery", "client": "native"},
        takes=(MediaType.JSON, MediaType.FORM),
        answer=models.TokenAnswer,
        answer_says="Logged in.",
        answer_headers=("Set-Cookie",),
        more=((303, "Logged in by a form with `return_to`: the browser goes on to that path."),),
        errors=(
            *_FIELDS,
            InvalidCredentials,
            Forbidden,
            InvalidScope,
            InvalidTarget,
            RateLimited,
            TemporarilyUnavailable,
        ),
    ),
    Operation(
        method="POST",
        path="/token",
        tag=OAUTH,
        summary="Refresh",
        description="Exchanges a refresh token for its successor and a new access token (RFC 6749 §6). A native client "
        "sends it in the form; a browser sends its cookie, and then the request must come from a page of an allowed "
        "origin. Asking again with the previous token within the grace gives the same successor.",
        face=Face.OAUTH,
        body=models.TokenRequest,
        example={"grant_type": "refresh_token", "refresh_token": "ktr_…"},
        takes=(MediaType.FORM,),
        answer=models.TokenAnswer,
        answer_says="Refreshed.",
        answer_headers=("Set-Cookie",),
        errors=(
            *_BODY,
            InvalidGrant,
            UnsupportedGrantType,
            InvalidScope,
            InvalidTarget,
            Forbidden,
            RateLimited,
            TemporarilyUnavailable,
        ),
        credentials=(Credential.REFRESH_COOKIE,),
    ),
    Operation(
        method="POST",
        path="/revoke",
        tag=OAUTH,
        summary="Revoke a token",
        description="Ends the session of a refresh token, or revokes one access token (RFC 7009). A token that is "
        "unknown or no longer good is answered alike.",
        face=Face.OAUTH,
        body=models.RevokeRequest,
        example={"token": "ktr_…"},
        takes=(MediaType.FORM,),
        errors=(*_BODY, UnsupportedTokenType, TemporarilyUnavailable),
    ),
    Operation(
        method="POST",
        path="/logout",
        tag=SESSIONS,
        summary="Log out",
        description="Ends the session that a refresh token in the body, the refresh cookie or a bearer token names, "
        "an expired one too. From the answer on, its access tokens are refused. Nothing to end is fine.",
        face=Face.BEARER,
        body=models.LogoutRequest,
        example={"refresh_token": "ktr_…"},
        takes=(MediaType.JSON, MediaType.FORM),
        presence=Presence.OPTIONAL,
        status=204,
        answer_says="Logged out.",
        answer_headers=("Set-Cookie",),
        errors=(*_FIELDS, InvalidToken, Forbidden, TemporarilyUnavailable),
        credentials=(Credential.BEARER, Credential.REFRESH_COOKIE),
    ),
    Operation(
        method="POST",
        path="/logout/all",
        tag=SESSIONS,
        summary="Log out everywhere",
        description="Ends every session of the user.",
        face=Face.BEARER,
        status=204,
        answer_says="Logged out everywhere.",
        answer_headers=("Set-Cookie",),
        errors=_BEARER,
        credentials=(Credential.BEARER,),
        access=Access.PROTECTED,
    ),
    Operation(
        method="GET",
        path="/sessions",
        tag=SESSIONS,
        summary="List sessions",
        description="Where the user is logged in, the last used first.",
        face=Face.BEARER,
        answer=models.SessionsAnswer,
        answer_says="The live sessions.",
        errors=_BEARER,
        credentials=(Credential.BEARER,),
        access=Access.PROTECTED,
    ),
    Operation(
        method="DELETE",
        path="/sessions/{session_id}",
        tag=SESSIONS,
        summary="End a session",
        description="Ends one session of the user.",
        face=Face.BEARER,
        status=204,
        answer_says="Ended.",
        errors=(*_BEARER, NotFound),
        credentials=(Credential.BEARER,),
        access=Access.PROTECTED,
    ),
    Operation(
        method="GET",
        path="/me",
        tag=ACCOUNT,
        summary="Who am I",
        description="Who the token speaks for, and what it may do.",
        face=Face.BEARER,
        answer=models.MeAnswer,
        answer_says="The user.",
        errors=_BEARER,
        credentials=(Credential.BEARER,),
        access=Access.PROTECTED,
    ),
    Operation(
        method="POST",
        path="/password",
        tag=ACCOUNT,
        summary="Change the password",
        description="Replaces the password and ends all other sessions. Needs an access token for the issuer itself: "
        "log in with `resource` set to the issuer. A wrong current password counts as a failed login.",
        face=Face.BEARER,
        body=models.PasswordRequest,
        example={"current_password": "correct horse battery", "new_password": "staple battery horse"},
        takes=(MediaType.JSON,),
        status=204,
        answer_says="Changed.",
        errors=(*_FIELDS, *_BEARER, WrongCurrentPassword, NotFound, Conflict, RateLimited),
        credentials=(Credential.BEARER,),
        access=Access.PROTECTED,
    ),
    Operation(
        method="POST",
        path="/register",
        tag=ACCOUNT,
        summary="Make an account",
        description="Makes an account without roles, where registration is open.",
        body=models.RegisterRequest,
        example={"username": "ada", "password": "correct horse battery"},
        takes=(MediaType.JSON,),
        status=201,
        answer=models.RegisterAnswer,
        answer_says="The account.",
        errors=(*_FIELDS, Forbidden, NotFound, Conflict, RateLimited, TemporarilyUnavailable),
    ),
    Operation(
        method="GET",
        path="/.well-known/jwks.json",
        tag=OAUTH,
        summary="Keys",
        description="The keys that access tokens are verified with (RFC 7517).",
        answer=models.KeySet,
        answer_type="application/jwk-set+json",
        answer_says="The JWK Set.",
        answer_headers=("ETag",),
        more=((304, "What you have is current."),),
        errors=(TemporarilyUnavailable,),
    ),
    Operation(
        method="GET",
        path="/.well-known/oauth-authorization-server",
        tag=OAUTH,
        summary="Metadata",
        description="What this server offers (RFC 8414).",
        answer=models.Metadata,
        answer_says="The metadata.",
        errors=(TemporarilyUnavailable,),
    ),
    Operation(
        method="GET",
        path="/revocations",
        tag=OAUTH,
        summary="Revocation feed",
        description="What was revoked behind a place in the feed, as a JWT of `typ` `revocations+jwt`, signed like an "
        "access token by a key of the JWK Set: claims `iss`, `iat`, `after`, `seq`, `more` and `entries`, each entry "
        "with `seq`, `kind`, `digest`, `exp` and, of a cut-off, `before`. A page lacks nothing between `after` and "
        "`seq`: one whose `after` lies beyond the place you asked for answers somebody else. At most 10,000 entries "
        "are on a page; where `more` is true, the next follows `seq`. All that was revoked up to `iat` is on it or on "
        "those before. "
        "A server that signs with a shared secret has no feed.",
        query=("after", "wait"),
        answer=models.Text,
        answer_type="application/revocations+jwt",
        answer_says="The page.",
        errors=(InvalidRequest, NotFound, TemporarilyUnavailable),
    ),
    *ADMIN_OPERATIONS,
    Operation(
        method="GET",
        path="/healthz",
        tag=SERVER,
        summary="Alive",
        description="Answers as long as the process does.",
        answer=models.Health,
        answer_says="Alive.",
    ),
    Operation(
        method="GET",
        path="/readyz",
        tag=SERVER,
        summary="Ready",
        description="Says whether the database answers, a signing key can be used and the clock is right.",
        answer=models.Health,
        answer_says="Ready.",
        more=((503, "Not ready; the body says what is missing."),),
    ),
    Operation(
        method="GET",
        path="/metrics",
        tag=SERVER,
        summary="Metrics",
        description="Counters in the text format of Prometheus, for this machine and the networks of "
        "`server.metrics_from`.",
        answer_type="text/plain",
        answer=models.Text,
        answer_says="The counters.",
        errors=(Forbidden,),
    ),
    Operation(
        method="GET",
        path="/openapi.json",
        tag=SERVER,
        summary="This document",
        description="The OpenAPI document of this server.",
        answer=models.AnyObject,
        answer_says="The document.",
    ),
    Operation(
        method="GET",
        path="/docs",
        tag=SERVER,
        summary="This page",
        description="The same for people.",
        answer_type="text/html",
        answer=models.Text,
        answer_says="The page.",
    ),
)
