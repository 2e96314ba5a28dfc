"""Printing what others have typed, for people and for programs."""

import json

import pytest

from keyturn.cli.output import Column, complain, moment, note, print_facts, print_json, print_table, printable

HOSTILE = "\x1b]0;owned\x07\r\n[bold]phone\u202e\u2028"


@pytest.mark.parametrize("character", ["\x1b", "\r", "\n", "\x00", "\x9b", "\u202e", "\u2028", "\ud800", "\u200b"])
def test_what_cant_be_seen_is_escaped(character: str) -> None:
    """No character that can't be seen reaches a terminal (A52)."""
    assert printable(f"a{character}b").isprintable()
    assert printable(f"a{character}b") != "ab"


def test_what_can_be_seen_stays() -> None:
    """Names in any script are printed as they are."""
    assert printable("Žofie 📱 手机") == "Žofie 📱 手机"


@pytest.mark.parametrize("show", [lambda row, columns: print_table([row], columns), print_facts])
def test_a_table_is_not_moved_by_what_it_shows(show: object, capsys: pytest.CaptureFixture[str]) -> None:
    """A cell can neither colour the terminal, nor break the line, nor use the table's own markup (A52)."""
    assert callable(show)
    show({"name": HOSTILE}, [Column("NAME", "name")])
    printed = capsys.readouterr().out
    assert "\x1b" not in printed
    assert "\\x1b]0;owned\\x07\\r\\n[bold]phone\\u202e\\u2028" in printed


def test_a_table_that_a_program_reads_does_not_wrap(capsys: pytest.CaptureFixture[str]) -> None:
    """Where no terminal is, a row is one line however long it is."""
    print_table([{"a": "x" * 300, "b": "y" * 300}], [Column("A", "a"), Column("B", "b")])
    assert any("x" * 300 in line and "y" * 300 in line for line in capsys.readouterr().out.splitlines())


@pytest.mark.parametrize("show", [lambda row, columns: print_table([row], columns), print_facts])
def test_a_table_that_a_program_reads_ends_its_lines_where_the_text_ends(
    show: object, capsys: pytest.CaptureFixture[str]
) -> None:
    """No blanks fill a line up to its last column."""
    assert callable(show)
    show({"a": "x", "b": "y"}, [Column("A", "a"), Column("A LONG TITLE", "b")])
    lines = capsys.readouterr().out.splitlines()
    assert lines[-1].endswith("y")
    assert [line for line in lines if line != line.rstrip()] == []


@pytest.mark.parametrize("second", [2**63 // 1000, -(2**63) // 1000, 2**80])
def test_a_moment_that_no_calendar_has_is_a_number(second: int) -> None:
    """Whoever wrote it can't keep anything else from being shown."""
    assert moment(second) == str(second)


def test_json_is_ascii(capsys: pytest.CaptureFixture[str]) -> None:
    """JSON holds what was typed, in ASCII."""
    print_json({"name": HOSTILE})
    printed = capsys.readouterr().out
    assert printed.isascii()
    assert "\x1b" not in printed
    assert json.loads(printed) == {"name": HOSTILE}


def test_a_note_is_one_line_on_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    """A sentence about something hostile is one line."""
    note(f"gone: {HOSTILE}")
    captured = capsys.readouterr()
    assert not captured.out
    assert captured.err.count("\n") == 1


def test_each_of_several_errors_has_its_line(capsys: pytest.CaptureFixture[str]) -> None:
    """Problems of the settings come as a list."""
    complain("one.\ntwo.")
    assert capsys.readouterr().err == "Errors:\n  one.\n  two.\n"


def test_a_moment_is_in_utc() -> None:
    """People read times in UTC, and a dash where there is none."""
    assert moment(1_800_000_000) == "2027-01-15 08:00:00Z"
    assert moment(None) == "-"
