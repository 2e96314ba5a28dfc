"""What a route says about itself: it asks for a token, or it is public on purpose. Deny by default is what is left.

A mark is an attribute, so that wrapping with ``functools.wraps`` keeps it and any framework can carry it. It is the
thing's own: a class does not inherit the decision on another.
"""

from collections.abc import Callable
from typing import Any, Final, TypeVar

from keyturn.errors import ConfigurationError

_Marked = TypeVar("_Marked")

#: What a fallback answers, in the list of open routes.
WHATEVER: Final = "/* (whatever no route matches)"


def mark(target: _Marked) -> _Marked:
    """Return *target*, an endpoint or an app, as one whose policy has been decided on."""
    setattr(target, _MARK, True)
    return target


def is_marked(target: Any) -> bool:  # noqa: ANN401 - an endpoint may be anything callable
    """Say whether :func:`mark` has seen *target*, or the very class that it is an instance of."""
    return any(vars_.get(_MARK) is True for vars_ in (getattr(target, "__dict__", {}), vars(type(target))))


def answers_the_unmatched(app: Any, not_found: Callable[..., Any]) -> bool:  # noqa: ANN401 - any ASGI app
    """Say whether *app* answers requests that none of its routes matches, and nobody has marked what does.

    Args:
        app: a router, an app with one as ``router``, or anything else, which has no routes to miss.
        not_found: the method that refuses in the framework's routers.

    """
    default = getattr(getattr(app, "router", app), "default", None)
    return default is not None and getattr(default, "__func__", None) is not not_found and not is_marked(default)


def check_no_open_routes(open_routes: list[str]) -> None:
    """Let an app start whose list of undecided routes is empty.

    Raises:
        ConfigurationError: it is not; the sentence names them.

    """
    if open_routes:
        raise ConfigurationError(
            "guard: these routes neither require a token nor are marked public: " + ", ".join(sorted(open_routes)) + "."
        )


_MARK: Final = "__keyturn_decided__"
