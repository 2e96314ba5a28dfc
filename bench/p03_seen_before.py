"""P3: verifying a token that was seen before, with 100,000 revocations in view, and what remembering it takes."""

import gc
import tracemalloc

from keyturn import Verifier
from keyturn.testing import TestIssuer
from keyturn.verify.token_cache import DEFAULT_MAX_BYTES, TokenCache
from rounds import cost, least
from rows import Options, Row, micros
from tokens import issuer_of, make_tokens, revoked_sessions

#: Tokens in turn, so that the processor's own caches do not flatter us.
SPREAD = 4_000

#: More than the cache may hold.
FLOOD = 12_000

_MIB = 2**20


def measure(options: Options) -> list[Row]:
    """Ask for seen tokens again and again, one hot one and a few thousand in turn; then flood the cache."""
    issuer = issuer_of("ES256")
    tokens = make_tokens(issuer, options.scaled(FLOOD))
    verifier = issuer.verifier(revocations=revoked_sessions(options.scaled(100_000)))
    seen = tokens[:SPREAD]
    for token in seen:
        verifier.verify(token)
    hot, spread = least(
        options.seconds, lambda: cost(verifier.verify, seen[:1] * 1000), lambda: cost(verifier.verify, seen)
    )
    return [_speed(hot, "one token"), _speed(spread, f"{len(seen):,} in turn"), _memory(issuer, tokens)]


def _speed(seconds: float, which: str) -> Row:
    return Row(
        bar="P3",
        what=f"verification of a token seen before, {which}, 100,000 revocations in view",
        measured=micros(seconds),
        target="<= 2 µs",
        met=seconds <= 2e-6,
    )


def _memory(issuer: TestIssuer, tokens: list[str]) -> Row:
    """Count what the allocator gives out while the cache fills to its bound."""
    sent = [token.encode() for token in tokens]
    cache = TokenCache()
    verifier = Verifier(issuer.issuer, issuer.audience, jwks=issuer.jwks, cache=cache)
    gc.collect()
    tracemalloc.start()
    peak = entries = 0
    for text in sent:
        verifier.verify(text.decode())
        size, _ = tracemalloc.get_traced_memory()
        if size > peak:
            peak, entries = size, len(cache)
    tracemalloc.stop()
    return Row(
        bar="P3",
        what=f"memory of the cache at its fullest, {entries:,} tokens",
        measured=f"{peak / _MIB:.1f} MiB, {peak / entries:,.0f} bytes a token",
        beside=f"{DEFAULT_MAX_BYTES / _MIB:.0f} MiB is its bound",
        ratio=peak / DEFAULT_MAX_BYTES,
        target="<= 1, stated",
        met=peak <= DEFAULT_MAX_BYTES,
    )
