import hmac
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyturn.errors import InvalidGrant
from keyturn.tokens import base64url, device_token, refresh_token
from keyturn.tokens.opaque_token import TokenKey

_KEY = TokenKey(key_id=b"key1", secret=bytes(range(32)))
_OTHER = TokenKey(key_id=b"key2", secret=bytes(range(1, 33)))
_KEYS = {key.key_id: key for key in (_KEY, _OTHER)}
_HANDLE = bytes(range(16))


def _refused(text: Any, keys: dict[bytes, TokenKey] = _KEYS) -> str:
    with pytest.raises(InvalidGrant) as refused:
        refresh_token.parse(text, keys)
    return refused.value.reason


@given(st.binary(min_size=16, max_size=16), st.integers(0, 2**32 - 1))
def test_what_is_issued_is_what_is_parsed(handle: bytes, generation: int) -> None:
    """Handle, generation and key come back, whichever of the keys it was."""
    for key in (_KEY, _OTHER):
        text = refresh_token.issue(key, handle=handle, generation=generation)
        assert refresh_token.parse(text, _KEYS) == refresh_token.RefreshToken(
            key_id=key.key_id, handle=handle, generation=generation
        )


def test_a_refresh_token_has_one_form() -> None:
    """It is ``ktr_`` and 76 characters of base64url: 57 bytes, no padding and no bits to play with (contract §3)."""
    text = refresh_token.issue(_KEY, handle=_HANDLE, generation=0)
    assert re.fullmatch(r"ktr_[A-Za-z0-9_-]{76}", text)
    assert len(base64url.decode(text[4:])) == 57
    assert text == refresh_token.issue(_KEY, handle=_HANDLE, generation=0)


def test_every_single_character_counts() -> None:
    """A token with any one character changed, removed or inserted is refused without asking a store."""
    text = refresh_token.issue(_KEY, handle=_HANDLE, generation=7)
    for position in range(len(text)):
        rest = text[position + 1 :]
        for twin in {text[:position] + other + rest for other in "A_-=Zé "} - {text}:
            assert _refused(twin) in {"malformed", "unknown_key", "forged"}
        assert _refused(text[:position] + rest) == "malformed"
        assert _refused(text[:position] + "A" + text[position:]) == "malformed"


def test_the_private_reason_tells_forged_from_unknown() -> None:
    """For the audit log: malformed, made with a key we don't have, or forged."""
    text = refresh_token.issue(_KEY, handle=_HANDLE, generation=7)
    assert _refused(text, {}) == _refused(text, {b"key2": _OTHER}) == "unknown_key"
    assert _refused(text, {b"key1": TokenKey(key_id=b"key1", secret=_OTHER.secret)}) == "forged"
    data = base64url.decode(text[4:])
    assert _refused("ktr_" + base64url.encode(data[:-1] + bytes([data[-1] ^ 1]))) == "forged"
    assert _refused("ktr_" + base64url.encode(data[:24] + b"\x08" + data[25:])) == "forged"
    assert _refused("ktr_" + base64url.encode(b"\x02" + data[1:])) == "malformed"


@pytest.mark.parametrize("text", ["", "ktr_", "ktr_" + "A" * 75, "ktr_" + "A" * 80, "x" * 10**6, None, 5, b"ktr_"])
def test_what_is_no_token_is_malformed(text: Any) -> None:
    """Anything else, text or not, is refused in the same way."""
    assert _refused(text) == "malformed"


@given(st.text() | st.from_regex(r"ktr_[A-Za-z0-9_-]{76}", fullmatch=True))
def test_no_text_gives_another_error(text: str) -> None:
    """VER-29: whatever is sent, the one error is InvalidGrant."""
    assert _refused(text) in {"malformed", "unknown_key", "forged"}


def test_a27_a_device_token_is_no_refresh_token() -> None:
    """A27: the MACs differ by kind, so that no token passes for one of another kind, even under one key."""
    device = device_token.issue(_KEY, device_id=_HANDLE, sub="user-1")
    assert _refused(device) == _refused("ktr_" + device[4:]) == "malformed"
    assert _refused("ktr_" + device[4:80]) == "forged"
    content = base64url.decode(refresh_token.issue(_KEY, handle=_HANDLE, generation=0)[4:])[:25]
    for label in (b"", b"keyturn device token\0"):
        mac = hmac.digest(_KEY.secret, label + content, "sha256")
        assert _refused("ktr_" + base64url.encode(content + mac)) == "forged"
    text = refresh_token.issue(_KEY, handle=_HANDLE, generation=0)
    assert device_token.parse(text, _KEYS) is None
    assert device_token.parse("ktd_" + text[4:] + "A" * 16, _KEYS) is None


def test_nothing_secret_is_shown() -> None:
    """VER-30: neither a key nor a handle is in a repr, nor the token in an error."""
    text = refresh_token.issue(_KEY, handle=_HANDLE, generation=7)
    assert repr(_KEY.secret) not in repr(_KEY)
    assert repr(_HANDLE) not in repr(refresh_token.parse(text, _KEYS))
    with pytest.raises(InvalidGrant) as refused:
        refresh_token.parse(text[:-1] + "!", _KEYS)
    assert text[4:-1] not in f"{refused.value!r} {refused.value.reason} {refused.value.__context__!r}"


@pytest.mark.parametrize(("handle", "generation"), [(b"short", 0), (bytes(17), 0), (_HANDLE, -1), (_HANDLE, 2**32)])
def test_only_sound_parts_are_issued(handle: bytes, generation: int) -> None:
    """A handle of another length or a generation beyond 32 bits is a ValueError."""
    with pytest.raises(ValueError, match="bytes"):
        refresh_token.issue(_KEY, handle=handle, generation=generation)
