"""Packet records without the trouble of decoding them: what both capture outputs need.

The layout is that of record 2 (messages, section 6.5): seven 32-bit numbers, then the bytes. It is read by
hand here because a capture output needs nothing else, and the bytes need not be copied into an object first.
"""

from __future__ import annotations

import struct
from typing import NamedTuple

from openstreamer.errors import DecodeError
from openstreamer.outputs.batch import Batch
from openstreamer.protocol.records import Record

PACKET_RECORD = 2
_HEAD = struct.Struct(">IIIIIII")


class RawPacket(NamedTuple):
    """One packet record. `original_length` is what the record says; `data` is what it holds."""

    device_id: int
    event_id: int
    event_second: int
    second: int
    microsecond: int
    link_type: int
    original_length: int
    data: bytes


def read_packet(record: Record) -> RawPacket:
    """The parts of one packet record.

    Raises:
        DecodeError: the record is too short for its header.
    """
    if len(record.data) < _HEAD.size:
        raise DecodeError(
            f"{len(record.data)} bytes are too few for a packet",
            record_type=PACKET_RECORD,
            block="packet",
            offset=0,
        )
    device, event, event_second, second, microsecond, link_type, length = _HEAD.unpack_from(record.data)
    data = record.data[_HEAD.size : _HEAD.size + length]
    return RawPacket(
        device, event, event_second, second, microsecond, link_type, max(length, len(data)), data
    )


def packets_of(batch: Batch) -> list[RawPacket]:
    """All packets of a batch; the unreadable ones go to the batch's problems."""
    packets = []
    for record in batch.records:
        if record.record_type == PACKET_RECORD:
            try:
                packets.append(read_packet(record))
            except DecodeError as error:
                batch.report(record, error)
    return packets
