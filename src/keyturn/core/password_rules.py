"""What a password may be (NIST SP 800-63B-4 §3.1.1.2): long enough, and none that anybody would try first.

No composition rules, no truncation, spaces kept. It is hashed as NFC, so that a keyboard that composes
characters in another way types the same password. Only new passwords are judged; a login never is.
"""

import unicodedata
from collections.abc import Mapping
from typing import Final

from keyturn.core.password_blocklist import Objection
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


def refuse_if(objection: Objection | None) -> None:
    """Take a new password that nothing stands against.

    Raises:
        ValidationFailed: something does; the sentence says what, without a part of the password.

    """
    if objection is not None:
        raise ValidationFailed(f"password {objection}", sentence=SENTENCES[objection])


SENTENCES: Final[Mapping[Objection, str]] = {
    Objection.COMMON: "This password is among the most used ones, and is tried first. Choose another.",
    Objection.NEARLY_COMMON: "This password is a common word or password with little added. Choose another.",
    Objection.REPETITIVE: "This password repeats or counts on. Choose another.",
    Objection.NAMES_USER: "This password is the user name with little added. Choose another.",
    Objection.NAMES_SERVICE: "This password names this service or its user, with little added. Choose another.",
    Objection.BREACHED: "This password is in a list of passwords that were stolen elsewhere. Choose another.",
}
_TOO_LONG: Final = f"A password has at most {MAX_BYTES} bytes."
