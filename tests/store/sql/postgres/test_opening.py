"""What stops the start: a sentence that says what is wrong, without the password."""

import subprocess
import sys
from urllib.parse import quote

import postgres
import pytest

from keyturn.errors import ConfigurationError, KeyturnError, TemporarilyUnavailable
from keyturn.store import SchemaStatus, open_store, status, upgrade
from keyturn.store.sql.migrations import all_migrations, newest_version

UPGRADE = "import asyncio, sys; from keyturn.store import upgrade; print(asyncio.run(upgrade(sys.argv[1])))"

PASSWORD = quote(postgres.PASSWORD, safe="")


async def refusal(url: str) -> KeyturnError:
    """Return the error with which opening, upgrading and asking for the status all refuse *url*."""
    errors = []
    for function in (open_store, upgrade, status):
        with pytest.raises(KeyturnError) as refused:
            await function(url)
        errors.append(refused.value)
        told = f"{refused.value!r} {refused.value.reason}"
        assert not any(secret in told for secret in (PASSWORD, postgres.PASSWORD, "ss/word"))
    assert len({str(error) for error in errors}) == 1
    return errors[0]


async def test_a_wrong_password_is_told(url: str) -> None:
    """It is a mistake in the settings."""
    error = await refusal(url.replace(PASSWORD, "wr0ng"))

    assert isinstance(error, ConfigurationError)
    assert "does not take this user with this password" in str(error)


async def test_a_missing_database_is_told(url: str) -> None:
    """It is never made by itself."""
    error = await refusal(f"{url}_none")

    assert isinstance(error, ConfigurationError)
    assert "has no such database; make it with createdb" in str(error)


async def test_a_server_that_does_not_answer_may_do_so_later(url: str) -> None:
    """It may still be starting: not a mistake in the settings, so that the start is tried again."""
    error = await refusal(url.replace(f":{postgres.shared().port}/", f":{postgres.free_port()}/"))

    assert isinstance(error, TemporarilyUnavailable)
    assert "database.url: the database does not answer" in str(error)


@pytest.mark.parametrize(
    "change",
    [
        lambda url: url.replace("%40", "@"),
        lambda url: url.replace("%2F", "/"),
        lambda url: url + "?sslmode=sometimes",
        lambda url: url + "?sslmode=verify-full&sslrootcert=/no/such/file",
        lambda url: url + "?target_session_attrs=best",
        lambda url: url + "?nothing",
        lambda url: url + "?host=localhost",
        lambda url: url.replace("@127.0.0.1", "@db.example.com") + "?host=localhost",
        lambda url: url.replace(f":{postgres.shared().port}/", ":99999/"),
        lambda url: url.replace(f":{postgres.shared().port}/", ":0/"),
        lambda url: f"postgresql:///{url.rpartition('/')[2]}",
    ],
)
async def test_a_url_that_is_not_understood_is_told(url: str, change: object) -> None:
    """Whatever is wrong with it, no part of it is repeated: it could be one of the password."""
    error = await refusal(change(url))

    assert isinstance(error, ConfigurationError)
    assert str(error).startswith("database.url: ")


async def test_a_read_only_database_is_told(url: str) -> None:
    """A standby does not serve."""
    postgres.shared().sql(f"ALTER DATABASE {url.rpartition('/')[2]} SET default_transaction_read_only = on")

    with pytest.raises(ConfigurationError, match="the database is read-only; name the primary"):
        await open_store(url)


@pytest.mark.parametrize(("version", "mend"), [(None, "keyturn db upgrade"), (99, "this release knows")])
async def test_another_schema_is_refused(url: str, version: int | None, mend: str) -> None:
    """Older and newer schemas are not served, and a newer one is not upgraded."""
    statements = ["DELETE FROM schema_version"]
    if version:
        statements.append(f"INSERT INTO schema_version VALUES ({version}, 'later')")
    postgres.shared().sql(*statements, database=url.rpartition("/")[2])

    with pytest.raises(ConfigurationError, match=mend):
        await open_store(url)
    if version:
        with pytest.raises(ConfigurationError, match=mend):
            await upgrade(url)


async def test_ten_processes_upgrade_at_once() -> None:
    """One does it, the others wait for it and find nothing to do."""
    url = postgres.url_of_new_database()
    command = [sys.executable, "-c", UPGRADE, url]
    upgraders = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(10)]  # noqa: ASYNC220 - they need no loop of ours

    told = sorted(upgrader.communicate(timeout=120)[0].strip() for upgrader in upgraders)

    assert told == [str([migration.name for migration in all_migrations()]), *["[]"] * 9]
    assert await status(url) == SchemaStatus(current=newest_version(), newest=newest_version())


async def test_commits_that_are_not_durable_stop_the_start(url: str) -> None:
    """REF-06: a logout that was answered must outlive a crash of the database server."""
    name = url.rpartition("/")[2]
    postgres.shared().sql(f"ALTER DATABASE {name} SET synchronous_commit = off")

    with pytest.raises(ConfigurationError, match="synchronous_commit is off"):
        await open_store(url)
