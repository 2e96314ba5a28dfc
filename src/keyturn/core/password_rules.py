"""What a password may be (NIST SP 800-63B-4 §3.1.1.2): long enough, and nothing else is asked of it.

No composition rules, no truncation, spaces kept. It is hashed as NFC, so that a keyboard that composes
characters in another way types the same password.
"""

import unicodedata
from typing import Final

from keyturn.errors import ValidationFailed

MAX_BYTES: Final = 1024
"""UTF-8 bytes; more is refused before anything is hashed."""


def normalise(password: str) -> str:
    """Return *password* as it is hashed (Unicode NFC).

    Raises:
        ValidationFailed: it is longer than any password may be.

    """
    if len(password) > MAX_BYTES:
        raise ValidationFailed("password length", sentence=_TOO_LONG)
    normal = unicodedata.normalize("NFC", password)
    if len(normal.encode("utf-8", "surrogatepass")) > MAX_BYTES:
        raise ValidationFailed("password length", sentence=_TOO_LONG)
    return normal


def check_new(password: str, *, min_length: int) -> None:
    """Take a new password of at least *min_length* code points.

    Raises:
        ValidationFailed: it is too short or too long.

    """
    if len(normalise(password)) < min_length:
        raise ValidationFailed("password length", sentence=f"A password has at least {min_length} characters.")


_TOO_LONG: Final = f"A password has at most {MAX_BYTES} bytes."
