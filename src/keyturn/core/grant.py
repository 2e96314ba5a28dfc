"""What a token may say: the scopes that roles give, what was asked for of them, and the one audience."""

from collections.abc import Iterable, Mapping
from typing import Final

from keyturn.core.policy import Policy
from keyturn.errors import InvalidScope, InvalidTarget


def granted_scopes(roles: Iterable[str], mapping: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    """Return what *roles* give, each scope once, in order of the alphabet. An unknown role gives nothing."""
    return tuple(sorted({scope for role in roles for scope in mapping.get(role, ())}))


def choose_scopes(
    granted: tuple[str, ...], *, of_session: tuple[str, ...] | None, requested: tuple[str, ...] | None
) -> tuple[str, ...]:
    """Return the scopes of a token: all that is granted within the session, or the part of it that was asked for.

    Raises:
        InvalidScope: more was asked for (RFC 6749 §6).

    """
    allowed = granted if of_session is None else tuple(scope for scope in granted if scope in of_session)
    if requested is None:
        return allowed
    if not set(requested) <= set(allowed):
        raise InvalidScope("wider than granted")
    return tuple(scope for scope in allowed if scope in requested)


def parse_scope(scope: str | None) -> tuple[str, ...] | None:
    """Return the scopes in a ``scope`` parameter; None if there is none or it is empty (RFC 6749 §3.3).

    Raises:
        InvalidScope: it is malformed.

    """
    if not scope:
        return None
    scopes = tuple(scope.split(" "))
    if not all(name and set(name) <= _SCOPE_CHARACTERS for name in scopes):
        raise InvalidScope("malformed")
    return tuple(dict.fromkeys(scopes))


def choose_audience(policy: Policy, *, of_session: str | None, requested: str | None) -> str:
    """Return the one audience of a token (RFC 8707 §2).

    Raises:
        InvalidTarget: it is neither configured nor the issuer itself.

    """
    audience = requested or of_session or policy.audiences[0]
    if audience != policy.issuer and audience not in policy.audiences:
        raise InvalidTarget("unknown resource")
    return audience


_SCOPE_CHARACTERS: Final = frozenset(map(chr, (0x21, *range(0x23, 0x5C), *range(0x5D, 0x7F))))
