"""A machine sends what the OpenAPI document allows and what it does not, and holds each answer against it.

The server is a real one, on a socket. Whatever comes back has a documented status, media type, schema and headers.
"""

import socket
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from random import Random
from threading import Thread
from time import sleep
from typing import Any

import httpx2
import pytest
import schemathesis
import uvicorn
from http_world import AUDIENCE, PASSWORD
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    allow_header_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from keyturn import store
from keyturn.server.app import create_app
from keyturn.server.description.operations import OPERATIONS
from keyturn.server.settings import Settings
from keyturn.tokens import base64url

pytestmark = pytest.mark.slow

CONFORMANCE = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    allow_header_conformance,
]


#: What takes nothing can't be sent anything wrong.
CASES = [
    (f"{each.method} {each.path}", mode)
    for each in OPERATIONS
    for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)
    if mode is GenerationMode.POSITIVE or each.body or each.credentials or each.query
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: Any) -> Path:
    """Where the server keeps its database."""
    made: Path = tmp_path_factory.mktemp("conformance")
    return made


@pytest.fixture(scope="module")
def issuer(folder: Path) -> Iterator[str]:
    """Serve on a socket, with limits that let a machine through; yield the issuer."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        issuer = f"http://127.0.0.1:{listener.getsockname()[1]}"
        app = create_app(_settings(issuer, folder))
        server = uvicorn.Server(uvicorn.Config(_prepared(app, folder), log_config=None, lifespan="on"))
        thread = Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        while not server.started:
            assert thread.is_alive()
            sleep(0.01)
        yield issuer
        server.should_exit = True
        thread.join()


@pytest.fixture
def token(issuer: str, folder: Path) -> str:
    """A fresh access token of an admin, for the issuer: some operation may have ended the session of the last one."""
    user = {"username": "ada", "password": PASSWORD}
    httpx2.post(f"{issuer}/register", json=user)
    with closing(sqlite3.connect(folder / "keyturn.db")) as database:
        database.execute("""UPDATE users SET roles = '["admin"]' WHERE username = 'ada'""")
        database.commit()
    answer = httpx2.post(f"{issuer}/login", json=user | {"client": "native", "resource": issuer}).json()
    return str(answer["access_token"])


@pytest.fixture(scope="module")
def schema(issuer: str) -> Any:
    """The document as the server hands it out."""
    return schemathesis.openapi.from_url(f"{issuer}/openapi.json")


@pytest.mark.parametrize(("operation", "mode"), CASES, ids=str)
def test_answers_are_as_documented(schema: Any, token: str, operation: str, mode: GenerationMode) -> None:
    """With a good token where one is taken, and without one."""
    method, path = operation.split()
    credentials = [{}, {"Authorization": f"Bearer {token}"}]

    @given(case=schema[path][method].as_strategy(generation_mode=mode), headers=st.sampled_from(credentials))
    @settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck), phases=[Phase.generate])
    def answers(case: Any, headers: dict[str, str]) -> None:
        case.call_and_validate(checks=CONFORMANCE, headers=headers)

    answers()


def _settings(issuer: str, folder: Path) -> Settings:
    return Settings.load(
        environ={},
        issuer=issuer,
        access_token={"audience": [AUDIENCE]},
        keys={"master_key": base64url.encode(Random(7).randbytes(32))},
        database={"url": f"sqlite:///{folder}/keyturn.db"},
        password={"memory_kib": 7168, "time_cost": 5},
        registration={"mode": "open"},
        rate_limit={"login_per_ip": "100000/1m", "login_per_account": "100000/1m"},
    )


def _prepared(app: Any, folder: Path) -> Any:
    """Return *app*, whose database is made when it starts."""

    async def prepared(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await store.upgrade(f"sqlite:///{folder}/keyturn.db")
        await app(scope, receive, send)

    return prepared
