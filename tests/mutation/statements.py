"""What can be done to a statement: leave it out, turn its condition round, never run its loop."""

import ast
from collections.abc import Iterator
from functools import singledispatch

from changing import Change, Kind, Place, change, leads_to_refusal, negation, refuses
from operations import BINARY


@singledispatch
def changes_of_statement(node: ast.AST, _place: Place) -> Iterator[Change]:
    """Return every change to the statement *node* itself; its parts have their own."""
    yield from ()


@changes_of_statement.register
def _(node: ast.Raise, _place: Place) -> Iterator[Change]:
    yield change(node, ast.Pass(), Kind.CHECK)


@changes_of_statement.register
def _(node: ast.Expr, place: Place) -> Iterator[Change]:
    if isinstance(node.value, ast.Call | ast.Await):
        yield change(node, ast.Pass(), Kind.of(not place.for_people))


@changes_of_statement.register
def _(node: ast.Return, place: Place) -> Iterator[Change]:
    if place.conditional and refuses([node]):
        yield change(node, ast.Pass(), Kind.CHECK)
    if place.answers_bool and node.value is not None and not isinstance(node.value, ast.Constant):
        for answer in (True, False):
            yield change(node.value, ast.Constant(answer), Kind.CHECK)


@changes_of_statement.register(ast.If)
@changes_of_statement.register(ast.While)
def _(node: ast.If | ast.While, _place: Place) -> Iterator[Change]:
    yield from negation(node.test, Kind.of(leads_to_refusal(node)))


@changes_of_statement.register
def _(node: ast.For, _place: Place) -> Iterator[Change]:
    kind = Kind.of(any(refuses([each]) for each in ast.walk(node) if isinstance(each, ast.stmt)))
    yield change(node.iter, ast.Tuple(elts=[], ctx=ast.Load()), kind)


@changes_of_statement.register(ast.Break)
@changes_of_statement.register(ast.Continue)
def _(node: ast.Break | ast.Continue, _place: Place) -> Iterator[Change]:
    yield change(node, ast.Pass())


@changes_of_statement.register
def _(node: ast.Assign, _place: Place) -> Iterator[Change]:
    match node.targets:
        case [ast.Attribute() | ast.Subscript() | ast.Tuple(elts=[ast.Attribute(), *_])]:
            yield change(node, ast.Pass())


@changes_of_statement.register
def _(node: ast.AugAssign, _place: Place) -> Iterator[Change]:
    yield change(node, ast.Pass())
    if type(node.op) in BINARY:
        yield change(node, ast.AugAssign(target=node.target, op=BINARY[type(node.op)](), value=node.value))


@changes_of_statement.register
def _(node: ast.ExceptHandler, _place: Place) -> Iterator[Change]:
    if not isinstance(node.body[-1], ast.Raise):
        by = ast.ExceptHandler(type=node.type, name=node.name, body=[ast.Raise()])
        yield Change(node=node, by=by, kind=Kind.CHECK, shown=node, after="except …: raise")
