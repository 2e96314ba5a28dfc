"""What is seen of a real database, from none at all to one that another release has upgraded."""

import asyncio
import sqlite3
import time
from contextlib import closing
from pathlib import Path

import pytest

from keyturn import store
from keyturn.server.doctor.database import Door, Looked
from keyturn.server.doctor.kept import Kept
from keyturn.server.doctor.observing_database import look
from keyturn.server.settings import Settings


def looked(settings: Settings, *, ahead_ms: int = 0) -> tuple[Looked, Kept | None]:
    """Return what is seen, by a clock that is so far ahead."""
    return asyncio.run(look(settings, now_ms=time.time_ns() // 1_000_000 + ahead_ms))


def settings_of(url: str) -> Settings:
    """Return settings for this database."""
    return Settings.model_validate({"database": {"url": url}})


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Settings for a database that is not made yet."""
    return settings_of(f"sqlite:///{tmp_path}/keyturn.db")


def test_none_yet(settings: Settings, tmp_path: Path) -> None:
    """It is said to be missing, and is not made."""
    found, kept = looked(settings)
    assert (found.door, kept) == (Door.MISSING, None)
    assert list(tmp_path.iterdir()) == []


def test_one_of_ours(settings: Settings) -> None:
    """It is open, and judged by the schedule in the settings."""
    asyncio.run(store.upgrade(settings.database.url))
    found, kept = looked(settings)
    assert found.door is Door.OPEN
    assert kept is not None
    assert (kept.survey.keys, kept.offset_ms, kept.master_key_ids) == ((), 0, ())
    assert kept.keys.rotate_every == settings.keys.rotate_every.seconds


def test_one_of_another_release(settings: Settings, tmp_path: Path) -> None:
    """A newer schema is said to be newer, an older one older."""
    asyncio.run(store.upgrade(settings.database.url))
    with closing(sqlite3.connect(tmp_path / "keyturn.db")) as connection, connection:
        connection.execute("INSERT INTO schema_version (version, name) VALUES (99, 'later')")
    assert looked(settings)[0].door is Door.NEW
    with closing(sqlite3.connect(tmp_path / "keyturn.db")) as connection, connection:
        connection.execute("DELETE FROM schema_version")
        connection.execute("INSERT INTO schema_version (version, name) VALUES (-1, 'before')")
    assert looked(settings)[0].door is Door.OLD


def test_what_is_none(settings: Settings, tmp_path: Path) -> None:
    """A file that is no database is unusable, and the sentence says why."""
    (tmp_path / "keyturn.db").write_bytes(b"none" * 1000)
    found, kept = looked(settings)
    assert (found.door, kept) == (Door.UNUSABLE, None)
    assert "is not an SQLite database" in found.sentence


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE users SET roles = 'none'", "UPDATE users SET roles = '5'", "UPDATE users SET roles = '[[1]]'",
        "UPDATE signing_keys SET state = 'none'", "UPDATE signing_keys SET sealed = 'none'",
        "UPDATE signing_keys SET activate_at = 'soon'", "UPDATE signing_keys SET activated_at = 1.5",
    ],
)  # fmt: skip
def test_what_nobody_of_ours_wrote(settings: Settings, tmp_path: Path, change: str) -> None:
    """A cell that can't be understood is told, and ends nothing."""
    asyncio.run(store.upgrade(settings.database.url))
    with closing(sqlite3.connect(tmp_path / "keyturn.db")) as connection, connection:
        connection.execute(
            "INSERT INTO users (sub, username, username_key, password_hash, roles, version, created_at)"
            " VALUES ('s', 'a', 'a', 'h', '[]', 1, 1)"
        )
        connection.execute(
            "INSERT INTO signing_keys (kid, algorithm, state, sealed, published_at, activate_at)"
            " VALUES ('k', 'ES256', 'next', x'01', 1, 2)"
        )
    assert looked(settings)[0].door is Door.OPEN
    with closing(sqlite3.connect(tmp_path / "keyturn.db")) as connection, connection:
        connection.execute(change)
    found, kept = looked(settings)
    assert (found.door, kept) == (Door.UNUSABLE, None)
    assert "never writes" in found.sentence


def test_nobody_answers() -> None:
    """A server that is down is unreachable, and the sentence holds no password."""
    found, kept = looked(settings_of("postgresql://me:secret@127.0.0.1:1/keyturn"))
    assert (found.door, kept) == (Door.UNREACHABLE, None)
    assert "does not answer" in found.sentence
    assert "secret" not in found.sentence


@pytest.mark.slow
@pytest.mark.parametrize("ahead_ms", [0, 60_000, -60_000])
def test_the_clock_of_a_server(ahead_ms: int) -> None:
    """An offset of this host's clock is seen, and what is due is judged by the server's."""
    import postgres  # noqa: PLC0415 - it starts one

    settings = settings_of(postgres.url_of_new_database())
    asyncio.run(store.upgrade(settings.database.url))
    _, kept = looked(settings, ahead_ms=ahead_ms)
    assert kept is not None
    assert abs(kept.offset_ms + ahead_ms) < 2000
    assert abs(kept.now - time.time()) < 3
    assert kept.survey.server is not None
    assert kept.survey.server.is_superuser
