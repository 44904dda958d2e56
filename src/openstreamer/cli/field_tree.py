"""The fields of messages and records with their places: what `decode --tree` shows.

A walk over the plan of a layout, beside the values the decoder found; sizes come from the plan, or from the
length words in the bytes. Not here: decoding itself, and cutting a stream into messages (recorded.py).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, TextIO

from msgspec import UNSET

from openstreamer.cli.recorded import BUNDLE, Failure, Item
from openstreamer.errors import CodecError, DecodeError, ProtocolError
from openstreamer.layouts import messages as layouts
from openstreamer.layouts.discovery_header import DiscoveryHeader
from openstreamer.layouts.values import VALUES
from openstreamer.protocol.host_profiles import FULL_HOST_PROFILE, decode_profile
from openstreamer.protocol.messages import EventData, MultipleHostData, SingleHostData, decode_message
from openstreamer.protocol.records import Record, UnknownRecord, decode_record
from openstreamer.wire import Block, PlanField, UnknownBlock, decoder, layout_of
from openstreamer.wire.kinds import BlobKind, Counted, ListKind, NestedKind, Rest, RestListKind, StringKind

_LONGEST = 72
"""Characters of a value that are shown before it is cut."""


@dataclass(frozen=True)
class Node:
    """One field: where it starts (from the start of the bytes given), how long it is, what it says.

    `raw` is its value as it was decoded; None for a block or list, whose fields follow one level deeper.
    """

    depth: int
    offset: int
    size: int
    name: str
    kind: str
    value: str
    raw: Any = None


def shown(value: Any) -> str:
    """A value in few characters: text in quotes, bytes in hex."""
    if isinstance(value, bytes):
        text = value.hex()
    elif isinstance(value, str):
        text = repr(value)
    else:
        text = str(value)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def tree_of(cls: type[Any], number: int, data: bytes, start: int, end: int, depth: int = 0) -> list[Node]:
    """Decode one block or record body and give its fields in the order of the bytes.

    Raises:
        DecodeError: the bytes do not fit the layout.
    """
    value = decoder(cls, number)(data, start, end)
    return list(_fields(value, number, data, start, end, depth))


def _fields(value: Any, number: int, data: bytes, start: int, end: int, depth: int) -> Iterator[Node]:
    layout = layout_of(type(value))
    position = start
    if isinstance(value, Block):
        length = _word(data, start + 4)
        end = start + length
        yield Node(depth, start, 4, "block_type", "u32", f"{number} ({layout.id})", number)
        yield Node(depth, start + 4, 4, "block_length", "u32", str(length), length)
        position += 8
    alternative = 0 if value.alternative is UNSET else value.alternative
    for field in layout.fields(number, alternative):
        size = _size(field, value, data, position, end)
        found = getattr(value, field.name)
        nested = isinstance(field.kind, NestedKind | ListKind | RestListKind)
        text = "" if nested else _with_words(field, found)
        kind = f"bytes[{field.length}]" if field.length else field.kind.name
        yield Node(depth, position, size, field.name, kind, text, None if nested else found)
        if nested:
            items = [found] if isinstance(field.kind, NestedKind) else found
            begin = position + 8 if isinstance(field.kind, ListKind) else position
            yield from _items(items, data, begin, depth + 1)
        position += size
    if position < end:
        yield Node(
            depth,
            position,
            end - position,
            "left_over",
            "bytes",
            shown(data[position:end]),
            data[position:end],
        )


def _items(items: Any, data: bytes, position: int, depth: int) -> Iterator[Node]:
    for item in items:
        length = _word(data, position + 4)
        if isinstance(item, UnknownBlock):
            yield Node(
                depth, position, 4, "block_type", "u32", f"{item.block_type} (unknown)", item.block_type
            )
            yield Node(depth, position + 4, 4, "block_length", "u32", str(length), length)
            yield Node(depth, position + 8, length - 8, "bytes", "bytes", shown(item.data), item.data)
        else:
            yield from _fields(item, item.block_type, data, position, position + length, depth)
        position += length


def _size(field: PlanField, value: Any, data: bytes, position: int, end: int) -> int:
    if field.size is not None:
        return field.size
    kind = field.kind
    if isinstance(kind, Counted):
        assert field.length is not None
        return int(getattr(value, field.length))
    if isinstance(kind, Rest | RestListKind):
        return end - position
    assert isinstance(kind, StringKind | BlobKind | ListKind | NestedKind)
    return _word(data, position + 4)


def _with_words(field: PlanField, value: Any) -> str:
    text = shown(value)
    table = VALUES.get(field.values or "")
    words = table.words(value) if table is not None and isinstance(value, int) else None
    return f"{text} ({words})" if words else text


def _word(data: bytes, position: int) -> int:
    return int.from_bytes(data[position : position + 4], "big")


class TreePrinter:
    """Prints all fields: offset in the stream, size, name, kind, value."""

    def __init__(self, out: TextIO) -> None:
        self.out = out

    def show(self, item: Item) -> Failure | None:
        base = item.offset
        header = b"\0\1" if item.depth == 0 else b"\0\0"
        header += item.type.to_bytes(2, "big") + len(item.body).to_bytes(4, "big")
        self.out.write(f"{base:#010x}  {item.name}, {8 + len(item.body)} bytes\n")
        if item.depth == 0:
            self._fields(layouts.MessageHeader, 1, header, base)
        else:
            self._fields(layouts.BundleItem, 4, header, base)
        try:
            self._body(item, base + 8)
        except CodecError as error:
            if not isinstance(error, DecodeError) or error.offset is None:
                return Failure(item.offset, str(error))
            data = base + 8 + len(item.body) - self._data_size(item)
            return Failure(item.offset, f"{error} (at {data + error.offset:#x} of the stream)")
        except ProtocolError as error:
            return Failure(item.offset, str(error))
        return None

    def _body(self, item: Item, base: int) -> None:
        body = item.body
        plain: dict[int, tuple[type[Any], int]] = {
            1: (layouts.ErrorMessage, 1),
            2: (layouts.EventStreamRequest, 2),
            5: (layouts.HostDataRequest, len(body)),
        }
        if item.type == BUNDLE:
            self._fields(layouts.MessageBundle, BUNDLE, body[:8], base)
            return
        message = decode_message(item.type, body)
        if item.type in plain:
            self._fields(*plain[item.type], body, base)
        elif item.type in (2049, 2051):
            self._services(item.type, body, base)
        elif isinstance(message, SingleHostData | MultipleHostData) and body:
            try:
                self.profile(body, base)
            except DecodeError:  # an answer may be a block that is none of ours, or only its shape
                self._bytes("bytes", body, base)
        elif isinstance(message, EventData):
            size = 16 if message.extended else 8
            self._fields(layouts.RecordHeader, size, body[:size], base)
            self._record(message.record, base + size)
        elif body:
            self._bytes("bytes", body, base)

    def profile(self, data: bytes, base: int) -> None:
        """Print a full host profile.

        Raises:
            DecodeError: the bytes do not fit the layout.
        """
        profile = decode_profile(data).data
        if isinstance(profile, UnknownBlock):
            self._bytes("bytes", data, base)
            return
        self.out.write(f"{base:#010x}    {FULL_HOST_PROFILE} {profile.block_type}, {len(data)} bytes\n")
        self._nodes(tree_of(type(profile), profile.block_type, data, 0, len(data), 2), base)
        end = _word(data, 4)
        if end < len(data):
            self._nodes([Node(2, end, len(data) - end, "left_over", "bytes", shown(data[end:]))], base)

    def _data_size(self, item: Item) -> int:
        message = decode_message(item.type, item.body)
        return len(message.record.data) if isinstance(message, EventData) else len(item.body)

    def _services(self, message_type: int, body: bytes, base: int) -> None:
        position = 0
        while position + 16 <= len(body):
            self._fields(
                layouts.StreamingService, message_type, body[position : position + 16], base + position
            )
            position += 16
            while message_type == 2049 and position + 4 <= len(body):
                pair = body[position : position + 4]
                self._fields(layouts.StreamingEventType, 2049, pair, base + position)
                position += 4
                if not any(pair):
                    break

    def _record(self, record: Record, base: int) -> None:
        data = record.data
        event = decode_record(record)
        start = 0
        title = f"{record.record_type} {event.event}"
        self.out.write(f"{base:#010x}    record {title}, {len(data)} bytes\n")
        if event.header is not UNSET:
            start = 56 if event.header.has_ipv6 == 1 else 40
            self._nodes(tree_of(DiscoveryHeader, start, data, 0, start, 2), base)
        value = event.data
        if isinstance(value, UnknownRecord):
            self._nodes([Node(2, start, len(data) - start, "bytes", "bytes", shown(data[start:]))], base)
            return
        is_block = isinstance(value, Block)
        number = value.block_type if is_block else record.record_type
        self._nodes(tree_of(type(value), number, data, start, len(data), 2), base)
        end = start + words_of(data[start:], 2)[1] if is_block else len(data)
        if end < len(data):
            self._nodes([Node(2, end, len(data) - end, "left_over", "bytes", shown(data[end:]))], base)

    def _fields(self, cls: type[Any], number: int, data: bytes, base: int) -> None:

        self._nodes(tree_of(cls, number, data, 0, len(data), 1), base)

    def _bytes(self, name: str, data: bytes, base: int) -> None:

        self._nodes([Node(1, 0, len(data), name, "bytes", shown(data))], base)

    def _nodes(self, nodes: Iterable[Any], base: int) -> None:
        for node in nodes:
            name = "  " * node.depth + node.name
            place = f"{base + node.offset:#010x}  {node.size:>5}"
            self.out.write(f"{place}  {name:<38} {node.kind:<14} {node.value}".rstrip() + "\n")


def words_of(data: bytes, count: int) -> list[int]:
    """The first numbers of 4 bytes each."""
    return [_word(data, 4 * place) for place in range(count)]
