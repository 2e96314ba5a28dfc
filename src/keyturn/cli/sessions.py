"""``keyturn sessions``: who is logged in where, and the end of it."""

from typing import Annotated, Any, Final

import typer

from keyturn.cli.commands import FAILED, examples, noun
from keyturn.cli.opening import OPERATOR, run
from keyturn.cli.options import NAMED_BY_ID, ConfigOption, JsonOption
from keyturn.cli.output import Column, complain, moment, note, optional, print_json, print_table
from keyturn.core import admin, users
from keyturn.core import sessions as flows
from keyturn.core.model import Session
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
        user = await users.get_by_name(services, username)
        live = await flows.list_sessions(services, user.sub, now_ms=now_ms)
        return [_row(user.username, session) for session in live]
    found = await _everybodys(services, most, now_ms)
    names = {sub: await _name_of(services, sub) for sub in {session.sub for session in found}}
    rows = [_row(names[session.sub], session) for session in found]
    return sorted(rows, key=lambda row: (row["username"] or "", row["sub"], -row["last_used_at"]))


async def _everybodys(services: Services, most: int, now_ms: int) -> list[Session]:
    """Return up to *most* live sessions, read a page at a time."""
    found: list[Session] = []
    while len(found) < most:
        after = found[-1].sid if found else ""
        page = await admin.list_sessions(
            services, sub=None, after=after, most=min(_PAGE, most - len(found)), now_ms=now_ms
        )
        if not page:
            break
        found += page
    return found


async def _name_of(services: Services, sub: str) -> str | None:
    """Return the user's name; None where an app keeps its own users, whom the command line does not know."""
    user = await services.users.find(sub)
    return None if user is None else user.username


async def _end(services: Services, sid: str | None, username: str | None, now_ms: int) -> int:
    if username is None:
        return len(await flows.end_by_operator(services, sid=sid, origin=OPERATOR, now_ms=now_ms))
    user = await users.get_by_name(services, username)
    return len(await flows.end_by_operator(services, sub=user.sub, origin=OPERATOR, now_ms=now_ms))


def _row(username: str | None, session: Session) -> dict[str, Any]:
    return {
        "session_id": session.sid,
        "sub": session.sub,
        "username": username,
        "client": session.client.value,
        "device_name": session.device_name,
        "browser": session.device.browser,
        "os": session.device.os,
        "address": session.device.address,
        "created_at": session.created_at,
        "last_used_at": session.last_used_at,
        "ends_at": session.ends_at(),
    }


_PAGE: Final = 500
_COLUMNS: Final = (
    Column("USER", "username", optional),
    Column("SID", "session_id", narrow="whole"),
    Column("CLIENT", "client"),
    Column("DEVICE", "device_name"),
    Column("BROWSER", "software"),
    Column("ADDRESS", "address"),
    Column("LOGIN", "created_at", moment),
    Column("LAST USED", "last_used_at", moment),
)
