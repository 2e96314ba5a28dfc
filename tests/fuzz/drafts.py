"""What the fuzzer changes and keeps: how to make a token, not a token. So the corpus holds neither key nor token.

A draft says whose key signs which bytes, and what is done to the text afterwards.
"""

import json
from dataclasses import dataclass
from enum import StrEnum
from functools import cache, lru_cache
from pathlib import Path
from typing import Final

from target import good_claims, target

from keyturn.tokens import base64url
from keyturn.tokens.algorithms import Algorithm
from keyturn.tokens.keys import SigningKey

CORPUS: Final = Path(__file__).parent / "corpus"


class Seal(StrEnum):
    """Where the signature comes from."""

    SIGNED = "signed"
    STRANGER = "stranger"
    COPIED = "copied"


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """One cut into a text.

    Attributes:
        at: where.
        cut: how many characters go.
        put: what comes in their place.

    """

    at: int
    cut: int
    put: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """How to make a token.

    Attributes:
        algorithm: the issuer's key that signs, and the API that is attacked.
        head: the bytes of the header.
        payload: the bytes of the claims.
        seal: who signs.
        edits: what is done to the text then.

    """

    algorithm: Algorithm
    head: bytes
    payload: bytes
    seal: Seal = Seal.SIGNED
    edits: tuple[Edit, ...] = ()

    def to_json(self) -> str:
        """Return the draft as one line; bytes are written as Latin-1."""
        return json.dumps(
            {
                "algorithm": self.algorithm.value,
                "seal": self.seal.value,
                "head": self.head.decode("latin-1"),
                "payload": self.payload.decode("latin-1"),
                "edits": [[edit.at, edit.cut, edit.put] for edit in self.edits],
            }
        )

    @classmethod
    def from_json(cls, line: str) -> "Draft":
        """Return the draft that :meth:`to_json` wrote."""
        said = json.loads(line)
        return cls(
            algorithm=Algorithm(said["algorithm"]),
            seal=Seal(said["seal"]),
            head=said["head"].encode("latin-1"),
            payload=said["payload"].encode("latin-1"),
            edits=tuple(Edit(at=at, cut=cut, put=put) for at, cut, put in said["edits"]),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """A draft carried out.

    Attributes:
        text: the token.
        is_genuine: whether the issuer's key signed just this text: then its content decides, else it must be refused.

    """

    text: str
    is_genuine: bool


def make(draft: Draft) -> Token:
    """Carry *draft* out."""
    signing_input = f"{base64url.encode(draft.head)}.{base64url.encode(draft.payload)}"
    honest = text = f"{signing_input}.{_signature(draft, signing_input)}"
    for edit in draft.edits:
        text = text[: edit.at] + edit.put + text[edit.at + edit.cut :]
    whole = text == honest and draft.seal is Seal.SIGNED
    return Token(text=text, is_genuine=whole or text == good_token(draft.algorithm))


@cache
def good_draft(algorithm: Algorithm) -> Draft:
    """Return how a good token of *algorithm* is made."""
    head = json.dumps(target(algorithm).header, separators=(",", ":")).encode()
    return Draft(algorithm=algorithm, head=head, payload=json.dumps(good_claims(), separators=(",", ":")).encode())


@cache
def good_token(algorithm: Algorithm) -> str:
    """Return a good token of *algorithm*."""
    return target(algorithm).sign()


def read_corpus() -> list[Draft]:
    """Return what is kept in the project."""
    lines = (line for path in sorted(CORPUS.glob("*.jsonl")) for line in path.read_text("ascii").splitlines())
    return [Draft.from_json(line) for line in lines]


def _signature(draft: Draft, signing_input: str) -> str:
    if draft.seal is Seal.COPIED:
        return good_token(draft.algorithm).rpartition(".")[2]
    return _sign(draft.algorithm, draft.seal, signing_input)


@lru_cache(maxsize=4096)  # many edits are made to the text of one draft
def _sign(algorithm: Algorithm, seal: Seal, signing_input: str) -> str:
    key = _stranger(algorithm) if seal is Seal.STRANGER else target(algorithm).key
    return base64url.encode(key.sign(signing_input.encode()))


@cache
def _stranger(algorithm: Algorithm) -> SigningKey:
    return SigningKey.generate(algorithm)
