"""Counts that several processes see."""

import os
from collections.abc import Callable

from prometheus_client import generate_latest

from keyturn.server.observing.metrics import Metrics
from keyturn.server.observing.tally import Page, Tally, shared_page


def in_another_process(work: Callable[[], object]) -> None:
    """Do *work* in a process that was forked just now."""
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            work()
            code = 0
        finally:
            os._exit(code)
    assert os.waitpid(pid, 0)[1] == 0


def test_what_one_process_counts_another_sums() -> None:
    """At once, and series that only one of them has too."""
    pages = [shared_page(), shared_page()]
    ours = Metrics(Tally(pages[0], pages[1:]))

    def work() -> None:
        theirs = Metrics(Tally(pages[1], pages[:1]))
        theirs.logins("success").inc(2)
        theirs.refreshes("success").inc()
        theirs.observe_request("GET", "/me", 200, 0.003)
        theirs.observe_request("GET", "/me", 200, 100)

    ours.logins("success").inc(3)
    ours.observe_request("GET", "/me", 200, 0.002)
    in_another_process(work)

    text = generate_latest(ours.registry).decode()
    labels = 'method="GET",route="/me",status="2xx"'
    assert 'keyturn_logins_total{result="success"} 5.0' in text
    assert 'keyturn_refreshes_total{result="success"} 1.0' in text
    assert f"duration_seconds_count{{{labels}}} 3.0" in text
    assert f'duration_seconds_bucket{{le="0.0025",{labels}}} 1.0' in text
    assert f'duration_seconds_bucket{{le="0.005",{labels}}} 2.0' in text
    assert f'duration_seconds_bucket{{le="5.0",{labels}}} 2.0' in text
    assert f'duration_seconds_bucket{{le="+Inf",{labels}}} 3.0' in text
    assert f"duration_seconds_sum{{{labels}}} 100.005" in text


def test_a_successor_counts_on_where_its_predecessor_stopped() -> None:
    """A counter that falls would look like a restart of the whole server."""
    page = shared_page()
    in_another_process(lambda: Metrics(Tally(page)).logins("success").inc(4))

    successor = Metrics(Tally(page))
    successor.logins("success").inc()

    assert successor.registry.get_sample_value("keyturn_logins_total", {"result": "success"}) == 5


def test_names_and_numbers_of_any_length_stay_apart() -> None:
    """Whatever lies beside them."""
    page = Page()
    written = {f"{'ü' * length}{length}": length % 5 + 1 for length in range(40)}
    for name, width in written.items():
        numbers = page.numbers(name, width)
        for index in range(width):
            numbers[index] += len(name) + index

    found = {name: list(numbers) for name, numbers in page.records()}

    assert found == {name: [len(name) + index for index in range(width)] for name, width in written.items()}


def test_a_full_page_stops_nobody() -> None:
    """What finds no room is counted and not shown; what was there before goes on."""
    page = Page()
    first = page.numbers("first", 1)
    for number in range(2000):
        page.numbers(f"{number}", 100)[0] += 1
    first[0] += 1

    assert len(list(page.records())) < 2000
    assert dict(page.records())["first"][0] == 1
