"""PostgreSQL as one of the backends that ``database.url`` chooses from. Imported only then: its driver is an extra."""

from keyturn.core.ports import Store
from keyturn.store.sql.postgres import schema
from keyturn.store.sql.postgres.database import PostgresConnection
from keyturn.store.sql.store import SqlStore

__all__ = ["open_store", "status", "survey", "upgrade"]

status = schema.status
survey = schema.survey
upgrade = schema.upgrade


async def open_store(url: str, pooler: str) -> Store:
    """Open the store at *url*, which has to have our schema.

    Raises:
        ConfigurationError: the URL, the user or the password is wrong, or the schema is not ours.
        TemporarilyUnavailable: the server does not answer.

    """
    return SqlStore(PostgresConnection(await schema.check(url), pooler=pooler))
