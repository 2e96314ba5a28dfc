"""One change to a piece of code: which node is replaced by what, and whether that removes or inverts a check.

A *check* is what refuses: a ``raise``, a condition that leads to a refusal, the answer of a function that says yes or
no, a call made for its effect alone, a member of a set. Whatever else can be wrong with code, such as a limit that is
off by one, is no less of a mistake, but is counted apart.
"""

import ast
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """What a change does."""

    CHECK = "check"
    OTHER = "other"

    @classmethod
    def of(cls, decides: object) -> "Kind":
        """Return the kind of a change to what *decides* about a refusal, or does not."""
        return cls.CHECK if decides else cls.OTHER


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
        return Kind.of(self.judges)


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


def change(node: ast.AST, by: ast.AST, kind: Kind = Kind.OTHER) -> Change:
    """Return the change of *node* into *by*, all of which is shown."""
    return Change(node=node, by=by, kind=kind, shown=node, after=ast.unparse(by))


def refuses(body: Sequence[ast.stmt]) -> bool:
    """Tell whether *body* ends in a refusal: an error, or an answer that is a name or a constant."""
    match body[-1] if body else None:
        case ast.Raise() | ast.Return(value=None | ast.Constant() | ast.Attribute()):
            return True
    return False


def leads_to_refusal(node: ast.If | ast.While | ast.IfExp) -> bool:
    """Tell whether one of the ways that *node* decides about ends in a refusal."""
    if isinstance(node, ast.IfExp):
        return any(isinstance(way, ast.Constant) for way in (node.body, node.orelse))
    return refuses(node.body) or refuses(node.orelse)


def negation(test: ast.expr, kind: Kind) -> list[Change]:
    """Return the change of a condition into its opposite; what is simple is negated where it stands."""
    simple = isinstance(test, ast.UnaryOp) or (isinstance(test, ast.Compare) and len(test.ops) == 1)
    return [] if simple else [change(test, ast.UnaryOp(op=ast.Not(), operand=test), kind)]
