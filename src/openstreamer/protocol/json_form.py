"""Events as lines of JSON: what `-o json` writes and `feed json` reads.

One object a line: event, record type, archive time, server, header, data, names, and what is left over. Bytes
are base64, addresses and UUIDs text, nested blocks objects with their own `block_type`; what a version does
not carry is absent. A line read back gives the same record. Not here: files (outputs and
inputs). Users import these names from records.py.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from openstreamer.errors import DecodeError, EncodeError
from openstreamer.layouts.discovery_header import DiscoveryHeader
from openstreamer.layouts.records import RECORDS, RecordType
from openstreamer.wire import Block, layout_of
from openstreamer.wire.json_form import from_json_form
from openstreamer.wire.kinds import value_type

from .codec import UNKNOWN, Event, UnknownRecord


class _Line(msgspec.Struct, gc=False):
    """The members of a JSON line, in the order they are written; UNSET ones fall out."""

    event: str
    record_type: int
    archive_time: int | UnsetType
    netmap_id: int | UnsetType
    server: str | UnsetType
    header: DiscoveryHeader | UnsetType
    data: Any
    left_over: bytes | UnsetType
    block_length: int | UnsetType
    names: Mapping[str, str] | msgspec.Raw | UnsetType


_encode_lines = msgspec.json.Encoder().encode_lines


def json_line(event: Event, server: str | None = None, names: Mapping[str, str] | None = None) -> bytes:
    """Write an event as one line of JSON, line end included.

    `server` says where it came from ("host:port"), `names` what metadata says of its numbers.
    """
    archive_time = event.archive_time
    line = _Line(
        event.event,
        event.record_type,
        UNSET if archive_time is None else archive_time,
        event.netmap_id or UNSET,
        UNSET if server is None else server,
        event.header,
        event.data,
        event.left_over,
        event.block_length,
        names or UNSET,
    )
    return _encode_lines((line,))


def json_lines(
    events: Iterable[Event],
    server: str | None = None,
    names: Callable[[Event], msgspec.Raw | UnsetType] | None = None,
) -> bytes:
    """Write many events as lines of JSON, the way `json_line` does, at less cost each.

    `names` gives the names of an event as JSON already, UNSET where there are none.
    """
    where = UNSET if server is None else server
    lines = []
    for event in events:
        archive_time = event.archive_time
        lines.append(
            _Line(
                event.event,
                event.record_type,
                UNSET if archive_time is None else archive_time,
                event.netmap_id or UNSET,
                where,
                event.header,
                event.data,
                event.left_over,
                event.block_length,
                UNSET if names is None else names(event),
            )
        )
    return _encode_lines(lines)


class _ReadLine(msgspec.Struct):
    """The members of a JSON line that are read; the others are passed over."""

    event: str = UNKNOWN
    record_type: int | UnsetType = UNSET
    archive_time: int | None = None
    netmap_id: int = 0
    header: DiscoveryHeader | UnsetType = UNSET
    data: msgspec.Raw = msgspec.field(default_factory=lambda: msgspec.Raw(b"{}"))
    left_over: bytes | UnsetType = UNSET
    block_length: int | UnsetType = UNSET
    block_type: int | UnsetType = UNSET


class _Peek(msgspec.Struct):
    """What tells the layout of `data`."""

    block_type: int | UnsetType = UNSET
    raw: msgspec.Raw | UnsetType = msgspec.field(default=UNSET, name="bytes")


_peek = msgspec.json.Decoder(_Peek).decode
_read_unknown = msgspec.json.Decoder(UnknownRecord).decode
_readers: dict[Any, Callable[[Any], Any]] = {}
_body_readers: dict[tuple[type[Any], int], Callable[[Any], Any]] = {}


def _reader(kind: Any) -> Callable[[Any], Any]:
    read = _readers.get(kind)
    if read is None:
        read = _readers[kind] = msgspec.json.Decoder(kind).decode
    return read


def _body_reader(body: type[Any], number: int) -> Callable[[Any], Any]:
    """How `data` is read into a declared class; blocks inside need more than types can say."""
    known = _body_readers.get((body, number))
    if known is None:
        known = _body_readers[body, number] = _make_body_reader(body, number)
    return known


def _make_body_reader(body: type[Any], number: int) -> Callable[[Any], Any]:
    layout = layout_of(body)
    if all(value_type(kind) not in ("block", "blocks") for kind in layout.kinds.values()):
        return _reader(body)
    newest = layout.newest if issubclass(body, Block) else number

    def read(raw: Any) -> Any:
        return from_json_form(body, _reader(dict[str, Any])(raw), newest)

    return read


def _record_type_of(event: str) -> int:
    """The newest record type of a family, for lines that leave the number out."""
    numbers = [row.number for row in RECORDS.values() if row.id == event]
    if not numbers:
        raise DecodeError(f"the line has no record_type, and no event is called {event!r}")
    return max(numbers)


def _body_of(row: RecordType, raw: msgspec.Raw, block_type: int | UnsetType) -> type[Any] | None:
    """The declaration that a line's `data` was written from, None if it is not known."""
    plain = [body for body in row.bodies if not issubclass(body, Block)]
    for body in row.bodies:
        if issubclass(body, Block) and block_type in layout_of(body).types:
            return body
    if not plain:
        if block_type is not UNSET:
            return None
        return row.bodies[0] if row.bodies else None
    if len(plain) == 1:
        return plain[0]
    keys = set(msgspec.json.decode(raw, type=dict[str, msgspec.Raw]))
    known = [
        (body, {field.name for field in layout_of(body).fields(row.number)} - {"left_over"}) for body in plain
    ]
    for body, fields in known:
        if keys - {"alternative"} == fields:
            return body
    return next((body for body, fields in known if keys <= fields | {"alternative"}), plain[0])


def event_from_json(line: bytes | str) -> Event:
    """Read an event from one line of JSON, as `json_line` writes it; server and names are passed over.

    The record type may be left out where the family has one that is newest, the block type likewise.

    Raises:
        DecodeError: the line is not JSON, or a member has a wrong type.
    """
    number: int | None = None
    try:
        found = _reader(_ReadLine)(line)
        number = record_type = (
            _record_type_of(found.event) if found.record_type is UNSET else found.record_type
        )
        row = RECORDS.get(record_type)
        peek = _peek(found.data)
        block_type = peek.block_type if peek.block_type is not UNSET else found.block_type
        body = _body_of(row, found.data, block_type) if row is not None else None
        if found.event == UNKNOWN or body is None or _is_bytes(peek, body):
            data: Any = _read_unknown(found.data)
            if found.event != UNKNOWN and block_type is not UNSET:
                data.block_type = block_type
        else:
            data = _body_reader(body, record_type)(found.data)
            if issubclass(body, Block) and peek.block_type is UNSET:
                data.block_type = block_type if block_type is not UNSET else layout_of(body).newest
    except (msgspec.MsgspecError, UnicodeError, RecursionError, EncodeError) as error:
        raise DecodeError(f"not a JSON line of an event: {error}", record_type=number) from None
    return Event(
        record_type,
        found.event if row is None or found.event == UNKNOWN else row.id,
        data,
        found.archive_time,
        found.netmap_id,
        found.header,
        found.left_over,
        found.block_length,
    )


def _is_bytes(peek: _Peek, body: type[Any]) -> bool:
    return peek.raw is not UNSET and all(field != "bytes" for field in body.__struct_fields__)
