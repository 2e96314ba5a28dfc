"""Looking into the database, reading alone: its schema, and if that is ours what it holds. No key is opened."""

import time

from keyturn import store
from keyturn.errors import ConfigurationError, KeyturnError
from keyturn.server.doctor.database import Door, Looked
from keyturn.server.doctor.kept import PATIENCE, Kept
from keyturn.server.policy import policy_of
from keyturn.server.settings import Settings
from keyturn.store import Question, SchemaStatus, Survey
from keyturn.tokens.master_key import parse_master_keys

DEVELOPMENT_USER = "dev"

STRANGE = "It holds values that Keyturn never writes; restore it from a backup, and find out who else writes it."


async def look(settings: Settings, *, now_ms: int) -> tuple[Looked, Kept | None]:
    """Return what came of looking into the database of *settings*, and what it holds if it is ours."""
    try:
        status = await store.status(settings.database.url)
        if status.current != status.newest:
            return _unfit(status), None
        return Looked(door=Door.OPEN), await _kept(settings, now_ms)
    except ConfigurationError as error:
        return Looked(door=Door.UNUSABLE, sentence=_told(error)), None
    except KeyturnError as error:
        return Looked(door=Door.UNREACHABLE, sentence=_told(error)), None
    except (TypeError, ValueError):  # of a cell that can't be understood
        return Looked(door=Door.UNUSABLE, sentence=STRANGE), None


def _told(error: KeyturnError) -> str:
    return str(error).removeprefix("database.url: ")


def _unfit(status: SchemaStatus) -> Looked:
    if status.current == 0:
        return Looked(door=Door.MISSING, sentence="There is no database yet, or an empty one.")
    door = Door.OLD if status.current < status.newest else Door.NEW
    return Looked(door=door, sentence=f"The schema has version {status.current}; this release needs {status.newest}.")


async def _kept(settings: Settings, now_ms: int) -> Kept:
    began = time.monotonic()
    survey = await store.survey(settings.database.url, _question(settings, now_ms))
    waited_ms = round((time.monotonic() - began) * 1000)
    offset_ms = _offset_ms(survey, now_ms, waited_ms)
    return Kept(
        survey=survey,
        keys=policy_of(settings).keys,
        roles=settings.roles,
        master_key_ids=_master_key_ids(settings),
        now=(now_ms + offset_ms) // 1000,
        offset_ms=offset_ms,
    )


def _question(settings: Settings, now_ms: int) -> Question:
    chosen = settings.password
    return Question(
        now=now_ms // 1000,
        patience=PATIENCE,
        hash_prefix=f"$argon2id$v=19$m={chosen.memory_kib},t={chosen.time_cost},p={chosen.parallelism}$",
        username_key=DEVELOPMENT_USER,
    )


def _offset_ms(survey: Survey, asked_ms: int, waited_ms: int) -> int:
    """Return by how much the database's clock is surely ahead or behind: it was read while we waited."""
    if survey.server is None:
        return 0
    ahead_ms = survey.server.now_ms - asked_ms
    return min(ahead_ms, 0) or max(ahead_ms - waited_ms, 0)


def _master_key_ids(settings: Settings) -> tuple[bytes, ...]:
    try:
        keys = parse_master_keys(settings.keys.master_key.get_secret_value())
    except ConfigurationError:  # told elsewhere
        return ()
    return tuple(key.key_id for key in keys.keys)
