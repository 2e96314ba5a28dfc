"""Every mutant of a module: the same code but for one change, under a name that outlives edits elsewhere."""

import ast
import copy
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import CodeType
from typing import Final, TypeVar

from changes import Change, Kind, Place, changes, leads_to_refusal

ROOT: Final = Path(__file__).parents[2]
PACKAGE: Final = ROOT / "src" / "keyturn"

Tree = TypeVar("Tree", bound=ast.AST)

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
    for change, scope in _walk(tree, _Scope()):
        name = f"{path.relative_to(PACKAGE)}::{scope.name}: {_shown(change, scope.host or change.node)}"
        seen[name] += 1
        mutants.append(_mutant(tree, path, change, scope, name if seen[name] == 1 else f"{name} ({seen[name]})"))
    return mutants


def modules_of(room: str) -> list[Path]:
    """Return the files of a room."""
    return sorted(path for path in (PACKAGE / room).rglob("*.py") if path.name != "__init__.py")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Scope:
    """What is around a node."""

    names: tuple[str, ...] = ()
    function: bool = False
    host: ast.AST | None = None
    place: Place = Place()

    @property
    def name(self) -> str:
        return ".".join(self.names) or "module"


def _mutant(tree: ast.Module, path: Path, change: Change, scope: _Scope, name: str) -> Mutant:
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


def _walk(node: ast.AST, scope: _Scope) -> Iterator[tuple[Change, _Scope]]:
    for change in changes(node, scope.place):
        yield change, scope
    for child, inner in _children(node, scope):
        yield from _walk(child, inner)


def _children(node: ast.AST, scope: _Scope) -> Iterator[tuple[ast.AST, _Scope]]:
    """Return what may be changed inside of *node*: no docstring, annotation, decorator or list of exports."""
    match node:
        case ast.Module() | ast.ClassDef():
            inner = scope if isinstance(node, ast.Module) else replace(scope, names=(*scope.names, node.name))
            yield from _statements(node.body, inner)
        case ast.FunctionDef() | ast.AsyncFunctionDef():
            yield from _of_function(node, scope)
        case ast.Assign(targets=[ast.Name(id="__all__")]):
            return
        case ast.AnnAssign(value=value):
            yield from ((each, scope) for each in [value] if each is not None)
        case ast.If(test=test) | ast.While(test=test):
            yield test, _at(scope, test, judges=leads_to_refusal(node))
            below = replace(scope, place=replace(scope.place, conditional=True))
            yield from _statements([*node.body, *node.orelse], below)
        case ast.IfExp(test=test):
            yield test, replace(scope, place=replace(scope.place, judges=leads_to_refusal(node)))
            yield from ((each, scope) for each in (node.body, node.orelse))
        case ast.For() | ast.AsyncFor():
            yield node.iter, _at(scope, node.iter)
            yield from _statements([*node.body, *node.orelse], scope)
        case ast.Return(value=value):
            judged = replace(scope, place=replace(scope.place, judges=scope.place.answers_bool))
            yield from ((each, judged) for each in [value] if each is not None)
        case ast.Raise() | ast.Call(func=ast.Attribute(value=ast.Name(id="_log"))):
            spoken = replace(scope, place=replace(scope.place, for_people=True))
            yield from ((each, spoken) for each in ast.iter_child_nodes(node))
        case ast.Call(func=ast.Name(id="cast"), args=[_, value]):
            yield value, scope
        case ast.With() | ast.AsyncWith():
            yield from ((item.context_expr, _at(scope, item.context_expr)) for item in node.items)
            yield from _statements(node.body, scope)
        case ast.Try():
            yield from _statements([*node.body, *node.orelse, *node.finalbody], scope)
            yield from ((handler, replace(scope, host=handler)) for handler in node.handlers)
        case ast.ExceptHandler():
            yield from _statements(node.body, replace(scope, place=replace(scope.place, conditional=True)))
        case _:
            yield from ((each, scope) for each in ast.iter_child_nodes(node))


def _of_function(node: ast.FunctionDef | ast.AsyncFunctionDef, scope: _Scope) -> Iterator[tuple[ast.AST, _Scope]]:
    names = (*scope.names, node.name)
    for default in [*node.args.defaults, *(each for each in node.args.kw_defaults if each is not None)]:
        yield default, replace(scope, names=names, host=None)
    answers_bool = isinstance(node.returns, ast.Name) and node.returns.id == "bool"
    inner = _Scope(names=names, function=True, place=Place(answers_bool=answers_bool))
    yield from _statements(node.body, inner)


def _statements(body: list[ast.stmt], scope: _Scope) -> Iterator[tuple[ast.AST, _Scope]]:
    for statement in body:
        if not (isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)):
            yield statement, replace(scope, host=statement, place=_told(statement, scope.place))


def _told(statement: ast.stmt, place: Place) -> Place:
    """Return *place*; what a line of the log says is for people."""
    match statement:
        case ast.Expr(value=ast.Call(func=ast.Attribute(value=ast.Name(id="_log")))):
            return replace(place, for_people=True)
    return place


def _at(scope: _Scope, host: ast.AST, *, judges: bool = False) -> _Scope:
    return replace(scope, host=host, place=replace(scope.place, judges=judges))


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
    left, right = left if len(left) <= _WINDOW else "…" + left[-_WINDOW:], right
    return left + mark + (right if len(right) <= _WINDOW else right[:_WINDOW] + "…")


def _line(host: ast.AST, shown: ast.AST) -> str:
    try:
        line = ast.unparse(_swap(host, shown, ast.Name(id=_HERE)))
    except ValueError:  # a part of an f-string can only be a text
        line = ast.unparse(_swap(host, shown, ast.Constant(_HERE)))
    return " ".join(line.split())


def _cut(text: str) -> str:
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "…"
