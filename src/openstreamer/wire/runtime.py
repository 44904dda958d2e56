"""What generated code calls for the rare and the nested parts of a layout.

A helper that meets anything it does not like raises `Refused`; the generated function then lets the
interpreter say what is wrong. Nothing here decides what is allowed, that is the interpreter's part.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any

from msgspec import UNSET

from openstreamer.wire.declare import UnknownBlock, block_class
from openstreamer.wire.interpreter import MAX_DEPTH
from openstreamer.wire.layout import layout_of
from openstreamer.wire.text import decode_text, encode_text

BlockDecoder = Callable[[bytes, int, int, int], Any]
BlockEncoder = Callable[[Any, int], bytes]

read_header = struct.Struct(">II").unpack_from


class Refused(Exception):
    """The quick way does not do; the interpreter must decide."""


def without_nul(raw: bytes) -> str:
    """Text of a field, without one NUL at its end."""
    return decode_text(raw.removesuffix(b"\0"))


def left_over(data: bytes, position: int, stop: int) -> bytes:
    """The bytes from `position` to `stop`, all of which must exist."""
    if position > stop or stop > len(data):
        raise Refused
    return data[position:stop]


def read_unknown(data: bytes, begin: int, end: int, depth: int) -> UnknownBlock:
    """A block that no declaration knows."""
    return UnknownBlock(read_header(data, begin)[0], data[begin + 8 : end])


class BlockDecoders(dict[int, BlockDecoder]):
    """Decoders of the blocks that may stand in one field, by block type; made when first met.

    Unknown types are not entered, so that bytes from outside cannot make it grow.
    """

    def __init__(
        self, items: tuple[type, ...] | None, series: int, make: Callable[[type, int], BlockDecoder]
    ) -> None:
        super().__init__()
        self._items = items
        self._series = series
        self._make = make

    def __missing__(self, number: int) -> BlockDecoder:
        cls: type | None
        if self._items is None:
            cls = block_class(self._series, number)
        else:
            cls = next((item for item in self._items if number in layout_of(item).types), None)
        if cls is None:
            return read_unknown
        decode = self[number] = self._make(cls, number)
        return decode


def read_blocks(data: bytes, position: int, end: int, depth: int, decoders: BlockDecoders) -> list[Any]:
    """Blocks end to end from `position` to `end`."""
    found: list[Any] = []
    while position < end:
        if end - position < 8 or depth >= MAX_DEPTH:
            raise Refused
        number, length = read_header(data, position)
        block_end = position + length
        if length < 8 or block_end > end:
            raise Refused
        found.append(decoders[number](data, position, block_end, depth + 1))
        position = block_end
    return found


def string_bytes(text: str) -> bytes:
    """Content of a String block that is not empty, with its NUL."""
    if text.isascii():
        return text.encode() + b"\0"
    return encode_text(text) + b"\0"


def counted_text_bytes(text: str) -> bytes:
    """Content of a text without a block of its own."""
    data = encode_text(text)
    return data + b"\0" if data.endswith(b"\0") else data


def plain_bytes(value: Any) -> bytes:
    """`value` if it is bytes."""
    if not value:
        return b""
    if not isinstance(value, bytes):
        raise Refused
    return value


class BlockWriter:
    """Writes the blocks of one field."""

    def __init__(
        self, items: tuple[type, ...] | None, series: int, make: Callable[[type, int], BlockEncoder]
    ) -> None:
        self._items = items
        self._series = series
        self._make = make
        self._encoders: dict[tuple[type, Any], BlockEncoder] = {}

    def block(self, value: Any, depth: int) -> bytes:
        key = (type(value), getattr(value, "block_type", None))
        encode = self._encoders.get(key)
        if encode is None:
            encode = self._encoder(*key)
        if depth >= MAX_DEPTH:
            raise Refused
        return encode(value, depth + 1)

    def _encoder(self, cls: type, number: Any) -> BlockEncoder:
        known = cls in self._items if self._items is not None else block_class(self._series, number) is cls
        if not known or number is UNSET or number not in layout_of(cls).types:
            raise Refused
        encode = self._encoders[cls, number] = self._make(cls, number)
        return encode

    def blocks(self, values: Any, depth: int) -> bytes:
        if not values:
            return b""
        if not isinstance(values, list | tuple):
            raise Refused
        return b"".join([self.block(value, depth) for value in values])
