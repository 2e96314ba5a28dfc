"""Files that are put in the place of others."""

from pathlib import Path

import pytest

from keyturn.cli.private_files import PRIVATE, replace
from keyturn.errors import Conflict


def test_what_cant_be_replaced_leaves_nothing_behind(tmp_path: Path) -> None:
    """No traceback, and no second file with what the first one was to hold."""
    place = tmp_path / "page.html"
    place.mkdir()
    with pytest.raises(Conflict, match=r"page\.html can't be written"):
        replace(place, "where the API is weak", mode=PRIVATE)
    assert list(tmp_path.iterdir()) == [place]
