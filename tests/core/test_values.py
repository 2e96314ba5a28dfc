"""The small rules: scopes, audiences, addresses, usernames, passwords, devices."""

from dataclasses import replace

import pytest
from builders import FIREFOX, POLICY, policy
from hypothesis import given
from hypothesis import strategies as st

from keyturn.core import password_rules, usernames
from keyturn.core.addresses import network_of, reservations
from keyturn.core.device import changes
from keyturn.core.ending import ending
from keyturn.core.grant import choose_audience, choose_scopes, granted_scopes, parse_scope
from keyturn.core.model import EndReason, Origin
from keyturn.core.policy import Enforcement
from keyturn.core.ratelimit import Rate
from keyturn.errors import InvalidScope, InvalidTarget, ValidationFailed

RATE = Rate.per(5, 60)


def test_roles_give_each_scope_once_and_an_unknown_role_gives_nothing() -> None:
    """A30: a role that is not configured is worth nothing."""
    assert granted_scopes(("admin", "user", "root"), POLICY.roles) == ("orders:read", "orders:write")


def test_a_token_never_says_more_than_the_roles_and_the_session() -> None:
    """REF-10: within what roles and session give, less may be asked for; more is refused."""
    granted = ("a", "b", "c")

    assert choose_scopes(granted, of_session=None, requested=None) == granted
    assert choose_scopes(granted, of_session=("b", "gone"), requested=None) == ("b",)
    assert choose_scopes(granted, of_session=("b", "c"), requested=("c",)) == ("c",)
    for requested in (("a",), ("d",), ("b", "d")):
        with pytest.raises(InvalidScope):
            choose_scopes(granted, of_session=("b", "c"), requested=requested)


@pytest.mark.parametrize("scope", [" ", "a  b", " a", "a ", 'a"b', "a\\b", "a\nb", "ä", "a\tb", "\x7f"])
def test_a_malformed_scope_is_refused(scope: str) -> None:
    """RFC 6749 §3.3: single spaces between tokens of the allowed characters."""
    with pytest.raises(InvalidScope):
        parse_scope(scope)


def test_a_scope_may_have_every_character_that_the_rfc_allows_and_no_other() -> None:
    """RFC 6749 §3.3: %x21, %x23-5B and %x5D-7E, alone or all in one."""
    allowed = "".join(map(chr, range(0x21, 0x7F))).replace('"', "").replace("\\", "")

    assert parse_scope(allowed) == (allowed,)
    for letter in map(chr, range(0x180)):
        if letter in allowed:
            assert parse_scope(letter) == (letter,)
            continue
        with pytest.raises(InvalidScope):
            parse_scope(f"a{letter}")


def test_an_empty_scope_is_no_scope() -> None:
    """RFC 6749 §3.2: a parameter without a value counts as omitted."""
    assert parse_scope("") is None
    assert parse_scope(None) is None
    assert parse_scope("b a b") == ("b", "a")


def test_the_audience_is_one_of_ours_or_the_issuer() -> None:
    """ISS-03: what is asked for goes before the session's, and an unknown one is refused."""
    assert choose_audience(POLICY, of_session=None, requested=None) == "https://api.example.com"
    assert choose_audience(POLICY, of_session="https://other.example.com", requested=None) == POLICY.audiences[1]
    assert choose_audience(POLICY, of_session=None, requested=POLICY.issuer) == POLICY.issuer
    for unknown in ("https://api.example.com/", "https://API.example.com", "*", "https://evil.example"):
        with pytest.raises(InvalidTarget):
            choose_audience(POLICY, of_session=None, requested=unknown)


@pytest.mark.parametrize(
    ("address", "keys"),
    [
        ("192.0.2.7", ["login:192.0.2.7"]),
        ("::ffff:192.0.2.7", ["login:192.0.2.7"]),
        ("2001:db8:1:2:3:4:5:6", ["login:2001:db8:1:2::/64", "login:2001:db8:1::/48"]),
        ("fe80::1%eth0", ["login:fe80::/64", "login:fe80::/48"]),
        ("", ["login:unknown"]),
        ("unix:", ["login:unknown"]),
    ],
)
def test_an_address_is_an_ipv4_address_or_an_ipv6_network(address: str, keys: list[str]) -> None:
    """PWD-06, A47: rotating within a /64 or writing IPv4 as IPv6 dodges nothing; the /48 has ten times as much."""
    drawn = reservations("login", address, RATE)

    assert [reservation.key for reservation in drawn] == keys
    assert [reservation.rate.burst for reservation in drawn] == [5, 50][: len(keys)]


def test_a_session_remembers_a_network_and_no_address() -> None:
    """Only an IPv4 /24 or an IPv6 /48 is kept."""
    assert network_of("192.0.2.77") == "192.0.2.0/24"
    assert network_of("2001:db8:1:2::5") == "2001:db8:1::/48"
    assert network_of("no address") == ""


@pytest.mark.parametrize("other", ["ALICE", "ａlice", "Alice", "alice"])  # noqa: RUF001 - a full-width twin
def test_spellings_of_one_name_are_one_account(other: str) -> None:
    """A47: case and Unicode twins share the account and its limits."""
    assert usernames.normalise(other) == usernames.normalise("alice")


@given(st.text(max_size=60))
def test_normalising_a_name_twice_changes_nothing(name: str) -> None:
    """The key of a name is stable."""
    once = usernames.normalise(name)

    assert usernames.normalise(once) == once


@pytest.mark.parametrize("name", ["", " a", "a ", "a\n", "a\x00b", "a\u200bb", "a\u202eb", "x" * 255, "\ufdfa" * 100])
def test_a_name_nobody_could_see_or_type_is_refused(name: str) -> None:
    """A52: control, invisible and bidirectional characters have no place in a name."""
    with pytest.raises(ValidationFailed):
        usernames.check_new(name)


@pytest.mark.parametrize(
    "unseen",
    ["\u00ad", "\u034f", "\u115f", "\u1160", "\u17b4", "\u180b", "\u180f", "\u2065", "\u3164", "\ufe00", "\ufe0f",
     "\uffa0", "\ufff0", "\U0001bca0", "\U0001d173", "\U000e0100", "\U000e01ef", "\u2800"],
)  # fmt: skip
def test_nobody_registers_a_name_with_something_unseen_added(unseen: str) -> None:
    """A47: fillers, joiners and variation selectors are letters or marks to Unicode, and nothing to the eye."""
    for name in (f"alice{unseen}", f"al{unseen}ice"):
        with pytest.raises(ValidationFailed):
            usernames.check_new(name)


@pytest.mark.parametrize("name", ["alice", "Zoë", "e\u0301mile", "陳大文", "한글", "علي", "a b", "o'neil@example.com"])
def test_a_name_of_letters_is_taken(name: str) -> None:
    """Of any script, composed or not."""
    usernames.check_new(name)


def test_a_password_is_counted_in_code_points_and_never_cut() -> None:
    """PWD-02: twelve code points are twelve, spaces count, and 1,024 bytes are the end."""
    password_rules.check_new("päßwörter 12", min_length=12)
    password_rules.check_new("x" * 1024, min_length=12)
    for bad in ("x" * 11, "x" * 1025, "ü" * 513):
        with pytest.raises(ValidationFailed):
            password_rules.check_new(bad, min_length=12)


def test_composed_and_decomposed_characters_are_one_password() -> None:
    """PWD-02: NFC, so that another keyboard types the same password."""
    assert password_rules.normalise("cafe\u0301") == password_rules.normalise("caf\u00e9")
    assert password_rules.normalise("x" * 72 + "a") != password_rules.normalise("x" * 72 + "b")


def test_only_what_the_operator_watches_counts_as_a_change() -> None:
    """Device and address have a rule each, and ``off`` sees nothing."""
    elsewhere = replace(FIREFOX, browser="curl", address="198.51.100.0/24")

    watched = changes(FIREFOX, elsewhere, POLICY)
    blind = changes(FIREFOX, elsewhere, policy(device_binding=Enforcement.OFF, device_address=Enforcement.OFF))

    assert [change.end_reason for change in watched] == [EndReason.DEVICE_CHANGED, EndReason.ADDRESS_CHANGED]
    assert blind == ()
    assert changes(FIREFOX, FIREFOX, POLICY) == ()


def test_an_ending_names_exactly_one_thing() -> None:
    """No order ends everything because nothing was named."""
    with pytest.raises(ValueError, match="exactly one"):
        ending(EndReason.LOGOUT, origin=Origin(), now_ms=0)
    with pytest.raises(ValueError, match="exactly one"):
        ending(EndReason.LOGOUT, sid="a", sub="b", origin=Origin(), now_ms=0)
