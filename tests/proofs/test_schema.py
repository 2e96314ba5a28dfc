"""The running server against its own OpenAPI document: what Schemathesis makes up is answered as the document says."""

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import hypothesis
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.config import SchemathesisConfig
from schemathesis.core.result import Ok
from schemathesis.schemas import APIOperation
from schemathesis.specs.openapi.checks import positive_data_acceptance

from server import Installation, Server, add_users, install, log_in, serving

pytestmark = pytest.mark.slow

TIMEOUT_SECONDS = 10

NOT_CHECKED: list[Any] = [
    positive_data_acceptance,  # a schema can't say that a field is there once, or that two fields go together
]

CONFIG = {
    "checks": {
        "negative_data_rejection": {
            "expected-statuses": ["400", "401", "403", "404", "405", "409", "413", "415", "422"]
        }
    }
}
"""A body may be wrong in being too large, which comes first: 413."""


@dataclass(slots=True)
class Explorer:
    """Sends what Schemathesis makes up, so many examples an operation, and counts."""

    server: Server
    seed: int
    examples: int
    requests: int = 0

    def explore(
        self, operation: APIOperation[Any, Any, Any, Any], mode: GenerationMode, headers: dict[str, str]
    ) -> None:
        """Send what the strategy of the operation makes up, and check each answer."""

        @hypothesis.seed(self.seed)
        @settings(
            max_examples=self.examples,
            deadline=None,
            database=None,
            phases=[Phase.explicit, Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @hypothesis.given(case=operation.as_strategy(generation_mode=mode))
        def send(case: schemathesis.Case[Any]) -> None:
            self.requests += 1
            case.call_and_validate(
                base_url=self.server.url, headers=headers, excluded_checks=NOT_CHECKED, timeout=TIMEOUT_SECONDS
            )

        with contextlib.suppress(Unsatisfiable):  # what takes no input can't be given a bad one
            send()


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Installation:
    """An installation where even registration is open, and whose user is an admin."""
    made = install(tmp_path_factory.mktemp("schema"), KEYTURN_REGISTRATION_MODE="open", KEYTURN_LOG_LEVEL="info")
    add_users(made, "alice", roles=("user", "admin"))
    return made


@pytest.fixture(scope="module")
def server(installation: Installation) -> Iterator[Server]:
    """Its server."""
    with serving(installation) as running:
        yield running


def test_every_operation_does_what_its_document_says(
    installation: Installation, server: Server, full: bool, seed: int, say: Callable[[str], None]
) -> None:
    """WEB-12: no 500, no undocumented status, type, header or body, for good and bad input."""
    config = SchemathesisConfig.from_dict(CONFIG)
    document = schemathesis.openapi.from_url(f"{server.url}/openapi.json", config=config, timeout=TIMEOUT_SECONDS)
    operations = [found.ok() for found in document.get_all_operations() if isinstance(found, Ok)]
    explorer = Explorer(server, seed, examples=200 if full else 40)

    for operation in operations:
        for mode in GenerationMode:
            explorer.explore(operation, mode, headers_for(installation))

    assert len(operations) >= 16
    assert explorer.requests > 10 * len(operations)
    assert server.process.poll() is None
    assert '"status":500' not in server.log.read_text()
    say(f"schema: {len(operations)} operations, {explorer.requests} requests, 0 undocumented answers")


def headers_for(installation: Installation) -> dict[str, str]:
    """Return the credentials of a session of its own: an operation may end it."""
    (alice,) = log_in(installation, "alice", for_issuer=True)
    return {"Authorization": f"Bearer {alice.access_token}"}
