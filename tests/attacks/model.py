"""What the rules say of a token, written a second time and otherwise: no code of ours judges here, and no key is asked.

The fuzzer holds the verifier against it, and the comparison with other libraries names the rule that decides. It is
slow and plain on purpose. That a signature is good is known from where the token comes from: who made it signed it.
"""

import base64
import json
import math
import re
from enum import StrEnum
from typing import Any, Final

from target import AUDIENCE, ISSUER, NOW, kid_of

from keyturn.tokens.algorithms import Algorithm


class Rule(StrEnum):
    """A rule that a token breaks. The value is its name in docs/differences.md."""

    SIZE = "size"
    SEGMENTS = "segments"
    BASE64 = "canonical-base64url"
    SIGNATURE = "signature"
    JSON = "json-object"
    UTF_8 = "utf-8"
    DUPLICATE = "duplicate-name"
    NUMBER = "number"
    SURROGATE = "lone-surrogate"
    DEPTH = "depth"
    KEY_IN_HEADER = "key-in-header"
    CRIT = "crit"
    B64 = "b64"
    ENCRYPTION = "encryption-members"
    HEADER_TYPE = "header-types"
    ALGORITHM = "algorithm"
    KEY = "key-name"
    TYPE = "typ"
    MISSING = "required-claim"
    ISSUER = "issuer"
    AUDIENCE_TYPE = "audience-type"
    AUDIENCE = "audience"
    NAME = "name-type"
    TIME = "numeric-date"
    LIFETIME = "lifetime"
    FUTURE = "not-yet-valid"
    EXPIRED = "expired"
    BOUND = "bound-to-a-key"
    AUTH_TIME = "auth-time"
    SCOPE = "scope"
    ROLES = "roles"


class _BreaksError(Exception):
    def __init__(self, rule: Rule) -> None:
        super().__init__(rule)
        self.rule = rule


def broken_rule(algorithm: Algorithm, head: bytes, payload: bytes) -> Rule | None:
    """Return the first rule that a token with this header and these claims breaks, signed by the key of *algorithm*."""
    try:
        _judge_header(algorithm, head)
        _judge_claims(payload)
    except _BreaksError as broken:
        return broken.rule
    return None


def broken_form(text: str) -> Rule:
    """Return the rule that a *text* breaks of which we know that nobody signed it."""
    parts = text.split(".")
    if len(text) > 8192 or (len(parts) == 3 and len(parts[0]) > 1366):
        return Rule.SIZE
    if len(parts) != 3:
        return Rule.SEGMENTS
    if not all(map(_is_canonical, parts)):
        return Rule.BASE64
    return Rule.SIGNATURE


def _is_canonical(part: str) -> bool:
    if not re.fullmatch(r"[A-Za-z0-9_-]*", part, re.ASCII) or len(part) % 4 == 1:
        return False
    data = base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode() == part


def _judge_header(algorithm: Algorithm, head: bytes) -> None:
    if len(head) > 1024:
        raise _BreaksError(Rule.SIZE)
    header = _read(head)
    names = set(header)
    for rule, forbidden in _FORBIDDEN.items():
        if names & forbidden:
            raise _BreaksError(rule)
    if any(not isinstance(header[name], str) for name in ("alg", "kid", "typ") if name in header):
        raise _BreaksError(Rule.HEADER_TYPE)
    if header.get("typ", "").casefold() not in {"at+jwt", "application/at+jwt"} or not header["typ"].isascii():
        raise _BreaksError(Rule.TYPE)
    if header.get("alg") != algorithm.value:
        raise _BreaksError(Rule.ALGORITHM)
    if header.get("kid") != kid_of(algorithm):
        raise _BreaksError(Rule.KEY)


def _judge_claims(payload: bytes) -> None:
    claims = _read(payload)
    if not {"iss", "aud", "sub", "jti", "client_id", "iat", "exp"} <= set(claims):
        raise _BreaksError(Rule.MISSING)
    if claims["iss"] != ISSUER:
        raise _BreaksError(Rule.ISSUER)
    _judge_audience(claims["aud"])
    if not all(_is_text(claims[name]) for name in ("sub", "jti", "client_id", "sid") if name in claims):
        raise _BreaksError(Rule.NAME)
    _judge_times(claims)
    _judge_rest(claims)


def _judge_audience(audience: Any) -> None:
    named = audience if isinstance(audience, list) else [audience]
    if not named or not all(map(_is_text, named)):
        raise _BreaksError(Rule.AUDIENCE_TYPE)
    if AUDIENCE not in named:
        raise _BreaksError(Rule.AUDIENCE)


def _judge_times(claims: dict[str, Any]) -> None:
    times = [claims[name] for name in ("iat", "exp", "nbf") if name in claims]
    if any(isinstance(time, bool) or not isinstance(time, int | float) or not 0 <= time < 2**53 for time in times):
        raise _BreaksError(Rule.TIME)
    if not 0 <= claims["exp"] - claims["iat"] <= 3600:
        raise _BreaksError(Rule.LIFETIME)
    if max(claims["iat"], claims.get("nbf", 0)) > NOW + 5:
        raise _BreaksError(Rule.FUTURE)
    if math.floor(claims["exp"]) + 5 <= NOW:
        raise _BreaksError(Rule.EXPIRED)


def _judge_rest(claims: dict[str, Any]) -> None:
    if "cnf" in claims:
        raise _BreaksError(Rule.BOUND)
    since = claims.get("auth_time", 0)
    if isinstance(since, bool) or not isinstance(since, int) or not 0 <= since < 2**53:
        raise _BreaksError(Rule.AUTH_TIME)
    scope = claims.get("scope", "")
    if not isinstance(scope, str) or (scope and "" in scope.split(" ")):
        raise _BreaksError(Rule.SCOPE)
    roles = claims.get("roles", [])
    if not isinstance(roles, list) or not all(map(_is_text, roles)):
        raise _BreaksError(Rule.ROLES)


def _is_text(value: object) -> bool:
    return isinstance(value, str) and len(value) > 0


def _read(data: bytes) -> dict[str, Any]:
    """Return the object in *data*."""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        raise _BreaksError(Rule.UTF_8) from None
    try:
        value = json.loads(
            text, object_pairs_hook=_pairs, parse_int=_integer, parse_float=_float, parse_constant=_constant
        )
    except RecursionError:
        raise _BreaksError(Rule.DEPTH) from None
    except ValueError:
        raise _BreaksError(Rule.JSON) from None
    if not isinstance(value, dict):
        raise _BreaksError(Rule.JSON)
    _walk(value, 1)
    return value


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    names = [name for name, _ in pairs]
    if any(names.count(name) > 1 for name in names[:200]) or len(set(names)) < len(names):
        raise _BreaksError(Rule.DUPLICATE)
    return dict(pairs)


def _integer(digits: str) -> int:
    if len(digits.removeprefix("-")) > 4300:
        raise _BreaksError(Rule.NUMBER)
    return int(digits)


def _float(text: str) -> float:
    if math.isinf(float(text)):
        raise _BreaksError(Rule.NUMBER)
    return float(text)


def _constant(_name: str) -> None:
    raise _BreaksError(Rule.NUMBER)


def _walk(value: Any, depth: int) -> None:
    if isinstance(value, str):
        if re.search("[\ud800-\udfff]", value):
            raise _BreaksError(Rule.SURROGATE)
        return
    if not isinstance(value, dict | list):
        return
    if depth > 16:
        raise _BreaksError(Rule.DEPTH)
    for inner in [*value, *value.values()] if isinstance(value, dict) else value:
        _walk(inner, depth + 1)


_FORBIDDEN: Final = {
    Rule.KEY_IN_HEADER: {"jwk", "jku", "x5u", "x5c", "x5t", "x5t#S256"},
    Rule.CRIT: {"crit"},
    Rule.B64: {"b64"},
    Rule.ENCRYPTION: {"zip", "enc"},
}
