"""Checks of the users that the database holds, by their roles alone."""

from typing import Final

from keyturn.core.admin import ROLE as ADMIN_ROLE
from keyturn.server.doctor.findings import Chapter, Check, Sentences, Severity
from keyturn.server.doctor.kept import Kept
from keyturn.store.sql.survey import MANY

MANY_ADMINISTRATORS: Final = 10


def _users_none(kept: Kept) -> Sentences:
    if not kept.survey.roles:
        yield "There is no enabled user."


def _development_user(kept: Kept) -> Sentences:
    if kept.survey.named_user and ADMIN_ROLE in kept.survey.named_user:
        yield f"There is a user dev with the role {ADMIN_ROLE}."


def _administrators_none(kept: Kept) -> Sentences:
    if kept.survey.roles and not _administrators(kept):
        yield f"No enabled user has the role {ADMIN_ROLE}."


def _administrators_many(kept: Kept) -> Sentences:
    if (count := _administrators(kept)) > MANY_ADMINISTRATORS:
        yield f"{count} enabled users have the role {ADMIN_ROLE}."


def _role_unknown(kept: Kept) -> Sentences:
    held = {role for roles in kept.survey.roles for role in roles}
    for role in sorted(held - kept.roles.keys() - {ADMIN_ROLE}):
        count = sum(users for roles, users in kept.survey.roles.items() if role in roles)
        yield f"Enabled users with the role {role}, which [roles] does not know: {count}."


def _hashes_other(kept: Kept) -> Sentences:
    if count := kept.survey.other_hashes:
        yield f"Password hashes with other parameters than today's: {count if count < MANY else f'{MANY} or more'}."


def _administrators(kept: Kept) -> int:
    return sum(users for roles, users in kept.survey.roles.items() if ADMIN_ROLE in roles)


CHAPTER: Final = Chapter(
    name="people",
    title="Users",
    subject=Kept,
    checks=(
        Check(
            id="users-none",
            severity=Severity.INFO,
            meaning="Nobody can log in, unless an app that embeds the server keeps its own users.",
            mend="Run `keyturn users add`.",
            reference="operations.md, Users",
            judge=_users_none,
        ),
        Check(
            id="development-user",
            severity=Severity.HIGH,
            meaning="Left over from development: a name that everybody knows, and a password that was shown.",
            mend="Run `keyturn users disable dev`.",
            reference="PWD-11; OWASP ASVS 5.0 6.3.2",
            judge=_development_user,
        ),
        Check(
            id="administrators-none",
            severity=Severity.INFO,
            meaning="Nobody can use the admin API; the command line does all that it does.",
            mend=f"`keyturn users roles NAME --add {ADMIN_ROLE}`, if you want to use it.",
            reference="operations.md, Users",
            judge=_administrators_none,
        ),
        Check(
            id="administrators-many",
            severity=Severity.LOW,
            meaning="Each of them can end anybody's sessions and revoke keys: one stolen password is enough.",
            mend=f"`keyturn users roles NAME --remove {ADMIN_ROLE}` for those who don't need it.",
            reference="OWASP ASVS 5.0 8.2.1",
            judge=_administrators_many,
        ),
        Check(
            id="role-unknown",
            severity=Severity.LOW,
            meaning="Their tokens carry the role without any scope: they are refused where a scope is required.",
            mend="Add the role to [roles], or remove it from the users.",
            reference="OPS-01",
            judge=_role_unknown,
        ),
        Check(
            id="hashes-outdated",
            severity=Severity.INFO,
            meaning="They are made anew at their users' next login; until then a thief pays the old price.",
            mend="Nothing; or disable accounts that nobody uses.",
            reference="PWD-01",
            judge=_hashes_other,
        ),
    ),
)
