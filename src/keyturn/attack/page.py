"""A report as one HTML page that needs nothing else: no script, no font, no request; light, dark and on paper.

It may be opened by somebody who has every right at the target, so everything that is not ours is escaped, and its
Content-Security-Policy allows nothing but the style that it carries.
"""

import base64
import hashlib
import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from functools import cache
from html import escape
from importlib.resources import files
from typing import Final

from keyturn.attack.judging import Baseline
from keyturn.attack.masking import masked
from keyturn.attack.model import Severity, Verdict
from keyturn.attack.results import MOST_HITS, Report, Result, counted


def to_html(report: Report) -> str:
    """Return the page."""
    return f"""<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src '{_style_hash()}'">
<title>Attack on {_text(report.url)}</title>
<style>{_style()}</style>
<main>
<h1>Attack on {_text(report.url)}</h1>
<p class="soft">{_moment(report.began_at)} · {report.sent} of at most {report.max_requests} requests · \
{report.lasted:.1f} seconds · keyturn attack</p>
{_counts(report)}
<h2>Flaws</h2>
{_flaws(report)}
<h2>Routes</h2>
{_table(_ROUTE_HEAD, map(_route_row, report.baselines))}
{_notes(report)}
<h2>All cases</h2>
{_table(_CASE_HEAD, map(_case_row, report.results))}
</main>
</html>
"""


def _counts(report: Report) -> str:
    flaws = [(severity.value, sum(found.case.severity is severity for found in report.flaws)) for severity in Severity]
    rest = [(_WORDS[verdict], counted(report.results, verdict)) for verdict in Verdict if verdict is not Verdict.FLAW]
    items = [f'<li class="{name}"><b class="badge">{number}</b>{name}</li>' for name, number in flaws]
    items += [f"<li><b>{number}</b>{name}</li>" for name, number in rest]
    return f'<ul class="counts">{"".join(items)}</ul>'


def _flaws(report: Report) -> str:
    if not report.flaws:
        return "<p>None was found.</p>"
    return "\n".join(map(_flaw, report.flaws))


def _flaw(result: Result) -> str:
    case = result.case
    facts = (
        ("Where", f"<code>{_text(result.place)}</code>"),
        ("What", "" if result.because == f"{case.title}." else _text(result.because)),
        ("By", "<br>".join(_by(result))),
        ("Means", _prose(case.meaning)),
        ("Mend", _prose(case.mend)),
        ("Reference", _text(case.reference)),
    )
    rows = "".join(f"<dt>{name}</dt><dd>{value}</dd>" for name, value in facts if value)
    return (
        f'<article class="{case.severity.value}"><header><h3>{_prose(case.title)}</h3>'
        f'<span class="badge">{case.severity.value}</span><code class="soft">{case.id}</code></header>'
        f"<dl>{rows}</dl></article>"
    )


def _by(result: Result) -> Iterator[str]:
    for hit in result.hits[:MOST_HITS]:
        yield f"{_text(hit.variant)} <span class=soft>→ {hit.status}</span>"
    more = len(result.hits) - MOST_HITS
    if more > 0:
        yield f"<span class=soft>and {more} more</span>"


def _notes(report: Report) -> str:
    if not report.notes:
        return ""
    return "<h2>Notes</h2>" + "".join(f"<p>{_text(note)}</p>" for note in report.notes)


def _route_row(baseline: Baseline) -> tuple[str, ...]:
    good = "-" if baseline.good is None else str(baseline.good.status)
    statuses = (good, str(baseline.without.status), str(baseline.garbage.status))
    said = f"{baseline.standing.value}. {baseline.because}" if baseline.because else baseline.standing.value
    return (f"<code>{_text(str(baseline.route))}</code>", _text(said), *statuses)


def _case_row(result: Result) -> tuple[str, ...]:
    verdict = f'<span class="badge {result.verdict.value}">{_WORDS[result.verdict]}</span>'
    because = _text(result.because)
    return (f"<code>{result.case.id}</code>", f"<code>{_text(result.place)}</code>", verdict, because)


def _table(head: Iterable[str], rows: Iterable[tuple[str, ...]]) -> str:
    titles = "".join(f"<th>{title}</th>" for title in head)
    body = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in rows)
    return f'<div class="scroll"><table><thead><tr>{titles}</tr></thead><tbody>{body}</tbody></table></div>'


def _prose(text: str) -> str:
    """Return a sentence of ours, with what is in backticks as code."""
    return _CODE.sub(r"<code>\1</code>", escape(text))


def _text(text: str) -> str:
    return escape(masked(text))


def _moment(second: int) -> str:
    return datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%d %H:%M UTC")


@cache
def _style() -> str:
    return files("keyturn.attack").joinpath("page.css").read_text(encoding="utf-8")


@cache
def _style_hash() -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(_style().encode()).digest()).decode("ascii")


_CODE: Final = re.compile(r"`([^`]+)`")
_WORDS: Final = {
    Verdict.FLAW: "flaw",
    Verdict.INCONCLUSIVE: "inconclusive",
    Verdict.NOT_PLAYED: "not played",
    Verdict.SOUND: "sound",
}
_ROUTE_HEAD: Final = ("Route", "Standing", "Good token", "No token", "Some text")
_CASE_HEAD: Final = ("Case", "Where", "Verdict", "Because")
