"""What can be done to an expression: invert it, leave a part out, be off by one."""

import ast
from collections.abc import Iterator
from functools import singledispatch

from changing import Change, Kind, Place, change, leads_to_refusal, negation
from operations import BINARY, INVERSE, NEXT_TO, TWINS


@singledispatch
def changes_of_expression(node: ast.AST, _place: Place) -> Iterator[Change]:
    """Return every change to the expression *node* itself; its parts have their own."""
    yield from ()


@changes_of_expression.register
def _(node: ast.IfExp, _place: Place) -> Iterator[Change]:
    yield from negation(node.test, Kind.of(leads_to_refusal(node)))


@changes_of_expression.register
def _(node: ast.comprehension, _place: Place) -> Iterator[Change]:
    for test in node.ifs:
        yield from negation(test, Kind.OTHER)
        yield change(test, ast.Constant(value=True))


@changes_of_expression.register
def _(node: ast.BoolOp, place: Place) -> Iterator[Change]:
    other = ast.Or() if isinstance(node.op, ast.And) else ast.And()
    yield change(node, ast.BoolOp(op=other, values=node.values), place.kind)
    for operand in node.values:
        rest = [value for value in node.values if value is not operand]
        by = rest[0] if len(rest) == 1 else ast.BoolOp(op=node.op, values=rest)
        yield Change(node=node, by=by, kind=place.kind, shown=operand, after="nothing")


@changes_of_expression.register
def _(node: ast.Compare, place: Place) -> Iterator[Change]:
    for index, op in enumerate(node.ops):
        for table, kind in ((INVERSE, place.kind), (NEXT_TO, Kind.OTHER)):
            if type(op) in table:
                ops = [*node.ops[:index], table[type(op)](), *node.ops[index + 1 :]]
                yield change(node, ast.Compare(left=node.left, ops=ops, comparators=node.comparators), kind)


@changes_of_expression.register
def _(node: ast.UnaryOp, place: Place) -> Iterator[Change]:
    match node.op:
        case ast.Not():
            yield change(node, node.operand, place.kind)
        case ast.USub():
            yield change(node, node.operand)


@changes_of_expression.register
def _(node: ast.BinOp, _place: Place) -> Iterator[Change]:
    if type(node.op) in BINARY:
        yield change(node, ast.BinOp(left=node.left, op=BINARY[type(node.op)](), right=node.right))


@changes_of_expression.register
def _(node: ast.Call, place: Place) -> Iterator[Change]:
    if isinstance(node.func, ast.Name) and node.func.id in TWINS:
        yield change(node.func, ast.Name(id=TWINS[node.func.id], ctx=ast.Load()), place.kind)


@changes_of_expression.register
def _(node: ast.Slice, _place: Place) -> Iterator[Change]:
    if node.lower is not None:
        yield Change(node=node, by=ast.Slice(None, node.upper, node.step), kind=Kind.OTHER, shown=node, after="[:…]")
    if node.upper is not None:
        yield Change(node=node, by=ast.Slice(node.lower, None, node.step), kind=Kind.OTHER, shown=node, after="[…:]")


@changes_of_expression.register
def _(node: ast.Set, _place: Place) -> Iterator[Change]:
    for element in node.elts:
        rest = [each for each in node.elts if each is not element]
        by: ast.expr = ast.Set(elts=rest) if rest else ast.Call(ast.Name("set", ast.Load()), [], [])
        yield Change(node=node, by=by, kind=Kind.CHECK, shown=element, after="nothing")


@changes_of_expression.register
def _(node: ast.Constant, place: Place) -> Iterator[Change]:
    match node.value:
        case str() as text if place.judges:
            yield change(node, ast.Constant(f"other {text}"), Kind.CHECK)
        case bytes() as data if place.judges:
            yield change(node, ast.Constant(b"other " + data), Kind.CHECK)
        case bool() as flag:
            yield change(node, ast.Constant(not flag))
        case int() | float() as number:
            yield from (change(node, ast.Constant(other)) for other in (number + 1, number - 1))
