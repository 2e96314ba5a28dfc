"""``keyturn users``."""

import json
from uuid import UUID

import pytest
from cli_world import PASSWORD, Installation


def test_add_prints_the_sub(installation: Installation) -> None:
    """All that stands on standard output is the subject, a random UUID."""
    printed = installation.must("users", "add", "ada", "--role", "user", stdin=f"{PASSWORD}\n")
    assert str(UUID(printed.strip())) == printed.strip()


def test_a_name_is_taken_once(installation: Installation) -> None:
    """A name that differs in case alone is taken: exit 1, and the first account stays."""
    installation.add("ada")
    result = installation.run("users", "add", "ADA", stdin=f"{PASSWORD}\n")
    assert result.exit_code == 1
    assert "taken" in result.stderr
    assert not result.stdout


@pytest.mark.parametrize(
    ("name", "password"), [("ada", "short"), (" ada", PASSWORD), ("a\x1bda", PASSWORD), ("ada", "x" * 1025)]
)
def test_what_is_not_acceptable(installation: Installation, name: str, password: str) -> None:
    """A name or password that is not acceptable is told, and the password is not repeated (PWD-02)."""
    result = installation.run("users", "add", name, stdin=f"{password}\n")
    assert result.exit_code == 1
    assert result.stderr.startswith("Error: ")
    assert password not in result.output


def test_pwd_03_a_guessable_password_is_told_why(installation: Installation) -> None:
    """PWD-03: `users add` and `users passwd` refuse alike, and the old password stays."""
    added = installation.run("users", "add", "ada", stdin="Password-2026!\n")
    installation.add("ada")
    changed = installation.run("users", "passwd", "ada", stdin="ada-keyturn-2026\n")
    assert (added.exit_code, changed.exit_code) == (1, 1)
    assert "with little added" in added.stderr
    assert "with little added" in changed.stderr
    assert "2026" not in added.output + changed.output


@pytest.mark.parametrize("role", ["", "two words", "a\nb", 'quo"te'])
def test_a_role_is_one_word(installation: Installation, role: str) -> None:
    """A role that no token could carry is refused: it would make every token of the user worthless."""
    assert installation.run("users", "add", "ada", "--role", role, stdin=f"{PASSWORD}\n").exit_code == 2
    installation.add("bob")
    assert installation.run("users", "roles", "bob", "--add", role).exit_code == 2


def test_a_role_without_scopes_is_warned_of(installation: Installation) -> None:
    """A role that [roles] does not name is given, with a warning: it may be a slip."""
    result = installation.run("users", "add", "ada", "--role", "amdin", stdin=f"{PASSWORD}\n")
    assert result.exit_code == 0
    assert "amdin" in result.stderr


def test_a_list_in_pages(installation: Installation) -> None:
    """Pages follow each other in the order of the names, and the last one says so."""
    for name in ("cleo", "Ada", "bob"):
        installation.add(name)
    first = json.loads(installation.must("users", "list", "--json", "--limit", "2"))
    rest = json.loads(installation.must("users", "list", "--json", "--cursor", first["next"]))
    assert [user["username"] for user in first["items"] + rest["items"]] == ["Ada", "bob", "cleo"]
    assert rest["next"] is None


def test_the_table_names_the_next_page(installation: Installation) -> None:
    """People are told how to go on, beside the table."""
    installation.add("ada")
    installation.add("bob")
    result = installation.run("users", "list", "--limit", "1")
    assert "ada" in result.stdout
    assert "bob" not in result.stdout
    assert "--cursor=ada" in result.stderr


def test_show(installation: Installation) -> None:
    """A user's roles, what these give, and how many live sessions there are; no hash, in no form."""
    sub = installation.add("ada", "user")
    installation.log_in("ada")
    shown = json.loads(installation.must("users", "show", "ada", "--json"))
    assert shown | {"created_at": 0} == {
        "sub": sub,
        "username": "ada",
        "roles": ["user"],
        "disabled": False,
        "created_at": 0,
        "disabled_at": None,
        "scopes": ["orders:read"],
        "sessions": 1,
    }
    assert "argon2" not in installation.must("users", "show", "ada")


def test_roles_are_given_and_taken(installation: Installation) -> None:
    """What is removed goes, what is added comes once, and without either the roles are only told."""
    installation.add("ada", "user")
    assert installation.must("users", "roles", "ada", "--add", "admin", "--add", "user") == "user, admin\n"
    assert installation.must("users", "roles", "ada", "--remove", "user") == "admin\n"
    assert json.loads(installation.must("users", "roles", "ada", "--json"))["roles"] == ["admin"]


@pytest.mark.parametrize("verb", ["show", "passwd", "roles", "disable", "enable"])
def test_an_unknown_user(installation: Installation, verb: str) -> None:
    """A name that nobody has: exit 1 and one sentence."""
    result = installation.run("users", verb, "nobody", stdin=f"{PASSWORD}\n")
    assert result.exit_code == 1
    assert result.stderr == "Error: There is no user of this name.\n"


def test_disable_and_enable(installation: Installation) -> None:
    """Who is shut out has no session left, and none comes back with the permission to log in."""
    installation.add("ada")
    installation.log_in("ada")
    installation.must("users", "disable", "ada")
    assert json.loads(installation.must("users", "show", "ada", "--json"))["disabled"]
    installation.must("users", "enable", "ada")
    shown = json.loads(installation.must("users", "show", "ada", "--json"))
    assert not shown["disabled"]
    assert shown["sessions"] == 0
