"""What the errors of asyncpg and of the network mean to a caller: nothing of an address or a value gets out."""

import asyncpg

from keyturn.errors import TemporarilyUnavailable

FAULTS = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError, TimeoutError)
"""All that a connection raises; the third of them where only a standby answers, which ``target_session_attrs`` refuses.

Whatever else a step raises is a mistake of its own.
"""

UNDONE = (asyncpg.DeadlockDetectedError, asyncpg.SerializationError)
"""PostgreSQL undid the whole transaction for the sake of another one; doing it anew is right."""


def unavailable(error: BaseException) -> TemporarilyUnavailable:
    """Return the error that callers see. Its private reason is a name and a code: texts of PostgreSQL quote values."""
    code = getattr(error, "sqlstate", None)
    return TemporarilyUnavailable(f"store: {type(error).__name__}" + (f" {code}" if code else ""))


def is_of_one_statement(error: BaseException) -> bool:
    """Tell whether only this statement was refused, and a server that takes writes is still there.

    A value may be one that PostgreSQL or asyncpg can't write. A server that is read-only is another one than it was: a
    standby, or a primary that was relieved.
    """
    if isinstance(error, asyncpg.InterfaceError):
        return isinstance(error, ValueError)
    if isinstance(error, asyncpg.QueryCanceledError):
        return True
    return isinstance(error, asyncpg.PostgresError) and not isinstance(
        error, (asyncpg.ReadOnlySQLTransactionError, asyncpg.OperatorInterventionError, asyncpg.PostgresConnectionError)
    )
