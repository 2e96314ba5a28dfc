"""Signing keys, sealed. They change only in one step that reads them under a lock, plans and carries the plan out."""

from collections.abc import Callable, Sequence
from typing import TypeAlias

from keyturn.core.model import KeyState, SigningKeyRecord
from keyturn.core.ports import KeyChanges
from keyturn.store.sql import audit, revocations
from keyturn.store.sql.script import Abort, Connection, Row, Script, Value
from keyturn.tokens.algorithms import Algorithm

# SQLite's writer is alone anyway; a PostgreSQL row lock is what keeps two processes from planning at once.
LOCK = "UPDATE signing_keys_lock SET holders = holders + 1"

LIST_ALL = """
SELECT kid, algorithm, state, sealed, published_at, activate_at, activated_at, retired_at, revoked_at
FROM signing_keys ORDER BY published_at DESC, kid
"""

INSERT = """
INSERT INTO signing_keys
    (kid, algorithm, state, sealed, published_at, activate_at, activated_at, retired_at, revoked_at)
VALUES (:kid, :algorithm, :state, :sealed, :published_at, :activate_at, :activated_at, :retired_at, :revoked_at)
"""

UPDATE = """
UPDATE signing_keys SET algorithm = :algorithm, state = :state, sealed = :sealed, published_at = :published_at,
    activate_at = :activate_at, activated_at = :activated_at, retired_at = :retired_at, revoked_at = :revoked_at
WHERE kid = :kid
"""

DELETE = "DELETE FROM signing_keys WHERE kid = :kid"

Plan: TypeAlias = Callable[[Sequence[SigningKeyRecord]], KeyChanges]
Changed: TypeAlias = tuple[KeyChanges, Sequence[SigningKeyRecord]]


class SqlSigningKeys:
    """`core.ports.SigningKeys` in SQL."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def list_all(self) -> Sequence[SigningKeyRecord]:
        """Return every key, the newest published first."""
        return await self._connection.read(list_all)

    async def change(self, plan: Plan) -> Changed:
        """Read the keys, ask *plan* and carry it out, in one step; return what was done and the keys after it."""
        return await self._connection.write(_change, plan)


def list_all() -> Script[list[SigningKeyRecord]]:
    """Return every key, the newest published first, as a part of any step."""
    rows = yield LIST_ALL, {}
    return [_record(row) for row in rows]


def _change(plan: Plan) -> Script[Changed]:
    yield LOCK, {}
    before = yield from list_all()
    changes = plan(before)
    if not (changes or changes.revoke or changes.events):
        raise Abort((changes, before))  # a plan with nothing to do costs no write
    for record in changes.insert:
        yield INSERT, _params(record)
    for record in changes.update:
        yield UPDATE, _params(record)
    for kid in changes.delete:
        yield DELETE, {"kid": kid}
    now_ms = max((event.at_ms for event in changes.events), default=0)
    yield from revocations.append(changes.revoke, now_ms)
    yield from audit.append(changes.events)
    after = yield from list_all()
    return changes, after


def _params(record: SigningKeyRecord) -> dict[str, Value]:
    return {
        "kid": record.kid,
        "algorithm": record.algorithm.value,
        "state": record.state.value,
        "sealed": record.sealed,
        "published_at": record.published_at,
        "activate_at": record.activate_at,
        "activated_at": record.activated_at,
        "retired_at": record.retired_at,
        "revoked_at": record.revoked_at,
    }


def _record(row: Row) -> SigningKeyRecord:
    kid, algorithm, state, sealed, published_at, activate_at, activated_at, retired_at, revoked_at = row
    return SigningKeyRecord(
        kid=kid,
        algorithm=Algorithm(algorithm),
        state=KeyState(state),
        sealed=sealed,
        published_at=published_at,
        activate_at=activate_at,
        activated_at=activated_at,
        retired_at=retired_at,
        revoked_at=revoked_at,
    )
