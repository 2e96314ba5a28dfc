"""Checks of the signing keys against their schedule, and of the master keys that they are sealed under."""

from collections.abc import Iterable
from typing import Final

from keyturn.core.keyring import master_key_id
from keyturn.core.model import KeyState, SigningKeyRecord
from keyturn.server.doctor.findings import Chapter, Check, Sentences, Severity
from keyturn.server.doctor.kept import PATIENCE, Kept


def _none(kept: Kept) -> Sentences:
    if not kept.survey.keys:
        yield "There is no signing key."


def _active_missing(kept: Kept) -> Sentences:
    if kept.survey.keys and _active(kept) is None:
        yield "There are signing keys, and none of them is active."


def _overdue(kept: Kept) -> Sentences:
    active = _active(kept)
    if active and kept.now > (late := _signs_until(active, kept) + kept.keys.publish_ahead + PATIENCE):
        yield f"{active.kid} should have been replaced {_days(kept.now - late)} ago."


def _next_late(kept: Kept) -> Sentences:
    active = _active(kept)
    due = None if active is None else _signs_until(active, kept) - kept.keys.publish_ahead + PATIENCE
    if due is not None and kept.now > due and not _in_state(kept, KeyState.NEXT):
        yield f"The next key should have been published {_days(kept.now - due)} ago."


def _retired_kept(kept: Kept) -> Sentences:
    for record in _in_state(kept, KeyState.RETIRED):
        late = kept.now - (record.retired_at or kept.now) - kept.keys.keep_retired - PATIENCE
        if late > 0:
            yield f"{record.kid} should have been removed {_days(late)} ago."


def _revoked(kept: Kept) -> Sentences:
    for record in _in_state(kept, KeyState.REVOKED):
        yield f"{record.kid} was revoked."


def _algorithm_changing(kept: Kept) -> Sentences:
    active = _active(kept)
    if active and active.algorithm is not kept.keys.algorithm:
        yield f"{active.kid} signs {active.algorithm}, and access_token.algorithm is {kept.keys.algorithm}."


def _unlisted(kept: Kept) -> Sentences:
    for key_id in sorted(_needed(kept) - set(kept.master_key_ids)) if kept.master_key_ids else ():
        yield f"{_needs(key_id, kept)} master key {key_id.hex()}, which is not in keys.master_key."


def _not_rewrapped(kept: Kept) -> Sentences:
    for key_id in kept.master_key_ids[1:]:
        if count := _sealed_under(key_id, kept):
            yield f"{count} signing keys are sealed under master key {key_id.hex()}, not the first of the list."


def _old_needed(kept: Kept) -> Sentences:
    for key_id in kept.master_key_ids[1:]:
        if count := kept.survey.sessions.get(key_id, 0):
            yield f"{count} live sessions need master key {key_id.hex()}, which is not the first in the list."


def _old_unneeded(kept: Kept) -> Sentences:
    for key_id in kept.master_key_ids[1:]:
        if key_id not in _needed(kept):
            yield f"Master key {key_id.hex()} is in keys.master_key, and nothing needs it."


def _active(kept: Kept) -> SigningKeyRecord | None:
    return next(iter(_in_state(kept, KeyState.ACTIVE)), None)


def _in_state(kept: Kept, state: KeyState) -> list[SigningKeyRecord]:
    return [record for record in kept.survey.keys if record.state is state]


def _signs_until(active: SigningKeyRecord, kept: Kept) -> int:
    return active.activate_at + kept.keys.rotate_every


def _sealing(kept: Kept) -> Iterable[bytes]:
    return [master_key_id(record) for record in kept.survey.keys if record.state is not KeyState.REVOKED]


def _sealed_under(key_id: bytes, kept: Kept) -> int:
    return sum(each == key_id for each in _sealing(kept))


def _needed(kept: Kept) -> set[bytes]:
    return {*_sealing(kept), *kept.survey.sessions}


def _needs(key_id: bytes, kept: Kept) -> str:
    keys, sessions = _sealed_under(key_id, kept), kept.survey.sessions.get(key_id, 0)
    return f"{keys} signing keys and {sessions} live sessions need"


def _days(seconds: int) -> str:
    return f"{seconds / 86400:.1f} days"


CHAPTER: Final = Chapter(
    name="keys",
    title="Signing keys and master keys",
    subject=Kept,
    checks=(
        Check(
            id="signing-keys-none",
            severity=Severity.INFO,
            meaning="No server has run on this database yet: the first start makes a key.",
            mend="Start a server.",
            reference="KEY-03",
            judge=_none,
        ),
        Check(
            id="signing-key-missing",
            severity=Severity.HIGH,
            meaning="Nobody can log in or refresh: there is nothing to sign with.",
            mend="Start a server, or run `keyturn keys rotate`: a key steps in at once.",
            reference="KEY-03",
            judge=_active_missing,
        ),
        Check(
            id="signing-key-overdue",
            severity=Severity.HIGH,
            meaning="Keys no longer rotate: no server is running, or its job fails.",
            mend="Look for 'job failed' in the server's log. After a long pause a started server catches up.",
            reference="KEY-03; OWASP ASVS 5.0 13.3.4",
            judge=_overdue,
        ),
        Check(
            id="next-key-late",
            severity=Severity.MEDIUM,
            meaning="The next rotation comes late, as a key is published for keys.publish_ahead before it signs.",
            mend="Look for 'job failed' in the server's log, or run `keyturn keys rotate`.",
            reference="KEY-03",
            judge=_next_late,
        ),
        Check(
            id="retired-key-kept",
            severity=Severity.LOW,
            meaning="The key set grows: what no token needs any more is still published.",
            mend="Look for 'job failed' in the server's log.",
            reference="KEY-03",
            judge=_retired_kept,
        ),
        Check(
            id="key-revoked",
            severity=Severity.INFO,
            meaning="There was an emergency a short while ago: tokens of this key are refused.",
            mend="Nothing, if you know of it; else `keyturn keys list`, and the audit log, say when and who.",
            reference="KEY-04",
            judge=_revoked,
        ),
        Check(
            id="algorithm-changing",
            severity=Severity.INFO,
            meaning="The algorithm was changed: the next key, published first, signs with the new one.",
            mend="Nothing. See to it that every API takes the new algorithm.",
            reference="KEY-03; RFC 8725 §3.1",
            judge=_algorithm_changing,
        ),
        Check(
            id="master-key-unlisted",
            severity=Severity.CRITICAL,
            meaning="Signing keys can't be opened, so that no server starts; or those sessions can't be refreshed.",
            mend="Add that master key behind the first in keys.master_key.",
            reference="KEY-10",
            judge=_unlisted,
        ),
        Check(
            id="keys-not-rewrapped",
            severity=Severity.LOW,
            meaning="An older master key can still open signing keys, and may not be removed yet.",
            mend="Run `keyturn keys rewrap`, once every server has the new master key first.",
            reference="KEY-10; operations.md, The master key",
            judge=_not_rewrapped,
        ),
        Check(
            id="master-key-needed",
            severity=Severity.INFO,
            meaning="A rotation of the master key is under way: those users would have to log in again without it.",
            mend="Keep it in the list until there are none, at most for refresh_token.lifetime.",
            reference="KEY-10; operations.md, The master key",
            judge=_old_needed,
        ),
        Check(
            id="master-key-unneeded",
            severity=Severity.LOW,
            meaning="A secret that is good for nothing can still be stolen.",
            mend="Remove it from keys.master_key; devices that only it knows count as new then.",
            reference="KEY-10; operations.md, The master key",
            judge=_old_unneeded,
        ),
    ),
)
