"""Everywhere else that a stranger's bytes are read: each may refuse in its own words, and raise nothing else."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any, Final

from mutations import change_document
from target import AUDIENCE, ISSUER, NOW, jwk_of, kid_of, segment, target

from keyturn.errors import InvalidGrant, InvalidKey, InvalidRequest, InvalidToken, MissingToken
from keyturn.tokens import base64url, device_token, refresh_token, revocation_feed, strict_json
from keyturn.tokens.access_token import Expected
from keyturn.tokens.algorithms import ASYMMETRIC, Algorithm
from keyturn.tokens.key_set import parse_key_set
from keyturn.tokens.opaque_token import TokenKey
from keyturn.verify import bearer, cookie
from keyturn.verify.feed.intake import FeedIntake, PageRefused
from keyturn.verify.key_source import FixedKeys


@dataclass(frozen=True, slots=True, kw_only=True)
class Surface:
    """A place where input is read.

    Attributes:
        name: what it reads.
        seed: good input, to spoil.
        read: reads it.
        refusals: what it may raise.

    """

    name: str
    seed: bytes
    read: Callable[[bytes], object]
    refusals: tuple[type[Exception], ...]

    def fuzz(self, random: Random, times: int) -> list[str]:
        """Read spoilt input *times* times; return a line for each exception that is none of the refusals."""
        failures = []
        for _ in range(times):
            data = change_document(random, self.seed)
            try:
                self.read(data)
            except self.refusals:
                pass
            except Exception as error:  # noqa: BLE001 - that there is none is what is to be shown
                failures.append(f"{self.name}: {type(error).__name__}: {data[:500]!r}")
        return failures


def _text(data: bytes) -> str:
    """Return *data* as a server hands header values over."""
    return data.decode("latin-1")


def _read_page(payload: bytes) -> object:
    """Take in a page with this payload, which the issuer has signed."""
    header = {"alg": "ES256", "kid": kid_of(Algorithm.ES256), "typ": revocation_feed.TYP}
    signing_input = f"{segment(header)}.{segment(payload)}"
    signature = base64url.encode(target(Algorithm.ES256).key.sign(signing_input.encode()))
    intake = FeedIntake(keys=_keys(), expected=_EXPECTED, max_age=10, max_entries=1000, clock=lambda: NOW)
    return asyncio.run(intake.take(f"{signing_input}.{signature}"))


def _keys() -> FixedKeys:
    return FixedKeys({"keys": [jwk_of(Algorithm.ES256)]}, algorithms=ASYMMETRIC)


def _read_key_set(data: bytes) -> object:
    try:
        document = strict_json.parse_object(data)
    except ValueError:
        return None
    return parse_key_set(document, algorithms=ASYMMETRIC)


def _read_key(data: bytes) -> object:
    """Read *data* as the one key of a set."""
    return _read_key_set(b'{"keys":[' + data + b"]}")


def _page() -> bytes:
    entries: list[dict[str, Any]] = [
        {"seq": 7, "kind": "sid", "digest": base64url.encode(b"d" * 16), "exp": NOW + 600},
        {"seq": 8, "kind": "sub", "digest": base64url.encode(b"e" * 16), "exp": NOW + 600, "before": NOW},
    ]
    return json.dumps({"iss": ISSUER, "iat": NOW, "seq": 9, "more": False, "entries": entries, "after": 0}).encode()


_EXPECTED: Final = Expected(issuer=ISSUER, audiences=frozenset({AUDIENCE}), algorithms=ASYMMETRIC)
_MAC: Final = TokenKey(key_id=b"abcd", secret=bytes(range(32)))
_REFRESH: Final = refresh_token.issue(_MAC, handle=b"h" * 16, generation=3).encode()
_DEVICE: Final = device_token.issue(_MAC, device_id=b"d" * 16, sub="user-1").encode()
_MACS: Final = {_MAC.key_id: _MAC}

SURFACES: Final = (
    Surface(name="strict JSON", seed=_page(), read=strict_json.parse_object, refusals=(ValueError,)),
    Surface(name="feed page", seed=_page(), read=_read_page, refusals=(InvalidToken, PageRefused)),
    Surface(
        name="key set",
        seed=json.dumps({"keys": [jwk_of(Algorithm.ES256), jwk_of(Algorithm.RS256)]}).encode(),
        read=_read_key_set,
        refusals=(InvalidKey,),
    ),
    *(
        Surface(
            name=f"{name} key",
            seed=json.dumps(jwk_of(Algorithm(name))).encode(),
            read=_read_key,
            refusals=(InvalidKey,),
        )
        for name in ("ES256", "EdDSA", "RS256")
    ),
    Surface(
        name="refresh token",
        seed=_REFRESH,
        read=lambda data: refresh_token.parse(_text(data), _MACS),
        refusals=(InvalidGrant,),
    ),
    Surface(name="device token", seed=_DEVICE, read=lambda data: device_token.parse(_text(data), _MACS), refusals=()),
    Surface(
        name="Authorization header",
        seed=b"Bearer abc.def.ghi",
        read=lambda data: bearer.parse_authorization([_text(data)]),
        refusals=(MissingToken, InvalidRequest),
    ),
    Surface(
        name="Cookie header",
        seed=b"__Host-keyturn_refresh=ktr_abc; a=b",
        read=lambda data: cookie.find_cookie([_text(data)], "__Host-keyturn_refresh"),
        refusals=(InvalidRequest,),
    ),
)
