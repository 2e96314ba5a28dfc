"""The benchmark: every bar can be measured, and a report says what was measured and no more."""

import importlib
import json
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

BENCH = Path(__file__).parent.parent / "bench"

#: P11 installs, so it is no unit test; P4 needs the peers that only `make bench` installs.
ALONE = ["P1", "P2", "P3", "P5", "P6", "P7", "P8", "P9", "P10", "P12", "P13"]
WITH_PEERS = ["P4"] if find_spec("rest_framework") else []


@pytest.fixture(autouse=True)
def _bench_on_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(BENCH))


def bench(name: str) -> ModuleType:
    """Return a module of ``bench/``."""
    return importlib.import_module(name)


@pytest.mark.slow
@pytest.mark.parametrize("bar", [*ALONE, *WITH_PEERS])
def test_a_bar_yields_its_rows(bar: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """P1-P13: every bar can be measured, and its rows carry its name, a figure and the bar itself."""
    rows = bench("rows")
    module = bench(bench("run").BARS[bar])
    for shortened in ("SHORTEST_TURN", "WARM_UP_SECONDS", "FLOOD_LEAD"):
        monkeypatch.setattr(module, shortened, 0.1, raising=False)
    monkeypatch.setattr(bench("served"), "WARM_UP_SECONDS", 0.1)

    measured = module.measure(rows.Options(seconds=0.1, turns=1, scale=0.001))

    assert {row.bar for row in measured} == {bar}
    assert all(row.measured for row in measured)
    assert any(row.target and row.met is not None for row in measured)


def test_a_table_and_json_say_the_same(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Both faces of the report name the bar, the figure and whether it was met."""
    run = bench("run")
    plant(monkeypatch, met=True)

    table_code, table = run.main(["--only", "P1"]), capsys.readouterr().out
    json_code, report = run.main(["--only", "P1", "--json"]), json.loads(capsys.readouterr().out)

    assert (table_code, json_code) == (0, 0)
    assert "12 apples" in table
    assert "yes" in table
    assert report["rows"][0]["measured"] == "12 apples"
    assert report["rows"][0]["met"] is True
    assert report["machine"]["cores"]


def test_a_missed_bar_fails_only_a_strict_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """A figure is news, not an error, unless ``--strict`` asks."""
    run = bench("run")
    plant(monkeypatch, met=False)

    assert run.main(["--only", "P1"]) == 0
    assert run.main(["--only", "P1", "--strict"]) == 1


def test_a_broken_bar_spoils_no_other(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """What could be measured is reported, and the exit code says that something could not."""
    run = bench("run")
    plant(monkeypatch, met=True)
    monkeypatch.setitem(run.BARS, "P2", "no_such_module")

    code = run.main(["--only", "P2", "--only", "P1"])

    assert code == 1
    assert "12 apples" in capsys.readouterr().out


def test_the_load_sends_the_token_that_it_was_answered_with(server: "Server") -> None:
    """Each refresh carries the successor from the answer before: rotation is real, and nothing is replayed."""
    load = bench("load")
    rotation = load.Rotation(head=load.json_head("/"), before="", after="", marker='"next":"', tokens=("0",))

    with load.Load(load.Plan(port=server.port, connections=1, rotation=rotation)) as refreshes:
        first, second = refreshes.run(0.05), refreshes.run(0.05)

    assert first.good + second.good == len(server.bodies) > 2
    assert server.bodies == [str(number) for number in range(len(server.bodies))]


def test_a_bad_answer_voids_the_figures(server: "Server") -> None:
    """A server that refuses is fast; that must not look like a good figure."""
    load = bench("load")
    plan = load.Plan(port=server.port, connections=2, requests=(load.get("/refused"),))

    with load.Load(plan) as refused, pytest.raises(RuntimeError, match="404"):
        refused.run(0.05)


def test_the_sides_take_turns() -> None:
    """On a shared machine only figures that lie side by side in time compare."""
    rounds, seen = bench("rounds"), []

    def side(name: str, figures: list[float]) -> float:
        seen.append(name)
        return figures.pop(0)

    a, b = [1.0, 3.0, 2.0], [6.0, 5.0, 4.0]

    assert rounds.most(3, lambda: side("a", a), lambda: side("b", b)) == [3.0, 6.0]
    assert seen == ["a", "b", "a", "b", "a", "b"]


@pytest.mark.parametrize(
    ("two", "idle", "met"), [(1500.0, 1.0, True), (1500.0, 0.0, True), (1300.0, 1.0, False), (1300.0, 0.9, None)]
)
def test_a_second_worker_misses_its_bar_only_where_it_had_a_core(two: float, idle: float, met: bool | None) -> None:
    """What the machine could not give is no miss; that no core was free stands in the row."""
    p05 = bench("p05_postgresql")
    sides = {("SQLite", workers): SimpleNamespace(idle_cores=idle, p99=0.01) for workers in (1, 2)}

    row = p05._gain("SQLite", sides, {("SQLite", 1): 1000.0, ("SQLite", 2): two})

    assert row.met is met
    assert ("no core was free" in row.beside) is (idle < 1)


class Server:
    """Answers a POST of a number with the next one, and anything else with 404."""

    def __init__(self) -> None:
        self.bodies: list[str] = []
        bodies = self.bodies

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                bodies.append(body)
                self.answer(200, json.dumps({"next": str(int(body) + 1)}, separators=(",", ":")))

            def do_GET(self) -> None:
                self.answer(404, "")

            def answer(self, status: int, text: str) -> None:
                self.send_response(status)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text.encode())

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.http.server_port


@pytest.fixture
def server() -> Iterator[Server]:
    """Serve in a thread."""
    running = Server()
    thread = threading.Thread(target=running.http.serve_forever, args=(0.01,))
    thread.start()
    yield running
    running.http.shutdown()
    thread.join()
    running.http.server_close()


def plant(monkeypatch: pytest.MonkeyPatch, *, met: bool) -> None:
    """Put a bar of our own in the place of P1."""
    rows, run = bench("rows"), bench("run")
    module = ModuleType("planted")
    module.measure = lambda _: [rows.Row(bar="P1", what="apples", measured="12 apples", target="any", met=met)]
    monkeypatch.setitem(sys.modules, "planted", module)
    monkeypatch.setitem(run.BARS, "P1", "planted")
