"""Looks for many secrets in many bytes at once, in whatever form they were written down.

Tokens are known by their shape: each that is found is looked up among those that were issued. Keys and passwords are
not, so each eighth place of the bytes is compared with every eight bytes that a secret has in a row, in each of its
forms: where a secret of fifteen bytes or more stands, one of these places lies in it. That is one look into a set for
eight bytes, made in C; only where something is found is it looked at again.
"""

import re
import sys
from base64 import b64encode, urlsafe_b64encode
from collections import defaultdict
from collections.abc import Iterable, Iterator
from urllib.parse import quote, quote_plus

from whole_run.noting import OPAQUE_CHARACTERS, SHORTEST_SECRET, SIGNATURE_CHARACTERS, TOKEN_BYTES, fingerprint

GRAM = 8
CHUNK = 1 << 20

OPAQUE = re.compile(rb"kt[rd]_[A-Za-z0-9_-]{%d,}" % (OPAQUE_CHARACTERS - 4))
JWT = re.compile(rb"eyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]{%d,}" % SIGNATURE_CHARACTERS)

OF_A_FAKE = b"plain:"
"""Hashers of tests that write the password down put this before it."""


class Search:
    """What is looked for.

    Args:
        tokens: the notes of tokens, one after the other.
        secrets: kind and bytes of keys and passwords.

    """

    def __init__(self, tokens: Iterable[bytes], secrets: Iterable[tuple[str, bytes]]) -> None:
        self._tokens = {notes[at : at + TOKEN_BYTES] for notes in tokens for at in range(0, len(notes), TOKEN_BYTES)}
        self._forms: dict[int, set[tuple[str, bytes]]] = defaultdict(set)
        for kind, value in secrets:
            for form in forms(value):
                for at in range(len(form) - GRAM + 1):
                    self._forms[int.from_bytes(form[at : at + GRAM], sys.byteorder)].add((kind, form))

    def __call__(self, data: bytes) -> set[str]:
        """Return the kinds of secrets that are in *data*."""
        return {*self._tokens_in(data), *self._secrets_in(data)}

    def _tokens_in(self, data: bytes) -> Iterator[str]:
        for marker, shape in ((b"ktr_", OPAQUE), (b"ktd_", OPAQUE), (b"eyJ", JWT)):
            for at in _places(data, marker):
                found = shape.match(data, at)
                if found and fingerprint(found[0].decode()) in self._tokens:
                    yield f"token {marker.decode()}…"

    def _secrets_in(self, data: bytes) -> Iterator[str]:
        with memoryview(data) as whole, whole[: len(data) // GRAM * GRAM].cast("Q") as words:
            for start in range(0, len(words), CHUNK):
                with words[start : start + CHUNK] as part:
                    if not self._forms.keys().isdisjoint(part):
                        yield from self._seen_in(data, set(part))

    def _seen_in(self, data: bytes, words: set[int]) -> Iterator[str]:
        for word in self._forms.keys() & words:
            for kind, form in self._forms[word]:
                if any(not data.endswith(OF_A_FAKE, 0, at) for at in _places(data, form)):
                    yield kind


def forms(secret: bytes) -> set[bytes]:
    """Return *secret* as it is, and as it may be written down; what gets too short is left out."""
    texts = {b64encode(secret), urlsafe_b64encode(secret).rstrip(b"="), secret.hex().encode()}
    quoted = {quote(secret).encode(), quote_plus(secret).encode(), secret.hex().upper().encode()}
    return {form for form in {secret, *texts, *quoted} if len(form) >= SHORTEST_SECRET}


def _places(data: bytes, part: bytes) -> Iterator[int]:
    at = data.find(part)
    while at >= 0:
        yield at
        at = data.find(part, at + 1)
