"""Access tokens: the JWT profile of RFC 9068, what is in one and what makes one acceptable.

The claims are judged after the signature, and ``exp`` last of all: :class:`TokenExpired` is said only of a token
that is sound in everything else.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, make_dataclass
from functools import lru_cache
from operator import itemgetter
from types import MappingProxyType
from typing import Any, Final

from keyturn.errors import ConfigurationError, InvalidToken, InvalidTokenReason, TokenExpired
from keyturn.tokens import access_claims, jws, strict_json
from keyturn.tokens.access_claims import MAX_LIFETIME, Claims
from keyturn.tokens.algorithms import Algorithm, check_algorithms
from keyturn.tokens.jws import FindKey
from keyturn.tokens.keys import SigningKey, VerificationKey
from keyturn.tokens.revocation_digest import RevocationKind, digest

__all__ = [
    "MAX_LEEWAY",
    "MAX_LIFETIME",
    "TYP",
    "AccessToken",
    "Claims",
    "Expected",
    "issue",
    "still_valid",
    "verify",
    "verify_expired_too",
]

TYP: Final = "at+jwt"

#: Seconds that two clocks may disagree, at most.
MAX_LEEWAY: Final = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessToken:
    """A verified access token. Its ``repr`` shows neither its text nor its claims.

    Attributes:
        sub: whom it speaks for.
        scopes: what its bearer may do.
        roles: the user's roles; none for a client.
        sid: the session; None for a client.
        jti: its own name.
        client_id: the client it was issued to.
        issuer: the ``iss``.
        audience: whom it is for.
        issued_at: the ``iat``, in epoch seconds.
        expires_at: the ``exp``, in epoch seconds.
        auth_time: when the user logged in, in epoch seconds; None for a client.
        kid: the name of the key that signed it.
        claims: all claims, read-only.
        key: the key that signed it; None for one that was made by hand.

    """

    sub: str
    scopes: frozenset[str]
    roles: tuple[str, ...]
    sid: str | None
    jti: str
    client_id: str
    issuer: str
    audience: tuple[str, ...]
    issued_at: int | float
    expires_at: int
    auth_time: int | None
    kid: str
    claims: Mapping[str, Any] = field(repr=False, compare=False)
    key: VerificationKey | None = field(default=None, repr=False, compare=False)
    _digests: tuple[bytes, ...] = field(default=(), init=False, repr=False, compare=False)

    @property
    def revocation_digests(self) -> tuple[bytes, ...]:
        """The digests a revocation of this token may be known by, computed once: a cached token is asked often."""
        if not self._digests:
            object.__setattr__(self, "_digests", _revocation_digests(self))
        return self._digests


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What a verifier takes.

    Attributes:
        issuer: the one ``iss``, compared byte for byte.
        audiences: the verifier's own names, one of which must be in ``aud``.
        algorithms: the allowlist.
        leeway: seconds, 0 to 60, that the issuer's clock may differ.

    Raises:
        ConfigurationError: one of them is empty, of the wrong type or out of range.

    """

    issuer: str
    audiences: frozenset[str]
    algorithms: frozenset[Algorithm]
    leeway: float = 5

    def __post_init__(self) -> None:
        if not _is_name(self.issuer):
            raise ConfigurationError("issuer: name the issuer, exactly as it writes its `iss`.")
        if not _are_names(self.audiences):
            raise ConfigurationError("audience: name at least one audience, each a non-empty string.")
        check_algorithms(self.algorithms)
        if type(self.leeway) not in {int, float} or not 0 <= self.leeway <= MAX_LEEWAY:
            raise ConfigurationError("leeway: give a number of seconds from 0 to 60.")


def issue(claims: Claims, key: SigningKey) -> str:
    """Return the access token that says *claims*, signed by *key*."""
    return jws.sign(_HEADER, access_claims.encode(claims), key)


def verify(text: str, *, find_key: FindKey, expected: Expected, now: float) -> AccessToken:
    """Return the access token in *text*.

    Args:
        text: the token as it was sent.
        find_key: returns the key that a ``kid`` names, or None.
        expected: what this verifier takes.
        now: the time, in epoch seconds.

    Raises:
        TokenExpired: ``exp`` and the leeway have passed, and all else is sound.
        InvalidToken: anything else is wrong.

    """
    token = _verify(text, find_key, expected, now)
    still_valid(token, expected=expected, now=now)
    return token


def verify_expired_too(text: str, *, find_key: FindKey, expected: Expected, now: float) -> AccessToken:
    """Do what :func:`verify` does, but take an expired token: whoever ends a session may come late.

    Raises:
        InvalidToken: anything but ``exp`` is wrong.

    """
    return _verify(text, find_key, expected, now)


def still_valid(token: AccessToken, *, expected: Expected, now: float) -> None:
    """Judge the age of a token that was verified before.

    Raises:
        TokenExpired: ``exp`` and the leeway have passed (RFC 7519 §4.1.4).

    """
    if not now < token.expires_at + expected.leeway:  # "not <" also refuses a clock that says NaN
        raise TokenExpired


def _verify(text: str, find_key: FindKey, expected: Expected, now: float) -> AccessToken:
    key, payload = jws.verify(text, find_key, expected.algorithms, typ=TYP)
    try:
        claims = strict_json.parse_object(payload)
    except ValueError:
        raise InvalidToken(InvalidTokenReason.MALFORMED) from None
    return _read(claims, key, expected, now)


def _read(claims: dict[str, Any], key: VerificationKey, expected: Expected, now: float) -> AccessToken:
    try:
        issuer, audience, sub, jti, client_id, issued_at, expires_at = _required(claims)
    except KeyError:
        raise InvalidToken(InvalidTokenReason.MISSING_CLAIM) from None
    if issuer != expected.issuer:
        raise InvalidToken(InvalidTokenReason.WRONG_ISSUER)
    audience = _audience(audience, expected.audiences)
    if not (type(sub) is type(jti) is type(client_id) is str and sub and jti and client_id):
        raise InvalidToken(InvalidTokenReason.BAD_CLAIM)
    latest = now + expected.leeway
    _check_times(issued_at, expires_at, latest)
    _check_optional(claims, latest)
    token: Any = _Draft(
        sub,
        _scopes(claims.get("scope", "")),
        _roles(claims.get("roles", [])),
        claims.get("sid"),
        jti,
        client_id,
        issuer,
        audience,
        issued_at,
        int(expires_at),
        claims.get("auth_time"),
        key.kid,
        MappingProxyType(claims),
        key,
    )
    token.__class__ = AccessToken
    frozen: AccessToken = token
    return frozen


def _audience(audience: object, accepted: frozenset[str]) -> tuple[str, ...]:
    """Return ``aud`` as a tuple, if it names one of *accepted* exactly (RFC 7519 §4.1.3)."""
    if type(audience) is str and audience in accepted:
        return (audience,)
    values = tuple(audience) if type(audience) is list else (audience,)
    if not values or not all(map(_is_name, values)):
        raise InvalidToken(InvalidTokenReason.BAD_CLAIM)
    if accepted.isdisjoint(values):
        raise InvalidToken(InvalidTokenReason.WRONG_AUDIENCE)
    return values


def _check_times(issued_at: Any, expires_at: Any, latest: float) -> None:  # noqa: ANN401
    """Refuse what is no NumericDate, a lifetime that is negative or too long, and a token from after *latest*."""
    if not (type(issued_at) in _NUMBERS and type(expires_at) in _NUMBERS):
        raise InvalidToken(InvalidTokenReason.BAD_CLAIM)
    if not (0 <= issued_at <= expires_at <= _MAX_TIME and expires_at - issued_at <= MAX_LIFETIME):
        raise InvalidToken(InvalidTokenReason.BAD_CLAIM)
    if not issued_at <= latest:  # "not <=" also refuses a clock that says NaN
        raise InvalidToken(InvalidTokenReason.NOT_YET_VALID)


def _check_optional(claims: dict[str, Any], latest: float) -> None:
    if "cnf" in claims:  # bound to a key of the client (RFC 7800 §3.1), and a bearer can't prove that
        raise InvalidToken(InvalidTokenReason.BAD_CLAIM)
    if "nbf" in claims:
        _check_not_before(claims["nbf"], latest)
    if "sid" in claims and not _is_name(claims["sid"]):
        raise InvalidToken(InvalidTokenReason.BAD_CLAIM)
    if "auth_time" in claims and not (type(claims["auth_time"]) is int and 0 <= claims["auth_time"] <= _MAX_TIME):
        raise InvalidToken(InvalidTokenReason.BAD_CLAIM)


def _check_not_before(not_before: Any, latest: float) -> None:  # noqa: ANN401
    if type(not_before) not in _NUMBERS or not 0 <= not_before <= _MAX_TIME:
        raise InvalidToken(InvalidTokenReason.BAD_CLAIM)
    if not not_before <= latest:
        raise InvalidToken(InvalidTokenReason.NOT_YET_VALID)


def _scopes(scope: object) -> frozenset[str]:
    """Split at single spaces (RFC 6749 §3.3); no ``scope`` and an empty one give nothing."""
    if type(scope) is not str:
        raise InvalidToken(InvalidTokenReason.BAD_CLAIM)
    return _split(scope)


@lru_cache(maxsize=256)  # few scopes are in use, and tokens that are kept share their set
def _split(scope: str) -> frozenset[str]:
    scopes = frozenset(scope.split(" ")) if scope else frozenset()
    if "" in scopes:
        raise InvalidToken(InvalidTokenReason.BAD_CLAIM)
    return scopes


def _roles(roles: object) -> tuple[str, ...]:
    if type(roles) is not list:
        raise InvalidToken(InvalidTokenReason.BAD_CLAIM)
    for role in roles:
        if type(role) is not str or not role:
            raise InvalidToken(InvalidTokenReason.BAD_CLAIM)
    return tuple(roles)


def _is_name(value: object) -> bool:
    return type(value) is str and value != ""


def _are_names(values: object) -> bool:
    return isinstance(values, frozenset) and len(values) > 0 and all(map(_is_name, values))


def _revocation_digests(token: AccessToken) -> tuple[bytes, ...]:
    digests = (
        digest(RevocationKind.JTI, token.jti),
        digest(RevocationKind.SUB, token.sub),
        digest(RevocationKind.KID, token.kid),
        _ALL,
    )
    return digests if token.sid is None else (*digests, digest(RevocationKind.SID, token.sid))


# The constructor of a frozen dataclass sets each field in a detour: for AccessToken that is a tenth of what we add to
# the cost of a signature. So its values, in its order, go into a class that has the same slots and is not frozen, and
# the object changes its class.
_Draft: Final = make_dataclass(
    "_Draft",
    [(each.name, each.type, field(default=each.default, init=each.init)) for each in fields(AccessToken)],
    slots=True,
)
_required: Final = itemgetter("iss", "aud", "sub", "jti", "client_id", "iat", "exp")
_HEADER: Final = {"typ": TYP}
_NUMBERS: Final = frozenset({int, float})  # bool is neither
_MAX_TIME: Final = 2**53 - 1  # what every JSON parser reads exactly
_ALL: Final = digest(RevocationKind.ALL, "")
