"""PyJWT and joserfc set up to take the access tokens of one issuer, as strictly as their documentation says how to.

PyJWT: a key set from which ``kid`` chooses, each key with its one algorithm; issuer, one audience in strict mode, the
claims that must be there, the least key length. joserfc: a key set; the registry that refuses unknown members of a
header, with ``typ`` held to one value; a claims registry that calls each required claim essential.
"""

from collections.abc import Callable
from datetime import UTC, datetime, tzinfo
from functools import cache
from typing import Final, Self

import jwt as pyjwt
from joserfc import jwt as joserfc
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from joserfc.jws import JWSRegistry
from joserfc.registry import HeaderParameter, in_choices
from jwt import api_jwt
from target import ALGORITHMS, AUDIENCE, ISSUER, NOW, jwk_of

from keyturn.tokens.algorithms import SYMMETRIC, Algorithm

_REQUIRED: Final = ("iss", "aud", "sub", "jti", "client_id", "iat", "exp")
_LEEWAY: Final = 5


class StoppedTime(datetime):
    """The time at which all tokens are judged, for PyJWT, which takes none as an argument."""

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> Self:
        """Return it."""
        return cls.fromtimestamp(NOW, tz or UTC)


def ask_pyjwt(algorithm: Algorithm, text: str) -> None:
    """Let PyJWT judge *text*; return if it accepts.

    Raises:
        Exception: it does not.

    """
    assert api_jwt.datetime is StoppedTime
    key = _pyjwt_keys(algorithm in SYMMETRIC)[str(pyjwt.get_unverified_header(text)["kid"])]
    pyjwt.decode(
        text,
        key,
        algorithms=_family(algorithm),
        audience=AUDIENCE,
        issuer=ISSUER,
        leeway=_LEEWAY,
        options={"require": list(_REQUIRED), "strict_aud": True, "enforce_minimum_key_length": True},
    )


def ask_joserfc(algorithm: Algorithm, text: str) -> None:
    """Let joserfc judge *text*; return if it accepts.

    Raises:
        Exception: it does not.

    """
    names = _family(algorithm)
    members = {"typ": HeaderParameter("Type", in_choices(["at+jwt"]), required=True)}
    registry = JWSRegistry(header_registry=members, algorithms=names, strict_check_header=True)
    token = joserfc.decode(text, _joserfc_keys(algorithm in SYMMETRIC), algorithms=names, registry=registry)
    _CLAIMS.validate(token.claims)


#: Each library by its name, with what it raises when it refuses.
PEERS: Final[dict[str, tuple[Callable[[Algorithm, str], None], tuple[type[Exception], ...]]]] = {
    "joserfc": (ask_joserfc, (JoseError,)),
    "PyJWT": (ask_pyjwt, (pyjwt.PyJWTError, KeyError)),  # KeyError is what a key set without the kid gives
}

_CLAIMS: Final = joserfc.JWTClaimsRegistry(
    now=NOW,
    leeway=_LEEWAY,
    **{name: {"essential": True} for name in _REQUIRED}
    | {  # type: ignore[arg-type]
        "iss": {"essential": True, "value": ISSUER},
        "aud": {"essential": True, "value": AUDIENCE},
    },
)


def _family(algorithm: Algorithm) -> list[str]:
    is_symmetric = algorithm in SYMMETRIC
    return [each.value for each in ALGORITHMS if (each in SYMMETRIC) == is_symmetric]


@cache
def _pyjwt_keys(is_symmetric: bool) -> pyjwt.PyJWKSet:
    return pyjwt.PyJWKSet.from_dict(_jwks(is_symmetric))


@cache
def _joserfc_keys(is_symmetric: bool) -> KeySet:
    return KeySet.import_key_set(_jwks(is_symmetric))  # type: ignore[arg-type]


def _jwks(is_symmetric: bool) -> dict[str, list[dict[str, str]]]:
    return {"keys": [jwk_of(each) for each in ALGORITHMS if (each in SYMMETRIC) == is_symmetric]}
