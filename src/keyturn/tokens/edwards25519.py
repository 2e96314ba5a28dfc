"""Which 32 octets are a public key worth trusting: on the curve of RFC 8032 §5.1, and not of small order.

The crypto library decodes the point only when it verifies, and takes points of order 1, 2, 4 and 8. For such a
"key" anybody can write signatures that fit any message.
"""

from typing import Final

_P: Final = 2**255 - 19
_D: Final = -121665 * pow(121666, -1, _P) % _P


def is_sound(encoded: bytes) -> bool:
    """Say whether *encoded* is the one encoding of a curve point of large order."""
    number = int.from_bytes(encoded, "little")
    y = number & (2**255 - 1)  # the last bit only says which of the two x
    if y >= _P:
        return False
    x_squared = _x_squared(y)
    if pow(x_squared, (_P - 1) // 2, _P) != 1:  # no square, or x = 0, which has order 1 or 2
        return False
    return not _has_small_order(x_squared, y)


def _x_squared(y: int) -> int:
    # From -x² + y² = 1 + d·x²·y². The denominator is never zero: -1/d is no square.
    return (y * y - 1) * pow(_D * y * y + 1, -1, _P) % _P


def _has_small_order(x_squared: int, y: int) -> bool:
    """Double three times, in y and x² alone; eight times a point of small order is the neutral one, y = 1."""
    for _ in range(3):
        y_squared = y * y % _P
        y = (y_squared + x_squared) * pow(1 - _D * x_squared * y_squared, -1, _P) % _P
        x_squared = _x_squared(y)
    return y == 1
