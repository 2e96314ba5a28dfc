import pytest

from keyturn.tokens import base64url
from keyturn.tokens.opaque_token import Flaw, Frame, Opened, TokenKey

_KEY = TokenKey(key_id=b"key1", secret=bytes(range(32)))
_KEYS = {_KEY.key_id: _KEY}
_FRAME = Frame(prefix="ktx_", label=b"a kind of token\0", body_bytes=20)
_BODY = bytes(range(20))


def test_a_sealed_body_comes_back() -> None:
    """Open returns the key id and the body, and nothing else of the token."""
    assert _FRAME.open(_FRAME.seal(_KEY, _BODY), _KEYS) == Opened(key_id=b"key1", body=_BODY)


@pytest.mark.parametrize("body", [b"", _BODY[:-1], _BODY + b"\0"])
def test_a_body_of_another_length_is_not_sealed(body: bytes) -> None:
    """A kind of token has one length, so no two kinds of body can be mistaken for each other."""
    with pytest.raises(ValueError, match="wrong length"):
        _FRAME.seal(_KEY, body)


def test_the_prefix_is_part_of_the_token() -> None:
    """Without its prefix, or with another one, a token is malformed: a scanner finds every one that works."""
    text = _FRAME.seal(_KEY, _BODY)
    for spoilt in (text[4:], "ktr_" + text[4:], text.upper()[:4] + text[4:], "ktx_" + text):
        assert _FRAME.open(spoilt, _KEYS) is Flaw.MALFORMED


def test_no_text_of_the_right_length_has_more_bytes_than_a_token() -> None:
    """A text that spends its prefix on three more bytes is malformed before a key is looked for."""
    data = base64url.decode(_FRAME.seal(_KEY, _BODY)[4:])
    text = base64url.encode(data + b"abc")
    assert len(text) == len(_FRAME.seal(_KEY, _BODY))
    assert _FRAME.open(text, _KEYS) is Flaw.MALFORMED


@pytest.mark.parametrize("size", [1, 2, 3, 20, 21, 22])
def test_a_body_may_have_any_length(size: int) -> None:
    """Whatever is left over where base64url groups by three, a token opens; one character more or less does not."""
    frame = Frame(prefix="kty_", label=b"another kind\0", body_bytes=size)
    text = frame.seal(_KEY, bytes(size))
    assert frame.open(text, _KEYS) == Opened(key_id=b"key1", body=bytes(size))
    assert frame.open(text + "A", _KEYS) is frame.open(text[:-1], _KEYS) is Flaw.MALFORMED


def test_what_was_inside_is_not_shown() -> None:
    """VER-30: the body of a token is half of its secret; its repr holds the key id alone."""
    assert repr(Opened(key_id=b"key1", body=_BODY)) == "Opened(key_id=b'key1')"
