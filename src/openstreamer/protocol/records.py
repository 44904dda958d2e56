"""From the bytes of a record to an event, to a JSON line, and back.

`decode_record` looks the record type up in the table of layouts, reads the discovery event header where
there is one, and lets the declaration decode the rest; `encode_event` is its inverse. Every byte survives:
what no declaration knows is kept as bytes, what stands behind the last known field is kept as `left_over`.
The only change is the canonical form of text (one NUL at the end of non-empty String blocks, none
elsewhere). Rules: chapter 2 of the integration guide, "Event Data Message Format", chapters 3 and 4 for the
bodies. Not here: the record header (items.py) and messages (messages.py); what metadata says of numbers
(metadata.py).
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from operator import itemgetter
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from openstreamer.errors import DecodeError, EncodeError
from openstreamer.layouts.discovery_header import DiscoveryHeader
from openstreamer.layouts.records import RECORDS, RecordType
from openstreamer.wire import Block, decoder, encoder, layout_of
from openstreamer.wire.json_form import from_json_form
from openstreamer.wire.kinds import value_type

UNKNOWN = "unknown_record"
"""What `Event.event` says of a record type without a known layout."""

_BLOCK_HEADER = struct.Struct(">II")
_HEADER_SIZES = (40, 56)


class Record(msgspec.Struct, gc=False):
    """A record as it lies on the wire.

    `data` is what follows the record header; `archive_time` is None where the header was the short one, or
    the server left the time out; `netmap_id` is the domain, 0 for none.
    """

    record_type: int
    data: bytes
    archive_time: int | None = None
    netmap_id: int = 0


class UnknownRecord(msgspec.Struct, gc=False):
    """Data without a known layout: `raw` is all of it.

    `block_type` is set where the record type is known and only the block in it is not; `raw` is then what
    follows the block's header.
    """

    raw: bytes = msgspec.field(name="bytes")
    block_type: int | UnsetType = UNSET


class Event(msgspec.Struct, gc=False):
    """A decoded record.

    `event` is the id of the record's family, the same over all versions, or "unknown_record". `data` is the
    struct of the layout that was found (its attributes are the fields), or an UnknownRecord. `header` is
    the discovery event header of the records that have one. `left_over` holds all bytes behind the last
    known field. `block_length` is the length word of the block, and is set only where the block does not
    end with the record.
    """

    record_type: int
    event: str
    data: Any
    archive_time: int | None = None
    netmap_id: int = 0
    header: DiscoveryHeader | UnsetType = UNSET
    left_over: bytes | UnsetType = UNSET
    block_length: int | UnsetType = UNSET


Decode = Callable[[bytes, int, int], Any]


# --- decoding ---------------------------------------------------------------------------------------------


class _Bodies:
    """The declarations of one record type, ready to decode; compiled as they are met."""

    __slots__ = ("blocks", "fields", "only_blocks", "row")

    def __init__(self, row: RecordType) -> None:
        self.row = row
        self.blocks: dict[int, type[Any]] = {}
        self.fields: list[Decode] = []
        for body in row.bodies:
            if issubclass(body, Block):
                for block_type in layout_of(body).types:
                    self.blocks.setdefault(block_type, body)
            else:
                self.fields.append(decoder(body, row.number))
        self.only_blocks = bool(self.blocks) and not self.fields

    def decode_fields(self, data: bytes, start: int, end: int) -> Any:
        """Take the form that ends exactly at the end; else the first that can be read at all."""
        chosen = None
        failure: DecodeError | None = None
        for decode in self.fields:
            try:
                values = decode(data, start, end)
            except DecodeError as error:
                failure = failure or error
                continue
            if values.left_over is UNSET:
                return values
            if chosen is None:
                chosen = values
        if chosen is None:
            raise failure or DecodeError("no layout is declared")
        return chosen


def _header_decoder() -> Callable[[bytes], tuple[DiscoveryHeader, int]]:
    short = decoder(DiscoveryHeader, 40)
    long = decoder(DiscoveryHeader, 56)

    def decode(data: bytes) -> tuple[DiscoveryHeader, int]:
        end = len(data)
        if end > 14 and data[14] == 1:
            return long(data, 0, end if end < 56 else 56), 56
        return short(data, 0, end if end < 40 else 40), 40

    return decode


def _block_decoder(bodies: _Bodies) -> Callable[[Record], Event]:
    """Decoder of a record type that always holds one block. This is the hot path."""
    number, family, with_header = bodies.row.number, bodies.row.id, bodies.row.discovery_header
    read_header = _header_decoder()
    unpack = _BLOCK_HEADER.unpack_from
    decoders: dict[int, Decode] = {}

    def decode(record: Record) -> Event:
        data = record.data
        header: DiscoveryHeader | UnsetType = UNSET
        start = 0
        try:
            if with_header:
                header, start = read_header(data)
            end = len(data)
            if end - start < 8:
                raise DecodeError(
                    "no room for a block header", block=family, field="block_type", offset=start
                )
            block_type, length = unpack(data, start)
            body = decoders.get(block_type)
            if body is None:
                declared = bodies.blocks.get(block_type)
                if declared is None:
                    return _unknown_block(bodies.row, record, header, start, block_type, length)
                body = decoders[block_type] = decoder(declared, block_type)
            values = body(data, start, end)
        except DecodeError as error:
            error.record_type = number
            raise
        left_over = values.left_over
        stop = start + length
        if stop == end and left_over is UNSET:
            return Event(number, family, values, record.archive_time, record.netmap_id, header)
        rest = data[stop:]
        if left_over is not UNSET:
            rest = left_over + rest
            values.left_over = UNSET
        return Event(
            number,
            family,
            values,
            record.archive_time,
            record.netmap_id,
            header,
            rest or UNSET,
            length if stop != end else UNSET,
        )

    return decode


def _unknown_block(
    row: RecordType,
    record: Record,
    header: DiscoveryHeader | UnsetType,
    start: int,
    block_type: int,
    length: int,
) -> Event:
    """Keep the bytes of a block whose layout is not known, in a record that is."""
    data = record.data
    stop = start + length
    if length < 8 or stop > len(data):
        raise DecodeError(
            f"length {length}, but {len(data) - start} bytes are there",
            block=f"{row.id} {block_type}",
            field="block_length",
            offset=start + 4,
        )
    return Event(
        row.number,
        row.id,
        UnknownRecord(data[start + 8 : stop], block_type),
        record.archive_time,
        record.netmap_id,
        header,
        data[stop:] or UNSET,
        length if stop != len(data) else UNSET,
    )


def _plain_decoder(bodies: _Bodies) -> Callable[[Record], Event]:
    """Decoder of a record type that holds plain fields, in some releases perhaps a block."""
    number, family, with_header = bodies.row.number, bodies.row.id, bodies.row.discovery_header
    read_header = _header_decoder()
    blocks = bodies.blocks
    decode_fields = bodies.decode_fields if len(bodies.fields) > 1 else bodies.fields[0]

    def decode(record: Record) -> Event:
        data = record.data
        header: DiscoveryHeader | UnsetType = UNSET
        start = 0
        try:
            if with_header:
                header, start = read_header(data)
            end = len(data)
            values = None
            if blocks and end - start >= 8:
                block_type, length = _BLOCK_HEADER.unpack_from(data, start)
                if block_type in blocks and length == end - start:
                    try:
                        values = decoder(blocks[block_type], block_type)(data, start, end)
                    except DecodeError:
                        values = None
            if values is None:
                values = decode_fields(data, start, end)
        except DecodeError as error:
            error.record_type = number
            raise
        left_over = values.left_over
        if left_over is not UNSET:
            values.left_over = UNSET
        return Event(number, family, values, record.archive_time, record.netmap_id, header, left_over)

    return decode


def _decode_unknown(record: Record) -> Event:
    return Event(
        record.record_type, UNKNOWN, UnknownRecord(record.data), record.archive_time, record.netmap_id
    )


_DECODERS: dict[int, Callable[[Record], Event]] = {}


def _prepare(record_type: int) -> Callable[[Record], Event]:
    row = RECORDS.get(record_type)
    if row is None or not row.bodies:
        return _decode_unknown
    bodies = _Bodies(row)
    decode = _block_decoder(bodies) if bodies.only_blocks else _plain_decoder(bodies)
    _DECODERS[record_type] = decode
    return decode


def decode_record(record: Record) -> Event:
    """Decode a record of any type; an unknown one keeps its bytes.

    Raises:
        DecodeError: a length is impossible or the data ends early; names record, block, field and offset
            (counted from the start of the record's data).
    """
    decode = _DECODERS.get(record.record_type)
    if decode is None:
        decode = _prepare(record.record_type)
    return decode(record)


def _encode_body(number: int, data: Any) -> bytes:
    if type(data) is UnknownRecord:
        if data.block_type is UNSET:
            return data.raw
        if not 0 <= data.block_type <= 0xFFFF_FFFF:
            raise EncodeError(f"{data.block_type} is no block type", field="block_type")
        return _BLOCK_HEADER.pack(data.block_type, 8 + len(data.raw)) + data.raw
    if not isinstance(data, Block):
        return encoder(type(data), number)(data)
    try:
        encode = encoder(type(data), data.block_type)
    except (ValueError, TypeError):
        block = layout_of(type(data)).id
        raise EncodeError(
            f"{data.block_type} is no type of this block", block=block, field="block_type"
        ) from None
    return encode(data)


def _has_header(record_type: int) -> bool:
    """True of record types whose declared layout begins with the discovery event header."""
    row = RECORDS.get(record_type)
    return row is not None and row.discovery_header and bool(row.bodies)


# --- encoding ---------------------------------------------------------------------------------------------


def encode_event(event: Event) -> Record:
    """Encode an event in the layout its data has: the inverse of `decode_record`.

    A discovery event header that is missing is written as zeros.

    Raises:
        EncodeError: a value does not fit its field; names record, block and field.
    """
    number = event.record_type
    data = event.data
    try:
        is_block = isinstance(data, Block) or (type(data) is UnknownRecord and data.block_type is not UNSET)
        body = _encode_body(number, data)
        left_over = event.left_over
        if left_over:
            size = len(body)
            body += left_over
            if is_block:
                length = event.block_length
                total = len(body)
                length = total if length is UNSET else min(max(length, size), total)
                body = body[:4] + length.to_bytes(4, "big") + body[8:]
        header = event.header
        if header is not UNSET:
            body = encoder(DiscoveryHeader, 56 if header.has_ipv6 == 1 else 40)(header) + body
        elif event.event != UNKNOWN and _has_header(number):
            body = bytes(40) + body
    except EncodeError as error:
        error.record_type = number
        raise
    return Record(number, body, event.archive_time, event.netmap_id)


# --- JSON lines -------------------------------------------------------------------------------------------


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
    names: Mapping[str, str] | UnsetType


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


def _reader(kind: Any) -> Callable[[Any], Any]:
    read = _readers.get(kind)
    if read is None:
        read = _readers[kind] = msgspec.json.Decoder(kind).decode
    return read


def _body_reader(body: type[Any], number: int) -> Callable[[Any], Any]:
    """How `data` is read into a declared class; blocks inside need more than types can say."""
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
    except (msgspec.MsgspecError, EncodeError) as error:
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


# --- chosen columns ---------------------------------------------------------------------------------------

_RECORD_COLUMNS: dict[str, Callable[[Record], Any]] = {
    "record_type": lambda record: record.record_type,
    "event": lambda record: event_id(record.record_type),
    "archive_time": lambda record: UNSET if record.archive_time is None else record.archive_time,
    "netmap_id": lambda record: record.netmap_id,
}


def event_id(record_type: int) -> str:
    """The id of a record type's family, "unknown_record" if its layout is not known."""
    row = RECORDS.get(record_type)
    return row.id if row is not None and row.bodies else UNKNOWN


def projector(record_type: int, columns: tuple[str, ...]) -> Callable[[Record], tuple[Any, ...]]:
    """Make a function that reads only the columns asked for, skipping the rest of a record.

    A column is a field of the data, "header." and a field of the discovery event header, "block_type", or one
    of record_type, event, archive_time and netmap_id. What a record's version does not carry is UNSET.
    The function raises DecodeError as `decode_record` does.
    """
    row = RECORDS.get(record_type)
    if row is None or not row.bodies:
        return _projected_slowly(columns)
    bodies = _Bodies(row)
    if not bodies.only_blocks:
        return _projected_slowly(columns)
    return _projected_block(bodies, columns)


def _projected_slowly(columns: tuple[str, ...]) -> Callable[[Record], tuple[Any, ...]]:
    def project(record: Record) -> tuple[Any, ...]:
        event = decode_record(record)
        values = []
        for column in columns:
            own = _RECORD_COLUMNS.get(column)
            if own is not None:
                values.append(own(record))
            elif column.startswith("header."):
                values.append(getattr(event.header, column[7:], UNSET))
            else:
                values.append(getattr(event.data, column, UNSET))
        return tuple(values)

    return project


def _projected_block(bodies: _Bodies, columns: tuple[str, ...]) -> Callable[[Record], tuple[Any, ...]]:
    number, with_header = bodies.row.number, bodies.row.discovery_header
    own = tuple(_RECORD_COLUMNS[name] for name in columns if name in _RECORD_COLUMNS)
    head = tuple(name[7:] for name in columns if name.startswith("header."))
    body = tuple(name for name in columns if name not in _RECORD_COLUMNS and not name.startswith("header."))
    # where each column stands in body + head + own
    place = {name: index for index, name in enumerate(body)}
    place |= {f"header.{name}": len(body) + index for index, name in enumerate(head)}
    names = [name for name in columns if name in _RECORD_COLUMNS]
    place |= {name: len(body) + len(head) + index for index, name in enumerate(names)}
    order = tuple(place[name] for name in columns)
    reorder: Callable[[tuple[Any, ...]], tuple[Any, ...]] | None = None
    if order != tuple(range(len(order))):
        reorder = itemgetter(*order) if len(order) > 1 else None
    headers = {size: _columns_decoder(DiscoveryHeader, size, head) for size in _HEADER_SIZES}
    headers[0] = lambda data, start, end: (UNSET,) * len(head)
    decoders: dict[int, Decode] = {}
    nothing = (UNSET,) * len(body)

    def project(record: Record) -> tuple[Any, ...]:
        data = record.data
        end = len(data)
        start = 0
        try:
            if with_header:
                start = 56 if end > 14 and data[14] == 1 else 40
            if end - start < 8:
                raise DecodeError(
                    "no room for a block header", block=bodies.row.id, field="block_type", offset=start
                )
            block_type = int.from_bytes(data[start : start + 4], "big")
            decode = decoders.get(block_type)
            if decode is None:
                declared = bodies.blocks.get(block_type)
                if declared is None:
                    unknown = tuple(block_type if name == "block_type" else UNSET for name in body)
                    decode = decoders[block_type] = lambda data, start, end: unknown
                else:
                    decode = decoders[block_type] = _columns_decoder(declared, block_type, body)
            values = decode(data, start, end) if body else nothing
            if head:
                values += headers[start](data, 0, start)
        except DecodeError as error:
            error.record_type = number
            raise
        if own:
            values += tuple(read(record) for read in own)
        return reorder(values) if reorder is not None else values

    return project


def _columns_decoder(cls: type[Any], number: int, columns: tuple[str, ...]) -> Decode:
    """Decoder of chosen columns, some of which the class may not have at all."""
    known = tuple(name for name in columns if name in cls.__struct_fields__)
    decode: Decode = decoder(cls, number, columns=known)
    if known == columns:
        return decode
    places = [known.index(name) if name in known else None for name in columns]

    def widened(data: bytes, start: int, end: int) -> tuple[Any, ...]:
        values = decode(data, start, end)
        return tuple(UNSET if place is None else values[place] for place in places)

    return widened
