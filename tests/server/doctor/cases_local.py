"""For each check of files, machine and database: what provokes it, and the nearest thing that does not."""

from doctor_world import CURRENT, DAY, NOW, OLDER, STRANGER, kept, machine, record

from keyturn.core.model import KeyState
from keyturn.core.policy import JWKS_MAX_AGE, LONGEST_USE
from keyturn.server.doctor.database import Door, Looked
from keyturn.server.doctor.files import Files
from keyturn.store.sql.survey import DatabaseServer, Overdue, Waiting
from keyturn.tokens.algorithms import Algorithm

HOUR = 3600
#: When the active key of these tests is due to be replaced.
DUE = NOW - DAY + 30 * DAY
KEEP_RETIRED = LONGEST_USE + 2 * JWKS_MAX_AGE


def server(*, is_superuser: bool = False, is_durable: bool = True) -> DatabaseServer:
    """Return a database server."""
    return DatabaseServer(now_ms=NOW * 1000, is_superuser=is_superuser, is_durable=is_durable)


def waiting(waited_ms: int, entries: int = 3) -> Waiting:
    """Return entries of the audit log of which the oldest has waited for so long."""
    return Waiting(entries=entries, since_ms=NOW * 1000 - waited_ms)


OPEN = Looked(door=Door.OPEN)
BOTH = (CURRENT, OLDER)

CASES = [
    ("settings-replaceable", Files(replaceable=("/etc/keyturn.toml",)), Files()),
    ("database-exposed", Files(exposed_database="Others can read it."), Files()),
    ("secret-in-file", Files(secrets_in_file=("keys.master_key",)), Files()),
    ("secret-in-environment", Files(secrets_in_environment=("keys.master_key",)), Files()),
    ("key-beside-database", Files(key_beside_database="/srv"), Files()),
    ("file-system-shared", Files(file_system="nfs4"), Files(file_system="ext4")),
    ("database-relative", Files(relative_database="sqlite:///keyturn.db"), Files()),
    ("sqlite-workers", Files(sqlite_workers=2), Files(sqlite_workers=1)),
    ("development-left", Files(leftovers=(".keyturn/",)), Files()),
    ("hash-cheap", machine(hash_seconds=0.0049), machine(hash_seconds=0.005)),
    ("hash-dear", machine(hash_seconds=1.1), machine(hash_seconds=1.0)),
    ("hash-threads", machine(threads=1, workers=3), machine(threads=1, workers=2)),
    ("hash-memory", machine(hash_bytes=257 << 20, threads=2), machine(hash_bytes=256 << 20, threads=2)),
    ("hash-memory", machine(hash_bytes=1 << 30), machine(hash_bytes=1 << 30, memory_bytes=0)),
    ("python-old", machine(python=(3, 11), now=1_824_940_801), machine(python=(3, 11), now=1_824_940_800)),
    ("python-old", machine(python=(3, 12), now=1_900_000_000), machine(python=(3, 99), now=1_900_000_000)),
    ("database-missing", Looked(door=Door.MISSING, sentence="None."), OPEN),
    ("database-unusable", Looked(door=Door.UNUSABLE, sentence="Damaged."), OPEN),
    ("database-unreachable", Looked(door=Door.UNREACHABLE, sentence="Silent."), OPEN),
    ("schema-old", Looked(door=Door.OLD, sentence="Version 0."), OPEN),
    ("schema-new", Looked(door=Door.NEW, sentence="Version 99."), OPEN),
    ("clock-database", kept(offset_ms=-5001), kept(offset_ms=5000)),
    ("database-superuser", kept(server=server(is_superuser=True)), kept(server=server())),
    ("commits-not-durable", kept(server=server(is_durable=False)), kept(server=server())),
    ("rows-overdue", kept(overdue=(Overdue(table="revocations", rows=1, since=NOW - 2 * HOUR),)), kept()),
    ("audit-unsealed", kept(waiting=waiting(60_001)), kept(waiting=waiting(60_000))),
    ("audit-unsealed", kept(waiting=waiting(60_001)), kept(waiting=waiting(60_001), keys=())),
    ("signing-keys-none", kept(keys=()), kept()),
    ("signing-key-missing", kept(keys=(record(KeyState.NEXT),)), kept(keys=())),
    ("signing-key-overdue", kept(now=DUE + DAY + HOUR + 1), kept(now=DUE + DAY + HOUR)),
    (
        "signing-key-overdue",
        kept(now=DUE + DAY + HOUR + 1, keys=(record(activated_at=None),)),
        kept(now=DUE + DAY + HOUR, keys=(record(activated_at=None),)),
    ),
    ("next-key-late", kept(now=DUE - DAY + HOUR + 1), kept(now=DUE - DAY + HOUR)),
    ("next-key-late", kept(now=DUE), kept(now=DUE, keys=(record(), record(KeyState.NEXT)))),
    (
        "retired-key-kept",
        kept(keys=(record(), record(KeyState.RETIRED, retired_at=NOW - KEEP_RETIRED - HOUR - 1))),
        kept(keys=(record(), record(KeyState.RETIRED, retired_at=NOW - KEEP_RETIRED - HOUR))),
    ),
    (
        "retired-key-kept",
        kept(keys=(record(), record(KeyState.RETIRED, retired_at=NOW - DAY))),
        kept(keys=(record(), record(KeyState.RETIRED, retired_at=NOW - 2 * HOUR))),
    ),
    ("key-revoked", kept(keys=(record(), record(KeyState.REVOKED, revoked_at=NOW))), kept()),
    ("algorithm-changing", kept(keys=(record(algorithm=Algorithm.RS256),)), kept()),
    ("master-key-unlisted", kept(keys=(record(under=STRANGER),)), kept()),
    ("master-key-unlisted", kept(sessions={STRANGER: 1}), kept(sessions={STRANGER: 1}, master_key_ids=())),
    ("master-key-unlisted", kept(sessions={OLDER: 1}), kept(sessions={OLDER: 1}, master_key_ids=BOTH)),
    ("keys-not-rewrapped", kept(keys=(record(under=OLDER),), master_key_ids=BOTH), kept(master_key_ids=BOTH)),
    (
        "keys-not-rewrapped",
        kept(keys=(record(under=OLDER),), master_key_ids=BOTH),
        kept(keys=(record(KeyState.REVOKED, under=OLDER),), master_key_ids=BOTH),
    ),
    ("master-key-needed", kept(sessions={OLDER: 2}, master_key_ids=BOTH), kept(master_key_ids=BOTH)),
    ("master-key-unneeded", kept(master_key_ids=BOTH), kept(sessions={OLDER: 1}, master_key_ids=BOTH)),
    ("users-none", kept(roles={}), kept()),
    ("development-user", kept(named_user=("admin", "user")), kept(named_user=("user",))),
    ("administrators-none", kept(roles={("user",): 5}), kept()),
    ("administrators-none", kept(roles={("user",): 5}), kept(roles={})),
    ("administrators-many", kept(roles={("admin",): 6, ("admin", "user"): 5}), kept(roles={("admin",): 10})),
    ("role-unknown", kept(roles={("auditor",): 1}), kept(roles={("admin", "user"): 1})),
    ("hashes-outdated", kept(other_hashes=1), kept()),
]
