import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyturn.tokens import base64url


@given(st.binary(max_size=200))
def test_any_bytes_survive_the_round_trip(data: bytes) -> None:
    """What is encoded is what other encoders write without padding, and decodes to the same bytes."""
    text = base64url.encode(data)
    assert text == base64.urlsafe_b64encode(data).rstrip(b"=").decode()
    assert base64url.decode(text) == base64url.decode(text.encode()) == data


@given(st.text(alphabet="AQgwZz09-_+/= \n.!é", max_size=12))
def test_ver_02_a_text_is_refused_or_the_one_spelling_of_its_bytes(text: str) -> None:
    """VER-02: whatever decodes is exactly what the decoded bytes encode to (A17)."""
    try:
        data = base64url.decode(text)
    except ValueError:
        return
    assert base64url.encode(data) == text


@pytest.mark.parametrize("length", [4, 6, 7, 8])
def test_a17_no_byte_outside_the_alphabet_passes_anywhere(length: int) -> None:
    """A17: padding, blanks, the other base64's ``+`` and ``/``, controls and high bytes are refused at every place."""
    sound = b"QUJDQUJA"[: length - 1] + b"A"
    assert base64url.decode(sound)
    for byte in set(range(256)) - set(base64url.ALPHABET):
        for position in range(length):
            with pytest.raises(ValueError):
                base64url.decode(sound[:position] + bytes([byte]) + sound[position + 1 :])
            with pytest.raises(ValueError):
                base64url.decode(sound[:position] + bytes([byte]) + sound[position:])


@pytest.mark.parametrize("text", ["A", "QUJDA", "QUI=", "QQ==", "Q===", "=", "QR", "QUJ", "QUJDQR"])
def test_ver_02_impossible_lengths_padding_and_stray_bits_are_refused(text: str) -> None:
    """VER-02: a length of 1 modulo 4, any padding, and bits after the last byte are refused."""
    with pytest.raises(ValueError):
        base64url.decode(text)


def test_an_es256_signature_has_no_twin() -> None:
    """A17: of the four last characters that lenient decoders take for one signature, three are refused."""
    text = base64url.encode(bytes(range(64)))
    twins = [text[:-1] + chr(last) for last in base64url.ALPHABET]
    accepted = [twin for twin in twins if _decodes_to(twin, bytes(range(64)))]
    assert accepted == [text]


def _decodes_to(text: str, data: bytes) -> bool:
    try:
        return base64url.decode(text) == data
    except ValueError:
        return False
