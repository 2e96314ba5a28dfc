"""A mark is what somebody set on this very thing, and nothing that it came by otherwise."""

import functools

from keyturn.verify.marks import answers_the_unmatched, is_marked, mark


class Base:
    """A class that somebody decided on, as an app on its own too."""

    def show(self) -> None:
        """Show something."""


class Heir(Base):
    """A class that nobody decided on."""


def test_a_class_does_not_inherit_a_mark() -> None:
    """OPS-01: what a subclass adds was never looked at; its instances neither."""
    base = mark(type("Public", (Base,), {}))
    heir = type("Secret", (base,), {})

    assert (is_marked(base), is_marked(base())) == (True, True)
    assert (is_marked(heir), is_marked(heir())) == (False, False)
    assert is_marked(mark(heir))


def test_a_mark_goes_along_with_what_is_wrapped() -> None:
    """And with a method to its instances; a mark on one instance is of that one alone."""

    @mark
    def endpoint() -> None:
        """Answer."""

    @functools.wraps(endpoint)
    def wrapped() -> None:
        endpoint()

    class Things:
        get = wrapped

    marked, other = mark(Heir()), Heir()
    assert all(map(is_marked, (endpoint, wrapped, Things.get, Things().get, marked)))
    assert not any(map(is_marked, (other, Heir, other.show, None, "text", 1)))


def test_a_fallback_is_what_answers_instead_of_not_found() -> None:
    """OPS-01: of an app or a router; a thing that has neither has none."""

    class Router:
        def not_found(self) -> None:
            """Refuse."""

        def __init__(self) -> None:
            self.default = self.not_found

    class Heir(Router):
        def not_found(self) -> None:
            """Answer, after all."""

    def fallback() -> None:
        """Answer."""

    plain, other = Router(), Router()
    other.default = fallback  # type: ignore[method-assign]
    app = type("App", (), {"router": other})

    assert not answers_the_unmatched(plain, Router.not_found)
    assert not answers_the_unmatched(fallback, Router.not_found)
    assert answers_the_unmatched(Heir(), Router.not_found)
    assert answers_the_unmatched(other, Router.not_found)
    assert answers_the_unmatched(app, Router.not_found)
    mark(fallback)
    assert not answers_the_unmatched(app, Router.not_found)
