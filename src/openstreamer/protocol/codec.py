"""From the bytes of a record to an event and back.

`decode_record` looks the record type up in the table of layouts, reads the discovery event header where
there is one, and lets the declaration decode the rest; `encode_event` is its inverse. Every byte survives:
what no declaration knows is kept as bytes, what stands behind the last known field is kept as `left_over`.
The only change is the canonical form of text (one NUL at the end of non-empty String blocks, none
elsewhere). Rules: chapter 2 of the integration guide, "Event Data Message Format", chapters 3 and 4 for the
bodies. Not here: the record header (items.py) and messages (messages.py), JSON (json_form.py), what metadata
says of numbers (metadata.py). Users import these names from records.py.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from openstreamer.errors import DecodeError, EncodeError
from openstreamer.layouts.discovery_header import DiscoveryHeader
from openstreamer.layouts.records import RECORDS, RecordType
from openstreamer.wire import Block, decoder, encoder, layout_of

UNKNOWN = "unknown_record"
"""What `Event.event` says of a record type without a known layout."""

_BLOCK_HEADER = struct.Struct(">II")
HEADER_SIZES = (40, 56)
"""Sizes of the discovery event header: without and with an address at its end."""


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


class Bodies:
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


def _block_decoder(bodies: Bodies) -> Callable[[Record], Event]:
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


def _plain_decoder(bodies: Bodies) -> Callable[[Record], Event]:
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
    bodies = Bodies(row)
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
