"""How the audit log is sealed: what of an entry counts, how seals follow each other, and whose they are. Pure.

A seal holds the digest of each entry that it covers, and the hash of the seal before it: so one hash stands for all
that was written up to it. Its MAC is made with a key that is not in the database: whoever can write there can make
entries, digests and hashes, but no seal. A MAC vouches for every seal before it, whichever key made those; so an old
master key may go.
"""

import hmac
from collections.abc import Iterable
from dataclasses import replace
from enum import StrEnum
from hashlib import sha256
from typing import Final

from keyturn.core.model import AuditEntry, Seal
from keyturn.tokens.master_key import MasterKey, MasterKeys

DIGEST_BYTES: Final = 32

START: Final = bytes(DIGEST_BYTES)
"""What the first seal of a chain follows."""

GONE: Final = bytes(DIGEST_BYTES)
"""The digest of an entry that was not there any more when its turn to be sealed came."""


class Maker(StrEnum):
    """Who made a seal, as far as its MAC tells."""

    OURS = "ours"
    UNKNOWN_KEY = "unknown_key"
    FORGED = "forged"


def digest_of(entry: AuditEntry) -> bytes:
    """Return the digest of all that the entry says. Its number is not in it: its place among the digests says that."""
    return sha256(_ENTRY_LABEL + _framed(_columns(entry))).digest()


def seal_entries(
    entries: Iterable[AuditEntry], *, number: int, after: int, upto: int, previous: bytes, key: MasterKey, now_ms: int
) -> Seal:
    """Return the seal of the entries behind the number *after*, up to and including *upto*.

    Args:
        entries: what there is of them; what is not there is sealed as `GONE`.
        number: of the seal.
        after: the last number that is sealed already.
        upto: the last number that it covers.
        previous: the hash of the seal that it follows, or `START`.
        key: the current master key.
        now_ms: the time.

    """
    digests = {entry.number: digest_of(entry) for entry in entries}
    seal = Seal(
        number=number,
        last=upto,
        sealed_at_ms=now_ms,
        previous=previous,
        digests=b"".join(digests.get(place, GONE) for place in range(after + 1, upto + 1)),
        key_id=key.key_id,
        mac=b"",
    )
    return replace(seal, mac=key.audit_mac(_content(seal)))


def hash_of(seal: Seal) -> bytes:
    """Return the hash that stands for *seal* and, since each follows another, for all that was sealed up to it."""
    return sha256(_content(seal) + _framed((seal.mac,))).digest()


def maker_of(seal: Seal, keys: MasterKeys) -> Maker:
    """Say who made *seal*."""
    key = keys.find(seal.key_id)
    if key is None:
        return Maker.UNKNOWN_KEY
    return Maker.OURS if hmac.compare_digest(seal.mac, key.audit_mac(_content(seal))) else Maker.FORGED


def first_of(seal: Seal) -> int:
    """Return the number of the first entry that *seal* covers; the one behind its last if it covers none."""
    return seal.last - len(seal.digests) // DIGEST_BYTES + 1


def digest_in(seal: Seal, number: int) -> bytes:
    """Return the digest that *seal* has of the entry *number*, which it covers."""
    place = (number - first_of(seal)) * DIGEST_BYTES
    return seal.digests[place : place + DIGEST_BYTES]


def _columns(entry: AuditEntry) -> tuple[str | int | None, ...]:
    """Return what is sealed of an entry. The order stands: another one is another digest."""
    return (
        entry.at_ms,
        entry.kind,
        entry.sub,
        entry.sid,
        entry.reason,
        entry.actor,
        entry.address,
        entry.browser,
        entry.request_id,
        entry.details,
    )


def _content(seal: Seal) -> bytes:
    values = (seal.number, seal.last, seal.sealed_at_ms, seal.previous, seal.key_id, seal.digests)
    return _SEAL_LABEL + _framed(values)


def _framed(values: Iterable[str | int | bytes | None]) -> bytes:
    """Return *values*, each behind its type and its length, so that no two lists of values are the same bytes."""
    return b"".join([_framed_one(value) for value in values])


def _framed_one(value: str | int | bytes | None) -> bytes:
    if value is None:
        return b"-"
    if isinstance(value, str):
        tag, data = b"t", value.encode("utf-8", "surrogatepass")
    elif isinstance(value, int):
        tag, data = b"i", b"%d" % value
    else:
        tag, data = b"b", value
    return tag + len(data).to_bytes(8) + data


_ENTRY_LABEL: Final = b"keyturn 1 audit entry\0"
_SEAL_LABEL: Final = b"keyturn 1 audit seal\0"
