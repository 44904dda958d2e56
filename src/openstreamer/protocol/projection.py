"""Reading only some columns of records, for outputs that want no more.

The generated decoder checks the rest of a block but does not convert it. Users import `projector` from
records.py. Not here: which columns an output wants.
"""

from __future__ import annotations

from collections.abc import Callable
from operator import itemgetter
from typing import Any

from msgspec import UNSET

from openstreamer.errors import DecodeError
from openstreamer.layouts.discovery_header import DiscoveryHeader
from openstreamer.layouts.records import RECORDS
from openstreamer.wire import decoder

from .codec import HEADER_SIZES, UNKNOWN, Bodies, Decode, Record, decode_record
from .identity import stable_id

_RECORD_COLUMNS: dict[str, Callable[[Record], Any]] = {
    "record_type": lambda record: record.record_type,
    "event": lambda record: event_id(record.record_type),
    "archive_time": lambda record: UNSET if record.archive_time is None else record.archive_time,
    "netmap_id": lambda record: record.netmap_id,
    "stable_id": stable_id,
}


def event_id(record_type: int) -> str:
    """The id of a record type's family, "unknown_record" if its layout is not known."""
    row = RECORDS.get(record_type)
    return row.id if row is not None and row.bodies else UNKNOWN


def projector(record_type: int, columns: tuple[str, ...]) -> Callable[[Record], tuple[Any, ...]]:
    """Make a function that reads only the columns asked for, skipping the rest of a record.

    A column is a field of the data, "header." and a field of the discovery event header, "block_type", or one
    of record_type, event, archive_time, netmap_id and stable_id. What a record's version does not carry is
    UNSET. The function raises DecodeError as `decode_record` does.
    """
    row = RECORDS.get(record_type)
    if row is None or not row.bodies:
        return _projected_slowly(columns)
    bodies = Bodies(row)
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


def _projected_block(bodies: Bodies, columns: tuple[str, ...]) -> Callable[[Record], tuple[Any, ...]]:
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
    headers = {size: _columns_decoder(DiscoveryHeader, size, head) for size in HEADER_SIZES}
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
