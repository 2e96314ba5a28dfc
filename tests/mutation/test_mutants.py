"""What the tool changes, how it names that, and that a change gets into what is loaded."""

import ast
from collections.abc import Callable
from pathlib import Path

import mutants
import pytest
from changing import Kind
from mutants import Mutant, mutants_of
from placing import Functions

MakeMutants = Callable[[str], list[Mutant]]


@pytest.fixture
def make_mutants(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> MakeMutants:
    """Return what makes the mutants of a text."""
    monkeypatch.setattr(mutants, "PACKAGE", tmp_path)

    def make(text: str) -> list[Mutant]:
        path = tmp_path / "room.py"
        path.write_text(text, "utf-8")
        return mutants_of(path)

    return make


def changes(found: list[Mutant], kind: Kind) -> set[str]:
    """Return what is shown of the changes of one kind."""
    return {mutant.name.partition(": ")[2] for mutant in found if mutant.kind is kind}


def test_a_check_is_removed_and_inverted_in_every_part(make_mutants: MakeMutants) -> None:
    """The raise, the whole condition, each operand and each comparison; off by one is counted apart."""
    found = make_mutants('def check(a, b):\n    """Check."""\n    if a < 5 or not b:\n        raise ValueError("no")\n')
    assert changes(found, Kind.CHECK) == {
        "if {a < 5 or not b → not (a < 5 or not b)}: raise ValueError('no')",
        "{a < 5 or not b → a < 5 and (not b)}",
        "{a < 5 → nothing} or not b",
        "a < 5 or {not b → nothing}",
        "{a < 5 → a >= 5} or not b",
        "a < 5 or {not b → b}",
        "{raise ValueError('no') → pass}",
    }
    assert changes(found, Kind.OTHER) == {
        "{a < 5 → a <= 5} or not b",
        "a < {5 → 6} or not b",
        "a < {5 → 4} or not b",
    }


def test_whoever_answers_yes_or_no_is_made_to_answer_both(make_mutants: MakeMutants) -> None:
    """A function that returns a bool; and what looks for a text looks for another."""
    found = make_mutants('def same(a) -> bool:\n    return is_it(a) and a != "none"\n')
    assert changes(found, Kind.CHECK) == {
        "return {is_it(a) and a != 'none' → True}",
        "return {is_it(a) and a != 'none' → False}",
        "return {is_it(a) and a != 'none' → is_it(a) or a != 'none'}",
        "return {is_it(a) → nothing} and a != 'none'",
        "return is_it(a) and {a != 'none' → nothing}",
        "return is_it(a) and {a != 'none' → a == 'none'}",
        "return is_it(a) and a != {'none' → 'other none'}",
    }


@pytest.mark.parametrize(
    ("text", "change"),
    [
        ("def f(a):\n    check(a)\n    return a\n", "{check(a) → pass}"),
        ("async def f(a):\n    await check(a)\n", "{await check(a) → pass}"),
        ("def f(a):\n    for x in a:\n        if x:\n            raise E\n", "for x in {a → ()}: if x: raise E"),
        ("def f(a):\n    if a:\n        return None\n    return 1\n", "{return None → pass}"),
        ("FORBIDDEN = {'jwk', 'jku'}\n", "FORBIDDEN = {{'jwk' → nothing}, 'jku'}"),
        (
            "def f(a):\n    try:\n        g(a)\n    except E:\n        return 1\n",
            "{except E: return 1 → except …: raise}",
        ),
    ],
)
def test_every_way_to_refuse_is_a_check(text: str, change: str, make_mutants: MakeMutants) -> None:
    """A call for its effect, a loop that refuses, an early return, a member of a set, an error that is caught."""
    assert change in changes(make_mutants(text), Kind.CHECK)


def test_what_is_for_people_is_left_alone(make_mutants: MakeMutants) -> None:
    """Docstrings, annotations, decorators, exports, what type checkers read, lines of the log: no behaviour."""
    text = '__all__ = ["f"]\n\n@cache(5)\ndef f(a: "int" = None) -> "int | None":\n    """Do 5."""\n'
    assert make_mutants(text) == []
    assert make_mutants("if TYPE_CHECKING:\n    n = 5\n") == []
    logged = make_mutants('def f(a):\n    _log.warning("5 of %s", a)\n')
    assert changes(logged, Kind.CHECK) == set()
    assert changes(logged, Kind.OTHER) == {"{_log.warning('5 of %s', a) → pass}"}


def test_a_mutant_has_a_name_of_its_own_that_no_line_number_is_in(make_mutants: MakeMutants) -> None:
    """The same change twice in one function is numbered; what is written above it does not matter."""
    text = "def f(a):\n    g(a)\n    g(a)\n"
    names = [mutant.name for mutant in make_mutants(text)]
    assert names == ["room.py::f: {g(a) → pass}", "room.py::f: {g(a) → pass} (2)"]
    assert [mutant.name for mutant in make_mutants(f"# above\n\n\n{text}")] == names


def test_every_mutant_of_the_package_compiles_and_differs() -> None:
    """In every room that is tried; and no two have one name."""
    path = mutants.PACKAGE / "tokens" / "jws.py"
    found = mutants_of(path)
    same = compile(ast.parse(path.read_text("utf-8")), path, "exec")
    assert len({mutant.name for mutant in found}) == len(found) > 30
    assert all(mutant.code() != same for mutant in found)


def test_a_loaded_function_runs_the_mutant_wherever_it_is_held(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make_mutants: MakeMutants
) -> None:
    """Also through a name that another module imported before."""
    monkeypatch.setattr("placing.PACKAGE", tmp_path)
    found = make_mutants("def twice(a):\n    return a * 2\n")
    module: dict[str, Callable[[int], int]] = {}
    exec(compile((tmp_path / "room.py").read_text("utf-8"), tmp_path / "room.py", "exec"), module)  # noqa: S102 - the text above
    held = module["twice"]
    assert held(7) == 14

    assert Functions().place(next(mutant for mutant in found if "// 2" in mutant.name).code())

    assert held(7) == 3
