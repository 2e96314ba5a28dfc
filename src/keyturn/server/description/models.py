"""What requests and answers look like. The OpenAPI document is made from the same models.

A field that is not named here is not read, whatever it claims to be.
"""

from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, RootModel
from pydantic_core import PydanticCustomError

from keyturn.core import password_rules, usernames
from keyturn.core.model import ClientKind


class _Request(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True, hide_input_in_errors=True)


class _Answer(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


def _within_bytes(password: str) -> str:
    if len(password.encode()) > password_rules.MAX_BYTES:
        raise PydanticCustomError(
            "rule", "{rule}", {"rule": f"A password has at most {password_rules.MAX_BYTES} bytes."}
        )
    return password


def _printable(name: str) -> str:
    if not name.isprintable():
        raise PydanticCustomError("rule", "{rule}", {"rule": "A name of a device has no control characters."})
    return name


Username = Annotated[str, Field(min_length=1, max_length=usernames.MAX_LENGTH, description="The name of the account.")]
Password = Annotated[
    str,
    Field(
        min_length=1,
        max_length=password_rules.MAX_BYTES,
        repr=False,
        description=f"At most {password_rules.MAX_BYTES} bytes of UTF-8; spaces count.",
        json_schema_extra={"format": "password"},
    ),
    AfterValidator(_within_bytes),
]
DeviceName = Annotated[str, Field(max_length=100), AfterValidator(_printable)]
Scope = Annotated[
    str | None, Field(max_length=2048, description="Scopes, separated by single spaces; fewer than the roles give.")
]
Resource = Annotated[str | None, Field(max_length=2048, description="The API that the access token is for (RFC 8707).")]
Token = Annotated[str | None, Field(max_length=8192, repr=False)]


class LoginRequest(_Request):
    """Name and password, and where the tokens are to be kept."""

    username: Username
    password: Password
    client: Annotated[
        ClientKind,
        Field(
            description="`browser`: the refresh token in a cookie. `native`: in the answer. "
            "`cookie`: both tokens in cookies, for pages that the server renders."
        ),
    ] = ClientKind.BROWSER
    device_name: Annotated[DeviceName | None, Field(description="What the user calls this device.")] = None
    scope: Scope = None
    resource: Resource = None
    device_token: Annotated[
        str | None, Field(max_length=512, repr=False, description="`native`: from an earlier login on this device.")
    ] = None
    return_to: Annotated[
        str | None,
        Field(max_length=2048, description="With a form and `client=cookie`: a path of this host to go on to."),
    ] = None


class TokenAnswer(_Answer):
    """An access token and, for a native client, its refresh token."""

    access_token: Annotated[str | None, Field(description="A JWT (RFC 9068); not there for a `cookie` session.")] = None
    token_type: Annotated[str | None, Field(description="`Bearer`.")] = None
    expires_in: Annotated[int, Field(description="Seconds that the access token lives.")]
    scope: Annotated[str, Field(description="What it may do, separated by spaces.")]
    session_id: Annotated[str, Field(description="The session, as `/sessions` names it.")]
    refresh_token: Annotated[str | None, Field(description="`native` only.")] = None
    device_token: Annotated[
        str | None, Field(description="`native` only, at login: keep it, send it with the next login and refresh.")
    ] = None


class TokenRequest(_Request):
    """A refresh (RFC 6749 §6)."""

    grant_type: Annotated[str, Field(description="`refresh_token`.")]
    refresh_token: Annotated[Token, Field(description="Without it, the refresh cookie is used.")] = None
    scope: Scope = None
    resource: Resource = None
    device_token: Annotated[
        Token,
        Field(description="The device token of the session: it lets a lost answer be asked for again at any age."),
    ] = None


class RevokeRequest(_Request):
    """A token to revoke (RFC 7009 §2.1)."""

    token: Annotated[
        str, Field(min_length=1, max_length=8192, repr=False, description="A refresh token or an access token.")
    ]
    token_type_hint: Annotated[
        str | None, Field(max_length=64, description="Accepted and not needed: tokens tell themselves apart.")
    ] = None


class LogoutRequest(_Request):
    """A refresh token of the session to end; its cookie or a bearer token do as well."""

    refresh_token: Annotated[Token, Field(description="Of any generation.")] = None


class PasswordRequest(_Request):
    """The password as it is, and as it shall be."""

    current_password: Password
    new_password: Password


class RegisterRequest(_Request):
    """A new account."""

    username: Username
    password: Password


class RegisterAnswer(_Answer):
    """The account that was made."""

    sub: Annotated[str, Field(description="The subject of its tokens.")]
    username: Annotated[str, Field(description="The name it logs in with.")]


class MeAnswer(_Answer):
    """Who the token speaks for, and how."""

    sub: Annotated[str, Field(description="The subject.")]
    username: Annotated[str, Field(description="The name of the account.")]
    roles: Annotated[list[str], Field(description="The roles in the token.")]
    scope: Annotated[str, Field(description="The scopes in the token, separated by spaces.")]
    session_id: Annotated[str | None, Field(description="The session the token belongs to.")]
    auth_time: Annotated[int | None, Field(description="When the password was checked; epoch seconds.")]


class SessionAnswer(_Answer):
    """One login on one device."""

    session_id: str
    client: ClientKind
    device_name: str
    browser: str
    os: str
    address: Annotated[str, Field(description="The network it was last used from.")]
    created_at: Annotated[int, Field(description="Epoch seconds.")]
    last_used_at: Annotated[int, Field(description="The last refresh; epoch seconds.")]
    current: Annotated[bool, Field(description="Whether this token belongs to it.")]


class SessionsAnswer(_Answer):
    """The live sessions of the user, the last used first."""

    sessions: Annotated[list[SessionAnswer], Field(description="One entry for each.")]


class KeySet(_Answer):
    """A JWK Set (RFC 7517 §5)."""

    keys: Annotated[list[dict[str, str]], Field(description="Keys that are next, active or retired.")]


class Metadata(_Answer):
    """Authorization server metadata (RFC 8414 §2)."""

    issuer: str
    token_endpoint: str
    revocation_endpoint: str
    jwks_uri: str
    scopes_supported: list[str]
    response_types_supported: list[str]
    grant_types_supported: list[str]
    token_endpoint_auth_methods_supported: list[str]
    revocation_endpoint_auth_methods_supported: list[str]
    service_documentation: str
    keyturn_revocations_endpoint: Annotated[
        str | None, Field(description="The revocation feed, where tokens are signed with key pairs.")
    ] = None


class Health(BaseModel):
    """How the server is."""

    status: str


class AnyObject(RootModel[dict[str, Any]]):
    """A JSON object."""


class Text(RootModel[str]):
    """A text."""


class OAuthError(_Answer):
    """An error of the OAuth endpoints (RFC 6749 §5.2) or about a bearer token (RFC 6750 §3.1)."""

    error: str
    error_description: str


class FieldProblem(_Answer):
    """A field that can't be taken."""

    field: str
    message: str


class Problem(_Answer):
    """Any other error (RFC 9457)."""

    type: Annotated[str, Field(description="A page that tells what it means.")]
    title: str
    status: int
    detail: str | None = None
    error: Annotated[str, Field(description="The code, for programs.")]
    errors: Annotated[list[FieldProblem] | None, Field(description="With `validation_failed`: which fields.")] = None
    request_id: Annotated[str | None, Field(description="With `server_error`: leads to the cause in the log.")] = None
