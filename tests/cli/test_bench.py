"""``keyturn bench``."""

import json
from pathlib import Path

from cli_world import Run


def test_every_row_is_a_rate(keyturn: Run, tmp_path: Path) -> None:
    """Each measurement is a positive rate with its meaning, and nothing is left behind."""
    rows = json.loads(keyturn("bench", "--seconds", "0.05", "--json").stdout)["items"]
    assert len(rows) == 6
    assert all(row["per_second"] > 0 and row["meaning"] for row in rows)
    assert list(tmp_path.iterdir()) == []
    rates = {row["name"]: row["per_second"] for row in rows}
    assert rates["token, seen before"] > 5 * rates["token, first time"]


def test_a_directory_that_is_not_there(keyturn: Run) -> None:
    """Where no database can be made, the folder is named."""
    result = keyturn("bench", "--dir", "nowhere")
    assert result.exit_code == 2
    assert "nowhere" in result.stderr
