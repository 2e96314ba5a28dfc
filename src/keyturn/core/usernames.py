"""Usernames: what one may be, and when two are the same.

Two names that differ only in case or in the way Unicode spells them are one account, so that no look-alike can
be registered beside a name and no limit is dodged by writing a name in another way.
"""

import unicodedata
from typing import Final

from keyturn.errors import ValidationFailed

MAX_LENGTH: Final = 254
"""Code points; an e-mail address has no more (RFC 5321 §4.5.3.1.3)."""


def normalise(username: str) -> str:
    """Return the key that all spellings of *username* share (NFKC, case-folded)."""
    folded = unicodedata.normalize("NFKC", username).casefold()
    return unicodedata.normalize("NFKC", folded)


def check_new(username: str) -> None:
    """Take only a name that can be shown and typed.

    Raises:
        ValidationFailed: it is empty or too long, has white space at an end or characters that nobody can see.

    """
    if not username or len(username) > MAX_LENGTH or len(normalise(username)) > MAX_LENGTH:
        raise ValidationFailed("username length", sentence=f"A username has 1 to {MAX_LENGTH} characters.")
    if username != username.strip():
        raise ValidationFailed("username space", sentence="A username has no white space at its ends.")
    if any(unicodedata.category(character) in _UNSEEN for character in username):
        raise ValidationFailed("username control", sentence="A username has no control or invisible characters.")


_UNSEEN: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
