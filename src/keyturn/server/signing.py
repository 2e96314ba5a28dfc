"""Signing and making keys without holding up the event loop.

An elliptic-curve or HMAC signature takes some 25 µs, less than the way to a thread and back. An RSA one takes 300 µs
and more, and making an RSA key a good part of a second. A page of the revocation feed with 10,000 entries takes 15 ms.
"""

import asyncio
from typing import Final

from keyturn.core.feed import MANY
from keyturn.tokens import access_token, revocation_feed
from keyturn.tokens.access_token import Claims
from keyturn.tokens.algorithms import PARAMETERS, Algorithm, KeyType
from keyturn.tokens.keys import SigningKey
from keyturn.tokens.revocation_feed import Page


async def sign(claims: Claims, key: SigningKey) -> str:
    """Return the access token that says *claims*, signed by *key*."""
    if key.algorithm in _SLOW:
        return await asyncio.to_thread(access_token.issue, claims, key)
    return access_token.issue(claims, key)


async def sign_page(page: Page, key: SigningKey) -> bytes:
    """Return *page* of the revocation feed, signed by *key*."""
    if key.algorithm in _SLOW or len(page.entries) > MANY:
        return await asyncio.to_thread(_sign_page, page, key)
    return _sign_page(page, key)


async def generate_key(algorithm: Algorithm) -> SigningKey:
    """Return a new signing key."""
    return await asyncio.to_thread(SigningKey.generate, algorithm)


def _sign_page(page: Page, key: SigningKey) -> bytes:
    return revocation_feed.sign(page, key).encode("ascii")


_SLOW: Final = frozenset(name for name, fixed in PARAMETERS.items() if fixed.key_type is KeyType.RSA)
