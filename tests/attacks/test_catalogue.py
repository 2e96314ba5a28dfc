"""Every attack that we know of has a test that names it: A01 to A60.

What an attack is says its test. An id that is named nowhere is an attack that nobody tries; the few that can't be
tried, because what they attack is not there, are listed with that reason, and leave the list when it comes.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from target import ALGORITHMS

_TESTS = Path(__file__).parents[1]
_ID = re.compile(r"\b[aA]([0-9]{2})\b")

_ALL = frozenset(range(1, 61))

#: What these attack is not here, or is attacked under another number.
_NOT_HERE = {
    44: "there are no DPoP proofs: a token that is bound to a key is refused (test_access_token.py)",
    45: "there are no client assertions: clients are public, and no endpoint reads one",
}

#: Each is tried as a whole in this room, against the public verifier.
_HERE = frozenset(range(1, 34)) - {27}


def test_every_attack_has_a_test_that_names_it() -> None:
    """A01 to A60: in its name or its docstring; and no test names an attack that does not exist."""
    named = {number for path in sorted(_TESTS.rglob("test_*.py")) for number in _named_in(path)}
    assert sorted(named - _ALL) == []
    assert sorted(_ALL - named - _NOT_HERE.keys()) == []


def test_every_attack_on_the_verifier_is_tried_here() -> None:
    """A01 to A33: each by a test of this room that carries its number in its name; A27 needs a server, and is there."""
    named = {number for path in Path(__file__).parent.glob("test_*.py") for number in _numbers_in_names(path)}
    assert sorted(_HERE - named) == []
    assert 27 in _numbers_in_names(_TESTS / "server" / "test_token_kinds.py")


def test_every_algorithm_of_an_issuer_is_attacked() -> None:
    """The eight that an issuer may sign with."""
    assert len(ALGORITHMS) == 8


def _named_in(path: Path) -> Iterator[int]:
    """Yield the attacks that the tests in *path* name, in their names or docstrings."""
    if path == Path(__file__):
        return
    for test in _tests_in(path):
        for found in _ID.findall(f"{test.name.replace('_', ' ')} {ast.get_docstring(test) or ''}"):
            yield int(found)


def _numbers_in_names(path: Path) -> set[int]:
    """Return the attacks in the names of the tests in *path*, where ``a22_to_a26`` are five."""
    numbers: set[int] = set()
    for test in _tests_in(path):
        if found := re.match(r"test_a([0-9]{2})_to_a([0-9]{2})_", test.name):
            numbers |= set(range(int(found[1]), int(found[2]) + 1))
        elif found := re.match(r"test_a([0-9]{2})_", test.name):
            numbers.add(int(found[1]))
    return numbers


def _tests_in(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
            yield node
