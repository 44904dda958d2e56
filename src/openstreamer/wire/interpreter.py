"""The reference: reads and writes any declared layout field by field, slowly and plainly.

The generated code (compiler_decode.py, compiler_encode.py) must give the same results and the same errors
for all bytes and values; where its quick checks fail it calls this module to find out what is wrong and to
say it. So what is allowed is decided here.

Reading a block: its header must bear the number asked for and a length of 8 up to the bytes there are; every
field must lie inside the block; what follows the last known field is kept as `left_over`. Where a layout is
contested, the first alternative that ends exactly at the block's end is taken, else the first that can be
read at all.

Writing: empty values (UNSET, None, "", 0) are written as zero or empty; a field the version lacks is dropped;
lengths are computed. `left_over` is written again unless the block is written in another version than it was
read in.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from operator import index
from typing import Any

from msgspec import UNSET, Struct

from openstreamer.errors import DecodeError, EncodeError
from openstreamer.wire.declare import UnknownBlock, block_class
from openstreamer.wire.kinds import (
    BLOB_TYPES,
    LIST_TYPES,
    STRING_TYPE,
    BlobKind,
    Counted,
    Integer,
    ListKind,
    NestedKind,
    Octets,
    Rest,
    RestListKind,
    StringKind,
)
from openstreamer.wire.layout import Layout, PlanField, layout_of
from openstreamer.wire.text import decode_text, encode_text

MAX_DEPTH = 16
_HEADER = struct.Struct(">II")
_MAX_LENGTH = 0xFFFF_FFFF


def decode(cls: type, type_: int, data: bytes, start: int, end: int, depth: int = 0) -> Any:
    """Read one block, or one record body, that starts at `start` and ends at or before `end`.

    Returns an instance of `cls`. Raises DecodeError with block, field and offset (from the start of `data`).
    """
    count = layout_of(cls).alternatives(type_)
    best: Any = None
    first_error: DecodeError | None = None
    for alternative in range(count):
        try:
            value = decode_alternative(cls, type_, alternative, data, start, end, depth)
        except DecodeError as error:
            first_error = first_error or error
            continue
        if value.left_over is UNSET:
            return value
        if best is None:
            best = value
    if best is None:
        assert first_error is not None
        raise first_error
    return best


def decode_alternative(
    cls: type, type_: int, alternative: int, data: bytes, start: int, end: int, depth: int = 0
) -> Any:
    """Read by one alternative of a contested layout; 0 is the only one of all others."""
    layout = layout_of(cls)
    reader = _Reader(layout, type_, data, start, min(end, len(data)), depth)
    values: dict[str, Any] = {}
    if layout.series is not None:
        reader.read_own_header()
        values["block_type"] = type_
    for item in layout.fields(type_, alternative):
        values[item.name] = reader.read(item, values)
    if reader.position < reader.end:
        values["left_over"] = data[reader.position : reader.end]
    if alternative:
        values["alternative"] = alternative
    return cls(**values)


class _Reader:
    """A position inside one block, and what errors need to know."""

    def __init__(self, layout: Layout, type_: int, data: bytes, start: int, end: int, depth: int) -> None:
        self.label = layout.label(type_)
        self.type = type_
        self.series = layout.inner_series
        self.data = data
        self.position = start
        self.end = end
        self.depth = depth

    def refuse(self, reason: str, field: str, offset: int | None = None) -> DecodeError:
        place = self.position if offset is None else offset
        return DecodeError(reason, block=self.label, field=field, offset=place)

    def take(self, size: int, field: str) -> bytes:
        begin = self.position
        if size > self.end - begin:
            raise self.refuse(f"{size} bytes needed, {max(0, self.end - begin)} left", field)
        self.position = begin + size
        return self.data[begin : self.position]

    def header(self, field: str) -> tuple[int, int]:
        """Number and end of the block that starts here; moves past its header."""
        begin = self.position
        number, length = _HEADER.unpack(self.take(8, field))
        if not 8 <= length <= self.end - begin:
            raise self.refuse(
                f"impossible block length {length}, {self.end - begin} bytes left", field, begin
            )
        return number, begin + length

    def read_own_header(self) -> None:
        begin = self.position
        number, end = self.header("block_length")
        if number != self.type:
            raise self.refuse(f"block type {number} instead of {self.type}", "block_type", begin)
        self.end = end

    def expect(self, numbers: tuple[int, ...], field: str) -> int:
        """Like `header`, for a block whose number must be one of `numbers`; returns its end."""
        begin = self.position
        number, end = self.header(field)
        if number not in numbers:
            raise self.refuse(f"header of block type {number} instead of {numbers[0]}", field, begin)
        return end

    def read(self, item: PlanField, before: dict[str, Any]) -> Any:
        kind, name = item.kind, item.name
        match kind:
            case Integer():
                assert kind.size is not None
                raw = self.take(kind.size, name)
                return int.from_bytes(raw, "little" if kind.little else "big", signed=kind.signed)
            case Octets():
                assert kind.size is not None
                return kind.to_text(self.take(kind.size, name))
            case StringKind():
                end = self.expect((STRING_TYPE,), name)
                return _without_nul(self.take(end - self.position, name))
            case BlobKind():
                end = self.expect(BLOB_TYPES[self.series], name)
                return self.take(end - self.position, name)
            case Counted():
                raw = self.take(before[item.length or ""], name)
                return _without_nul(raw) if kind.text else raw
            case Rest():
                raw = self.take(self.end - self.position, name)
                return _without_nul(raw) if kind.text else raw
            case ListKind():
                end = self.expect(LIST_TYPES[self.series, kind.generic], name)
                return self.blocks(kind.items, end, name)
            case RestListKind():
                return self.blocks(kind.items, self.end, name)
            case NestedKind():
                return self.block(kind.items, self.end, name)
        raise AssertionError(kind)

    def blocks(self, items: tuple[type, ...] | None, end: int, field: str) -> list[Any]:
        found = []
        outer, self.end = self.end, end
        while self.position < end:
            found.append(self.block(items, end, field))
        self.end = outer
        return found

    def block(self, items: tuple[type, ...] | None, end: int, field: str) -> Any:
        begin = self.position
        number, block_end = self.header(field)
        if self.depth >= MAX_DEPTH:
            raise self.refuse(f"blocks nested deeper than {MAX_DEPTH}", field, begin)
        cls = _class_for(items, self.series, number)
        self.position = block_end
        if cls is None:
            return UnknownBlock(number, self.data[begin + 8 : block_end])
        return decode(cls, number, self.data, begin, block_end, self.depth + 1)


def _class_for(items: tuple[type, ...] | None, series: int, number: int) -> type | None:
    if items is None:
        return block_class(series, number)
    return next((cls for cls in items if number in layout_of(cls).types), None)


def _without_nul(raw: bytes) -> str:
    return decode_text(raw.removesuffix(b"\0"))


def encode(value: Any, type_: int, cls: type | None = None, depth: int = 0) -> bytes:
    """Bytes of a block (with its header) or record body in version `type_`.

    `cls` is the class whose layout to use, by default that of `value`. Raises EncodeError with block and
    field for a value that the version cannot hold.
    """
    cls = cls or type(value)
    layout = layout_of(cls)
    if not isinstance(value, cls):
        raise EncodeError(f"a {type(value).__name__} is no {cls.__name__}", block=layout.label(type_))
    alternative, left_over = kept_form(layout, type_, value)
    writer = _Writer(layout, type_, depth)
    plan = layout.fields(type_, alternative)
    contents = {
        item.name: writer.content(item, getattr(value, item.name)) for item in plan if item.counts is None
    }
    parts = []
    for item in plan:
        if item.counts is None:
            parts.append(contents[item.name])
        else:
            parts.append(writer.content(item, len(contents[item.counts])))
    parts.append(left_over)
    body = b"".join(parts)
    if layout.series is None:
        return body
    return writer.with_header(type_, body, None)


def kept_form(layout: Layout, type_: int, value: Any) -> tuple[int, bytes]:
    """The alternative to write and the bytes to append: those `value` was read with, if in this version."""
    if layout.series is not None and value.block_type is not UNSET and value.block_type != type_:
        return 0, b""
    left_over, alternative = value.left_over or b"", value.alternative or 0
    if not isinstance(left_over, bytes):
        raise EncodeError("not bytes", block=layout.label(type_), field="left_over")
    if not isinstance(alternative, int) or not 0 <= alternative < layout.alternatives(type_):
        raise EncodeError(
            f"there is no alternative {alternative!r}", block=layout.label(type_), field="alternative"
        )
    return alternative, left_over


class _Writer:
    """What errors need to know while one block is written."""

    def __init__(self, layout: Layout, type_: int, depth: int) -> None:
        self.label = layout.label(type_)
        self.series = layout.inner_series
        self.depth = depth

    def refuse(self, reason: str, field: str | None) -> EncodeError:
        return EncodeError(reason, block=self.label, field=field)

    def with_header(self, number: int, content: bytes, field: str | None) -> bytes:
        if len(content) + 8 > _MAX_LENGTH:
            raise self.refuse("longer than a block can be", field)
        return _HEADER.pack(number, len(content) + 8) + content

    def content(self, item: PlanField, value: Any) -> bytes:
        kind, name = item.kind, item.name
        match kind:
            case Integer():
                return self.number(kind, value or 0, name, item.counts)
            case Octets():
                return self.octets(kind, value, name)
            case StringKind():
                text = self.text(value, name)
                return self.with_header(STRING_TYPE, text + b"\0" if text else b"", name)
            case BlobKind():
                return self.with_header(BLOB_TYPES[self.series][0], self.octet_string(value, name), name)
            case Counted() | Rest():
                if not kind.text:
                    return self.octet_string(value, name)
                text = self.text(value, name)
                if isinstance(kind, Rest) and kind.terminated:
                    return text + b"\0" if text else b""
                # One NUL at the end is taken off on reading; a text that ends in one needs another.
                return text + b"\0" if text.endswith(b"\0") else text
            case ListKind():
                number = LIST_TYPES[self.series, kind.generic][0]
                return self.with_header(number, self.blocks(kind.items, value, name), name)
            case RestListKind():
                return self.blocks(kind.items, value, name)
            case NestedKind():
                return self.block(kind.items, value, name)
        raise AssertionError(kind)

    def number(self, kind: Integer, value: Any, field: str, counts: str | None) -> bytes:
        try:
            value = index(value)
        except TypeError:
            raise self.refuse(f"{value!r:.80} is not a number", field) from None
        if not kind.minimum <= value <= kind.maximum:
            if counts is not None:
                raise self.refuse(f"{value} bytes are more than {kind.name} can count", counts)
            raise self.refuse(f"{value} does not fit into {kind.name}", field)
        assert kind.size is not None
        number: bytes = value.to_bytes(kind.size, "little" if kind.little else "big", signed=kind.signed)
        return number

    def octets(self, kind: Octets, value: Any, field: str) -> bytes:
        assert kind.size is not None
        if not value:
            return bytes(kind.size)
        try:
            octets: bytes = kind.to_bytes(value)
        except ValueError as error:
            raise self.refuse(str(error), field) from None
        return octets

    def text(self, value: Any, field: str) -> bytes:
        if not value:
            return b""
        if not isinstance(value, str):
            raise self.refuse(f"{value!r:.80} is not a text", field)
        try:
            return encode_text(value)
        except UnicodeEncodeError:
            raise self.refuse("text with half a surrogate pair", field) from None

    def octet_string(self, value: Any, field: str) -> bytes:
        if not value:
            return b""
        if not isinstance(value, bytes):
            raise self.refuse(f"{value!r:.80} is not bytes", field)
        return value

    def blocks(self, items: tuple[type, ...] | None, value: Any, field: str) -> bytes:
        if not value:
            return b""
        if not isinstance(value, list | tuple):
            raise self.refuse(f"{value!r:.80} is not a list of blocks", field)
        return b"".join([self.block(items, item, field) for item in value])

    def block(self, items: tuple[type, ...] | None, value: Any, field: str) -> bytes:
        if self.depth >= MAX_DEPTH:
            raise self.refuse(f"blocks nested deeper than {MAX_DEPTH}", field)
        if value is UNSET or value is None:
            return self.empty_block(items)
        if isinstance(value, UnknownBlock):
            return self.unknown_block(items, value, field)
        cls = type(value)
        if items is not None:
            wanted: Iterable[type] = items
            if cls not in wanted:
                raise self.refuse(f"a {cls.__name__} does not belong here", field)
        elif not _is_block_of(cls, self.series):
            raise self.refuse(f"a {cls.__name__} is no block of series {self.series}", field)
        number = layout_of(cls).newest if value.block_type is UNSET else value.block_type
        if number not in layout_of(cls).types:
            raise self.refuse(f"{cls.__name__} has no block type {number!r}", field)
        return encode(value, number, cls, self.depth + 1)

    def empty_block(self, items: tuple[type, ...] | None) -> bytes:
        if items is None:
            return _HEADER.pack(STRING_TYPE, 8)
        cls = items[0]
        return encode(cls(), layout_of(cls).newest, cls, self.depth + 1)

    def unknown_block(self, items: tuple[type, ...] | None, value: UnknownBlock, field: str) -> bytes:
        number = value.block_type
        if not isinstance(number, int) or not 0 <= number <= 0xFFFF_FFFF:
            raise self.refuse(f"{number!r:.80} is no block type", field)
        return self.with_header(number, self.octet_string(value.data, field), field)


def _is_block_of(cls: type, series: int) -> bool:
    if not issubclass(cls, Struct):
        return False
    try:
        return layout_of(cls).series == series
    except TypeError:
        return False
