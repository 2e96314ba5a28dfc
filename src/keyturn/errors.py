"""Every error Keyturn raises: its code, its HTTP status and its public sentence.

``str(error)`` is always the public sentence and may be shown to anyone. What went wrong in detail is
``error.reason``: it goes to the audit log and never to a peer. Neither ever holds a token, a key or a
password.

The codes are those of RFC 6749 §5.2, RFC 6750 §3.1, RFC 8707 §2, RFC 7009 §2.2.1 and RFC 9449 §5,
and a few of our own for the answers that no RFC names.
"""

from enum import StrEnum
from typing import ClassVar


class ErrorCode(StrEnum):
    """The value of ``"error"`` in every answer to something that is wrong."""

    INVALID_REQUEST = "invalid_request"
    INVALID_CLIENT = "invalid_client"
    INVALID_GRANT = "invalid_grant"
    UNAUTHORIZED_CLIENT = "unauthorized_client"
    UNSUPPORTED_GRANT_TYPE = "unsupported_grant_type"
    INVALID_SCOPE = "invalid_scope"
    INVALID_TARGET = "invalid_target"
    UNSUPPORTED_TOKEN_TYPE = "unsupported_token_type"
    INVALID_DPOP_PROOF = "invalid_dpop_proof"
    USE_DPOP_NONCE = "use_dpop_nonce"
    INVALID_TOKEN = "invalid_token"
    INSUFFICIENT_SCOPE = "insufficient_scope"
    INVALID_CREDENTIALS = "invalid_credentials"
    VALIDATION_FAILED = "validation_failed"
    FORBIDDEN = "forbidden"
    NOT_FOUND = "not_found"
    CONFLICT = "conflict"
    RATE_LIMITED = "rate_limited"
    TEMPORARILY_UNAVAILABLE = "temporarily_unavailable"
    SERVER_ERROR = "server_error"


class InvalidTokenReason(StrEnum):
    """Why a token was refused. A closed set, for logs and metrics; a peer sees only ``invalid_token``."""

    MALFORMED = "malformed"
    BAD_SIGNATURE = "bad_signature"
    UNKNOWN_KEY = "unknown_key"
    ALG_NOT_ALLOWED = "alg_not_allowed"
    WRONG_TYPE = "wrong_type"
    WRONG_ISSUER = "wrong_issuer"
    WRONG_AUDIENCE = "wrong_audience"
    EXPIRED = "expired"
    NOT_YET_VALID = "not_yet_valid"
    MISSING_CLAIM = "missing_claim"
    BAD_CLAIM = "bad_claim"
    REVOKED = "revoked"


class KeyturnError(Exception):
    """The base of every error that Keyturn raises on purpose.

    Attributes:
        code: the public error code.
        status: the HTTP status that goes with it, unless an RFC's face of the error says otherwise.
        reason: what happened, for the audit log only; never a secret.
        retry_after: whole seconds after which trying again makes sense, or None.

    """

    code: ClassVar[ErrorCode] = ErrorCode.SERVER_ERROR
    status: ClassVar[int] = 500
    sentence: ClassVar[str] = "Something went wrong here; the request id leads to the cause."

    def __init__(self, reason: str = "", *, sentence: str | None = None, retry_after: int | None = None) -> None:
        """Raise with a private *reason*; *sentence* replaces the public text and must hold no input of the peer."""
        super().__init__(sentence or self.sentence)
        self.reason = reason
        self.retry_after = retry_after


class InvalidRequest(KeyturnError):
    """The request is malformed: a parameter is missing, repeated or unreadable (RFC 6749 §5.2)."""

    code = ErrorCode.INVALID_REQUEST
    status = 400
    sentence = "The request is malformed: a parameter is missing, repeated or unreadable."


class UnsupportedMediaType(InvalidRequest):
    """The body's Content-Type is not one this endpoint reads."""

    status = 415
    sentence = "The Content-Type of the body is not one this endpoint reads."


class ContentTooLarge(InvalidRequest):
    """The body or one of its parts is larger than is ever needed."""

    status = 413
    sentence = "The request body is too large."


class MethodNotAllowed(InvalidRequest):
    """The URL exists and does not take this method."""

    status = 405
    sentence = "This URL does not take this method."


class InvalidGrant(KeyturnError):
    """The refresh token is not, or no longer, good (RFC 6749 §5.2). All such refusals look alike outside."""

    code = ErrorCode.INVALID_GRANT
    status = 400
    sentence = "The refresh token is invalid, expired or was ended. Log in again."


class UnsupportedGrantType(KeyturnError):
    """The grant type is not offered here (RFC 6749 §5.2)."""

    code = ErrorCode.UNSUPPORTED_GRANT_TYPE
    status = 400
    sentence = "This grant_type is not offered here."


class InvalidScope(KeyturnError):
    """More scope was asked for than the user's roles give (RFC 6749 §5.2)."""

    code = ErrorCode.INVALID_SCOPE
    status = 400
    sentence = "The scope asked for is malformed or wider than what may be granted."


class InvalidTarget(KeyturnError):
    """The resource asked for is not configured here (RFC 8707 §2)."""

    code = ErrorCode.INVALID_TARGET
    status = 400
    sentence = "The resource asked for is not known here."


class UnsupportedTokenType(KeyturnError):
    """Tokens of this type can't be revoked here (RFC 7009 §2.2.1)."""

    code = ErrorCode.UNSUPPORTED_TOKEN_TYPE
    status = 400
    sentence = "Tokens of this type can't be revoked here."


class InvalidCredentials(KeyturnError):
    """Wrong password, unknown user and disabled user: one answer for the three.

    Attributes:
        sub: the user whose password it was not, for the audit log only; None for an unknown one.

    """

    code = ErrorCode.INVALID_CREDENTIALS
    status = 401
    sentence = "The username or the password is wrong."

    def __init__(self, reason: str = "", *, sub: str | None = None) -> None:
        """Refuse a login; *sub* is whose."""
        super().__init__(reason)
        self.sub = sub


class ValidationFailed(KeyturnError):
    """The request is well-formed, and a value in it is not acceptable."""

    code = ErrorCode.VALIDATION_FAILED
    status = 422
    sentence = "A value in the request is not acceptable."


class Forbidden(KeyturnError):
    """The request is understood and refused: the CSRF rule, or a feature that is switched off."""

    code = ErrorCode.FORBIDDEN
    status = 403
    sentence = "This request is not allowed from here."


class NotFound(KeyturnError):
    """There is no such thing, or it is not yours to see."""

    code = ErrorCode.NOT_FOUND
    status = 404
    sentence = "There is nothing here."


class Conflict(KeyturnError):
    """The name is taken, or the thing changed meanwhile."""

    code = ErrorCode.CONFLICT
    status = 409
    sentence = "This is taken already."


class RateLimited(KeyturnError):
    """Too many requests; ``retry_after`` says when the next one will be taken."""

    code = ErrorCode.RATE_LIMITED
    status = 429
    sentence = "Too many requests. Try again later."


class TemporarilyUnavailable(KeyturnError):
    """Something this answer needs is down or full. Nothing was changed; trying again is safe."""

    code = ErrorCode.TEMPORARILY_UNAVAILABLE
    status = 503
    sentence = "This is not available at the moment. Nothing was changed; try again."

    def __init__(self, reason: str = "", *, sentence: str | None = None, retry_after: int = 1) -> None:
        """Say when to try again, in seconds."""
        super().__init__(reason, sentence=sentence, retry_after=retry_after)


class VerifierUnavailable(TemporarilyUnavailable):
    """The verifier can't judge this token now: it has no keys yet, or its view is too old. Never a verdict."""

    sentence = "Tokens can't be verified at the moment. Try again."


class MissingToken(KeyturnError):
    """No access token was sent (RFC 6750 §3.1: 401 without an error code in the header)."""

    code = ErrorCode.INVALID_TOKEN
    status = 401
    sentence = "An access token is required: send it as 'Authorization: Bearer <token>'."


class InvalidToken(KeyturnError):
    """The access token is malformed, forged, expired, meant for somebody else, or revoked (RFC 6750 §3.1).

    Attributes:
        reason: one of :class:`InvalidTokenReason`; a peer is told only ``invalid_token``.

    """

    code = ErrorCode.INVALID_TOKEN
    status = 401
    sentence = "The access token is invalid, expired or revoked."
    reason: InvalidTokenReason

    def __init__(self, reason: InvalidTokenReason) -> None:
        """Refuse a token for *reason*."""
        super().__init__(reason)
        self.reason = reason


class TokenExpired(InvalidToken):
    """The access token is sound but for its age: refresh and try again."""

    def __init__(self) -> None:
        """Refuse a token because ``exp`` has passed."""
        super().__init__(InvalidTokenReason.EXPIRED)


class InsufficientScope(KeyturnError):
    """The token is good and does not carry the scope or the role this route needs (RFC 6750 §3.1).

    Attributes:
        scopes: the scopes the route needs, for the ``scope`` attribute of the challenge.

    """

    code = ErrorCode.INSUFFICIENT_SCOPE
    status = 403
    sentence = "The access token does not carry the scope or the role this needs."

    def __init__(self, reason: str = "", *, scopes: tuple[str, ...] = ()) -> None:
        """Refuse because one of *scopes*, or a role, is missing."""
        super().__init__(reason)
        self.scopes = scopes


class InvalidKey(KeyturnError, ValueError):
    """A key is unusable: wrong type, weak, off its curve or malformed. Raised when keys are loaded."""

    sentence = "The key is unusable."


class ConfigurationError(KeyturnError, ValueError):
    """A setting or an argument is unsafe or makes no sense. The sentence names it and says what to do."""

    sentence = "A setting is wrong."

    def __init__(self, sentence: str) -> None:
        """Stop with *sentence*, which an operator reads: the setting, what is wrong, the mend."""
        super().__init__(sentence, sentence=sentence)
