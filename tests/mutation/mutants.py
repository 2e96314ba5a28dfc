"""Every mutant of a module: the same code but for one change, under a name that outlives edits elsewhere."""

import ast
import copy
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from types import CodeType
from typing import Final, TypeVar

from changing import Change, Kind
from walking import Scope, walk

ROOT: Final = Path(__file__).parents[2]
PACKAGE: Final = ROOT / "src" / "keyturn"

Tree = TypeVar("Tree", bound=ast.AST)

#: Left out: how guessable a secret is, by weights and word lists, is held by ``make test-secrets``.
_MEASURED: Final = {"guessing"}

#: How much of a statement beside the change, and of the change itself, a name shows.
_WINDOW: Final = 40
_SHOWN: Final = 110

#: Where the change is, in a line that is being written.
_HERE: Final = "◊"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutant:
    """A module with one change.

    Attributes:
        name: file, function and change; the same change again in one function is numbered.
        path: the module's file.
        kind: what the change does.
        lines: the lines of the statement, or the condition, that is changed.
        runs_at_import: it is no part of a function's body.

    """

    name: str
    path: Path
    kind: Kind
    lines: range
    runs_at_import: bool
    _tree: ast.Module = field(repr=False)
    _change: Change = field(repr=False)

    def code(self) -> CodeType:
        """Compile the module with the change."""
        by = ast.copy_location(copy.copy(self._change.by), self._change.node)
        return compile(ast.fix_missing_locations(_swap(self._tree, self._change.node, by)), self.path, "exec")


def mutants_of(path: Path) -> list[Mutant]:
    """Return every mutant of the module in *path*, in the order of its text."""
    tree = ast.parse(path.read_text("utf-8"))
    seen = Counter[str]()
    mutants = []
    for change, scope in walk(tree, Scope()):
        name = f"{path.relative_to(PACKAGE)}::{scope.name}: {_shown(change, scope.host or change.node)}"
        seen[name] += 1
        mutants.append(_mutant(tree, path, change, scope, name if seen[name] == 1 else f"{name} ({seen[name]})"))
    return mutants


def modules_of(room: str) -> list[Path]:
    """Return the files of a room; an estimate has no right answer for each of its steps, and is measured instead."""
    return sorted(path for path in (PACKAGE / room).rglob("*.py") if path.parent.name not in _MEASURED)


def _mutant(tree: ast.Module, path: Path, change: Change, scope: Scope, name: str) -> Mutant:
    host = scope.host or change.node
    return Mutant(
        name=name,
        path=path,
        kind=change.kind,
        lines=range(host.lineno, (host.end_lineno or host.lineno) + 1),  # type: ignore[attr-defined]
        runs_at_import=not scope.function,
        _tree=tree,
        _change=change,
    )


def _swap(tree: Tree, node: ast.AST, by: ast.AST) -> Tree:
    """Return a copy of *tree* in which *by* stands for *node*."""
    return copy.deepcopy(tree, {id(node): by})


def _shown(change: Change, host: ast.AST) -> str:
    """Return the line around a change, ``a < b and {c → nothing}``, cut to what a reader needs."""
    before = " ".join(ast.unparse(change.shown).split())
    mark = "{" + f"{_cut(before)} → {_cut(' '.join(change.after.split()))}" + "}"
    if isinstance(change.shown, ast.stmt | ast.ExceptHandler) or change.shown is host:
        return mark
    left, _, right = _line(host, change.shown).partition(_HERE)
    left = left if len(left) <= _WINDOW else "…" + left[-_WINDOW:]
    right = right if len(right) <= _WINDOW else right[:_WINDOW] + "…"
    return left + mark + right


def _line(host: ast.AST, shown: ast.AST) -> str:
    try:
        line = ast.unparse(_swap(host, shown, ast.Name(id=_HERE)))
    except ValueError:  # a part of an f-string can only be a text
        line = ast.unparse(_swap(host, shown, ast.Constant(_HERE)))
    return " ".join(line.split())


def _cut(text: str) -> str:
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "…"
