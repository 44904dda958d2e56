"""Addresses, UUIDs and digests: fixed bytes as text and back, behind bounded caches.

Both directions are exact inverses for every content, which the ordinary notations need a little care for:
an IPv4 address in 16 bytes (::ffff:a.b.c.d) is shown as a.b.c.d, every other content as IPv6 in the form of
RFC 5952, without dotted parts. Not here: numbers and text of variable length.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Generic, NamedTuple, TypeVar

K = TypeVar("K")
V = TypeVar("V")

CACHE_LIMIT = 65_536
_MAPPED = bytes(10) + b"\xff\xff"
_EIGHT_WORDS = struct.Struct(">8H")
# No leading zeros: some programs take those for octal.
_DECIMALS = {str(number): number for number in range(256)}


class Cache(dict[K, V], Generic[K, V]):
    """A dict that computes what it misses and empties itself at `CACHE_LIMIT` entries.

    A hit costs one subscript, far less than a call; values of a network repeat enough that emptying at the
    limit is as good as anything finer.
    """

    __slots__ = ("_compute",)

    def __init__(self, compute: Callable[[K], V]) -> None:
        super().__init__()
        self._compute = compute

    def __missing__(self, key: K) -> V:
        value = self._compute(key)
        if len(self) >= CACHE_LIMIT:
            self.clear()
        self[key] = value
        return value


class TextCodec(NamedTuple):
    """The two directions of one notation, their caches, and a pattern of the text."""

    to_text: Callable[[bytes], str]
    to_bytes: Callable[[str], bytes]
    texts: Cache[bytes, str] | None
    octets: Cache[str, bytes] | None
    pattern: str


def _wrong(text: object, what: str) -> ValueError:
    return ValueError(f"{text!r:.80} is not {what}")


def ipv4_text(data: bytes) -> str:
    """Four bytes as "192.0.2.1"."""
    first, second, third, fourth = data
    return f"{first}.{second}.{third}.{fourth}"


def ipv4_bytes(text: str) -> bytes:
    """The four bytes of "192.0.2.1"; "::" (no address, in 16 bytes) is 0.0.0.0."""
    if text == "::":
        return bytes(4)
    parts = text.split(".")
    if len(parts) == 4 and all(part in _DECIMALS for part in parts):
        return bytes([_DECIMALS[part] for part in parts])
    raise _wrong(text, "an IPv4 address")


def ip_text(data: bytes) -> str:
    """Sixteen bytes as "192.0.2.1" if they hold an IPv4 address, else as "2001:db8::1"; all zero is "::"."""
    if data[:12] == _MAPPED:
        return ipv4_text(data[12:])
    words = _EIGHT_WORDS.unpack(data)
    best_start, best_length, start, length = 0, 0, 0, 0
    for index, word in enumerate(words):
        if word:
            length = 0
            continue
        if length == 0:
            start = index
        length += 1
        if length > best_length:
            best_start, best_length = start, length
    if best_length < 2:
        return ":".join([f"{word:x}" for word in words])
    head = ":".join([f"{word:x}" for word in words[:best_start]])
    tail = ":".join([f"{word:x}" for word in words[best_start + best_length :]])
    return f"{head}::{tail}"


def ip_bytes(text: str) -> bytes:
    """The sixteen bytes of an IPv4 or IPv6 address; an IPv4 address is mapped (::ffff:a.b.c.d)."""
    if ":" not in text:
        return _MAPPED + ipv4_bytes(text)
    head, gap, tail = text.partition("::")
    try:
        front = _words(head)
        back = _words(tail) if gap else []
    except ValueError:
        raise _wrong(text, "an IP address") from None
    missing = 8 - len(front) - len(back)
    if (missing < 1) if gap else (missing != 0):
        raise _wrong(text, "an IP address")
    return _EIGHT_WORDS.pack(*front, *[0] * missing, *back)


def _words(part: str) -> list[int]:
    if not part:
        return []
    pieces = part.split(":")
    words = []
    for index, piece in enumerate(pieces):
        if "." in piece and index == len(pieces) - 1:
            octets = ipv4_bytes(piece)
            words += [octets[0] << 8 | octets[1], octets[2] << 8 | octets[3]]
        elif 1 <= len(piece) <= 4 and all(char in "0123456789abcdefABCDEF" for char in piece):
            words.append(int(piece, 16))
        else:
            raise ValueError(piece)
    return words


def mac_text(data: bytes) -> str:
    """Six bytes as "00:00:5e:00:53:01"."""
    return data.hex(":")


def mac_bytes(text: str) -> bytes:
    """The six bytes of "00:00:5e:00:53:01"; hyphens do as well."""
    plain = text.replace("-", ":").replace(":", "")
    if len(text) == 17:
        return _from_hex(plain, 6, text, "a MAC address")
    raise _wrong(text, "a MAC address")


def uuid_text(data: bytes) -> str:
    """Sixteen bytes as a UUID in lower case with hyphens."""
    digits = data.hex()
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def uuid_bytes(text: str) -> bytes:
    """The sixteen bytes of a UUID, written with or without hyphens."""
    return _from_hex(text.replace("-", ""), 16, text, "a UUID")


def _from_hex(digits: str, size: int, text: str, what: str) -> bytes:
    # bytes.fromhex also takes white space, hence the check of the length first.
    if len(digits) == 2 * size:
        try:
            data = bytes.fromhex(digits)
        except ValueError:
            pass
        else:
            if len(data) == size:
                return data
    raise _wrong(text, what)


def hexadecimal(size: int) -> TextCodec:
    """`size` bytes as lower-case hexadecimal digits."""

    def to_bytes(text: str) -> bytes:
        return _from_hex(text, size, text, f"{2 * size} hexadecimal digits")

    return TextCodec(
        bytes.hex, _checked(to_bytes, "hexadecimal digits"), None, None, f"^[0-9a-f]{{{2 * size}}}$"
    )


def _checked(function: Callable[[str], bytes], what: str) -> Callable[[str], bytes]:
    def to_bytes(text: str) -> bytes:
        if not isinstance(text, str):
            raise _wrong(text, what)
        return function(text)

    return to_bytes


def _cached(
    to_text: Callable[[bytes], str], to_bytes: Callable[[str], bytes], what: str, pattern: str = ""
) -> TextCodec:
    checked = _checked(to_bytes, what)
    return TextCodec(to_text, checked, Cache(to_text), Cache(checked), pattern)


IPV4 = _cached(ipv4_text, ipv4_bytes, "an IPv4 address", r"^\d{1,3}(\.\d{1,3}){3}$")
IPV4_LE = _cached(
    lambda data: ipv4_text(data[::-1]),
    lambda text: ipv4_bytes(text)[::-1],
    "an IPv4 address",
    r"^\d{1,3}(\.\d{1,3}){3}$",
)
IP = _cached(ip_text, ip_bytes, "an IP address")
MAC = _cached(mac_text, mac_bytes, "a MAC address", "^[0-9a-f]{2}(:[0-9a-f]{2}){5}$")
UUID = _cached(uuid_text, uuid_bytes, "a UUID", "^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")
