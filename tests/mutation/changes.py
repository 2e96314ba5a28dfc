"""What can be done to one node of a syntax tree, and whether that removes or inverts a check.

A *check* is what refuses: a ``raise``, a condition that leads to a refusal, the answer of a function that says yes or
no, a call made for its effect alone. Whatever else can be wrong with code, such as a limit that is off by one, is no
less of a mistake, but is counted apart.
"""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Kind(StrEnum):
    """What a change does."""

    CHECK = "check"
    OTHER = "other"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a node stands.

    Attributes:
        judges: what it says decides about a refusal.
        answers_bool: its function answers yes or no.
        for_people: it is said to people, in an error or in the log.
        conditional: its statement is under a condition.

    """

    judges: bool = False
    answers_bool: bool = False
    for_people: bool = False
    conditional: bool = False

    @property
    def kind(self) -> Kind:
        """The kind of a change to what is said here."""
        return Kind.CHECK if self.judges else Kind.OTHER


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One node and what stands in its place.

    Attributes:
        node: what is replaced.
        by: what replaces it.
        kind: what that does.
        shown: the part of *node* that a reader is shown as changed.
        after: what the reader is shown in its place.

    """

    node: ast.AST
    by: ast.AST
    kind: Kind
    shown: ast.AST
    after: str


def changes(node: ast.AST, place: Place) -> Iterator[Change]:
    """Return every change to *node* itself; its children have their own."""
    match node:
        case ast.stmt():
            yield from _of_statement(node, place)
        case ast.IfExp(test=test):
            yield from _negated(test, _leads_to_refusal(node))
        case ast.comprehension():
            yield from _of_filters(node)
        case ast.BoolOp():
            yield from _of_bool_op(node, place)
        case ast.Compare():
            yield from _of_compare(node, place)
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            yield _change(node, operand, place.kind)
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            yield _change(node, operand)
        case ast.BinOp(op=op) if type(op) in _BINARY:
            yield _change(node, ast.BinOp(left=node.left, op=_BINARY[type(op)](), right=node.right))
        case ast.Call():
            yield from _of_call(node, place)
        case ast.Slice():
            yield from _of_slice(node)
        case ast.ExceptHandler() if not isinstance(node.body[-1], ast.Raise):
            yield Change(node=node, by=_reraising(node), kind=Kind.CHECK, shown=node, after="except …: raise")
        case ast.Set():
            yield from _of_set(node)
        case ast.Constant(value=str() | bytes() as text) if place.judges:
            yield _change(node, ast.Constant(_other_text(text)), Kind.CHECK)
        case ast.Constant(value=bool() as flag):
            yield _change(node, ast.Constant(not flag))
        case ast.Constant(value=int() | float() as number):
            yield from (_change(node, ast.Constant(other)) for other in (number + 1, number - 1))


def refuses(body: list[ast.stmt]) -> bool:
    """Tell whether *body* ends in a refusal: an error, or an answer that is a name or a constant."""
    match body[-1] if body else None:
        case ast.Raise() | ast.Return(value=None | ast.Constant() | ast.Attribute()):
            return True
    return False


def leads_to_refusal(node: ast.If | ast.While | ast.IfExp) -> bool:
    """Tell whether one of the ways that *node* decides about ends in a refusal."""
    if isinstance(node, ast.IfExp):
        return _leads_to_refusal(node)
    return refuses(node.body) or refuses(node.orelse)


def _leads_to_refusal(node: ast.IfExp) -> bool:
    return any(isinstance(way, ast.Constant) for way in (node.body, node.orelse))


def _of_statement(node: ast.stmt, place: Place) -> Iterator[Change]:
    match node:
        case ast.Raise():
            yield _change(node, ast.Pass(), Kind.CHECK)
        case ast.Expr(value=ast.Call() | ast.Await()):
            yield _change(node, ast.Pass(), Kind.OTHER if place.for_people else Kind.CHECK)
        case ast.Return(value=value):
            yield from _of_return(node, value, place)
        case ast.If(test=test) | ast.While(test=test):
            yield from _negated(test, leads_to_refusal(node))
        case ast.For(iter=iterated, body=body) | ast.AsyncFor(iter=iterated, body=body):
            if not isinstance(node, ast.AsyncFor):
                yield _change(iterated, ast.Tuple(elts=[], ctx=ast.Load()), _kind(any(map(_has_refusal, body))))
        case ast.Break() | ast.Continue():
            yield _change(node, ast.Pass())
        case ast.Assign(targets=[ast.Attribute() | ast.Subscript() | ast.Tuple(elts=[ast.Attribute(), *_])]):
            yield _change(node, ast.Pass())
        case ast.AugAssign(op=op):
            yield _change(node, ast.Pass())
            if type(op) in _BINARY:
                other = _BINARY[type(op)]()
                yield _change(node, ast.AugAssign(target=node.target, op=other, value=node.value))


def _of_return(node: ast.Return, value: ast.expr | None, place: Place) -> Iterator[Change]:
    if place.conditional and refuses([node]):
        yield _change(node, ast.Pass(), Kind.CHECK)
    if value is None or isinstance(value, ast.Constant):
        return
    if place.answers_bool:
        yield from (_change(value, ast.Constant(answer), Kind.CHECK) for answer in (True, False))


def _negated(test: ast.expr, judges: bool) -> Iterator[Change]:
    simple = isinstance(test, ast.UnaryOp) or (isinstance(test, ast.Compare) and len(test.ops) == 1)
    if not simple:  # what is simple is negated where it stands
        yield _change(test, ast.UnaryOp(op=ast.Not(), operand=test), _kind(judges))


def _of_filters(node: ast.comprehension) -> Iterator[Change]:
    for test in node.ifs:
        yield from _negated(test, judges=False)
        yield _change(test, ast.Constant(value=True))


def _of_bool_op(node: ast.BoolOp, place: Place) -> Iterator[Change]:
    other = ast.Or() if isinstance(node.op, ast.And) else ast.And()
    yield _change(node, ast.BoolOp(op=other, values=node.values), place.kind)
    for operand in node.values:
        rest = [value for value in node.values if value is not operand]
        by = rest[0] if len(rest) == 1 else ast.BoolOp(op=node.op, values=rest)
        yield Change(node=node, by=by, kind=place.kind, shown=operand, after="nothing")


def _of_compare(node: ast.Compare, place: Place) -> Iterator[Change]:
    for index, op in enumerate(node.ops):
        for table, kind in ((_INVERSE, place.kind), (_NEXT_TO, Kind.OTHER)):
            if type(op) in table:
                ops = [*node.ops[:index], table[type(op)](), *node.ops[index + 1 :]]
                yield _change(node, ast.Compare(left=node.left, ops=ops, comparators=node.comparators), kind)


def _of_call(node: ast.Call, place: Place) -> Iterator[Change]:
    if isinstance(node.func, ast.Name) and node.func.id in _TWINS:
        twin = ast.Name(id=_TWINS[node.func.id], ctx=ast.Load())
        yield Change(node=node.func, by=twin, kind=place.kind, shown=node.func, after=twin.id)


def _of_slice(node: ast.Slice) -> Iterator[Change]:
    if node.lower is not None:
        yield Change(node=node, by=ast.Slice(None, node.upper, node.step), kind=Kind.OTHER, shown=node, after="[:…]")
    if node.upper is not None:
        yield Change(node=node, by=ast.Slice(node.lower, None, node.step), kind=Kind.OTHER, shown=node, after="[…:]")


def _reraising(node: ast.ExceptHandler) -> ast.ExceptHandler:
    return ast.ExceptHandler(type=node.type, name=node.name, body=[ast.Raise()])


def _of_set(node: ast.Set) -> Iterator[Change]:
    for element in node.elts:
        rest = [each for each in node.elts if each is not element]
        by: ast.expr = ast.Set(elts=rest) if rest else ast.Call(ast.Name("set", ast.Load()), [], [])
        yield Change(node=node, by=by, kind=Kind.CHECK, shown=element, after="nothing")


def _other_text(text: str | bytes) -> str | bytes:
    return f"other {text}" if isinstance(text, str) else b"other " + text


def _has_refusal(statement: ast.stmt) -> bool:
    return any(isinstance(node, ast.stmt) and refuses([node]) for node in ast.walk(statement))


def _kind(is_check: bool) -> Kind:
    return Kind.CHECK if is_check else Kind.OTHER


def _change(node: ast.AST, by: ast.AST, kind: Kind = Kind.OTHER) -> Change:
    return Change(node=node, by=by, kind=kind, shown=node, after=ast.unparse(by))


_INVERSE: Final[dict[type[ast.cmpop], type[ast.cmpop]]] = {
    ast.Lt: ast.GtE,
    ast.GtE: ast.Lt,
    ast.Gt: ast.LtE,
    ast.LtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}
_NEXT_TO: Final[dict[type[ast.cmpop], type[ast.cmpop]]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
}
_BINARY: Final[dict[type[ast.operator], type[ast.operator]]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.FloorDiv,
    ast.FloorDiv: ast.Mult,
    ast.Div: ast.Mult,
    ast.Mod: ast.Mult,
    ast.Pow: ast.Mult,
    ast.BitOr: ast.BitAnd,
    ast.BitAnd: ast.BitOr,
    ast.BitXor: ast.BitOr,
    ast.LShift: ast.RShift,
    ast.RShift: ast.LShift,
}
_TWINS: Final = {"all": "any", "any": "all", "min": "max", "max": "min"}
