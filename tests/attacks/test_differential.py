"""The same tokens through Keyturn, joserfc and PyJWT: where they differ, docs/differences.md says which rule decides.

The rows are held both ways: no difference without a row, no row without a difference.
"""

import json
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from random import Random

import pytest
from drafts import Draft, good_draft, make, read_corpus
from fuzzer import broken
from jwt import api_jwt
from model import Rule
from mutations import mutate
from target import ALGORITHMS, NOW, changed, good_claims, target

from keyturn import InvalidToken
from keyturn.tokens.algorithms import Algorithm
from peers import PEERS, StoppedTime

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::joserfc.errors.SecurityWarning")]

_TABLE = Path(__file__).parents[2] / "docs" / "differences.md"
_ROW = re.compile(r"^\| `([a-z0-9-]+)` \| [^|]+ \| ([^|]+) \| ([^|]+) \| ([^|]+) \| [^|]+ \|$", re.MULTILINE)


@pytest.fixture(autouse=True)
def _stopped_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let PyJWT judge at the time at which all tokens were made."""
    monkeypatch.setattr(api_jwt, "datetime", StoppedTime)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What one library says of one token.

    Attributes:
        accepts: whether it takes it.
        leaks: the name of an exception that is none of its refusals.

    """

    accepts: bool
    leaks: str = ""


def test_each_difference_has_a_row_and_each_row_a_difference(say: Callable[[str], None]) -> None:
    """The corpus of the fuzzer, and what was found where the three differ: the table in the docs is what they do."""
    cases = [*map(good_draft, ALGORITHMS), *read_corpus(), *_more()]
    verdicts: dict[str, dict[str, list[Verdict]]] = defaultdict(lambda: defaultdict(list))
    for draft in cases:
        rows = _rows(draft)
        for peer in PEERS if len(rows) == 1 else ():  # what is special in two ways says nothing of either
            verdicts[rows[0]][peer].append(_judge(peer, draft))
    found = {row: (_ours(row), *(_cell(by_peer[peer]) for peer in PEERS)) for row, by_peer in verdicts.items()}
    differing = {row: cells for row, cells in found.items() if set(cells) != {cells[0]}}
    for row, cells in sorted(differing.items()):
        say(f"{row:24}{' | '.join(cells)}")
    say(f"differential: {len(cases)} tokens, {len(found)} rules, {len(differing)} with a difference")
    assert differing == _table()


def test_chance_finds_no_other_difference(full: bool, seed: int, say: Callable[[str], None]) -> None:
    """Mutated at random: whatever another library takes and we refuse, or the reverse, belongs to a row."""
    random, table = Random(seed), _table()
    pool = [*map(good_draft, ALGORITHMS), *read_corpus()]
    accepted = dict.fromkeys(PEERS, 0)
    for _ in range(50_000 if full else 5_000):
        draft = mutate(random, random.choice(pool), random.choice(pool))
        rows = _rows(draft)
        is_sound = broken(draft, make(draft)) is None
        for number, peer in enumerate(PEERS, start=1):
            verdict = _judge(peer, draft)
            accepted[peer] += verdict.accepts and not is_sound
            if verdict.accepts != is_sound:
                assert any(table[row][number] != table[row][0] for row in rows if row in table), draft.to_json()
    say(f"differential: {accepted} hostile tokens taken by others, each by a rule of the table")
    assert all(accepted.values())


def test_the_table_names_the_versions_that_were_asked() -> None:
    """As they are pinned."""
    text = _TABLE.read_text("utf-8")
    for name in PEERS:
        assert f"{name} {version(name)}" in text


def _judge(peer: str, draft: Draft) -> Verdict:
    ask, refusals = PEERS[peer]
    try:
        ask(draft.algorithm, make(draft).text)
    except refusals:
        return Verdict(accepts=False)
    except Exception as error:  # noqa: BLE001 - what it is is the finding
        return Verdict(accepts=False, leaks=type(error).__name__)
    return Verdict(accepts=True)


def _rows(draft: Draft) -> list[str]:
    """Return the row that *draft* belongs to: the rule it breaks; or else what a sound token has that not all have."""
    token = make(draft)
    rule = broken(draft, token)
    assert _accepted_by_us(draft.algorithm, token.text) == (rule is None)
    return [rule.value] if rule else list(_features(draft)) or ["sound"]


def _features(draft: Draft) -> Iterator[str]:
    header, claims = json.loads(draft.head), json.loads(draft.payload)
    if isinstance(claims["aud"], list):
        yield "audience-list"
    if header["typ"] != "at+jwt":
        yield "type-spelling"
    if header.keys() - {"alg", "kid", "typ"}:
        yield "header-member"


def _accepted_by_us(algorithm: Algorithm, text: str) -> bool:
    try:
        target(algorithm).verifier.verify(text)
    except InvalidToken:
        return False
    return True


def _ours(row: str) -> str:
    return "refuses" if row in set(Rule) else "accepts"


def _cell(verdicts: Iterable[Verdict]) -> str:
    said = list(verdicts)
    some = {True: "accepts", False: "refuses"}
    kinds = {verdict.accepts for verdict in said}
    cell = some[kinds.pop()] if len(kinds) == 1 else "accepts some"
    leaks = sorted({verdict.leaks for verdict in said} - {""})
    return "; ".join([cell, *(f"raises {leak}" for leak in leaks)])


def _table() -> dict[str, tuple[str, str, str]]:
    return {row[0]: (row[1], row[2], row[3]) for row in _ROW.findall(_TABLE.read_text("utf-8"))}


def _more() -> list[Draft]:
    """Return what is too long for the corpus, or too rare for chance."""
    good = good_draft(Algorithm.HS256)

    def claims(**changes: object) -> Draft:
        return replace(good, payload=json.dumps(changed(good_claims(), changes), separators=(",", ":")).encode())

    return [claims(x="x" * 7000), claims(exp=NOW - 4.5, iat=NOW - 600), claims(iat=NOW + 5.5), claims(nbf=NOW + 5.5)]
