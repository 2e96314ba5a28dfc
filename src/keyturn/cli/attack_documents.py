"""What ``keyturn attack`` reads from files and URLs: an OpenAPI document, a key set, anything in JSON or YAML."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import yaml

from keyturn.attack.budget import host_of
from keyturn.attack.model import Route
from keyturn.attack.openapi import read_openapi, server_path
from keyturn.attack.probe import Probe
from keyturn.attack.routes import parse_route
from keyturn.errors import ConfigurationError, KeyturnError
from keyturn.tokens.jwk import PRIVATE_MEMBERS
from keyturn.verify.locations import key_set_location

#: Bytes of a file that are read at most.
MAX_FILE: Final = 4 * 1024 * 1024


async def find_routes(
    url: str, openapi: str | None, routes: Sequence[str], probe: Probe, notes: list[str]
) -> tuple[str, tuple[Route, ...]]:
    """Return the base and the routes; a *url* with a path, and nothing else said, is a route itself.

    Raises:
        ConfigurationError: the document can't be read, is none, or describes no route to attack.

    """
    named = tuple(map(parse_route, routes))
    parts = urlsplit(url)
    origin = f"{parts.scheme}://{parts.netloc}"
    if openapi is None and (named or parts.path.strip("/")):
        return (url, named) if named else (origin, (parse_route(_path_of(url, origin)),))
    source = openapi or f"{origin}/openapi.json"
    described = read_openapi(parsed(await _contents(source, probe, "--openapi"), "--openapi"))
    notes.extend(described.notes)
    base = url
    here = [server for server in described.servers if host_of(server) in {"", host_of(url)}]
    if described.servers and not here:
        elsewhere = host_of(described.servers[0])
        notes.append(f"The document names a server at {elsewhere}; {url} is attacked instead.")
    elif here and not parts.path.strip("/"):
        base = f"{origin}{server_path(here[0])}"
    known = {(route.method, route.path) for route in named}
    found = (*named, *(route for route in described.routes if (route.method, route.path) not in known))
    if not found:
        raise ConfigurationError("--openapi: it describes no route that needs a bearer token; name one with --route.")
    return base, found


async def find_public_keys(
    source: str | None, issuer: object, probe: Probe, notes: list[str]
) -> tuple[Mapping[str, Any], ...]:
    """Return the keys at *source*, or else where a Keyturn issuer has them, if its host was named."""
    if source is not None:
        return _keys(parsed(await _contents(source, probe, "--jwks"), "--jwks"))
    if not isinstance(issuer, str) or not host_of(issuer):
        return ()
    location = key_set_location(issuer)
    try:
        return _keys(parsed(await probe.document(location), "--jwks"))
    except KeyturnError as error:
        notes.append(f"The issuer's public keys are not there, name them with --jwks. {error}")
        return ()


def _keys(document: object) -> tuple[Mapping[str, Any], ...]:
    entries = document.get("keys", [document]) if isinstance(document, Mapping) else None
    if not isinstance(entries, list):
        raise ConfigurationError("--jwks: give a JWK Set.")
    public = [entry for entry in entries if isinstance(entry, Mapping) and entry.get("kty") != "oct"]
    return tuple({name: value for name, value in entry.items() if name not in PRIVATE_MEMBERS} for entry in public)


def read_file(path: Path, option: str) -> bytes:
    """Return what is in the file *path*.

    Raises:
        ConfigurationError: it can't be read; *option* named it.

    """
    try:
        with path.open("rb") as file:
            return file.read(MAX_FILE)
    except OSError as error:
        raise ConfigurationError(f"{option}: {path} can't be read: {error.strerror}.") from None


def parsed(data: bytes, option: str) -> object:
    """Return what *data*, JSON or YAML, says.

    Raises:
        ConfigurationError: it is neither.

    """
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        pass
    try:
        return yaml.safe_load(data)
    except (yaml.YAMLError, ValueError, RecursionError):
        raise ConfigurationError(f"{option}: it is neither JSON nor YAML.") from None


async def _contents(source: str, probe: Probe, option: str) -> bytes:
    if source.startswith(("http://", "https://")):
        return await probe.document(source)
    return read_file(Path(source), option)


def _path_of(url: str, origin: str) -> str:
    return url.removeprefix(origin).partition("#")[0]
