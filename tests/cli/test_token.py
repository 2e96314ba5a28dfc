"""``keyturn token``."""

import json
from typing import Any

import pytest
from cli_world import Installation

from keyturn.core.issue import Issued


@pytest.fixture
def issued(installation: Installation) -> Issued:
    """Tokens of the user ``ada``."""
    installation.add("ada", "user")
    return installation.log_in("ada")


def test_a_good_token(installation: Installation, issued: Issued) -> None:
    """A good token: exit 0, its header and claims in the open, and never its text."""
    result = installation.run("token", "inspect", "--json", stdin=f"{issued.access_token}\n")
    shown = json.loads(result.stdout)
    assert result.exit_code == 0
    assert shown["verdict"] == "good"
    assert shown["header"]["typ"] == "at+jwt"
    assert shown["claims"]["sid"] == issued.session.sid
    assert issued.access_token not in result.output
    assert issued.access_token.rpartition(".")[2] not in result.output


def test_people_read_times(installation: Installation, issued: Issued) -> None:
    """For people the claims are lines, and instants are also written out."""
    shown = installation.must("token", "inspect", stdin=issued.access_token)
    assert "It is good." in shown
    assert f"{issued.session.auth_time}  20" in shown


@pytest.mark.parametrize("how", ["sid", "jti", "user", "before", "token"])
def test_what_revoked_it_is_told(installation: Installation, issued: Issued, how: str) -> None:
    """Each way of revoking works at once, and the token says by which it fell."""
    claims = _inspect(installation, issued.access_token)["claims"]
    options = {"sid": claims["sid"], "jti": claims["jti"], "user": "ada", "before": "now"}
    arguments = [] if how == "token" else [f"--{how}", options[how]]
    installation.must("token", "revoke", *arguments, stdin=issued.access_token)
    shown = _inspect(installation, issued.access_token)
    assert shown["verdict"] == "revoked"
    assert shown["revoked_by"] == [{"user": "sub", "before": "all", "token": "jti"}.get(how, how)]


def test_a_token_from_after_a_cut_off(installation: Installation, issued: Issued) -> None:
    """A cut-off covers what was issued up to it; a login after it works at once."""
    installation.must("token", "revoke", "--user", "ada", stdin=issued.access_token)
    assert _inspect(installation, installation.log_in("ada").access_token)["verdict"] == "good"


def test_a_token_of_a_revoked_key(installation: Installation, issued: Issued) -> None:
    """A token whose key was revoked says so."""
    kid = _inspect(installation, issued.access_token)["header"]["kid"]
    installation.must("keys", "revoke", kid, "--yes")
    assert _inspect(installation, issued.access_token)["revoked_by"] == ["kid"]


@pytest.mark.parametrize(
    ("spoil", "verdict"),
    [
        (lambda text: f"{text[:-8]}AAAAAAAA", "bad_signature"),
        (lambda text: text.partition(".")[0], "malformed"),
        (lambda _: "hello", "malformed"),
    ],
)
def test_a_bad_token(installation: Installation, issued: Issued, spoil: Any, verdict: str) -> None:
    """What is not good exits with 1, names the reason, and can't be revoked."""
    text = spoil(issued.access_token)
    result = installation.run("token", "inspect", "--json", stdin=text)
    assert result.exit_code == 1
    assert json.loads(result.stdout)["verdict"] == verdict
    refused = installation.run("token", "revoke", stdin=text)
    assert refused.exit_code == 1
    assert verdict in refused.stderr
    assert text not in result.output + refused.output


def test_hostile_claims_do_not_colour_the_terminal(installation: Installation) -> None:
    """Claims are what an attacker wrote, and are shown as escapes (A52)."""
    head = "eyJhbGciOiJFUzI1NiJ9"
    payload = "eyJzdWIiOiJcdTAwMWJbMzFtIiwiZXhwIjoxZTMwMH0"
    result = installation.run("token", "inspect", stdin=f"{head}.{payload}.AAAA")
    assert result.exit_code == 1
    assert "\\x1b[31m" in result.stdout
    assert "\x1b" not in result.stdout


def test_a_refresh_token_tells_of_its_session(installation: Installation, issued: Issued) -> None:
    """A refresh token is good as long as its session lives; the handle inside is shown to nobody."""
    shown = _inspect(installation, issued.refresh_token)
    assert shown["verdict"] == "good"
    assert shown["session"]["session_id"] == issued.session.sid
    assert issued.session.handle.hex() not in json.dumps(shown)
    installation.must("token", "revoke", stdin=issued.refresh_token)
    after = _inspect(installation, issued.refresh_token)
    assert after["verdict"] == "ended"
    assert after["session"]["end_reason"] == "revoked"
    assert _inspect(installation, issued.access_token)["revoked_by"] == ["sid"]


def test_an_access_token_tells_why_its_session_ended(installation: Installation, issued: Issued) -> None:
    """How the session stands, for a token of ours alone: what somebody else wrote into one names no session."""
    live = _inspect(installation, issued.access_token)["session"]
    assert (live["session_id"], live["ended_at"], live["end_reason"]) == (issued.session.sid, None, None)
    forged = _inspect(installation, f"{issued.access_token[:-8]}AAAAAAAA")
    assert (forged["claims"]["sid"], forged["session"]) == (issued.session.sid, None)

    installation.must("users", "disable", "ada")

    ended = _inspect(installation, issued.access_token)
    assert ended["revoked_by"] == ["sid"]
    assert ended["session"]["end_reason"] == "user_disabled"
    assert ended["session"]["ended_at"] >= issued.session.created_at
    assert "user_disabled" in installation.run("token", "inspect", stdin=issued.access_token).stdout


def test_a_forged_refresh_token(installation: Installation, issued: Issued) -> None:
    """A refresh token that nobody issued: told by arithmetic alone."""
    forged = f"{issued.refresh_token[:-4]}AAAA"
    assert _inspect(installation, forged)["verdict"] in {"forged", "malformed"}
    assert installation.run("token", "revoke", stdin=forged).exit_code == 1


def test_a_device_token(installation: Installation, issued: Issued) -> None:
    """A device token is named as one; it can't be revoked."""
    assert issued.device_token is not None
    assert _inspect(installation, issued.device_token) == {"kind": "device_token", "verdict": "good"}
    assert installation.run("token", "revoke", stdin=issued.device_token).exit_code == 1


@pytest.mark.parametrize("command", ["inspect", "revoke"])
@pytest.mark.parametrize("kind", ["refresh_token", "device_token"])
def test_a_lasting_secret_is_no_argument(installation: Installation, issued: Issued, command: str, kind: str) -> None:
    """A57: the shell's history and every list of processes would keep it; nothing was done, and it is not repeated."""
    secret = getattr(issued, kind)
    for argument in (secret, f" {secret}"):
        result = installation.run("token", command, argument)
        assert result.exit_code == 2
        assert "standard input" in result.stderr
        assert secret not in result.output
    assert _inspect(installation, secret)["verdict"] == "good"


@pytest.mark.parametrize("arguments", [["--jti", "a", "--sid", "b"], ["text", "--user", "ada"], ["--before", "soon"]])
def test_revoke_exactly_what_was_named(installation: Installation, arguments: list[str]) -> None:
    """Two things named, or a time that is none: wrong usage."""
    assert installation.run("token", "revoke", *arguments).exit_code == 2


def test_the_future_is_not_revoked(installation: Installation) -> None:
    """A cut-off in the future would refuse tokens that nobody has asked for yet."""
    assert installation.run("token", "revoke", "--before", "2999-01-01").exit_code == 1


def test_an_unknown_session(installation: Installation) -> None:
    """A sid that no live session has: exit 1."""
    assert installation.run("token", "revoke", "--sid", "nope").exit_code == 1


def _inspect(installation: Installation, text: str) -> dict[str, Any]:
    shown: dict[str, Any] = json.loads(installation.run("token", "inspect", "--json", stdin=text).stdout)
    return shown
