"""What a route asks of a token: all of its scopes, and any one of its roles. Pure.

Names are compared whole, in sets: ``admin`` is not found inside ``adminx`` (RFC 6749 §3.3).
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final, Self

from keyturn.errors import ConfigurationError, InsufficientScope
from keyturn.tokens.access_token import AccessToken
from keyturn.verify.revocations import check_on_stale


@dataclass(frozen=True, slots=True, kw_only=True)
class Requirement:
    """What a route asks of a token; without scopes and roles, any good token will do.

    Attributes:
        scopes: the token must carry each of them.
        roles: its user must have at least one of them; empty asks for none.
        on_stale: ``reject`` or ``accept`` it while the view of what was revoked is too old; None for the verifier's
            own policy.

    """

    scopes: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    on_stale: str | None = None
    _scope_set: frozenset[str] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_scope_set", frozenset(self.scopes))

    @classmethod
    def of(cls, scopes: Iterable[str], roles: Iterable[str] | None, on_stale: str | None = None) -> Self:
        """Return the requirement that the arguments of ``require(*scopes, roles=…, on_stale=…)`` state.

        Raises:
            ConfigurationError: a scope is no scope-token, *roles* is a lone string or empty, a role is no name, or
                *on_stale* no policy.

        """
        if on_stale is not None:
            check_on_stale(on_stale, name="require")
        wanted = tuple(scopes)
        if not all(_is_scope(scope) for scope in wanted):
            raise ConfigurationError(
                'require: name each scope by itself, such as require("orders:read", "orders:write").'
            )
        return cls(scopes=wanted, roles=_role_names(roles), on_stale=on_stale)

    def check(self, token: AccessToken) -> None:
        """Let *token* pass.

        Raises:
            InsufficientScope: a scope is missing, or every one of the roles.

        """
        if not self._scope_set <= token.scopes:
            raise InsufficientScope("scope", scopes=self.scopes)
        if self.roles and not any(role in self.roles for role in token.roles):
            raise InsufficientScope("role", scopes=self.scopes)


def _role_names(roles: Iterable[str] | None) -> tuple[str, ...]:
    if roles is None:
        return ()
    names = () if isinstance(roles, str) else tuple(roles)
    if not names or not all(_is_name(role) for role in names):
        raise ConfigurationError('require: give roles as a list of names, such as roles=["admin"].')
    return names


def _is_scope(value: object) -> bool:
    return isinstance(value, str) and _SCOPE.fullmatch(value) is not None


def _is_name(value: object) -> bool:
    return isinstance(value, str) and value != ""


#: ``scope-token`` of RFC 6749 §3.3.
_SCOPE: Final = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]+")
