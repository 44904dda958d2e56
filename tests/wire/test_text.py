"""Any bytes as text, and back."""

from __future__ import annotations

import json

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from openstreamer.wire.text import decode_text, encode_text

SEQUENCES = (
    *(b"a", b"\0", b"\xc3\xa9", b"\xff", b"\x80", b"\xe1\x80", b"\xed\xa0\x80"),
    *(b"\xf4", b"\xf4\x8f", b"\xf4\x8f\x9e", b"\xf4\x8f\x9e\x80", b"\xf4\x8f\x9f\xbf", b"\xf4\x8f\xa0\x80"),
)
PIECES = st.lists(st.sampled_from(SEQUENCES)).map(b"".join)


@given(st.one_of(st.binary(), PIECES))
@example(b"\xf4\x8f\x9e\x80")
@example(b"\xe1\x80\xf4\x8f\x9e\x80")
def test_all_bytes_come_back(data: bytes) -> None:
    text = decode_text(data)
    assert encode_text(text) == data
    # It is well-formed, so JSON holds it too.
    assert json.loads(json.dumps(text)) == text
    assert msgspec.json.decode(msgspec.json.encode(text)) == text


@given(st.text())
def test_ordinary_text_is_utf_8(text: str) -> None:
    if not any("\U0010f780" <= char <= "\U0010f7ff" for char in text):
        assert encode_text(text) == text.encode()
        assert decode_text(text.encode()) == text


def test_the_mapping() -> None:
    assert decode_text(b"caf\xe9") == "caf\U0010f7e9"
    assert decode_text(b"\xff\x80") == "\U0010f7ff\U0010f780"
    assert decode_text("\U0010f780".encode()) == "\U0010f7f4\U0010f78f\U0010f79e\U0010f780"
    assert decode_text("\U0010f77f\U0010f800".encode()) == "\U0010f77f\U0010f800"
    assert encode_text("\U0010f7c3\U0010f7a9") == b"\xc3\xa9"


def test_half_a_surrogate_pair_is_no_text() -> None:
    with pytest.raises(ValueError, match="surrogates"):
        encode_text("\ud800")
