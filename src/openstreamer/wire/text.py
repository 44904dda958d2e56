"""Text on the wire: UTF-8 that may hold anything, as `str` that always fits into JSON, and back exactly.

Every byte that is not part of valid UTF-8 becomes the character U+10F700 + byte. The genuine characters
U+10F780 to U+10F7FF, which would look the same, are treated byte by byte as well, so that the way back is
exact. Not here: NUL at the end of String blocks (that belongs to the kind of field).
"""

from __future__ import annotations

import codecs

_BASE = 0x10F700
_FIRST = "\U0010f780"
_LAST = "\U0010f7ff"
# U+10F780 to U+10F7FF are F4 8F 9E 80 to F4 8F 9F BF in UTF-8.
_GENUINE = (b"\xf4\x8f\x9e", b"\xf4\x8f\x9f")


def _bytewise(data: bytes) -> str:
    return "".join(chr(_BASE + byte) for byte in data)


def _replace(error: UnicodeError) -> tuple[str, int]:
    assert isinstance(error, UnicodeDecodeError)
    return _bytewise(error.object[error.start : error.end]), error.end


codecs.register_error("openstreamer-bytes", _replace)


def decode_text(data: bytes) -> str:
    """Text of any bytes; never fails. `encode_text` gives the same bytes again."""
    try:
        text = data.decode()
        if text.isascii():
            return text
    except UnicodeDecodeError:
        text = ""
    if b"\xf4\x8f" not in data:
        return text or data.decode("utf-8", "openstreamer-bytes")
    parts = []
    begin = 0
    position = data.find(b"\xf4\x8f")
    while position >= 0:
        # 0xF4 only ever opens a character, so cutting before it cuts no other character in two.
        sequence = data[position : position + 4]
        if len(sequence) == 4 and sequence[:3] in _GENUINE and 0x80 <= sequence[3] <= 0xBF:
            parts.append(data[begin:position].decode("utf-8", "openstreamer-bytes"))
            parts.append(_bytewise(sequence))
            begin = position + 4
            position = data.find(b"\xf4\x8f", begin)
        else:
            position = data.find(b"\xf4\x8f", position + 1)
    parts.append(data[begin:].decode("utf-8", "openstreamer-bytes"))
    return "".join(parts)


def encode_text(text: str) -> bytes:
    """Bytes of a text. Raises UnicodeEncodeError (a ValueError) for lone surrogates."""
    data = text.encode()
    if text.isascii() or not (_GENUINE[0] in data or _GENUINE[1] in data):
        return data
    return b"".join(
        bytes((ord(char) - _BASE,)) if _FIRST <= char <= _LAST else char.encode() for char in text
    )
