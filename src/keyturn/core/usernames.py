"""Usernames: what one may be, and when two are the same.

Two names that differ only in case or in the way Unicode spells them are one account, so that no limit is dodged by
writing a name in another way; and no name holds what nobody can see. Letters of different scripts that look alike, such
as a Latin and a Cyrillic a, are different letters here: a name alone proves to nobody who somebody is.
"""

import re
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
    if _IGNORABLE.search(username) or any(unicodedata.category(character) in _UNSEEN for character in username):
        raise ValidationFailed("username control", sentence="A username has no control or invisible characters.")


_UNSEEN: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})

#: Default_Ignorable_Code_Point of Unicode's DerivedCoreProperties.txt, which Python's tables do not have: fillers,
#: joiners and variation selectors, letters and marks by their category. And U+2800, a Braille pattern without dots.
_IGNORABLE: Final = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u2800\u3164"
    "\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
