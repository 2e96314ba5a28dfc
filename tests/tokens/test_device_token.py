import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyturn.tokens import base64url, device_token
from keyturn.tokens.opaque_token import TokenKey

_KEY = TokenKey(key_id=b"key1", secret=bytes(range(32)))
_KEYS = {b"key1": _KEY}
_DEVICE = bytes(range(16))


def test_a_device_token_belongs_to_one_account() -> None:
    """The device id comes back, and the account is recognised, by its digest, and no other is."""
    device = device_token.parse(device_token.issue(_KEY, device_id=_DEVICE, sub="user-1"), _KEYS)
    assert device is not None
    assert device.device_id == _DEVICE
    assert device.account == device_token.account_digest("user-1")
    assert device_token.belongs_to(device, "user-1")
    assert not device_token.belongs_to(device, "user-2")
    assert not device_token.belongs_to(device, "")


def test_a_device_token_shows_no_device() -> None:
    """VER-30: what is printed of it is the digest of the account alone."""
    device = device_token.parse(device_token.issue(_KEY, device_id=_DEVICE, sub="user-1"), _KEYS)
    assert repr(device) == f"DeviceToken(account={device_token.account_digest('user-1')!r})"


def test_a_device_token_has_one_form() -> None:
    """It is ``ktd_`` and 92 characters of base64url; the name of the account is not in it."""
    text = device_token.issue(_KEY, device_id=_DEVICE, sub="user-1")
    assert re.fullmatch(r"ktd_[A-Za-z0-9_-]{92}", text)
    assert b"user-1" not in base64url.decode(text[4:])


def test_every_single_character_counts() -> None:
    """A changed token is a device we don't know, and never an error."""
    text = device_token.issue(_KEY, device_id=_DEVICE, sub="user-1")
    for position in range(len(text)):
        for other in "A_-=Zé ":
            twin = text[:position] + other + text[position + 1 :]
            assert (device_token.parse(twin, _KEYS) is not None) == (twin == text)
    assert device_token.parse(text, {}) is None
    assert device_token.parse(text, {b"key1": TokenKey(key_id=b"key1", secret=bytes(32))}) is None


@given(st.text() | st.none() | st.binary() | st.from_regex(r"ktd_[A-Za-z0-9_-]{92}", fullmatch=True))
def test_anything_else_is_an_unknown_device(text: Any) -> None:
    """VER-29: whatever is sent, the answer is None."""
    assert device_token.parse(text, _KEYS) is None


@pytest.mark.parametrize("device_id", [b"", bytes(15), bytes(17)])
def test_only_sound_parts_are_issued(device_id: bytes) -> None:
    """A device id of another length is a ValueError."""
    with pytest.raises(ValueError, match="16 bytes"):
        device_token.issue(_KEY, device_id=device_id, sub="user-1")
