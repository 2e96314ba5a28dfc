"""The databases that a proof runs over."""

from typing import Final

BACKENDS: Final = ("sqlite", "postgresql")


def new_database(backend: str) -> str | None:
    """Return the URL of an empty database; None for SQLite, whose file the installation makes."""
    if backend == "sqlite":
        return None
    from postgres import url_of_new_database  # noqa: PLC0415 - it starts a server

    return url_of_new_database()
