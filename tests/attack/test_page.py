"""The report, as JSON and as a page."""

import json
import re
from dataclasses import replace
from html.parser import HTMLParser

from attack_world import Api, Said, attack, takes

from keyturn.attack.model import Route, Severity
from keyturn.attack.page import MOST_HITS, to_html
from keyturn.attack.report import to_json
from keyturn.attack.results import Report
from keyturn.testing import TestIssuer

HOSTILE = "/<script>alert(1)</script>\"'&"


class Tags(HTMLParser):
    """Collects the tags of a page, and what it would load."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.loads: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep a tag."""
        self.tags.add(tag)
        self.loads += [name for name, _ in attrs if name in {"src", "href", "onclick", "onload", "style", "action"}]


async def report_of(issuer: TestIssuer) -> Report:
    """Attack an API with a public route of a hostile name."""
    app = takes(issuer)
    report = await attack(
        Api(lambda asked: Said(status=200) if asked.path.startswith("/%3C") else app(asked)),
        issuer,
        "missing-check",
        "alg-none",
        "refresh-twice",
        routes=["GET /orders", Route(method="GET", path=HOSTILE)],
    )
    return replace(report, notes=(f"GET {HOSTILE}: left out.",))


async def test_a_page_holds_no_script_and_loads_nothing(issuer: TestIssuer) -> None:
    """Whatever the target calls its routes."""
    page = to_html(await report_of(issuer))
    tags = Tags()
    tags.feed(page)
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert tags.loads == []
    assert not tags.tags & {"script", "img", "link", "iframe", "form", "a", "object"}
    assert re.search(r"default-src 'none'; style-src 'sha256-[\w+/=]+'", page)


async def test_a_page_says_what_was_found_and_how_to_mend_it(issuer: TestIssuer) -> None:
    """The flaw, where, its meaning and its mend; and what was not played, with the reason."""
    page = to_html(await report_of(issuer))
    for text in ("No good token is needed", "missing-check", "Everybody is served", "RFC 6750", "needs an account"):
        assert text in page
    assert "prefers-color-scheme: dark" in page
    assert "@media print" in page


async def test_the_json_has_one_item_a_case_and_place(issuer: TestIssuer) -> None:
    """For programs; the names stay."""
    report = await report_of(issuer)
    said = json.loads(json.dumps(to_json(report)))
    assert said["format"] == 1
    assert [(item["id"], item["verdict"]) for item in said["items"]] == [
        ("missing-check", "sound"),
        ("alg-none", "sound"),
        ("missing-check", "flaw"),
        ("refresh-twice", "not_played"),
    ]
    assert said["items"][2]["hits"][0] == {"variant": "no token", "status": 200}
    assert said["routes"][0] | {"route": ""} == {
        "route": "",
        "standing": "guarded",
        "because": "",
        "good_token": 200,
        "no_token": 401,
        "garbage": 401,
    }
    assert said["requests"] == report.sent


async def test_a_report_fails_at_the_bar(issuer: TestIssuer) -> None:
    """A high flaw fails at each bar; none fails at none."""
    report = await report_of(issuer)
    sound = await attack(Api(takes(issuer)), issuer, "alg-none")
    assert [report.fails(bar) for bar in Severity] == [True, True, True]
    assert [sound.fails(bar) for bar in Severity] == [False, False, False]
    assert Severity.MEDIUM.reaches(Severity.LOW)
    assert not Severity.MEDIUM.reaches(Severity.HIGH)


async def test_a_page_counts_the_requests_that_it_does_not_name(issuer: TestIssuer) -> None:
    """Of a flaw that hundreds of requests showed; of few, it names all."""
    report = await report_of(issuer)
    (flaw,) = report.flaws
    many = replace(flaw, hits=(flaw.hits[0],) * (MOST_HITS + 3))
    few = replace(flaw, hits=(flaw.hits[0],) * MOST_HITS)
    assert "and 3 more" in to_html(replace(report, results=(many,)))
    assert " more</span>" not in to_html(replace(report, results=(few,)))
