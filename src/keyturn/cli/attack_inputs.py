"""What a user hands over to ``keyturn attack``: routes, a token, keys, an account. Secrets never as an argument."""

import asyncio
import json
import os
import shlex
import sys
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import typer
import yaml

from keyturn.attack.budget import Budget, host_of
from keyturn.attack.issuer import log_in, revoke_session
from keyturn.attack.keyfile import read_signer
from keyturn.attack.material import read_token
from keyturn.attack.model import Route
from keyturn.attack.openapi import read_openapi, server_path
from keyturn.attack.probe import Probe
from keyturn.attack.routes import parse_route
from keyturn.attack.target import Account, Revoke, Target
from keyturn.errors import ConfigurationError, KeyturnError
from keyturn.tokens.jwk import PRIVATE_MEMBERS
from keyturn.verify.locations import key_set_location

TOKEN_VARIABLE: Final = "KEYTURN_ATTACK_TOKEN"
PASSWORD_VARIABLE: Final = "KEYTURN_ATTACK_PASSWORD"

#: Bytes of a file that are read at most.
MAX_FILE: Final = 4 * 1024 * 1024


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
    url, routes = await _routes(given, probe, notes)
    account = _account(given)
    token = _token(given) or (None if account is None else await log_in(probe, account))
    header, claims, _ = read_token(token or "")
    target = Target(url=url, routes=routes, token=token, account=account, revoke=_revoke(given, probe, account))
    if given.key is not None:
        algorithm = given.algorithm or (str(header["alg"]) if "alg" in header else None)
        named = header.get("kid") if isinstance(header.get("kid"), str) else None
        signer = read_signer(_read(given.key, "--key"), algorithm=algorithm, kid=given.kid or named)
        target = replace(target, signer=signer, claims=_claims(given))
    elif token is None:
        notes.append("No token and no key were handed over: only what needs neither is played.")
    issuer = given.issuer or claims.get("iss")
    return replace(target, public_keys=await _public_keys(given.jwks, issuer, probe, notes))


async def _routes(given: Given, probe: Probe, notes: list[str]) -> tuple[str, tuple[Route, ...]]:
    """Return the base and the routes; a URL with a path, and nothing else said, is a route itself."""
    named = tuple(map(parse_route, given.routes))
    parts = urlsplit(given.url)
    origin = f"{parts.scheme}://{parts.netloc}"
    if given.openapi is None and (named or parts.path.strip("/")):
        return (given.url, named) if named else (origin, (parse_route(_path_of(given.url, origin)),))
    source = given.openapi or f"{origin}/openapi.json"
    described = read_openapi(_parsed(await _contents(source, probe, "--openapi"), "--openapi"))
    notes.extend(described.notes)
    base = given.url
    for server in described.servers[:1]:
        if host_of(server) not in {"", host_of(given.url)}:
            notes.append(f"The document names a server at {host_of(server)}; {given.url} is attacked instead.")
        elif not parts.path.strip("/"):
            base = f"{origin}{server_path(server)}"
    known = {(route.method, route.path) for route in named}
    routes = (*named, *(route for route in described.routes if (route.method, route.path) not in known))
    if not routes:
        raise ConfigurationError("--openapi: it describes no route that needs a bearer token; name one with --route.")
    return base, routes


async def _public_keys(
    source: str | None, issuer: object, probe: Probe, notes: list[str]
) -> tuple[Mapping[str, Any], ...]:
    """Return the keys at *source*, or else where a Keyturn issuer has them, if its host was named."""
    if source is not None:
        return _keys(_parsed(await _contents(source, probe, "--jwks"), "--jwks"))
    if not isinstance(issuer, str) or not host_of(issuer):
        return ()
    location = key_set_location(issuer)
    try:
        return _keys(_parsed(await probe.document(location), "--jwks"))
    except KeyturnError as error:
        notes.append(f"The issuer's public keys are not there, name them with --jwks. {error}")
        return ()


def _keys(document: object) -> tuple[Mapping[str, Any], ...]:
    entries = document.get("keys", [document]) if isinstance(document, Mapping) else None
    if not isinstance(entries, list):
        raise ConfigurationError("--jwks: give a JWK Set.")
    public = [entry for entry in entries if isinstance(entry, Mapping) and entry.get("kty") != "oct"]
    return tuple({name: value for name, value in entry.items() if name not in PRIVATE_MEMBERS} for entry in public)


def _claims(given: Given) -> Mapping[str, Any]:
    claims = {} if given.claims is None else _parsed(_read(given.claims, "--claims"), "--claims")
    if not isinstance(claims, Mapping):
        raise ConfigurationError("--claims: give a JSON object.")
    named = {"iss": given.issuer, "aud": given.audience}
    return {**claims, **{name: value for name, value in named.items() if value is not None}}


def _token(given: Given) -> str | None:
    if given.token_file is None:
        return os.environ.get(TOKEN_VARIABLE, "").strip() or None
    data = sys.stdin.buffer.read(MAX_FILE) if given.token_file == "-" else _read(Path(given.token_file), "--token-file")
    text = data.decode("ascii", "replace").strip().removeprefix("Bearer ").strip()
    if not text.isprintable() or not text.isascii() or " " in text or not text:
        raise ConfigurationError("--token-file: it holds no token, or more than one.")
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


def _path_of(url: str, origin: str) -> str:
    return url.removeprefix(origin).partition("#")[0]


async def _contents(source: str, probe: Probe, option: str) -> bytes:
    if source.startswith(("http://", "https://")):
        return await probe.document(source)
    return _read(Path(source), option)


def _read(path: Path, option: str) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(MAX_FILE)
    except OSError as error:
        raise ConfigurationError(f"{option}: {path} can't be read: {error.strerror}.") from None


def _parsed(data: bytes, option: str) -> object:
    """Return what *data*, JSON or YAML, says."""
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        pass
    try:
        return yaml.safe_load(data)
    except (yaml.YAMLError, ValueError, RecursionError):
        raise ConfigurationError(f"{option}: it is neither JSON nor YAML.") from None
