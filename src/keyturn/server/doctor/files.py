"""Checks of what lies on this machine: who else can read or replace it, and whether secrets stand where they should."""

from dataclasses import dataclass
from typing import Final

from keyturn.server.doctor.findings import Chapter, Check, Sentences, Severity

SHARED_FILE_SYSTEMS: Final = frozenset(
    {
        "9p",
        "afs",
        "ceph",
        "cifs",
        "fuse.glusterfs",
        "fuse.s3fs",
        "fuse.sshfs",
        "glusterfs",
        "nfs",
        "nfs4",
        "smb3",
        "smbfs",
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Files:
    """What was seen of files and variables.

    Attributes:
        replaceable: settings and secrets that others on this machine can write, or put another in the place of.
        exposed_database: why the database is not ours alone; empty if it is.
        secrets_in_file: the settings whose secret stands in ``keyturn.toml`` itself.
        secrets_in_environment: the settings whose secret stands in the environment itself.
        key_beside_database: the directory that holds both master key and database; empty if there is none.
        file_system: the type of what an SQLite database lies on; empty where that is not known.
        relative_database: the SQLite URL that depends on where the server is started; empty if it does not.
        sqlite_workers: processes that share one SQLite file; 0 for another database.
        leftovers: what `keyturn dev` has made beside an installation that does not use it.

    """

    replaceable: tuple[str, ...] = ()
    exposed_database: str = ""
    secrets_in_file: tuple[str, ...] = ()
    secrets_in_environment: tuple[str, ...] = ()
    key_beside_database: str = ""
    file_system: str = ""
    relative_database: str = ""
    sqlite_workers: int = 0
    leftovers: tuple[str, ...] = ()


def _replaceable(files: Files) -> Sentences:
    for path in files.replaceable:
        yield f"Others can write {path}."


def _database_exposed(files: Files) -> Sentences:
    if files.exposed_database:
        yield files.exposed_database


def _secret_in_file(files: Files) -> Sentences:
    for name in files.secrets_in_file:
        yield f"{name} stands in the settings file itself."


def _secret_in_environment(files: Files) -> Sentences:
    for name in files.secrets_in_environment:
        yield f"{name} stands in the environment itself."


def _key_beside_database(files: Files) -> Sentences:
    if files.key_beside_database:
        yield f"{files.key_beside_database} holds both."


def _file_system_shared(files: Files) -> Sentences:
    if files.file_system in SHARED_FILE_SYSTEMS:
        yield f"The database lies on {files.file_system}."


def _database_relative(files: Files) -> Sentences:
    if files.relative_database:
        yield f"database.url is {files.relative_database}."


def _sqlite_workers(files: Files) -> Sentences:
    if files.sqlite_workers > 1:
        yield f"server.workers is {files.sqlite_workers}, and database.url names an SQLite file."


def _leftovers(files: Files) -> Sentences:
    for path in files.leftovers:
        yield f"{path} is there."


CHAPTER: Final = Chapter(
    name="files",
    title="Files and secrets",
    subject=Files,
    checks=(
        Check(
            id="settings-replaceable",
            severity=Severity.HIGH,
            meaning="Another user of this machine can change the settings, or where the secrets come from.",
            mend="Let its owner alone write it: chmod go-w, for its directory too.",
            reference="KEY-10; OWASP ASVS 5.0 13.3.1",
            judge=_replaceable,
        ),
        Check(
            id="database-exposed",
            severity=Severity.HIGH,
            meaning="Others on this machine can read hashes or change sessions; no server starts so.",
            mend="Run the command that the sentence names.",
            reference="KEY-10",
            judge=_database_exposed,
        ),
        Check(
            id="secret-in-file",
            severity=Severity.MEDIUM,
            meaning="Settings files are copied, shown and put under version control; a secret in one goes with it.",
            mend="Put it into a file of its own and write file:path, or vault:…, awssm:… or credential:….",
            reference="KEY-10; OWASP ASVS 5.0 13.3.1",
            judge=_secret_in_file,
        ),
        Check(
            id="secret-in-environment",
            severity=Severity.LOW,
            meaning="The environment is inherited by every child, and shown by `docker inspect` and in crash reports.",
            mend="Use the variable with _FILE at its end, or write a reference: file:…, vault:… or awssm:….",
            reference="KEY-10; OWASP ASVS 5.0 13.3.1",
            judge=_secret_in_environment,
        ),
        Check(
            id="key-beside-database",
            severity=Severity.LOW,
            meaning="Who copies that directory, a backup even, has the signing keys and can make tokens for anybody.",
            mend="Keep the master key in another directory, and out of the database's backups.",
            reference="KEY-10",
            judge=_key_beside_database,
        ),
        Check(
            id="file-system-shared",
            severity=Severity.HIGH,
            meaning="SQLite's log needs memory that one machine shares: over a network the file is damaged.",
            mend="Put the database on a local disk, or use PostgreSQL.",
            reference="https://sqlite.org/wal.html",
            judge=_file_system_shared,
        ),
        Check(
            id="database-relative",
            severity=Severity.LOW,
            meaning="A server or a command that is started in another directory finds another database, or none.",
            mend="Write the whole path, with four slashes: sqlite:////var/lib/keyturn/keyturn.db.",
            reference="operations.md, Set up",
            judge=_database_relative,
        ),
        Check(
            id="sqlite-workers",
            severity=Severity.INFO,
            meaning="Only one process writes at a time: further workers verify and hash, and refreshes get no faster.",
            mend="Use PostgreSQL where refreshes are what you need more of.",
            reference="operations.md, Sizing",
            judge=_sqlite_workers,
        ),
        Check(
            id="development-left",
            severity=Severity.LOW,
            meaning="Another database, master key and user lie about, and a command may take them for the real ones.",
            mend="Delete the directory where nobody develops.",
            reference="PWD-11",
            judge=_leftovers,
        ),
    ),
)
