"""``keyturn users``: the accounts of our own directory."""

import re
from typing import Annotated, Any, Final

import typer

from keyturn.cli.commands import examples, noun
from keyturn.cli.opening import OPERATOR, run
from keyturn.cli.options import ConfigOption, JsonOption, UsernameArgument
from keyturn.cli.output import Column, listed, moment, note, print_facts, print_json, print_table, say
from keyturn.cli.prompting import read_new_password
from keyturn.core import passwords, sessions, usernames
from keyturn.core import users as flows
from keyturn.core.grant import granted_scopes
from keyturn.core.model import StoredUser
from keyturn.core.services import Services
from keyturn.errors import Conflict, NotFound

app = noun("users", "keyturn users add alice --role user", "keyturn users disable alice")

RoleOption = Annotated[list[str], typer.Option("--role", metavar="R", help="A role; may be given again.")]
LimitOption = Annotated[int, typer.Option("--limit", min=1, max=1000, help="How many at most.")]


@app.command(
    epilog=examples(
        "keyturn users add alice --role user",
        "printf '%s\\n' \"$PASSWORD\" | keyturn users add robot --role user --role admin",
    )
)
def add(name: UsernameArgument, role: RoleOption = [], config: ConfigOption = None) -> None:  # noqa: B006 - typer's
    """Add a user and print their sub, the subject of their tokens.

    The password is asked for twice on a terminal, and else read as one line of standard input.
    """
    roles = _checked(role)
    user = run(config, lambda services, now_ms: _add(services, name, roles, now_ms))
    say(user.sub)


@app.command("list", epilog=examples("keyturn users list", "keyturn users list --json --limit 1000"))
def list_(
    limit: LimitOption = 100,
    cursor: Annotated[str, typer.Option("--cursor", help="Go on where the last page ended.")] = "",
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """List the users in the order of their names."""
    found = run(config, lambda services, _: flows.list_users(services, after=cursor, most=limit + 1))
    page = found[:limit]
    following = page[-1].username_key if len(found) > limit else None
    if as_json:
        print_json({"items": [_row(user) for user in page], "next": following})
        return
    print_table([_row(user) for user in page], _COLUMNS)
    if following is not None:
        note(f"There are more: keyturn users list --cursor={following}")


@app.command(epilog=examples("keyturn users show alice", "keyturn users show alice --json"))
def show(name: UsernameArgument, as_json: JsonOption = False, config: ConfigOption = None) -> None:
    """Show a user's roles, scopes and number of sessions."""
    facts = run(config, lambda services, now_ms: _facts(services, name, now_ms))
    if as_json:
        print_json(facts)
    else:
        print_facts(facts, _FACTS)


@app.command(epilog=examples("keyturn users passwd alice", "keyturn users passwd alice < new-password.txt"))
def passwd(name: UsernameArgument, config: ConfigOption = None) -> None:
    """Set a password anew and end all sessions of the user.

    The password is asked for twice on a terminal, and else read as one line of standard input.
    """
    run(config, lambda services, now_ms: _passwd(services, name, now_ms))
    note(f"The password of {name} was changed, and every session of theirs has ended.")


@app.command(epilog=examples("keyturn users roles alice --add admin --remove user", "keyturn users roles alice --json"))
def roles(
    name: UsernameArgument,
    add: Annotated[list[str], typer.Option("--add", metavar="R", help="A role to give; may be given again.")] = [],  # noqa: B006 - typer's
    remove: Annotated[
        list[str], typer.Option("--remove", metavar="R", help="A role to take; may be given again.")
    ] = [],  # noqa: B006 - typer's
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Give roles, take roles away, and print what is left.

    Access tokens that are out keep the old roles until they are refreshed or expire.
    """
    added = _checked(add)
    now_has = run(config, lambda services, now_ms: _change_roles(services, name, added, tuple(remove), now_ms))
    if as_json:
        print_json({"username": name, "roles": list(now_has)})
    else:
        say(listed(now_has))


@app.command(epilog=examples("keyturn users disable alice"))
def disable(name: UsernameArgument, config: ConfigOption = None) -> None:
    """Shut a user out.

    Every session ends at once, and no login is let in.
    """
    run(config, lambda services, now_ms: _disable(services, name, now_ms))
    note(f"{name} is shut out, and every session of theirs has ended.")


@app.command(epilog=examples("keyturn users enable alice"))
def enable(name: UsernameArgument, config: ConfigOption = None) -> None:
    """Let a user in again.

    Sessions that have ended stay ended.
    """
    run(config, lambda services, now_ms: _enable(services, name, now_ms))
    note(f"{name} may log in again.")


async def _add(services: Services, name: str, roles: tuple[str, ...], now_ms: int) -> StoredUser:
    usernames.check_new(name)
    if await _exists(services, name):  # before anybody types a password twice; the insert decides
        raise Conflict("username taken", sentence="This username is taken.")
    _warn_of_unknown(services, roles)
    password = read_new_password()
    return await flows.add_user(services, name, password, roles=roles, origin=OPERATOR, now_ms=now_ms)


async def _exists(services: Services, name: str) -> bool:
    try:
        await flows.get_by_name(services, name)
    except NotFound:
        return False
    return True


async def _facts(services: Services, name: str, now_ms: int) -> dict[str, Any]:
    user = await flows.get_by_name(services, name)
    live = await sessions.list_sessions(services, user.sub, now_ms=now_ms)
    scopes = granted_scopes(user.roles, services.policy.roles)
    return {**_row(user), "disabled_at": user.disabled_at, "scopes": list(scopes), "sessions": len(live)}


async def _passwd(services: Services, name: str, now_ms: int) -> None:
    user = await flows.get_by_name(services, name)
    await passwords.reset_password(services, user, read_new_password(), origin=OPERATOR, now_ms=now_ms)


async def _change_roles(
    services: Services, name: str, add: tuple[str, ...], remove: tuple[str, ...], now_ms: int
) -> tuple[str, ...]:
    user = await flows.get_by_name(services, name)
    after = tuple(role for role in dict.fromkeys((*user.roles, *add)) if role not in remove)
    _warn_of_unknown(services, add)
    if after != user.roles:
        await flows.set_roles(services, user, after, origin=OPERATOR, now_ms=now_ms)
    return after


async def _disable(services: Services, name: str, now_ms: int) -> None:
    await flows.disable(services, await flows.get_by_name(services, name), origin=OPERATOR, now_ms=now_ms)


async def _enable(services: Services, name: str, now_ms: int) -> None:
    await flows.enable(services, await flows.get_by_name(services, name), origin=OPERATOR, now_ms=now_ms)


def _checked(roles: list[str]) -> tuple[str, ...]:
    """Return *roles*, each once; a role is what [roles] could name, so that no token is worthless for it."""
    if not all(_ROLE.fullmatch(role) for role in roles):
        raise typer.BadParameter("A role is printable ASCII without blanks, quotes and backslashes.")
    return tuple(dict.fromkeys(roles))


def _warn_of_unknown(services: Services, roles: tuple[str, ...]) -> None:
    for role in roles:
        if role not in services.policy.roles:
            note(f"Warning: the role {role} gives no scopes; [roles] does not name it.")


def _row(user: StoredUser) -> dict[str, Any]:
    return {
        "sub": user.sub,
        "username": user.username,
        "roles": list(user.roles),
        "disabled": user.disabled_at is not None,
        "created_at": user.created_at,
    }


def _state(disabled: bool) -> str:
    return "disabled" if disabled else "enabled"


_ROLE: Final = re.compile(r"[!#-\[\]-~]{1,128}")
_COLUMNS: Final = (
    Column("NAME", "username"),
    Column("ROLES", "roles", listed),
    Column("STATE", "disabled", _state),
    Column("ADDED", "created_at", moment),
    Column("SUB", "sub", narrow="whole"),
)
_FACTS: Final = (
    *_COLUMNS,
    Column("DISABLED SINCE", "disabled_at", moment),
    Column("SCOPES", "scopes", listed),
    Column("LIVE SESSIONS", "sessions"),
)
