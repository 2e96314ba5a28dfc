"""What a route says about itself: it asks for a token, or it is public on purpose. Deny by default is what is left.

A mark is an attribute, so that wrapping with ``functools.wraps`` keeps it and any framework can carry it.
"""

from typing import Any, Final, TypeVar

from keyturn.errors import ConfigurationError

_Marked = TypeVar("_Marked")


def mark(target: _Marked) -> _Marked:
    """Return *target*, an endpoint or an app, as one whose policy has been decided on."""
    setattr(target, _MARK, True)
    return target


def is_marked(target: Any) -> bool:  # noqa: ANN401 - an endpoint may be anything callable
    """Say whether :func:`mark` has seen *target*."""
    return getattr(target, _MARK, None) is True


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
