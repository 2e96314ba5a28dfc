"""``keyturn attack``: what it takes, what it sends, what it says, and how it ends."""

import json
import re
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from attacked_api import AttackedApi, serving
from cli_world import Run, plain_environment, started
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_der_private_key,
)

from keyturn.attack.cases import CASES


@pytest.fixture
def api() -> Iterator[AttackedApi]:
    """Return a running API."""
    with serving() as running:
        yield running


@pytest.fixture
def token(api: AttackedApi, tmp_path: Path) -> str:
    """Return the name of a file with a good token."""
    path = tmp_path / "token.txt"
    path.write_text(f"{api.issuer.make_token()}\n")
    return str(path)


def test_a_sound_api_passes(keyturn: Run, api: AttackedApi, token: str) -> None:
    """Exit code 0, and a sum that says what was played and what was not."""
    result = keyturn("attack", f"{api.url}/orders", "--token-file", token, "--rate", "0")
    assert result.exit_code == 0, result.output
    assert "No flaw, " in result.stdout
    assert "It needs the issuer's signing key." in result.stdout
    assert "crit-ignored" in result.stdout


def test_a_flaw_is_told_with_its_mend_and_fails(keyturn: Run, api: AttackedApi, token: str) -> None:
    """Exit code 1 at its severity and below."""
    arguments = ("attack", api.url, "--route", "GET /none", "--token-file", token, "--rate", "0", "--only", "alg-none")
    result = keyturn(*arguments)
    assert result.exit_code == 1, result.output
    for text in ("alg-none", "GET /none", "high", "Mend: Name the algorithms", "CVE-2015-9235", "1 flaw, "):
        assert text in result.stdout
    assert keyturn(*arguments, "--fail-on", "high").exit_code == 1


def test_a_low_flaw_does_not_fail_a_higher_bar(keyturn: Run, api: AttackedApi, token: str) -> None:
    """It is told all the same."""
    arguments = ("attack", f"{api.url}/echo", "--token-file", token, "--rate", "0", "--only", "leaks-token")
    assert keyturn(*arguments, "--fail-on", "medium").exit_code == 1
    high = keyturn(*arguments, "--fail-on", "high")
    assert (high.exit_code, "leaks-token" in high.stdout) == (0, True)


def test_the_issuers_key_has_the_claims_attacked_too(
    keyturn: Run, api: AttackedApi, token: str, tmp_path: Path
) -> None:
    """With the key and the key set everything but the account's cases is played."""
    key = load_der_private_key(api.issuer.signing_key.to_bytes(), None)
    pem = tmp_path / "key.pem"
    pem.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    options = (
        "--token-file",
        token,
        "--key",
        str(pem),
        "--jwks",
        f"{api.url}/jwks",
        "--rate",
        "0",
        "--listen",
        "--json",
    )
    result = keyturn("attack", f"{api.url}/orders", *options)
    assert result.exit_code == 0, result.output
    verdicts = {item["id"]: item["verdict"] for item in json.loads(result.stdout)["items"]}
    asks_for_neither = {"string-scope", "role-confusion"}
    account = {"revoked-late", "refresh-twice", "replay-unnoticed", "csrf", "no-limits"}
    assert {name for name, verdict in verdicts.items() if verdict == "not_played"} == asks_for_neither | account
    assert {name for name, verdict in verdicts.items() if verdict == "sound"} == (
        {case.id for case in CASES} - asks_for_neither - account
    )


def test_the_description_names_the_routes_and_never_the_host(keyturn: Run, api: AttackedApi, token: str) -> None:
    """Its server elsewhere is not asked, a route that changes something is left out, and both are told."""
    result = keyturn("attack", api.url, "--token-file", token, "--rate", "0", "--only", "alg-none")
    assert result.exit_code == 0, result.output
    assert "elsewhere.invalid" in result.stderr
    assert "POST /orders: left out" in result.stderr
    assert set(api.requests) == {"GET /openapi.json", "GET /orders"}


def test_a_server_of_the_description_that_is_ours_gives_its_path(keyturn: Run, api: AttackedApi, token: str) -> None:
    """Although another one stands before it."""
    api.servers.append(f"{api.url}/v1")
    keyturn("attack", api.url, "--token-file", token, "--rate", "0", "--only", "alg-none")
    assert set(api.requests) == {"GET /openapi.json", "GET /v1/orders"}


def test_a_route_that_changes_something_is_attacked_if_it_is_named(keyturn: Run, api: AttackedApi, token: str) -> None:
    """Then somebody wants it."""
    keyturn("attack", api.url, "--route", "POST /orders", "--token-file", token, "--rate", "0", "--only", "alg-none")
    assert {request for request in api.requests if "orders" in request} == {"POST /orders"}


def test_no_more_is_sent_than_is_allowed(keyturn: Run, api: AttackedApi, token: str) -> None:
    """The description and the key set count; the API itself counts too."""
    options = ("--token-file", token, "--jwks", f"{api.url}/jwks", "--max-requests", "25", "--rate", "0", "--json")
    said = json.loads(keyturn("attack", api.url, "--openapi", f"{api.url}/openapi.json", *options).stdout)
    assert len(api.requests) == said["requests"] == 25
    assert {"GET /openapi.json", "GET /jwks"} <= set(api.requests)


@pytest.mark.parametrize("option", ["--openapi", "--jwks"])
def test_a_host_that_was_not_named_is_refused(keyturn: Run, api: AttackedApi, token: str, option: str) -> None:
    """Exit code 2, nothing is sent; with ``--allow-host`` it is asked."""
    elsewhere = api.url.replace("127.0.0.1", "localhost") + {"--openapi": "/openapi.json", "--jwks": "/jwks"}[option]
    arguments = ("attack", f"{api.url}/orders", "--token-file", token, "--rate", "0", "--only", "alg-none", option)
    refused = keyturn(*arguments, elsewhere)
    assert refused.exit_code == 2, refused.output
    assert "localhost was not named" in refused.stderr
    assert api.requests == []
    keyturn(*arguments, elsewhere, "--allow-host", "localhost")
    assert api.requests[0] in {"GET /openapi.json", "GET /jwks"}


@pytest.mark.parametrize("route", ["/orders", "/none", "/echo"])
def test_no_token_is_ever_printed(keyturn: Run, api: AttackedApi, token: str, tmp_path: Path, route: str) -> None:
    """Not in the table, the JSON, the page or the notes, nor by a target that repeats them all (A57)."""
    shown = ""
    for extra in ((), ("--json",)):
        page = tmp_path / "page.html"
        result = keyturn("attack", api.url + route, "--token-file", token, "--rate", "0", "--html", str(page), *extra)
        shown += result.output + result.stderr + page.read_text("utf-8")
    pieces = {piece for text in api.tokens for piece in re.split(r"[.,\s]+", text) if len(piece) > 30}
    assert len(pieces) > 100
    assert [piece for piece in pieces if piece in shown] == []


def test_the_page_is_the_owners_alone(keyturn: Run, api: AttackedApi, token: str, tmp_path: Path) -> None:
    """It says where the API is weak. An older one is replaced."""
    page = tmp_path / "page.html"
    page.write_text("old")
    keyturn(
        "attack", f"{api.url}/orders", "--token-file", token, "--rate", "0", "--only", "alg-none", "--html", str(page)
    )
    assert stat.S_IMODE(page.stat().st_mode) == 0o600
    assert "<!doctype html>" in page.read_text("utf-8")


def test_a_token_comes_from_standard_input_or_the_environment(
    keyturn: Run, api: AttackedApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Never from the command line, which is kept in histories; ``Bearer`` before it does no harm."""
    arguments = ("attack", f"{api.url}/orders", "--rate", "0", "--only", "alg-none")
    piped = keyturn(*arguments, "--token-file", "-", stdin=f"Bearer {api.issuer.make_token()}\n")
    monkeypatch.setenv("KEYTURN_ATTACK_TOKEN", api.issuer.make_token())
    assert (piped.exit_code, keyturn(*arguments).exit_code) == (0, 0)


def test_an_attack_that_judged_nothing_is_no_success(keyturn: Run, api: AttackedApi, tmp_path: Path) -> None:
    """Exit code 2 with the reason: a token that is refused, a route that is not there."""
    bad = tmp_path / "bad.txt"
    bad.write_text("a-token-that-is-none")
    refused = keyturn("attack", f"{api.url}/orders", "--token-file", str(bad), "--rate", "0")
    missing = keyturn("attack", f"{api.url}/nowhere", "--rate", "0")
    assert (refused.exit_code, missing.exit_code) == (2, 2)
    assert "The good token is answered with 401." in refused.stderr
    assert "No route could be judged" in missing.stderr


def test_a_target_that_is_not_there_is_said_so(keyturn: Run) -> None:
    """Exit code 2, one sentence: 1 would say that there is a flaw."""
    result = keyturn("attack", "http://127.0.0.1:9/x")
    assert (result.exit_code, result.stderr) == (2, "Error: The target does not answer.\n")


def test_a_route_that_does_not_answer_hinders_no_other(keyturn: Run, api: AttackedApi, token: str) -> None:
    """It is named, and the others are attacked."""
    arguments = ("attack", api.url, "--route", "GET /silent", "--route", "GET /none")
    result = keyturn(*arguments, "--token-file", token, "--rate", "0", "--only", "alg-none")
    assert (result.exit_code, "alg-none" in result.stdout) == (1, True)
    assert "GET /silent: not looked at. The target does not answer." in result.stderr


def test_a_target_that_is_silent_is_left_alone_soon(keyturn: Run, api: AttackedApi, token: str) -> None:
    """Else a description of hundreds of routes would be waited for, each as long as a request may take."""
    routes = [text for number in range(5) for text in ("--route", f"GET /silent?{number}")]
    result = keyturn("attack", api.url, *routes, "--token-file", token, "--rate", "0")
    assert (result.exit_code, result.stderr) == (2, "Error: The target does not answer.\n")
    assert len(api.requests) == 3


@pytest.mark.parametrize(
    "options",
    [
        ("--only", "alg-none"),  # there is no token
        ("--only", "alg-none", "--only", "crash", "--token-file", "{token}", "--max-requests", "5"),
        ("--only", "jku-fetch", "--token-file", "{token}"),  # nobody listens
        ("--only", "expired", "--token-file", "{token}"),  # there is no key
    ],
)
def test_an_attack_that_played_nothing_is_no_success(
    keyturn: Run, api: AttackedApi, token: str, options: tuple[str, ...]
) -> None:
    """Exit code 2; the table says why."""
    result = keyturn("attack", f"{api.url}/orders", "--rate", "0", *(option.format(token=token) for option in options))
    assert result.exit_code == 2, result.output
    assert "Nothing could be said of any case" in result.stderr
    assert "not played" in result.stdout


@pytest.mark.parametrize("sent", [1, 2])
def test_a_budget_that_the_documents_spend_is_said_so(keyturn: Run, api: AttackedApi, token: str, sent: int) -> None:
    """Exit code 2, and no traceback."""
    options = ("--openapi", f"{api.url}/openapi.json", "--jwks", f"{api.url}/jwks", "--max-requests", str(sent))
    result = keyturn("attack", api.url, "--token-file", token, "--rate", "0", *options)
    assert (result.exit_code, len(api.requests)) == (2, sent)
    assert "Traceback" not in result.output
    assert result.exception is None or isinstance(result.exception, SystemExit)


def test_a_document_that_is_not_there_is_wrong_usage(keyturn: Run, api: AttackedApi, token: str) -> None:
    """Exit code 2: 1 would say that there is a flaw."""
    result = keyturn("attack", f"{api.url}/orders", "--token-file", token, "--jwks", f"{api.url}/nowhere")
    assert (result.exit_code, "status 404" in result.stderr) == (2, True)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "URL"),
        (("not-a-url",), "URL"),
        (("http://user:secret@127.0.0.1:9",), "URL"),
        (("http://127.0.0.1:9", "--only", "unheard-of"), "unheard-of"),
        (("http://127.0.0.1:9", "--skip", "unheard-of"), "unheard-of"),
        (("http://127.0.0.1:9", "--route", "orders"), "route"),
        (("http://127.0.0.1:9/x", "--token-file", "/nonexistent"), "--token-file"),
        (("http://127.0.0.1:9/x", "--key", "/nonexistent"), "--key"),
        (("http://127.0.0.1:9/x", "--jwks", "/nonexistent"), "--jwks"),
        (("http://127.0.0.1:9/x", "--allow-host", "http://a.test"), "--allow-host"),
        (("http://127.0.0.1:9/x", "--username", "ada"), "--issuer"),
        (("http://127.0.0.1:9/x", "--username", "ada", "--issuer", "http://127.0.0.1:9"), "KEYTURN_ATTACK_PASSWORD"),
        (("http://127.0.0.1:9/x", "--html", "/"), "--html"),
        (("http://127.0.0.1:9/x", "--html", "/nonexistent/page.html"), "--html"),
        (("http://127.0.0.1:9/x", "--fail-on", "awful"), "--fail-on"),
        (("http://127.0.0.1:9/x", "--max-requests", "0"), "--max-requests"),
    ],
)
def test_wrong_usage_is_two(keyturn: Run, arguments: tuple[str, ...], said: str) -> None:
    """And names what is wrong, without a password that stands in a URL."""
    result = keyturn("attack", *arguments)
    assert (result.exit_code, said in result.stderr, "secret" in result.stderr) == (2, True, False), result.output


def test_the_cases_can_be_listed(keyturn: Run) -> None:
    """For people and for programs, those that are chosen."""
    table = keyturn("attack", "--list").stdout
    rows = json.loads(keyturn("attack", "--list", "--json", "--skip", "csrf").stdout)["items"]
    assert all(case.id in table for case in CASES)
    assert [row["id"] for row in rows] == [case.id for case in CASES if case.id != "csrf"]


def test_a_command_that_revokes_nothing_leaves_a_flaw(keyturn: Run, api: AttackedApi, token: str) -> None:
    """It reads the token and does nothing; the token goes on to work."""
    options = ("--revoke-command", "cat", "--revocation-bound", "0.2", "--only", "revoked-late", "--json")
    result = keyturn("attack", f"{api.url}/orders", "--token-file", token, "--rate", "0", *options)
    assert (result.exit_code, json.loads(result.stdout)["items"][0]["verdict"]) == (1, "flaw")


@pytest.mark.parametrize("command", ["false", "/nonexistent", "''", "'"])
def test_a_command_that_fails_ends_the_attack(keyturn: Run, api: AttackedApi, token: str, command: str) -> None:
    """Nothing was revoked, so nothing can be measured."""
    options = ("--revoke-command", command, "--only", "revoked-late")
    result = keyturn("attack", f"{api.url}/orders", "--token-file", token, "--rate", "0", *options)
    assert (result.exit_code, "--revoke-command" in result.stderr) == (2, True)


@pytest.mark.parametrize(("path", "code"), [("/none", 1), ("/orders", 2)])
def test_a_command_that_fails_costs_no_finding(
    keyturn: Run, api: AttackedApi, token: str, path: str, code: int
) -> None:
    """What was found before is told; where nothing was, it is still no success."""
    options = ("--revoke-command", "false", "--only", "revoked-late", "--only", "alg-none", "--json")
    result = keyturn("attack", api.url + path, "--token-file", token, "--rate", "0", *options)
    verdicts = {item["id"]: item["verdict"] for item in json.loads(result.stdout)["items"]}
    assert verdicts == {"alg-none": "flaw" if code == 1 else "sound", "revoked-late": "inconclusive"}
    assert result.exit_code == code


@pytest.mark.slow
def test_our_own_server_stands(tmp_path: Path) -> None:
    """A development server, its API and its issuer, attacked with an account: each promise is tried, and holds."""
    port = 18_765
    with started("dev", "--port", str(port), url=f"http://localhost:{port}", until="Ctrl-C", folder=tmp_path) as server:
        password = re.search(r"password (\S+)", server.output)
        assert password is not None
        arguments = ["attack", f"http://localhost:{port}", "--issuer", f"http://localhost:{port}", "--username", "dev"]
        done = subprocess.run(
            [sys.executable, "-m", "keyturn", *arguments, "--rate", "0", "--listen", "--json", "--route", "GET /me"],
            env=plain_environment() | {"KEYTURN_ATTACK_PASSWORD": password[1]},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 0, done.stdout + done.stderr
    verdicts = {item["id"]: item["verdict"] for item in json.loads(done.stdout)["items"]}
    for name in ("revoked-late", "refresh-twice", "replay-unnoticed", "csrf", "no-limits", "alg-confusion"):
        assert verdicts[name] == "sound", name
    assert password[1] not in done.stdout + done.stderr
