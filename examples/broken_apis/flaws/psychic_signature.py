"""ECDSA by hand, after the textbook, without its first line: r and s are not checked to be from 1 to n - 1.

With zeros for both, the equation is 0 = 0 for every token and every key (CVE-2022-21449; FIPS 186-5 §6.4.2). Rightly:
never by hand; ``cryptography`` checks it.
"""

from hashlib import sha256

from broken_apis import by_hand, rightly
from broken_apis.issuer import Claims, Issuer

Point = tuple[int, int] | None  # None is the point at infinity

P = 2**256 - 2**224 + 2**192 + 2**96 - 1
N = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
G = (
    0x6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296,
    0x4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5,
)


def verify(token: str, issuer: Issuer) -> Claims:
    """Return the claims of *token*."""
    rightly.check_form(token)
    rightly.check_header(token, issuer)
    parsed = by_hand.parse(token)
    numbers = issuer.public_key.public_numbers()
    if parsed.header["alg"] != "ES256" or not holds(parsed.signing_input, parsed.signature, (numbers.x, numbers.y)):
        raise rightly.Refused
    return by_hand.check_claims(parsed.claims, issuer)


def holds(message: bytes, signature: bytes, key: Point) -> bool:
    """Say whether *key* signed *message*."""
    if len(signature) != 64:
        return False
    r, s = int.from_bytes(signature[:32]), int.from_bytes(signature[32:])
    # the mistake: r and s may be zero
    inverse = pow(s, N - 2, N)
    e = int.from_bytes(sha256(message).digest())
    point = sum_of(e * inverse % N, G, r * inverse % N, key)
    return (point[0] if point else 0) % N == r


def sum_of(one: int, first: Point, other: int, second: Point) -> Point:
    """Return ``one * first + other * second``, both from the highest bit down at once."""
    points = {"10": first, "01": second, "11": add(first, second), "00": None}
    total: Point = None
    for bits in zip(f"{one:0256b}", f"{other:0256b}", strict=True):
        total = add(add(total, total), points["".join(bits)])
    return total


def add(one: Point, other: Point) -> Point:
    """Add two points of P-256."""
    if one is None or other is None:
        return one or other
    if one[0] == other[0] and (one[1] + other[1]) % P == 0:
        return None
    if one == other:
        slope = (3 * one[0] ** 2 - 3) * pow(2 * one[1], -1, P)
    else:
        slope = (other[1] - one[1]) * pow(other[0] - one[0], -1, P)
    x = (slope**2 - one[0] - other[0]) % P
    return x, (slope * (one[0] - x) - one[1]) % P
