"""The members of a JSON Web Key (RFC 7517 §4, RFC 7518 §6), its thumbprint (RFC 7638), its use.

Integers and octets are read strictly: canonical base64url, and for integers the one shortest form.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any, Final

from keyturn.errors import InvalidKey
from keyturn.tokens import base64url
from keyturn.tokens.algorithms import KeyType

#: Members that only a private key has (RFC 7518 §6.2.2, §6.3.2; RFC 8037 §2).
PRIVATE_MEMBERS: Final = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth"})

MAX_KID_LENGTH: Final = 128

#: What a ``kid`` may look like where a token names its key: harmless in a file name, a query and a log.
KID: Final = re.compile(r"[A-Za-z0-9._~-]{1,128}")


def thumbprint(jwk: Mapping[str, Any]) -> str:
    """Return the base64url SHA-256 thumbprint of *jwk* (RFC 7638 §3).

    Raises:
        InvalidKey: the ``kty`` is unknown or a required member is not a string.

    """
    names = _REQUIRED_MEMBERS.get(_text(jwk, "kty"))
    if names is None:
        raise InvalidKey("kty is unknown")
    members = {name: _text(jwk, name) for name in names}
    canonical = json.dumps(members, separators=(",", ":"), sort_keys=True, ensure_ascii=False)
    return base64url.encode(hashlib.sha256(canonical.encode()).digest())


def key_id(jwk: Mapping[str, Any]) -> str:
    """Return the ``kid`` of *jwk*, or its thumbprint where there is none.

    Raises:
        InvalidKey: the ``kid`` is not a string of 1 to 128 characters.

    """
    if "kid" not in jwk:
        return thumbprint(jwk)
    kid = _text(jwk, "kid")
    if not 0 < len(kid) <= MAX_KID_LENGTH:
        raise InvalidKey("kid is empty or too long")
    return kid


def check_use(jwk: Mapping[str, Any]) -> None:
    """Refuse a key that is not there to verify signatures (RFC 7517 §4.2, §4.3).

    Raises:
        InvalidKey: ``use`` is not ``sig``, or ``key_ops`` does not hold ``verify``.

    """
    if jwk.get("use", "sig") != "sig":
        raise InvalidKey("use is not sig")
    operations = jwk.get("key_ops", ["verify"])
    if not isinstance(operations, list) or "verify" not in operations:
        raise InvalidKey("key_ops does not hold verify")


def octets(jwk: Mapping[str, Any], name: str) -> bytes:
    """Return the octets that the member *name* stands for.

    Raises:
        InvalidKey: it is missing or not canonical base64url.

    """
    text = _text(jwk, name)
    try:
        return base64url.decode(text)
    except ValueError:
        raise InvalidKey(f"{name} is not base64url") from None


def unsigned(jwk: Mapping[str, Any], name: str) -> int:
    """Return the Base64urlUInt *name* (RFC 7518 §2), at least 1.

    Raises:
        InvalidKey: it is missing, malformed, zero, or begins with a zero octet.

    """
    data = octets(jwk, name)
    if not data or data[0] == 0:
        raise InvalidKey(f"{name} is not a positive integer in its shortest form")
    return int.from_bytes(data)


def from_unsigned(number: int) -> str:
    """Return *number* as a Base64urlUInt (RFC 7518 §2)."""
    return base64url.encode(number.to_bytes((number.bit_length() + 7) // 8))


def _text(jwk: Mapping[str, Any], name: str) -> str:
    value = jwk.get(name)
    if not isinstance(value, str):
        raise InvalidKey(f"{name} is missing or not a string")
    return value


# RFC 7638 §3.2; RFC 8037 §2 for OKP.
_REQUIRED_MEMBERS: Final[dict[str, tuple[str, ...]]] = {
    KeyType.EC: ("crv", "kty", "x", "y"),
    KeyType.OKP: ("crv", "kty", "x"),
    KeyType.RSA: ("e", "kty", "n"),
    KeyType.OCT: ("k", "kty"),
}
