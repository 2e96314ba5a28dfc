"""``keyturn sessions``: who is logged in where, and the end of it."""

from typing import Annotated, Any, Final

import typer

from keyturn.cli.commands import FAILED, examples, noun
from keyturn.cli.opening import OPERATOR, run
from keyturn.cli.options import NAMED_BY_ID, ConfigOption, JsonOption
from keyturn.cli.output import Column, complain, moment, note, print_json, print_table
from keyturn.core import sessions as flows
from keyturn.core import users
from keyturn.core.model import Session, StoredUser
from keyturn.core.services import Services

app = noun("sessions", "keyturn sessions list", "keyturn sessions end --user alice")

UserOption = Annotated[str | None, typer.Option("--user", metavar="NAME", help="Sessions of this user.")]


@app.command("list", epilog=examples("keyturn sessions list", "keyturn sessions list --user alice --json"))
def list_(
    user: UserOption = None,
    limit: Annotated[int, typer.Option("--limit", min=1, max=10_000, help="How many at most.")] = 1000,
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """List live sessions, of one user or of all.

    Users come in the order of their names, the sessions of each by their last use.
    """
    rows = run(config, lambda services, now_ms: _rows(services, user, limit + 1, now_ms))
    page = rows[:limit]
    if as_json:
        print_json({"items": page})
    else:
        print_table([row | {"software": f"{row['browser']} on {row['os']}"} for row in page], _COLUMNS)
    if len(rows) > limit:
        note(f"There are more than {limit}: name a user, or raise --limit.")


@app.command(
    context_settings=NAMED_BY_ID,
    epilog=examples("keyturn sessions end 4rT0mXb2l1yqkZcWzGq9Xw", "keyturn sessions end --user alice"),
)
def end(
    session_id: Annotated[str | None, typer.Argument(metavar="SID", help="The session to end.")] = None,
    user: UserOption = None,
    config: ConfigOption = None,
) -> None:
    """End one session, or every session of a user.

    Their access tokens are refused from then on.
    """
    if (session_id is None) == (user is None):
        raise typer.BadParameter("Name one session, or --user NAME for every session of a user.")
    ended = run(config, lambda services, now_ms: _end(services, session_id, user, now_ms))
    if session_id is not None and not ended:
        complain("There is no live session of this id.")
        raise typer.Exit(FAILED)
    note(f"{ended} session{'' if ended == 1 else 's'} ended.")


async def _rows(services: Services, username: str | None, most: int, now_ms: int) -> list[dict[str, Any]]:
    if username is not None:
        return await _rows_of(services, await users.get_by_name(services, username), now_ms)
    rows: list[dict[str, Any]] = []
    after = ""
    while len(rows) < most and (page := await users.list_users(services, after=after)):
        for user in page:
            rows += await _rows_of(services, user, now_ms)
        after = page[-1].username_key
    return rows[:most]


async def _rows_of(services: Services, user: StoredUser, now_ms: int) -> list[dict[str, Any]]:
    live = await flows.list_sessions(services, user.sub, now_ms=now_ms)
    return [_row(user, session) for session in live]


async def _end(services: Services, sid: str | None, username: str | None, now_ms: int) -> int:
    if username is None:
        return len(await flows.end_by_operator(services, sid=sid, origin=OPERATOR, now_ms=now_ms))
    user = await users.get_by_name(services, username)
    return len(await flows.end_by_operator(services, sub=user.sub, origin=OPERATOR, now_ms=now_ms))


def _row(user: StoredUser, session: Session) -> dict[str, Any]:
    return {
        "session_id": session.sid,
        "sub": session.sub,
        "username": user.username,
        "client": session.client.value,
        "device_name": session.device_name,
        "browser": session.device.browser,
        "os": session.device.os,
        "address": session.device.address,
        "created_at": session.created_at,
        "last_used_at": session.last_used_at,
        "ends_at": session.ends_at(),
    }


_COLUMNS: Final = (
    Column("USER", "username"),
    Column("SID", "session_id", narrow="whole"),
    Column("CLIENT", "client"),
    Column("DEVICE", "device_name"),
    Column("BROWSER", "software"),
    Column("ADDRESS", "address"),
    Column("LOGIN", "created_at", moment),
    Column("LAST USED", "last_used_at", moment),
)
