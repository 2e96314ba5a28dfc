"""``keyturn token``: what a token says and is worth, and its revocation. The token itself is never printed."""

import json
from collections.abc import Callable
from typing import Annotated, Any, Final

import typer

from keyturn.cli.commands import FAILED, examples, noun
from keyturn.cli.inspection import GOOD, inspect, refresh_verdict
from keyturn.cli.opening import run
from keyturn.cli.options import ConfigOption, JsonOption
from keyturn.cli.output import Column, listed, moment, note, print_facts, print_json, say
from keyturn.cli.prompting import read_token
from keyturn.cli.revoking import WAYS
from keyturn.core.denylist import read_whole
from keyturn.core.model import KeyState, Session
from keyturn.core.refresh import Verdict
from keyturn.core.services import Services
from keyturn.errors import InvalidGrant, InvalidTokenReason
from keyturn.server.services import checker_of
from keyturn.tokens import device_token, refresh_token

app = noun("token", "keyturn token inspect < token.txt", "keyturn token revoke --user alice")

TokenArgument = Annotated[
    str,
    typer.Argument(
        metavar="TOKEN",
        help="An access token; '-', the default, reads any token from standard input, so that no history keeps it.",
    ),
]


@app.command(
    "inspect", epilog=examples("keyturn token inspect < token.txt", "keyturn token inspect --json < token.txt")
)
def inspect_(token: TokenArgument = "-", as_json: JsonOption = False, config: ConfigOption = None) -> None:
    """Say what a token says, and whether it is good.

    An access token is decoded, and judged: expired, or revoked and by what. Of a token of ours it also says how its
    session stands, and why it ended. The exit code is 1 unless the token is good.
    """
    text = _read(token)
    facts = run(config, lambda services, now_ms: _facts(services, text, now_ms))
    if as_json:
        print_json(facts)
    else:
        _print(facts)
    if facts["verdict"] not in {GOOD, Verdict.REPLAY}:
        raise typer.Exit(FAILED)


@app.command(
    epilog=examples(
        "keyturn token revoke < token.txt", "keyturn token revoke --user alice", "keyturn token revoke --before now"
    )
)
def revoke(
    token: TokenArgument = "-",
    *,
    jti: Annotated[str | None, typer.Option("--jti", help="The one access token with this jti.")] = None,
    sid: Annotated[str | None, typer.Option("--sid", help="The session, with its access tokens.")] = None,
    user: Annotated[str | None, typer.Option("--user", metavar="NAME", help="The user's, issued up to now.")] = None,
    before: Annotated[
        str | None, typer.Option("--before", metavar="TIME", help="Everybody's, issued up to then.")
    ] = None,
    config: ConfigOption = None,
) -> None:
    """Revoke access tokens; it works at once.

    One, a session's, a user's, or all that were issued up to a time.

    --user and --before leave sessions alone: the next refresh gives a good token again. A refresh token's session ends.
    """
    chosen = {"jti": jti, "sid": sid, "user": user, "before": before}
    named = {name: value for name, value in chosen.items() if value is not None}
    if len(named) > 1 or (named and token != "-"):
        raise typer.BadParameter("Name one thing: a token, --jti, --sid, --user or --before.")
    kind, value = named.popitem() if named else ("token", _read(token))
    said = run(config, lambda services, now_ms: WAYS[kind](services, value, now_ms))
    note(said)


def _read(argument: str) -> str:
    """Return the token that was given; one that lasts is taken from standard input alone."""
    if argument.strip().startswith((refresh_token.PREFIX, device_token.PREFIX)):
        raise typer.BadParameter(
            "A refresh or device token lasts, and the command line is kept in the shell's history and shown in every"
            " list of processes: give it on standard input, as in 'keyturn token inspect < token.txt'."
        )
    return read_token(argument)


async def _facts(services: Services, text: str, now_ms: int) -> dict[str, Any]:
    if text.startswith(refresh_token.PREFIX):
        return await _refresh_facts(services, text, now_ms)
    if text.startswith(device_token.PREFIX):
        device = device_token.parse(text, services.master_keys.device_token_keys)
        return {"kind": "device_token", "verdict": "forged" if device is None else GOOD}
    found = inspect(
        text,
        find_key=services.keyring.find,
        revoked_kids=frozenset(record.kid for record in services.keyring.records() if record.state is KeyState.REVOKED),
        entries=await read_whole(services.store.revocations),
        expected=checker_of(services).expected,
        now=now_ms / 1000,
    )
    return {
        "kind": "access_token",
        "verdict": str(found.verdict),
        "revoked_by": list(found.revoked_by),
        "header": dict(found.header),
        "claims": dict(found.claims),
        "session": await _session_by_sid(services, found.sid),
    }


async def _session_by_sid(services: Services, sid: str | None) -> dict[str, Any] | None:
    session = None if sid is None else await services.store.sessions.find_by_sid(sid)
    return None if session is None else _session(session)


async def _refresh_facts(services: Services, text: str, now_ms: int) -> dict[str, Any]:
    try:
        token = refresh_token.parse(text, services.master_keys.refresh_token_keys)
    except InvalidGrant as refusal:
        return {"kind": "refresh_token", "verdict": refusal.reason}
    session = await services.store.sessions.find(token.handle)
    verdict = refresh_verdict(session, generation=token.generation, grace_ms=services.policy.grace_ms, now_ms=now_ms)
    return {
        "kind": "refresh_token",
        "verdict": verdict,
        "generation": token.generation,
        "session": None if session is None else _session(session),
    }


def _session(session: Session) -> dict[str, Any]:
    return {
        "session_id": session.sid,
        "sub": session.sub,
        "generation": session.generation,
        "ends_at": session.ends_at(),
        "ended_at": session.ended_at,
        "end_reason": session.end_reason,
    }


def _print(facts: dict[str, Any]) -> None:
    verdict = facts["verdict"]
    sentence = _SENTENCES.get(verdict, f"It is refused: {verdict}.")
    say(f"{facts['kind'].replace('_', ' ').capitalize()}. {sentence}")
    if facts.get("revoked_by"):
        say(f"Revoked by: {listed(facts['revoked_by'])}.")
    for part in ("header", "claims", "session"):
        members = facts.get(part) or {}
        if members:
            say(part)
            print_facts(members, [Column(f"  {name}", name, _writer(name)) for name in members])


def _writer(name: str) -> Callable[[Any], str]:
    return _instant if name in _INSTANTS else _plain


def _instant(value: Any) -> str:  # noqa: ANN401 - a claim, which an attacker may have written
    whole = type(value) is int and 0 <= value < _YEAR_9999
    return f"{value}  {moment(value)}" if whole else _plain(value)


def _plain(value: Any) -> str:  # noqa: ANN401 - as above
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


_SENTENCES: Final = {
    GOOD: "It is good.",
    InvalidTokenReason.EXPIRED.value: "It has expired.",
    InvalidTokenReason.REVOKED.value: "It is revoked.",
    Verdict.REPLAY.value: "It was used; presented again now, it gets the same successor.",
    Verdict.REUSED.value: "It was used; presenting it again ends its session.",
    Verdict.ENDED.value: "Its session has ended.",
    Verdict.UNKNOWN.value: "Its session is gone.",
    Verdict.ROLLED_BACK.value: "It is ahead of its session: the database was rolled back.",
}
_INSTANTS: Final = frozenset({"iat", "exp", "nbf", "auth_time", "ends_at", "ended_at"})
_YEAR_9999: Final = 253_402_300_800
