"""Where a change may be made: not in docstrings, annotations, decorators, lists of exports and what is never run."""

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import singledispatch
from typing import Final

from changing import Change, Place, leads_to_refusal
from expressions import changes_of_expression
from statements import changes_of_statement

_ANYWHERE: Final = Place()


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """What is around a node.

    Attributes:
        names: of the classes and functions it is in.
        function: it is in a function.
        host: the statement, or the condition, that it is in.
        place: what else matters.

    """

    names: tuple[str, ...] = ()
    function: bool = False
    host: ast.AST | None = None
    place: Place = _ANYWHERE

    @property
    def name(self) -> str:
        """The dotted name of the function."""
        return ".".join(self.names) or "module"

    def at(self, host: ast.AST, *, judges: bool = False) -> "Scope":
        """Return the scope of a condition, or of what is looped over."""
        return replace(self, host=host, place=replace(self.place, judges=judges))

    def where(self, **facts: bool) -> "Scope":
        """Return the same scope with other facts about the place."""
        return replace(self, place=replace(self.place, **facts))


Child = tuple[ast.AST, Scope]


def walk(node: ast.AST, scope: Scope) -> Iterator[tuple[Change, Scope]]:
    """Return every change to *node* and what is in it, and where it is made, in the order of the text."""
    changes = changes_of_statement if isinstance(node, ast.stmt | ast.ExceptHandler) else changes_of_expression
    for change in changes(node, scope.place):
        yield change, scope
    for child, inner in _children(node, scope):
        yield from walk(child, inner)


@singledispatch
def _children(node: ast.AST, scope: Scope) -> Iterator[Child]:
    return ((each, scope) for each in ast.iter_child_nodes(node))


@_children.register
def _(node: ast.Module, scope: Scope) -> Iterator[Child]:
    return _statements(node.body, scope)


@_children.register
def _(node: ast.ClassDef, scope: Scope) -> Iterator[Child]:
    return _statements(node.body, replace(scope, names=(*scope.names, node.name)))


@_children.register(ast.FunctionDef)
@_children.register(ast.AsyncFunctionDef)
def _(node: ast.FunctionDef | ast.AsyncFunctionDef, scope: Scope) -> Iterator[Child]:
    names = (*scope.names, node.name)
    for default in filter(None, [*node.args.defaults, *node.args.kw_defaults]):
        yield default, replace(scope, names=names, host=None)
    answers_bool = isinstance(node.returns, ast.Name) and node.returns.id == "bool"
    yield from _statements(node.body, Scope(names=names, function=True, place=Place(answers_bool=answers_bool)))


@_children.register
def _(node: ast.Assign, scope: Scope) -> Iterator[Child]:
    exports = isinstance(node.targets[0], ast.Name) and node.targets[0].id == "__all__"
    return iter(()) if exports else ((each, scope) for each in (*node.targets, node.value))


@_children.register
def _(node: ast.AnnAssign, scope: Scope) -> Iterator[Child]:
    return _present([node.value], scope)


@_children.register(ast.If)
@_children.register(ast.While)
def _(node: ast.If | ast.While, scope: Scope) -> Iterator[Child]:
    yield node.test, scope.at(node.test, judges=leads_to_refusal(node))
    yield from _statements([*node.body, *node.orelse], scope.where(conditional=True))


@_children.register
def _(node: ast.IfExp, scope: Scope) -> Iterator[Child]:
    yield node.test, scope.where(judges=leads_to_refusal(node))
    yield from _present([node.body, node.orelse], scope)


@_children.register(ast.For)
@_children.register(ast.AsyncFor)
def _(node: ast.For | ast.AsyncFor, scope: Scope) -> Iterator[Child]:
    yield node.iter, scope.at(node.iter)
    yield from _statements([*node.body, *node.orelse], scope)


@_children.register(ast.With)
@_children.register(ast.AsyncWith)
def _(node: ast.With | ast.AsyncWith, scope: Scope) -> Iterator[Child]:
    yield from ((item.context_expr, scope.at(item.context_expr)) for item in node.items)
    yield from _statements(node.body, scope)


@_children.register
def _(node: ast.Try, scope: Scope) -> Iterator[Child]:
    yield from _statements([*node.body, *node.orelse, *node.finalbody], scope)
    yield from ((handler, replace(scope, host=handler)) for handler in node.handlers)


@_children.register
def _(node: ast.ExceptHandler, scope: Scope) -> Iterator[Child]:
    return _statements(node.body, scope.where(conditional=True))


@_children.register
def _(node: ast.Return, scope: Scope) -> Iterator[Child]:
    return _present([node.value], scope.where(judges=scope.place.answers_bool))


@_children.register
def _(node: ast.Raise, scope: Scope) -> Iterator[Child]:
    return _present([node.exc, node.cause], scope.where(for_people=True))


@_children.register
def _(node: ast.Call, scope: Scope) -> Iterator[Child]:
    match node:
        case ast.Call(func=ast.Name(id="cast"), args=[_, value]):
            return _present([value], scope)
    inner = scope.where(for_people=True) if _logs(node) else scope
    return ((each, inner) for each in ast.iter_child_nodes(node))


def _present(nodes: Iterable[ast.AST | None], scope: Scope) -> Iterator[Child]:
    return ((node, scope) for node in nodes if node is not None)


def _statements(body: list[ast.stmt], scope: Scope) -> Iterator[Child]:
    for statement in body:
        if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant):
            continue  # a docstring, or the dots of a protocol
        if isinstance(statement, ast.If) and ast.unparse(statement.test) == "TYPE_CHECKING":
            continue  # never run
        inner = replace(scope, host=statement)
        logs = isinstance(statement, ast.Expr) and _logs(statement.value)
        yield statement, inner.where(for_people=True) if logs else inner


def _logs(node: ast.expr) -> bool:
    match node:
        case ast.Call(func=ast.Attribute(value=ast.Name(id="_log"))):
            return True
    return False
