"""Load over HTTP, made in a process of its own: what to send, and what came of it.

::

    with Load(Plan(port=8080, connections=64, requests=(get("/me", token=token),))) as load:
        print(load.run(5.0).rate)
"""

import json
import subprocess
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

from processes import LOAD_CORES, pinned, python

HOST = "127.0.0.1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rotation:
    """Requests that each carry a refresh token, where the answer brings the next one.

    Attributes:
        head: the request line and the headers, without ``Content-Length``.
        before: the body up to the token.
        after: the body from the token on.
        marker: what stands before the new token in the answer; a quote ends it.
        tokens: where to begin; each connection takes its share of them in turn.

    """

    head: str
    before: str
    after: str
    marker: str
    tokens: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What to send.

    Attributes:
        port: of 127.0.0.1.
        connections: how many requests are under way at once.
        requests: whole requests, sent in turn; or else
        rotation: requests with refresh tokens.
        pause: seconds a connection waits between an answer and its next request.
        cores: where the load is made.

    """

    port: int
    connections: int
    requests: tuple[str, ...] = ()
    rotation: Rotation | None = None
    pause: float = 0.0
    cores: frozenset[int] = LOAD_CORES


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of it.

    Attributes:
        rate: good answers (2xx) a second.
        p50: the median time from request to answer, in seconds.
        p99: the time that one in a hundred takes longer than, in seconds.
        good: how many good answers.
        bad: how many others.
        example: the first of the others.

    """

    rate: float
    p50: float
    p99: float
    good: int
    bad: int
    example: str


class Load:
    """A process that sends what a plan says whenever it is told to."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan

    def __enter__(self) -> Self:
        with pinned(self._plan.cores):
            self._process = subprocess.Popen(
                python(str(Path(__file__).with_name("load_worker.py"))),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
        self._say(asdict(self._plan) | {"cores": sorted(self._plan.cores)})
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate()

    def begin(self, seconds: float) -> None:
        """Start to send for *seconds*; :meth:`finish` waits for it."""
        self._say(seconds)

    def finish(self) -> Outcome:
        """Return what came of what was begun.

        Raises:
            RuntimeError: some answer was bad, so the figures would say nothing.

        """
        assert self._process.stdout is not None
        outcome = Outcome(**json.loads(self._process.stdout.readline()))
        if outcome.bad:
            raise RuntimeError(f"{outcome.bad} of {outcome.bad + outcome.good} answers were bad: {outcome.example}")
        return outcome

    def run(self, seconds: float) -> Outcome:
        """Send for *seconds* and return what came of it; raises what :meth:`finish` raises."""
        self.begin(seconds)
        return self.finish()

    def _say(self, message: object) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(message) + "\n")
        self._process.stdin.flush()


def get(path: str, *, token: str = "") -> str:
    """Return a whole GET request."""
    bearer = f"Authorization: Bearer {token}\r\n" if token else ""
    return f"GET {path} HTTP/1.1\r\nHost: {HOST}\r\n{bearer}\r\n"


def post_json(path: str, body: object) -> str:
    """Return a whole POST request with *body* as JSON."""
    text = json.dumps(body)
    return f"{json_head(path)}Content-Length: {len(text)}\r\n\r\n{text}"


def json_head(path: str) -> str:
    """Return the head of a POST of JSON, without ``Content-Length``."""
    return f"POST {path} HTTP/1.1\r\nHost: {HOST}\r\nContent-Type: application/json\r\n"


def keyturn_rotation(tokens: tuple[str, ...]) -> Rotation:
    """Return refreshes at our ``/token``."""
    return Rotation(
        head=f"POST /token HTTP/1.1\r\nHost: {HOST}\r\nContent-Type: application/x-www-form-urlencoded\r\n",
        before="grant_type=refresh_token&refresh_token=",
        after="",
        marker='"refresh_token":"',
        tokens=tokens,
    )
