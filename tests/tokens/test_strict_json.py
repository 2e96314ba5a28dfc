import json
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyturn.tokens import strict_json

_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


@given(st.dictionaries(st.text(), _VALUES, max_size=5), st.booleans())
def test_sound_objects_are_read_as_they_were_written(value: dict[str, Any], ensure_ascii: bool) -> None:
    """What a JSON writer writes is read back the same, escaped or not, and blanks around it do no harm."""
    assert strict_json.parse_object(f" {json.dumps(value, ensure_ascii=ensure_ascii)}\r\n".encode()) == value


@given(st.binary(max_size=60) | st.text(alphabet='{}[]":,\\u0dD8 1eE+-.NaInfity\ud800', max_size=60))
def test_ver_29_any_input_gives_an_object_or_value_error(data: bytes | str) -> None:
    """VER-29: no input makes the parser raise anything but ValueError, and that without the text in it (VER-30)."""
    raised: ValueError | None = None
    try:
        strict_json.parse_object(data if isinstance(data, bytes) else data.encode("utf-8", "surrogatepass"))
    except ValueError as error:
        raised = error
    assert raised is None or (str(raised), raised.__context__) == ("not a strict JSON object", None)


@pytest.mark.parametrize(
    "text",
    [
        '{"alg":"ES256","alg":"none"}',
        '{"sub":"a","s\\u0075b":"b"}',
        '{"a":{"b":1,"b":1}}',
        '{"a":[[{"b":1,"b":1}]]}',
    ],
)
def test_ver_05_a_name_that_occurs_twice_is_refused_at_any_depth(text: str) -> None:
    """VER-05, A18: duplicate names are refused, escaped ones and nested ones too."""
    with pytest.raises(ValueError, match="strict"):
        strict_json.parse_object(text.encode())


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999", "-1e999", "1" * 5000, "01", "+1", ".5"])
def test_ver_06_numbers_without_one_meaning_are_refused(number: str) -> None:
    """VER-06: what is no number, overflows a double, or has thousands of digits is refused."""
    with pytest.raises(ValueError, match="strict"):
        strict_json.parse_object(f'{{"exp":{number}}}'.encode())


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-8-sig"])
def test_ver_04_only_utf_8_without_byte_order_mark_is_read(encoding: str) -> None:
    """VER-04, A19: UTF-16, UTF-32 and a byte order mark are refused."""
    with pytest.raises(ValueError, match="strict"):
        strict_json.parse_object('{"sub":"a"}'.encode(encoding))


@pytest.mark.parametrize("data", [b'{"a":"\xff"}', b'{"a":"\xc0\xaf"}', b'{"a":"\xed\xa0\x80"}', b'{"a":"\xe2\x82"}'])
def test_ver_04_broken_utf_8_is_refused(data: bytes) -> None:
    """VER-04: invalid, overlong, surrogate and truncated sequences are refused."""
    with pytest.raises(ValueError, match="strict"):
        strict_json.parse_object(data)


@pytest.mark.parametrize("text", ['{"a":"\\ud800"}', '{"\\uDC00":1}', '{"a":["\\udc00\\ud800"]}'])
def test_a19_a_lone_surrogate_is_refused(text: str) -> None:
    """A19: half a surrogate pair, in a name or in a value, is refused; a whole pair is a character."""
    with pytest.raises(ValueError, match="strict"):
        strict_json.parse_object(text.encode())
    assert strict_json.parse_object(b'{"a":"\\ud83d\\ude00"}') == {"a": "\N{GRINNING FACE}"}


def test_ver_06_sixteen_levels_are_read_and_seventeen_refused() -> None:
    """VER-06: nesting ends at 16 levels; brackets inside strings do not count."""
    assert strict_json.parse_object(_nested(16))
    with pytest.raises(ValueError, match="strict"):
        strict_json.parse_object(_nested(17))
    text = "[{" * 50 + '"\\'
    assert strict_json.parse_object(json.dumps({"a": text, "b": [1], "c": [{}] * 40}).encode())["a"] == text


@pytest.mark.parametrize("before", [b"", b'"b":[],', b'"b":[],"c":{},"d":[[],[]],'])
def test_a20_what_is_closed_again_does_not_count_as_depth(before: bytes) -> None:
    """A20: sixteen levels are read and seventeen are not, whatever stands beside them."""
    text = b"{" + before + b'"a":%b}'
    assert "a" in strict_json.parse_object(text.replace(b"%b", b"[" * 15 + b"]" * 15))
    with pytest.raises(ValueError, match="strict"):
        strict_json.parse_object(text.replace(b"%b", b"[" * 16 + b"]" * 16))


@pytest.mark.parametrize(
    "data",
    [
        b'{"a":' + b"[" * 100_000,
        b'{"a":' * 100_000,
        b'{"a":' + b"[" * 4000 + b"]" * 4000 + b"}",
        b'"' + b'\\"' * 100_000,
        b"[" * 20 + b'"\\' * 100_000,
        b'{"a":' + b"9" * 100_000 + b"}",
    ],
)
def test_a20_hostile_texts_are_refused_at_once(data: bytes) -> None:
    """A20: deep, endless and huge texts give ValueError within milliseconds."""
    began = time.thread_time()
    with pytest.raises(ValueError, match="strict"):
        strict_json.parse_object(data)
    assert time.thread_time() - began < 0.25


@pytest.mark.parametrize("data", [b"", b"[]", b'"a"', b"1", b"null", b"{} {}", b"{}x", b"\x0b{}", b"\xc2\xa0{}"])
def test_what_is_not_one_object_is_refused(data: bytes) -> None:
    """Only an object is read, alone, and only JSON's own four blanks may stand around it."""
    with pytest.raises(ValueError, match="strict"):
        strict_json.parse_object(data)


def test_a20_no_invalid_text_of_the_json_test_suite_is_read(vectors: Path) -> None:
    """A20: each of the suite's texts that no parser may take is refused, alone and as the value of a member."""
    refused = sorted((vectors / "jsontestsuite" / "test_parsing").glob("n_*.json"))
    assert len(refused) > 180
    for path in refused:
        for data in (path.read_bytes(), b'{"a":' + path.read_bytes() + b"}"):
            with pytest.raises(ValueError, match="strict"):
                strict_json.parse_object(data)


def test_every_valid_object_of_the_json_test_suite_is_read(vectors: Path) -> None:
    """The suite's texts that every parser must take are read as a member's value, but for the duplicate names."""
    for path in sorted((vectors / "jsontestsuite" / "test_parsing").glob("y_*.json")):
        data = b'{"a":' + path.read_bytes() + b"}"
        if path.name in {"y_object_duplicated_key.json", "y_object_duplicated_key_and_value.json"}:
            with pytest.raises(ValueError, match="strict"):
                strict_json.parse_object(data)
        else:
            assert "a" in strict_json.parse_object(data)


def _nested(depth: int) -> bytes:
    return b'{"a":' + b"[" * (depth - 1) + b"]" * (depth - 1) + b"}"
