"""A JWK Set (RFC 7517 §5): what can be used is taken, what is unknown is skipped, what is dangerous is refused.

A set that publishes a secret, or names one ``kid`` twice, is not trusted in any of its parts.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from keyturn.errors import InvalidKey
from keyturn.tokens import jwk as jwk_members
from keyturn.tokens.algorithms import PARAMETERS, SYMMETRIC, Algorithm, KeyType, check_algorithms
from keyturn.tokens.keys import VerificationKey

__all__ = ["MAX_KEYS", "check_algorithms", "export_key_set", "parse_key_set"]

MAX_KEYS: Final = 100


def parse_key_set(document: Mapping[str, Any], *, algorithms: frozenset[Algorithm]) -> dict[str, VerificationKey]:
    """Return the usable keys of *document* by their ``kid``.

    Skipped: entries of an unknown ``kty`` or another ``alg``, malformed and weak ones, ones for encryption, ones
    without a usable ``kid``, and ones without ``alg`` unless *algorithms* leaves exactly one for their ``kty``.

    Args:
        document: the JWK Set.
        algorithms: the allowlist; its keys may be symmetric only if all of it is (a set that never leaves the process).

    Raises:
        InvalidKey: there is no usable key, or more than 100 entries, a private member, a ``kid`` twice, or a
            symmetric key beside a public one: then the whole set is refused.
        ConfigurationError: *algorithms* is empty or mixes symmetric and asymmetric ones.

    """
    allowed = check_algorithms(algorithms)
    entries = _entries(document)
    _refuse_dangerous(entries, allowed)
    keys = {key.kid: key for entry in entries if (key := _usable(entry, allowed)) is not None}
    if not keys:
        raise InvalidKey("the key set has no usable key")
    return keys


def export_key_set(keys: Iterable[VerificationKey]) -> dict[str, list[dict[str, str]]]:
    """Return the JWK Set of *keys*, in their order.

    Raises:
        InvalidKey: one of them is symmetric, or two have one ``kid``.

    """
    entries = [key.to_jwk() for key in keys]
    if len({entry["kid"] for entry in entries}) != len(entries):
        raise InvalidKey("two keys have one kid")
    return {"keys": entries}


def _entries(document: object) -> list[Mapping[str, Any]]:
    entries = document.get("keys") if isinstance(document, Mapping) else None
    if not isinstance(entries, list):
        raise InvalidKey("not a key set")
    if len(entries) > MAX_KEYS:
        raise InvalidKey("the key set has too many keys")
    return [entry for entry in entries if isinstance(entry, Mapping)]


def _refuse_dangerous(entries: list[Mapping[str, Any]], allowed: frozenset[Algorithm]) -> None:
    if any(not jwk_members.PRIVATE_MEMBERS.isdisjoint(entry) for entry in entries):
        raise InvalidKey("the key set holds a private key")
    symmetric = [entry.get("kty") == KeyType.OCT or "k" in entry for entry in entries]
    if any(is_symmetric != (allowed <= SYMMETRIC) for is_symmetric in symmetric):
        raise InvalidKey("the key set holds symmetric keys where public ones are expected, or the reverse")
    names = [entry["kid"] for entry in entries if isinstance(entry.get("kid"), str)]
    if len(set(names)) != len(names):
        raise InvalidKey("the key set names one kid twice")


def _usable(entry: Mapping[str, Any], allowed: frozenset[Algorithm]) -> VerificationKey | None:
    kid = entry.get("kid")
    if not isinstance(kid, str) or not jwk_members.KID.fullmatch(kid):
        return None
    pinned = None if "alg" in entry else _only_algorithm(entry, allowed)
    try:
        key = VerificationKey.from_jwk(entry, algorithm=pinned)
    except InvalidKey:
        return None
    return key if key.algorithm in allowed else None


def _only_algorithm(entry: Mapping[str, Any], allowed: frozenset[Algorithm]) -> Algorithm | None:
    fitting = [name for name in allowed if PARAMETERS[name].key_type == entry.get("kty")]
    return fitting[0] if len(fitting) == 1 else None
