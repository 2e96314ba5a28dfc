"""VER-21, A13, measured: how many leaked secrets are refused, what those are that pass, and that no random one is."""

import base64
import re
import string
import time
import uuid
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from itertools import repeat
from multiprocessing import get_context
from pathlib import Path
from random import Random
from typing import Final

import pytest

from keyturn.errors import InvalidKey
from keyturn.tokens import hmac_secret
from keyturn.tokens.guessing.estimate import is_guessable

pytestmark = pytest.mark.slow

_SHORTEST: Final = 32
_OPERATORS: Final = string.ascii_letters + string.digits + "!@#$%^&*-_"
_PRINTABLE: Final = string.ascii_letters + string.digits + string.punctuation

_MAKERS: Final[dict[str, Callable[[Random], bytes]]] = {
    "32 bytes": lambda source: source.randbytes(32),
    "64 bytes": lambda source: source.randbytes(64),
    "hexadecimal of 16 bytes": lambda source: source.randbytes(16).hex().encode(),
    "hexadecimal of 32 bytes (openssl rand -hex 32)": lambda source: source.randbytes(32).hex().encode(),
    "base64 of 32 bytes": lambda source: base64.b64encode(source.randbytes(32)),
    "base64 of 48 bytes (openssl rand -base64 48)": lambda source: base64.b64encode(source.randbytes(48)),
    "base64url of 32 bytes (secrets.token_urlsafe(32))": lambda source: _base64url(source.randbytes(32)),
    "base32 of 32 bytes": lambda source: base64.b32encode(source.randbytes(32)),
    "a random UUID": lambda source: str(uuid.UUID(int=source.getrandbits(128), version=4)).encode(),
    "32 of letters, digits and ten signs": lambda source: _drawn(source, _OPERATORS),
    "32 of all printable signs": lambda source: _drawn(source, _PRINTABLE),
}

# From the plainest to the rest. A kind says how a text looks, and nothing of where it is from.
_KINDS: Final = (
    ("UUID", rb"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}"),
    ("hexadecimal", rb"(?:0x)?(?:[0-9a-f]+|[0-9A-F]+)"),
    ("letters and digits of both cases", rb"(?=.*[0-9])(?=.*[a-z])(?=.*[A-Z])[A-Za-z0-9]+"),
    ("base64 or base64url", rb"(?=.*[0-9])(?=.*[a-z])(?=.*[A-Z])[A-Za-z0-9+/_-]+={0,2}"),
    ("printable signs of four kinds", rb"(?=.*[0-9])(?=.*[a-z])(?=.*[A-Z])(?=.*[^A-Za-z0-9])[ -~]+"),
    ("other letters, digits and signs", rb"(?s).*"),
)

_MOST_PASSING: Final = 0.78
"""Share of the leaked secrets of 32 bytes or more that may pass: two of five are UUIDs, most others look random."""


def test_ver_21_leaked_secrets(vectors: Path, say: Callable[[str], None]) -> None:
    """VER-21, A13: of the leaked secrets all short ones are refused, and of the long ones whatever was thought up.

    What passes is described by no pattern and no word in less than 96 bits, and says how it looks.
    """
    text = (vectors / "weak-secrets" / "wallarm-jwt.secrets.list").read_bytes()
    leaked = set(text.splitlines())
    long = sorted(secret for secret in leaked if len(secret) >= _SHORTEST)
    started = time.process_time()
    passing = [secret for secret in long if not _is_refused(secret)]
    spent = time.process_time() - started
    refused = len(leaked) - len(passing)
    say(f"leaked: {len(leaked)}, refused {refused} ({refused / len(leaked):.2%})")
    say(f"of {_SHORTEST} bytes or more: {len(long)}, refused {len(long) - len(passing)}")
    say(f"time: {spent * 1000 / len(long):.1f} ms each")
    for kind, count in Counter(map(_kind, passing)).most_common():
        say(f"  passing: {count:4} {kind}")
    assert len(leaked) > 100_000
    assert len(passing) < _MOST_PASSING * len(long)
    assert not [secret for secret in leaked if len(secret) < _SHORTEST and not _is_refused(secret)][:1]


@pytest.mark.parametrize("kind", _MAKERS)
def test_ver_21_random_secrets_are_taken(kind: str, full: bool, seed: int, say: Callable[[str], None]) -> None:
    """VER-21: of 100,000 random secrets of each kind none is refused (a share of them without ``--full``)."""
    share = 10_000 if full else 300
    seeds = [f"{seed} {number}" for number in range(10 if full else 1)]
    if full:
        with ProcessPoolExecutor(mp_context=get_context("spawn")) as processes:
            outcomes = list(processes.map(_judge_random, repeat(kind), seeds, repeat(share)))
    else:
        outcomes = [_judge_random(kind, seeds[0], share)]
    count, spent = share * len(seeds), sum(spent for _, spent in outcomes)
    refused = [secret for found, _ in outcomes for secret in found]
    say(f"{kind}: {len(refused)} of {count:,} refused; {spent * 1000 / count:.2f} ms each")
    assert not refused


def _judge_random(kind: str, seed: str, count: int) -> tuple[list[bytes], float]:
    """Return which of *count* random secrets are refused, and the seconds that it took to judge them."""
    source = Random(f"{seed} {kind}")
    secrets = [_MAKERS[kind](source) for _ in range(count)]
    started = time.process_time()
    return [secret for secret in secrets if is_guessable(secret)], time.process_time() - started


def _is_refused(secret: bytes) -> bool:
    try:
        hmac_secret.check(secret, min_length=_SHORTEST)
    except InvalidKey:
        return True
    return False


def _kind(secret: bytes) -> str:
    return next(kind for kind, pattern in _KINDS if re.fullmatch(pattern, secret))


def _base64url(data: bytes) -> bytes:
    return base64.urlsafe_b64encode(data).rstrip(b"=")


def _drawn(source: Random, alphabet: str) -> bytes:
    return "".join(source.choice(alphabet) for _ in range(32)).encode()
