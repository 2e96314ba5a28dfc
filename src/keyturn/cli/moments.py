"""Points in time as an operator types them."""

from datetime import UTC, datetime

import typer


def parse_moment(text: str, *, now: int) -> int:
    """Return the epoch second that *text* means: ``now``, an epoch second, or ISO 8601 (UTC unless it says otherwise).

    Raises:
        typer.BadParameter: it is none of these.

    """
    if text == "now":
        return now
    if text.isascii() and text.isdigit():
        return int(text)
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter("Write 'now', epoch seconds, or a time such as 2026-11-21T09:30:00Z.") from None
    return int((instant if instant.tzinfo else instant.replace(tzinfo=UTC)).timestamp())
