"""The seals of the audit log. Whoever adds one of a number first has it: so no two processes go on in two ways."""

from collections.abc import Sequence

from keyturn.core.model import Seal
from keyturn.core.ports import Extent, Unsealed
from keyturn.store.sql.audit import COLUMNS, entries_of, whole
from keyturn.store.sql.script import AnyText, Connection, Row, Script

# SQLite keeps a value of any type in any column: a number that is none might come behind all that are.
EXTENT = AnyText("""
SELECT CAST(MIN(audit_sequence.last) AS BIGINT), MIN(audit_seals.number), MIN(audit_seals.last) FROM audit_sequence
LEFT JOIN audit_seals ON audit_seals.number = (
    SELECT number FROM audit_seals
    WHERE number <= 9223372036854775807 AND CAST(number AS BIGINT) = number ORDER BY number DESC LIMIT 1
)
""")

# One statement, so one moment. An entry takes its number under a lock that it holds until it is committed: where the
# newest number is seen, every entry up to it is there.
UNSEALED = AnyText(f"""
SELECT audit_sequence.last, {COLUMNS} FROM audit_sequence
LEFT JOIN audit ON audit.number > :after AND audit.number <= :upto
ORDER BY number
""")  # noqa: S608 - our own names

ADD = """
INSERT INTO audit_seals (number, last, sealed_at_ms, previous, digests, key_id, mac)
VALUES (:number, :last, :sealed_at_ms, :previous, :digests, :key_id, :mac)
ON CONFLICT (number) DO NOTHING RETURNING number
"""

COLUMNS_OF_SEALS = "number, last, sealed_at_ms, previous, digests, key_id, mac"

FIND = AnyText(f"SELECT {COLUMNS_OF_SEALS} FROM audit_seals WHERE number = :number")  # noqa: S608 - our own names

LIST_PAGE = AnyText(f"""
SELECT {COLUMNS_OF_SEALS} FROM audit_seals WHERE number > :after ORDER BY number LIMIT :most
""")  # noqa: S608 - our own names


class SqlAuditSeals:
    """`core.ports.AuditSeals` in SQL."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def extent(self) -> Extent:
        """Return how far log and seals reach."""
        return await self._connection.read(read_extent)

    async def unsealed(self, after: int, most: int) -> Unsealed:
        """Return the entries with the *most* numbers behind *after*. One that is not among them is not there."""
        return await self._connection.read(_unsealed, after, most)

    async def add(self, seal: Seal) -> bool:
        """Add the seal, and let it be durable; False if there is one of its number, and then nothing is changed."""
        return await self._connection.write_singly(_add, seal)

    async def find(self, number: int) -> Seal | None:
        """Return the seal of this number."""
        return await self._connection.read(_find, number)

    async def list_page(self, after: int, most: int) -> Sequence[Seal]:
        """Return up to *most* seals behind the number *after*, in order; -1 is a number that is none."""
        return await self._connection.read(_list_page, after, most)


def read_extent() -> Script[Extent]:
    """Return how far log and seals reach, as any step reads it."""
    ((last, seals, sealed),) = yield EXTENT, {}
    return Extent(last=last or 0, seals=seals or 0, sealed=whole(sealed or 0))


def _unsealed(after: int, most: int) -> Script[Unsealed]:
    rows = yield UNSEALED, {"after": after, "upto": after + most}
    last = whole(rows[0][0]) if rows else 0
    return Unsealed(last=last, entries=entries_of([row[1:] for row in rows]))


def _add(seal: Seal) -> Script[bool]:
    added = yield (
        ADD,
        {
            "number": seal.number,
            "last": seal.last,
            "sealed_at_ms": seal.sealed_at_ms,
            "previous": seal.previous,
            "digests": seal.digests,
            "key_id": seal.key_id,
            "mac": seal.mac,
        },
    )
    return bool(added)


def _find(number: int) -> Script[Seal | None]:
    rows = yield FIND, {"number": number}
    return _seal(rows[0]) if rows else None


def _list_page(after: int, most: int) -> Script[list[Seal]]:
    rows = yield LIST_PAGE, {"after": after, "most": most}
    return [_seal(row) for row in rows]


def _seal(row: Row) -> Seal:
    number, last, sealed_at_ms, previous, digests, key_id, mac = row
    return Seal(
        number=whole(number),
        last=whole(last),
        sealed_at_ms=whole(sealed_at_ms),
        previous=_bytes(previous),
        digests=_bytes(digests),
        key_id=_bytes(key_id),
        mac=_bytes(mac),
    )


def _bytes(value: object) -> bytes:
    return value if isinstance(value, bytes) else repr(value).encode()
