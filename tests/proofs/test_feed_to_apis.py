"""REF-16, REF-17: what a real server revokes, a verifier in another process refuses, without asking per request."""

import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from free_ports import free_port

sys.path.insert(0, str(Path(__file__).parents[1]))

import httpx2

from example_world import KEYTURN, environment, install, keyturn, log_in, running
from keyturn import InvalidToken, Revocations, Verifier, VerifierUnavailable

pytestmark = pytest.mark.slow

AUDIENCE = "my-api"

#: Seconds; far beyond the bound of a second, for a machine that is busy with other tests, far below a token's life.
PATIENCE = 20


@pytest.fixture
def settings(tmp_path: Path) -> dict[str, str]:
    """Return the settings of an installation with the user ada."""
    port = str(free_port())
    settings = {
        "KEYTURN_ISSUER": f"http://127.0.0.1:{port}",
        "KEYTURN_SERVER_PORT": port,
        "KEYTURN_ACCESS_TOKEN_AUDIENCE": AUDIENCE,
    }
    install(tmp_path, **settings)
    return settings


@pytest.fixture
def verifier(settings: dict[str, str]) -> Iterator[Verifier]:
    """Return a verifier with a patient view, so that it is the long poll that brings the news."""
    with Verifier(settings["KEYTURN_ISSUER"], AUDIENCE, revocations=Revocations(max_age=120)) as verifier:
        yield verifier


def wait_until_refused(verifier: Verifier, text: str) -> None:
    """Wait until *text* is refused, as revoked."""
    end = time.monotonic() + PATIENCE
    while (reason := _why_refused(verifier, text)) is None:
        assert time.monotonic() < end, "it is still good"
        time.sleep(0.01)
    assert reason in {"revoked", "unknown_key"}  # a stolen key leaves the key set, too


def _why_refused(verifier: Verifier, text: str) -> str | None:
    try:
        verifier.verify(text)
    except InvalidToken as refusal:
        return refusal.reason
    return None


def test_a_logout_and_a_stolen_key_reach_an_api(tmp_path: Path, settings: dict[str, str], verifier: Verifier) -> None:
    """Neither waits for the next page, nor for the next fetch of the keys; new logins work at once."""
    issuer = settings["KEYTURN_ISSUER"]
    with running(tmp_path, *KEYTURN, "serve", answers=f"{issuer}/readyz", env=environment(**settings)):
        ended, other = (log_in(issuer)["access_token"] for _ in range(2))
        stolen = verifier.verify(other).kid
        verifier.verify(ended)

        logout = httpx2.post(f"{issuer}/logout", headers={"Authorization": f"Bearer {ended}"})
        assert logout.status_code == 204
        wait_until_refused(verifier, ended)
        assert verifier.verify(other)

        keyturn(tmp_path, "keys", "revoke", "--yes", "--", stolen, **settings)
        wait_until_refused(verifier, other)
        assert verifier.verify(log_in(issuer)["access_token"]).kid != stolen


def test_a_server_that_starts_again_is_followed_again(
    tmp_path: Path, settings: dict[str, str], verifier: Verifier
) -> None:
    """What was revoked in the meantime by the command counts, and so does what was revoked before."""
    issuer = settings["KEYTURN_ISSUER"]
    serve = (*KEYTURN, "serve")
    with running(tmp_path, *serve, answers=f"{issuer}/readyz", env=environment(**settings)):
        texts = [log_in(issuer)["access_token"] for _ in range(2)]
        ended, later = (verifier.verify(text) for text in texts)
        httpx2.post(f"{issuer}/logout", headers={"Authorization": f"Bearer {texts[0]}"})
        wait_until_refused(verifier, texts[0])
    assert later.sid is not None
    keyturn(tmp_path, "sessions", "end", "--", later.sid, **settings)
    assert verifier.verify(texts[1])
    with running(tmp_path, *serve, answers=f"{issuer}/readyz", env=environment(**settings)):
        wait_until_refused(verifier, texts[1])
        with pytest.raises(InvalidToken):
            verifier.verify(texts[0])
    assert ended.sid != later.sid


def test_an_api_beside_a_server_without_a_feed_says_so(settings: dict[str, str]) -> None:
    """Nobody answers: a token can't be judged, and that is 503, not a verdict."""
    with (
        Verifier(settings["KEYTURN_ISSUER"], AUDIENCE, revocations=Revocations()) as verifier,
        pytest.raises(VerifierUnavailable),
    ):
        verifier.verify("a.b.c")
