"""A real PostgreSQL, the one of the tests, with room to work; every commit is on the disk before it is answered."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from keyturn_server import Installation, moved

sys.path.append(str(Path(__file__).parents[1] / "tests" / "servers"))

from postgres import Postgres

__all__ = ["Postgres", "moved_to", "postgresql"]

#: What an operator gives a small machine of its own. ``fsync`` and ``synchronous_commit`` keep their default: on.
SETTINGS = {"shared_buffers": "512MB", "max_wal_size": "4GB", "autovacuum_naptime": "1min"}


@contextmanager
def postgresql() -> Iterator[Postgres]:
    """Run one until the ``with`` ends, on whichever core is free."""
    with Postgres(SETTINGS) as server:
        yield server


def moved_to(server: Postgres, installation: Installation) -> Installation:
    """Return *installation* with its rows in a new database of *server*, which has tidied up by then."""
    url = server.url_of_new_database()
    there = moved(installation, url)
    server.sql("VACUUM (ANALYZE)", "CHECKPOINT", database=url.rpartition("/")[2])
    return there
