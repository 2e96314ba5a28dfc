"""``keyturn keys``: the signing keys, their rotation by hand, and their revocation in an emergency."""

from collections.abc import Sequence
from typing import Annotated, Any, Final

import typer

from keyturn.cli.commands import examples, noun
from keyturn.cli.opening import OPERATOR, run
from keyturn.cli.options import NAMED_BY_ID, ConfigOption, JsonOption, YesOption
from keyturn.cli.output import Column, moment, note, print_json, print_table
from keyturn.cli.prompting import confirm
from keyturn.core import keys as flows
from keyturn.core.model import KeyState, SigningKeyRecord
from keyturn.core.ports import KeyChanges
from keyturn.core.services import Services
from keyturn.errors import NotFound

app = noun("keys", "keyturn keys list", "keyturn keys rotate")


@app.command("list", epilog=examples("keyturn keys list", "keyturn keys list --json"))
def list_(as_json: JsonOption = False, config: ConfigOption = None) -> None:
    """List the signing keys, the newest first."""
    records = run(config, _records)
    rows = [_row(record) for record in records]
    if as_json:
        print_json({"items": rows})
    else:
        print_table([row | {"ended_at": row["revoked_at"] or row["retired_at"]} for row in rows], _COLUMNS)


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
    context_settings=NAMED_BY_ID, epilog=examples("keyturn keys revoke NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs")
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


async def _records(services: Services, _now_ms: int) -> Sequence[SigningKeyRecord]:
    return await services.store.signing_keys.list_all()


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
    }


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
)
