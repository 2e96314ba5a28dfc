"""PWD-03: where the rules for new passwords end, one character to either side."""

import pytest

from keyturn.core.password_blocklist import Names, Objection, names_of, objection_to

COMMON = frozenset({"love", "cat", "dragon", "dragons", "sunshine"})
NAMES = Names(user=frozenset({"ann", "annabel"}), service=frozenset({"keyturn"}))


def objection(password: str) -> Objection | None:
    """Judge *password* by a list of five words."""
    return objection_to(password, names=NAMES, is_common=COMMON.__contains__)


@pytest.mark.parametrize(
    ("password", "expected"),
    [
        ("love+++22+3+7", Objection.NEARLY_COMMON),
        ("cat+++22+3+79", None),
        ("evol+++22+3+7", Objection.NEARLY_COMMON),
        ("enihsnus-2026", Objection.NEARLY_COMMON),
        ("vleo+++22+3+7", None),
    ],
)
def test_a_word_of_four_letters_is_one_in_either_direction(password: str, expected: Objection | None) -> None:
    """With signs and digits around it; of three letters anything may happen to be one."""
    assert objection(password) is expected


@pytest.mark.parametrize(
    ("password", "expected"),
    [
        ("d+r+a+g+o+n+s+", Objection.NEARLY_COMMON),
        ("d+r+a+g+o+n+s++", None),
        ("d++r++a++g++o++n++s", None),
        ("d+r+a+g+o+n", None),
        ("l+o+v+e+", None),
        ("s+u+n+s+h+i+n+e+", Objection.NEARLY_COMMON),
    ],
)
def test_signs_between_letters_hide_a_word_only_if_there_are_more_of_them(
    password: str, expected: Objection | None
) -> None:
    """A word of seven letters or more that is half of the password or more was meant to be one."""
    assert objection(password) is expected


@pytest.mark.parametrize(
    ("password", "expected"),
    [
        ("wxqzwxqzwxqz", Objection.REPETITIVE),
        ("wxqzvwxqzvwxqzv", None),
        ("qxxqxqqqxxqx", Objection.REPETITIVE),
        ("qxxqzqqzxxqx", None),
        ("q", Objection.REPETITIVE),
        ("", Objection.REPETITIVE),
    ],
)
def test_what_repeats_is_four_characters_or_less_over_and_over(password: str, expected: Objection | None) -> None:
    """Or two in any order. A longer piece that nobody uses is not for us to judge."""
    assert objection(password) is expected


@pytest.mark.parametrize(
    ("password", "expected"),
    [
        ("ann77+5+3+2+1", Objection.NAMES_USER),
        ("annabel+77+53", Objection.NAMES_USER),
        ("ann77+53+wxq", Objection.NAMES_USER),
        ("ann77+53+wxqz", None),
        ("keyturn+53+wxq", Objection.NAMES_SERVICE),
        ("keyturn+53+wxqz", None),
    ],
)
def test_a_name_and_three_letters_more_are_the_name(password: str, expected: Objection | None) -> None:
    """The longest name counts first: what is left of it without a shorter one is no word beside it."""
    assert objection(password) is expected


def test_a_name_has_three_letters_or_more() -> None:
    """Of a user or of a service."""
    assert names_of("bo", issuer="https://ab.example", audiences=()).user == frozenset()
    names = names_of("bob", issuer="https://abc.example", audiences=())
    assert objection_to("bob+77+5+3+2", names=names, is_common=COMMON.__contains__) is Objection.NAMES_USER
    assert objection_to("abc+77+5+3+2", names=names, is_common=COMMON.__contains__) is Objection.NAMES_SERVICE
