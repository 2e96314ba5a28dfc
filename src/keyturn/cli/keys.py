"""``keyturn keys``: the signing keys, their rotation by hand, and their revocation in an emergency.

And which master key each is sealed under: the master keys have no place of their own here, but a rotation.
"""

from collections.abc import Sequence
from typing import Annotated, Any, Final

import typer

from keyturn.cli.commands import examples, noun
from keyturn.cli.opening import OPERATOR, run
from keyturn.cli.options import NAMED_BY_ID, ConfigOption, JsonOption, YesOption
from keyturn.cli.output import Column, counted, moment, note, print_json, print_table
from keyturn.cli.prompting import confirm
from keyturn.core import keys as flows
from keyturn.core.keyring import master_key_id
from keyturn.core.model import KeyState, SigningKeyRecord
from keyturn.core.ports import KeyChanges
from keyturn.core.rewrap import MasterKeyUse, master_key_uses, rewrap_keys
from keyturn.core.services import Services
from keyturn.errors import NotFound

app = noun("keys", "keyturn keys list", "keyturn keys rotate")


@app.command("list", epilog=examples("keyturn keys list", "keyturn keys list --json"))
def list_(as_json: JsonOption = False, config: ConfigOption = None) -> None:
    """List the signing keys, the newest first, and what still needs each master key."""
    records, uses = run(config, _records_and_uses)
    rows = [_row(record) for record in records]
    if as_json:
        print_json({"items": rows, "master_keys": [_use_row(use) for use in uses]})
        return
    print_table([row | {"ended_at": row["revoked_at"] or row["retired_at"]} for row in rows], _COLUMNS)
    for use in uses:
        note(_use_told(use))


@app.command(epilog=examples("keyturn keys rotate"))
def rotate(config: ConfigOption = None) -> None:
    """Publish the next signing key now.

    It signs once it has been published for keys.publish_ahead. If a next key has been published that long already, it
    signs from now on. Tokens that are out stay good.
    """
    changes = run(config, lambda services, now_ms: flows.rotate_now(services, origin=OPERATOR, now_ms=now_ms))
    for line in _told(changes):
        note(line)


@app.command(
    context_settings=NAMED_BY_ID,
    epilog=examples(
        "keyturn keys revoke NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs",
        "keyturn keys revoke --yes -- -LRgPNYT5bpqEBtUHZpYCUgLwd9jjjxZmnwmdS1BGc",
    ),
)
def revoke(
    kid: Annotated[str, typer.Argument(metavar="KID", help="The key, as 'keyturn keys list' names it.")],
    yes: YesOption = False,
    config: ConfigOption = None,
) -> None:
    """Revoke a signing key, in an emergency.

    Every access token that it signed is refused from now on. Sessions go on; another key signs at once if this one did.
    """
    state = run(config, lambda services, _: _state_of(services, kid))
    if state is KeyState.REVOKED:
        note("This key was revoked already.")
        return
    if not yes:
        confirm(f"Refuse every access token that this {state} key signed?")
    changes = run(config, lambda services, now_ms: flows.revoke_key(services, kid, origin=OPERATOR, now_ms=now_ms))
    for line in _told(changes):
        note(line)


@app.command(epilog=examples("keyturn keys rewrap"))
def rewrap(config: ConfigOption = None) -> None:
    """Seal every signing key anew, under the first master key of keys.master_key.

    For the rotation of the master key, once every server has the new one first. All of them or none; tokens stay good.
    It also says how many live sessions still need an older master key.
    """
    changes, uses = run(config, _rewrap)
    note(f"Signing keys sealed anew: {len(changes.update)}.")
    sessions = sum(use.sessions for use in uses if use.listed != 0)
    note(f"Live sessions on older master keys: {sessions}.")
    if sessions:
        note("Keep those keys in keys.master_key until there are none, at most for refresh_token.lifetime.")


async def _records_and_uses(
    services: Services, now_ms: int
) -> tuple[Sequence[SigningKeyRecord], Sequence[MasterKeyUse]]:
    records = await services.store.signing_keys.list_all()
    return records, await master_key_uses(services, now=now_ms // 1000)


async def _rewrap(services: Services, now_ms: int) -> tuple[KeyChanges, Sequence[MasterKeyUse]]:
    changes = await rewrap_keys(services, origin=OPERATOR, now_ms=now_ms)
    return changes, await master_key_uses(services, now=now_ms // 1000)


async def _state_of(services: Services, kid: str) -> KeyState:
    records = await services.store.signing_keys.list_all()
    found = next((record for record in records if record.kid == kid), None)
    if found is None:
        raise NotFound("unknown kid", sentence="There is no signing key with this kid.")
    return found.state


def _told(changes: KeyChanges) -> list[str]:
    """Say what was done, a line a key."""
    return [
        _SENTENCES[record.state].format(kid=record.kid, at=moment(record.activate_at)) for record in _changed(changes)
    ]


def _changed(changes: KeyChanges) -> Sequence[SigningKeyRecord]:
    return (*changes.update, *changes.insert)


def _row(record: SigningKeyRecord) -> dict[str, Any]:
    return {
        "kid": record.kid,
        "algorithm": record.algorithm.value,
        "state": record.state.value,
        "published_at": record.published_at,
        "signs_from": record.activate_at,
        "retired_at": record.retired_at,
        "revoked_at": record.revoked_at,
        "master_key": master_key_id(record).hex(),
    }


def _use_row(use: MasterKeyUse) -> dict[str, Any]:
    return {
        "id": use.key_id.hex(),
        "listed": use.listed,
        "signing_keys": use.signing_keys,
        "sessions": use.sessions,
    }


def _use_told(use: MasterKeyUse) -> str:
    place = "not in keys.master_key" if use.listed is None else "older" if use.listed else "current"
    needs = f"{counted(use.signing_keys, 'signing key')}, {counted(use.sessions, 'live session')}"
    return f"Master key {use.key_id.hex()} ({place}): {needs}."


_SENTENCES: Final = {
    KeyState.NEXT: "{kid} is published and signs from {at}.",
    KeyState.ACTIVE: "{kid} signs now.",
    KeyState.RETIRED: "{kid} signs no more; what it signed stays good.",
    KeyState.REVOKED: "{kid} is revoked; what it signed is refused.",
}
_COLUMNS: Final = (
    Column("KID", "kid", narrow="whole"),
    Column("ALG", "algorithm"),
    Column("STATE", "state"),
    Column("PUBLISHED", "published_at", moment),
    Column("SIGNS FROM", "signs_from", moment),
    Column("ENDED", "ended_at", moment),
    Column("MASTER KEY", "master_key"),
)
