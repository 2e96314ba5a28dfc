"""The log: its lines, what never gets into it, and how it is written."""

import errno
import io
import json
import logging
import time
from pathlib import Path
from typing import Any, NoReturn, Self

import pytest
from http_world import World

from keyturn.errors import InvalidToken, InvalidTokenReason, KeyturnError, TemporarilyUnavailable
from keyturn.server.observing import log_output, logs
from keyturn.server.observing.log_output import LineWriter
from keyturn.server.observing.log_redaction import MAX_LENGTH, clean, describe, redact
from keyturn.server.settings import LogFormat, LogLevel

JWT = "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJhZGEifQ.c2lnbmF0dXJl"
REFRESH_TOKEN = "ktr_AaZyyazmpZf5imTjVrRoLHD_nnVzAAAAAZHUP-dy9T8x"
DEVICE_TOKEN = "ktd_AaZyyazJ8QVnRo7h749HFnDAQ33d5nHOC02f"
HASH = "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHQ$aGFzaA"
PRIVATE_KEY = "-----BEGIN PRIVATE KEY-----\nMIGHAgEA\n-----END PRIVATE KEY-----"

NAUGHTY = ["\n", "\r\n", "\x1b[31m", "\x00", "\x85", "\u2028", "\u2029", "\u202e", "\u200b", "\ufeff", "\x7f", "\x9b2J"]


def fail_with(message: str) -> NoReturn:
    """Raise an error that says *message*."""
    raise RuntimeError(message)


class Log:
    """What was written, to read after the log was closed."""

    def __init__(self, form: LogFormat = LogFormat.JSON, level: LogLevel = LogLevel.INFO) -> None:
        self._stream = io.StringIO()
        self._writing = logs.writing(self._stream, level=level, form=form)

    def __enter__(self) -> Self:
        self._writing.__enter__()
        return self

    def __exit__(self, *about: object) -> None:
        self._writing.__exit__(*about)

    @property
    def text(self) -> str:
        """All of it."""
        return self._stream.getvalue()

    @property
    def lines(self) -> list[dict[str, Any]]:
        """Its lines of JSON."""
        return [json.loads(line) for line in self.text.splitlines()]


@pytest.mark.parametrize("secret", [JWT, REFRESH_TOKEN, DEVICE_TOKEN, HASH, PRIVATE_KEY, f"Bearer {'a' * 20}"])
def test_a_secret_is_known_by_its_shape(secret: str) -> None:
    """A57: in any text, wherever it stands in it; also the beginning of one."""
    for text in (secret, f"refused {secret} from", f'"{secret}"', f"a={secret};", secret[: len(secret) - 4]):
        assert secret[8:-4] not in clean(text)
        assert "[redacted]" in clean(text)


@pytest.mark.parametrize(
    "name",
    ["password", "new_password", "refresh_token", "access_token", "device_token", "Authorization", "Cookie",
     "set-cookie", "master_key", "client_secret", "credentials", "private_key", "handle"],
)  # fmt: skip
def test_a_secret_is_known_by_its_name(name: str) -> None:
    """A57: whatever its shape, and in whatever it lies."""
    assert redact({name: "hunter2"}) == {name: "[redacted]"}
    assert redact({"request": {name: "hunter2"}}) == {"request": {name: "[redacted]"}}
    assert redact({"requests": [{name: "hunter2"}]}) == {"requests": [{name: "[redacted]"}]}


@pytest.mark.parametrize("naughty", NAUGHTY)
def test_nothing_in_a_value_can_begin_a_line_or_steer_a_terminal(naughty: str) -> None:
    """OPS-03, A52: line ends, escapes and Unicode's separators are written as escapes, in names too."""
    cleaned = redact({f"a{naughty}b": f"c{naughty}d"})

    for text in (*cleaned, *cleaned.values()):
        assert naughty not in text
        assert text.isprintable()
        assert len(text.splitlines()) == 1


def test_what_is_harmless_stays_as_it_is() -> None:
    """People's names in their own letters too."""
    fields = {
        "user": "Zoë 陳",
        "n": 1,
        "share": 0.5,
        "ok": True,
        "none": None,
        "kid": "6aojN6XjqxPakgoiegAYq8ktmmKIa87M",
    }

    assert redact(fields) == fields


def test_a_value_without_end_is_cut() -> None:
    """No peer writes the disk full with one field."""
    assert len(clean("é" * 10 * MAX_LENGTH)) == MAX_LENGTH
    assert len(clean("a" * 10 * MAX_LENGTH)) == MAX_LENGTH


def test_an_error_is_told_by_where_it_was_raised_and_never_by_values() -> None:
    """A57: neither a local variable nor a message brings a token into the log."""

    def fail(token: str) -> None:
        raise ValueError(f"bad {token}\nforged line")

    try:
        try:
            fail(JWT)
        except ValueError as error:
            raise RuntimeError("outer") from error
    except RuntimeError as error:
        described = describe(error)

    assert described["type"] == "RuntimeError"
    assert described["cause"] == {"type": "ValueError"}
    assert described["at"][0].endswith("test_an_error_is_told_by_where_it_was_raised_and_never_by_values")
    assert JWT not in str(described)


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (RuntimeError("INSERT … VALUES ('ada', 'hunter2')"), None),
        (OSError("hunter2"), None),
        (OSError(errno.ENOSPC, "hunter2"), "No space left on device"),
        (OSError(["hunter2"], "hunter2"), None),
        (FileNotFoundError(errno.ENOENT, "hunter2", "hunter2"), "No such file or directory"),
        (type("DriverError", (OSError,), {"strerror": "hunter2"})(errno.EIO, "x"), "Input/output error"),
        (TemporarilyUnavailable("store: SQLITE_FULL"), "store: SQLITE_FULL"),
        (InvalidToken(InvalidTokenReason.EXPIRED), "expired"),
        (KeyturnError("one\ntwo"), "one\\x0atwo"),
        (KeyturnError(), None),
    ],
    ids=repr,
)
def test_what_an_error_says_itself_is_told_only_where_we_wrote_it(error: BaseException, message: str | None) -> None:
    """A57: the text of an app's or a driver's error may hold a password; of the system's, the system's own words."""
    described = describe(error)

    assert described.get("message") == message
    assert described["type"] == type(error).__qualname__
    assert "hunter2" not in str(described)


def test_a_request_is_one_line_of_json() -> None:
    """OPS-03: with the time in UTC."""
    with Log() as log:
        logs.log_request(
            method="DELETE",
            route="/sessions/{session_id}",
            status=204,
            seconds=0.00123,
            request_id="abc",
            address="192.0.2.1",
        )

    (line,) = log.lines
    assert line.pop("timestamp").endswith("Z")
    assert line == {
        "level": "info",
        "event": "request",
        "method": "DELETE",
        "route": "/sessions/{session_id}",
        "status": 204,
        "ms": 1.23,
        "request_id": "abc",
        "address": "192.0.2.1",
    }


def test_a_failure_is_one_line_with_its_cause() -> None:
    """WEB-12: what the peer was not told is here, under the id that it was told."""
    with Log() as log:
        try:
            raise KeyturnError(f"{REFRESH_TOKEN}\x1b[31m")  # noqa: TRY301 - what is under test takes it raised
        except KeyturnError as error:
            logs.log_failure(error, request_id="abc")

    (line,) = log.lines
    assert line["request_id"] == "abc"
    assert line["error"]["message"] == "[redacted]\\x1b[31m"
    assert "\x1b" not in log.text


def test_what_libraries_log_goes_the_same_way() -> None:
    """A57: an error that a library logs is redacted like ours, and no handler of its own writes it past us."""
    with Log() as log:
        logging.getLogger("some.library").warning("got %s\nnext", JWT)
        logging.getLogger("some.library").info("quiet")
        try:
            fail_with(JWT)
        except RuntimeError:
            logging.getLogger("some.library").exception("failed")

    assert [line["event"] for line in log.lines] == ["got [redacted]\\x0anext", "quiet", "failed"]
    assert log.lines[0]["logger"] == "some.library"
    assert log.lines[2]["error"]["type"] == "RuntimeError"
    assert JWT not in log.text


def test_a_library_s_mistake_in_a_log_line_harms_nobody() -> None:
    """What it meant to say is written without its values."""
    with Log() as log:
        logging.getLogger("some.library").warning("%d of %s", "one")  # noqa: PLE1206 - the mistake is the subject  # noqa: PLE1206 - the mistake

    assert [line["event"] for line in log.lines] == ["%d of %s"]


def test_the_level_keeps_out_what_is_less_urgent() -> None:
    """Of ours and of libraries."""
    with Log(level=LogLevel.WARNING) as log:
        logs.get_logger().info("a")
        logs.get_logger().warning("b")
        logging.getLogger("x").info("c")

    assert [line["event"] for line in log.lines] == ["b"]


def test_debug_is_for_our_own_lines_alone() -> None:
    """What libraries say then holds whole requests."""
    with Log(level=LogLevel.DEBUG) as log:
        logs.get_logger().debug("a")
        logging.getLogger("x").debug("b")

    assert [line["event"] for line in log.lines] == ["a"]


def test_people_get_lines_for_people() -> None:
    """In one line each, too, and without colours where there is no terminal."""
    with Log(LogFormat.CONSOLE) as log:
        logs.get_logger().info("hello", name="Zoë\n", password="hunter2")

    assert log.text.count("\n") == 1
    assert "Zoë\\x0a" in log.text
    assert "hunter2" not in log.text
    assert "\x1b" not in log.text


def test_auto_is_json_where_there_is_no_terminal() -> None:
    """For whoever collects it."""
    with Log(LogFormat.AUTO) as log:
        logs.get_logger().info("hello")

    assert log.lines[0]["event"] == "hello"


def test_inside_another_app_lines_go_to_the_standard_library(caplog: pytest.LogCaptureFixture) -> None:
    """Redacted all the same; the app decides what becomes of them."""
    caplog.set_level(logging.INFO, "keyturn")

    logs.get_logger().info("hello", name="ada\n", token=JWT)

    (record,) = caplog.records
    assert (record.name, record.getMessage()) == ("keyturn", "hello name=ada\\x0a token=[redacted]")


def test_everything_is_as_before_after_the_log_was_closed() -> None:
    """The process's other loggers are not ours."""
    root = logging.getLogger()
    before = (root.handlers[:], root.level, logs.get_logger())

    with Log():
        assert logs.get_logger() is not before[2]

    assert (root.handlers, root.level, logs.get_logger()) == before


class Stuck(io.StringIO):
    """A stream that takes nothing until it is let."""

    def __init__(self) -> None:
        super().__init__()
        self.free = False

    def write(self, text: str) -> int:
        """Wait, then write."""
        while not self.free:
            time.sleep(0.001)
        return super().write(text)


def test_a_stream_that_hangs_holds_up_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lines fall out, the memory stays bounded, and the log says how many are missing."""
    monkeypatch.setattr(log_output, "MAX_WAITING", 100)
    stream = Stuck()
    writer = LineWriter(stream)
    writer.write("first")
    time.sleep(0.1)

    began = time.perf_counter()
    for _ in range(1000):
        writer.write("line")
    assert time.perf_counter() - began < 2

    stream.free = True
    writer.close()
    lines = stream.getvalue().splitlines()
    assert len(lines) == 102
    assert json.loads(lines[-1]) == {"event": "log lines dropped", "count": 900}


def test_a_stream_that_is_gone_stops_nobody(tmp_path: Path) -> None:
    """Whoever read the pipe has gone."""
    stream = (tmp_path / "log").open("w")
    stream.close()
    writer = LineWriter(stream)

    writer.write("line")

    writer.close()


async def test_no_secret_of_a_request_is_in_the_log(world: World) -> None:
    """A57: neither of what was sent nor of what was answered, right or wrong."""
    with Log() as log:
        tokens = await world.login()
        async with world.client() as client:
            await client.post("/login", json={"username": "ada", "password": "the wrong password"})
            await client.get("/me", headers={"Authorization": f"Bearer {tokens['access_token']}x"})
            await client.get(f"/{tokens['access_token']}?token={tokens['refresh_token']}")
            await client.delete(f"/sessions/{tokens['session_id']}", headers={"X-Request-Id": tokens["access_token"]})
            await client.post("/token", data={"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]})

    written = "\n".join(str(line) for line in log.lines if line.get("logger") != "httpx2")
    assert written.count("'request'") == 6
    for secret in ("the wrong password", "correct horse", *map(str, tokens.values())):
        if len(secret) > 16:
            assert secret not in written
    assert tokens["refresh_token"][4:30] not in written
    assert tokens["access_token"][:30] not in log.text
