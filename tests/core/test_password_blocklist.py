"""PWD-03: which new passwords are refused, and for which reason."""

import pytest

from keyturn.core.password_blocklist import Objection, names_of, objection_to
from keyturn.core.password_rules import SENTENCES
from keyturn.server.password_judge import is_common

_NAMES = names_of(
    "Alice.Smith@corp.example",
    issuer="https://login.bigshop.example/auth",
    audiences=("https://orders.example.com", "my-api"),
)


@pytest.mark.parametrize(
    ("password", "objection"),
    [
        ("administrator", Objection.COMMON),
        ("password1234", Objection.COMMON),
        ("PASSWORD1234", Objection.COMMON),
        ("ｐａｓｓｗｏｒｄ１２３４", Objection.COMMON),  # noqa: RUF001 - full-width twins
        ("password!?password!?", Objection.NEARLY_COMMON),
        ("!!!iloveyou2026!!!", Objection.NEARLY_COMMON),
        ("P@ssw0rd-2026!", Objection.NEARLY_COMMON),
        ("p.a.s.s.w.o.r.d", Objection.NEARLY_COMMON),
        ("drowssap-2026", Objection.NEARLY_COMMON),
        ("football football", Objection.NEARLY_COMMON),
        ("alice-password-26", Objection.NEARLY_COMMON),
        ("alice.smith@corp.example", Objection.NAMES_USER),
        ("AliceSmith2026!", Objection.NAMES_USER),
        ("4l1ce-5m1th-26", Objection.NAMES_USER),
        ("smith_alice_01", Objection.NAMES_USER),
        ("keyturn-2026-!!", Objection.NAMES_SERVICE),
        ("Keyturn4alice", Objection.NAMES_SERVICE),
        ("bigshop-orders-1", Objection.NAMES_SERVICE),
        ("my-api-my-api-1", Objection.NAMES_SERVICE),
        ("aaaaaaaaaaaaaaaa", Objection.REPETITIVE),
        ("abcabcabcabcabc", Objection.REPETITIVE),
        ("1234567890123456", Objection.REPETITIVE),
        ("nmlkjihgfedcba", Objection.REPETITIVE),
        ("432109876543", Objection.REPETITIVE),
        ("abaababbabba", Objection.REPETITIVE),
    ],
)
def test_pwd_03_what_anybody_would_try_is_refused(password: str, objection: Objection) -> None:
    """PWD-03: the lists, also without digits and signs, spelled with digits, twice, backwards; names; what repeats."""
    assert objection_to(password, names=_NAMES, is_common=is_common) is objection
    assert password not in SENTENCES[objection]


@pytest.mark.parametrize(
    "password",
    [
        "correct horse battery",
        "alice in a land of wonders",
        "keyturn opens my seven doors",
        "7&3k!9%2@5#8",
        "xK9$mQ2#vL5@",
        "träume sind schäume",
        "a" * 30 + "different ending",
    ],
)
def test_pwd_03_a_word_or_a_name_in_much_else_is_taken(password: str) -> None:
    """PWD-02, PWD-03: phrases and random characters pass; there are no composition rules."""
    assert objection_to(password, names=_NAMES, is_common=is_common) is None


def test_pwd_03_every_long_entry_of_the_lists_is_refused() -> None:
    """PWD-03: as it is, with digits and signs around it, and in another case."""
    common = ["unconstitutional", "christopher", "liverpoolfc", "schwarzenegger", "basketball", "trustno1"]
    for word in common:
        assert is_common(word)
        for disguise in (word, f"{word}2026!", f"__{word.title()}__", word.upper() + "#12"):
            assert objection_to(disguise, names=_NAMES, is_common=is_common) is not None, disguise


def test_names_that_mean_nothing_forbid_nothing() -> None:
    """A name of one or two characters, or a part of every address, is no word to look for."""
    names = names_of("a", issuer="https://www.x.com", audiences=("https://api.y.net",))
    assert names.user == frozenset()
    assert not {"www", "com", "api", "net", "x", "y"} & names.service


def test_every_objection_has_a_sentence() -> None:
    """PWD-03: the reason is given."""
    assert SENTENCES.keys() == set(Objection)
    assert len(set(SENTENCES.values())) == len(Objection)
