"""What a user hands over to ``keyturn attack``: routes, a token, keys, an account. Secrets never as an argument."""

import asyncio
import os
import re
import shlex
import sys
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import typer

from keyturn.attack.budget import Budget, host_of
from keyturn.attack.issuer import log_in, revoke_session
from keyturn.attack.keyfile import read_signer
from keyturn.attack.material import read_token
from keyturn.attack.probe import Probe
from keyturn.attack.target import Account, Revoke, Target
from keyturn.cli.attack_documents import MAX_FILE, find_public_keys, find_routes, parsed, read_file
from keyturn.errors import ConfigurationError

TOKEN_VARIABLE: Final = "KEYTURN_ATTACK_TOKEN"
PASSWORD_VARIABLE: Final = "KEYTURN_ATTACK_PASSWORD"


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """The options, as they were given."""

    url: str
    openapi: str | None
    routes: tuple[str, ...]
    token_file: str | None
    key: Path | None
    kid: str | None
    algorithm: str | None
    claims: Path | None
    issuer: str | None
    audience: str | None
    jwks: str | None
    username: str | None
    revoke_command: str | None


@asynccontextmanager
async def gather(given: Given, budget: Budget) -> AsyncIterator[tuple[Target, list[str]]]:
    """Read and fetch what *given* names and yield the target, with notes for the user.

    What is fetched counts in *budget*, and the way to it stays open within the ``with``, for a logout.

    Raises:
        ConfigurationError: something can't be read, or is at a host that was not named.

    """
    probe = Probe(budget)
    notes: list[str] = []
    try:
        target = await _target(given, probe, notes)
        yield target, notes
    finally:
        await probe.close()


def hosts_of(url: str, allowed: Iterable[str]) -> frozenset[str]:
    """Return the hosts that may be asked: the one of *url*, and those that are named.

    Raises:
        ConfigurationError: *url* is not one, or a name is no host.

    """
    names = {name.lower() for name in allowed}
    own = host_of(url)
    if not own:
        raise ConfigurationError("URL: give an http or https URL without a user name, such as http://localhost:8000.")
    if any(host_of(f"http://{name}") != name.strip("[]") for name in names):
        raise ConfigurationError("--allow-host: give a host alone, such as auth.example.com.")
    return frozenset({own, *(name.strip("[]") for name in names)})


async def _target(given: Given, probe: Probe, notes: list[str]) -> Target:
    url, routes = await find_routes(given.url, given.openapi, given.routes, probe, notes)
    account = _account(given)
    token = _token(given) or (None if account is None else await log_in(probe, account))
    header, claims, _ = read_token(token or "")
    target = Target(url=url, routes=routes, token=token, account=account, revoke=_revoke(given, probe, account))
    if given.key is not None:
        algorithm = given.algorithm or (str(header["alg"]) if "alg" in header else None)
        named = header.get("kid") if isinstance(header.get("kid"), str) else None
        signer = read_signer(read_file(given.key, "--key"), algorithm=algorithm, kid=given.kid or named)
        target = replace(target, signer=signer, claims=_claims(given))
    elif token is None:
        notes.append("No token and no key were handed over: only what needs neither is played.")
    issuer = given.issuer or claims.get("iss")
    return replace(target, public_keys=await find_public_keys(given.jwks, issuer, probe, notes))


def _claims(given: Given) -> Mapping[str, Any]:
    claims = {} if given.claims is None else parsed(read_file(given.claims, "--claims"), "--claims")
    if not isinstance(claims, Mapping):
        raise ConfigurationError("--claims: give a JSON object.")
    named = {"iss": given.issuer, "aud": given.audience}
    return {**claims, **{name: value for name, value in named.items() if value is not None}}


def _token(given: Given) -> str | None:
    """Return the token from the file, standard input or the environment; None where there is none anywhere."""
    if given.token_file == "-":
        data = sys.stdin.buffer.read(MAX_FILE)
    elif given.token_file is not None:
        data = read_file(Path(given.token_file), "--token-file")
    elif named := os.environ.get(TOKEN_VARIABLE):
        data = named.encode("ascii", "replace")
    else:
        return None
    text = data.decode("ascii", "replace").strip().removeprefix("Bearer ").strip()
    if not _TOKEN.fullmatch(text):
        raise ConfigurationError(f"--token-file, {TOKEN_VARIABLE}: there is no token, or more than one.")
    return text


def _account(given: Given) -> Account | None:
    if given.username is None:
        return None
    if given.issuer is None:
        raise ConfigurationError("--username: name the issuer of the account with --issuer.")
    password = os.environ.get(PASSWORD_VARIABLE) or _asked()
    return Account(issuer=given.issuer, username=given.username, password=password)


def _asked() -> str:
    if not sys.stdin.isatty():
        raise ConfigurationError(f"--username: put the password of the account into {PASSWORD_VARIABLE}.")
    password: str = typer.prompt("Password of the test account", hide_input=True, err=True)
    return password


def _revoke(given: Given, probe: Probe, account: Account | None) -> Revoke | None:
    command, issuer = given.revoke_command, None if account is None else account.issuer

    async def by_command(token: str) -> None:
        await _run(command or "", token)

    async def by_logout(token: str) -> None:
        await revoke_session(probe, issuer or "", token)

    if command is not None:
        return by_command
    return None if issuer is None else by_logout


async def _run(command: str, token: str) -> None:
    """Run *command* with the token on its standard input; what it prints may hold the token and is thrown away."""
    try:
        process = await asyncio.create_subprocess_exec(
            *shlex.split(command),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
    except (OSError, TypeError, ValueError):
        raise ConfigurationError("--revoke-command: it can't be run.") from None
    await process.communicate(f"{token}\n".encode())
    if process.returncode != 0:
        raise ConfigurationError(f"--revoke-command: it failed with {process.returncode}.")


#: One word of printable ASCII, as a header can hold it.
_TOKEN: Final = re.compile(r"[!-~]+")
