"""``keyturn init``."""

import stat
from pathlib import Path

from cli_world import Run

ASKED = ("--issuer", "https://auth.example.com", "--audience", "https://api.example.com")


def test_what_it_writes_is_good_at_once(keyturn: Run) -> None:
    """With issuer and audience, the next command is ``config check`` and it is content."""
    assert keyturn("init", *ASKED).exit_code == 0
    assert keyturn("config", "check").exit_code == 0


def test_the_steps_it_names_work(keyturn: Run) -> None:
    """Whoever follows the printed steps has a user in a database."""
    printed = keyturn("init", *ASKED).stdout
    steps = [line.split()[1:] for line in printed.splitlines() if line.startswith("  keyturn")]
    assert [step[:2] for step in steps] == [["config", "check"], ["db", "upgrade"], ["users", "add"], ["serve"]]
    for step in steps[:-1]:
        assert keyturn(*step, stdin="correct horse battery\n").exit_code == 0


def test_without_issuer_it_says_what_to_set(keyturn: Run) -> None:
    """Issuer and audience have no default: the first step is to set them, and the check names both."""
    assert "Set issuer and access_token.audience" in keyturn("init").stdout
    refused = keyturn("config", "check")
    assert refused.exit_code == 2
    assert "KEYTURN_ISSUER" in refused.stderr
    assert "KEYTURN_ACCESS_TOKEN_AUDIENCE" in refused.stderr


def test_the_master_key_is_for_its_owner(keyturn: Run, tmp_path: Path) -> None:
    """The master key's file has mode 0600, and the key stands in no other file and on no screen (KEY-10)."""
    result = keyturn("init", *ASKED)
    secret = (tmp_path / "keyturn.key").read_text().strip()
    assert stat.S_IMODE((tmp_path / "keyturn.key").stat().st_mode) == 0o600
    assert secret not in (tmp_path / "keyturn.toml").read_text()
    assert secret not in result.output


def test_nothing_is_overwritten(keyturn: Run, tmp_path: Path) -> None:
    """Where one of the two files is, neither is written."""
    (tmp_path / "keyturn.key").write_text("precious")
    refused = keyturn("init", *ASKED)
    assert refused.exit_code == 1
    assert "keyturn.key" in refused.stderr
    assert (tmp_path / "keyturn.key").read_text() == "precious"
    assert not (tmp_path / "keyturn.toml").exists()


def test_a_bad_issuer_writes_nothing(keyturn: Run, tmp_path: Path) -> None:
    """An issuer that no server would start with is refused before anything is written."""
    refused = keyturn("init", "--issuer", "http://auth.example.com", "--audience", "a")
    assert refused.exit_code == 2
    assert "issuer" in refused.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_not_there_is_made(keyturn: Run, tmp_path: Path) -> None:
    """The first command of an installation needs no other before it."""
    assert keyturn("init", *ASKED, "--dir", "etc/keyturn").exit_code == 0
    assert keyturn("config", "check", "--config", "etc/keyturn/keyturn.toml").exit_code == 0
    assert stat.S_IMODE((tmp_path / "etc/keyturn/keyturn.key").stat().st_mode) == 0o600


def test_a_folder_that_cannot_be_made(keyturn: Run, tmp_path: Path) -> None:
    """What stands in the way is named, and nothing is written."""
    (tmp_path / "etc").write_text("a file")
    refused = keyturn("init", *ASKED, "--dir", "etc/keyturn")
    assert refused.exit_code == 1
    assert "etc/keyturn can't be made: Not a directory." in refused.stderr
