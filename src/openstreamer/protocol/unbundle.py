"""Records out of event data messages and bundles: the client's hot path.

Nearly every item a client gets is an event data message with the long record header and no domain; those
take one struct call and one slice each. All others go through `_read_slowly`, which knows the rest: the short
header, domain and flag bits, other messages in a bundle, lengths that cannot be. A malformed record is
counted and reported and costs itself only, unless its length leaves the bundle; then the rest of that bundle.

Rules: chapter 2 of the integration guide, "Event Data Message Format" and "Message Bundle Format"; the page
on messages in docs/protocol for what sources contradict. Not here: what the data means (records.py).
"""

from __future__ import annotations

import struct
from typing import TypeAlias

import msgspec

from openstreamer.errors import RemoteProtocolError

from .messages import EXTENDED_HEADER_FLAG, HEADER, Error, Message, MessageType, decode_message
from .records import Record

_LONG_ITEM = struct.Struct(">IIIII")
_BUNDLE_HEAD = struct.Struct(">II")
_ITEM_HEADERS = (0x00000004, 0x00010004)
"""Version and type of an item: version 0 as servers write it, version 1 as the guide prints it."""
_IN_BUNDLES = (
    MessageType.NULL,
    MessageType.ERROR,
    MessageType.SINGLE_HOST_DATA,
    MessageType.MULTIPLE_HOST_DATA,
)


class Records(msgspec.Struct, gc=False):
    """The records that one call of `receive` completed, in order."""

    records: list[Record]


class MalformedRecord(msgspec.Struct, frozen=True):
    """Something in the place of a record that is none: the reason, and its bytes."""

    reason: str
    data: bytes


Event: TypeAlias = "Records | MalformedRecord | Message"


class RecordReader:
    """Collects records from messages; `take` hands them over.

    `malformed` counts what was reported as MalformedRecord. `flag_mismatches` counts record headers whose top
    bit announces the long form and whose lengths say that it is the short one (the lengths are believed).
    `error` is an Error message that stood in a bundle.
    """

    __slots__ = ("_others", "_records", "error", "flag_mismatches", "malformed")

    def __init__(self) -> None:
        self._records: list[Record] = []
        self._others: list[Event] = []
        self.malformed = 0
        self.flag_mismatches = 0
        self.error: Error | None = None

    def take(self) -> list[Event]:
        """What was collected since the last call: the records in one event, then everything else."""
        events: list[Event] = [Records(self._records)] if self._records else []
        if self._records:
            self._records = []
        if self._others:
            events += self._others
            self._others = []
        return events

    def report(self, event: Event) -> None:
        """Put an event behind those collected."""
        self._others.append(event)

    def bundle(self, body: bytes) -> int | None:
        """Collect everything in the body of a bundle; gives its sequence number, None if it has none."""
        end = len(body)
        if end < _BUNDLE_HEAD.size:
            self._malformed("a bundle without room for its sequence number", body)
            return None
        position = 8
        last = end - 24
        append, unpack, headers = self._records.append, _LONG_ITEM.unpack_from, _ITEM_HEADERS
        while position <= last:
            kind, length, word, size, archive_time = unpack(body, position)
            start = position + 24
            stop = position + 8 + length
            if length - size == 16 and stop <= end and word <= 0xFFFF and kind in headers:
                append(Record(word, body[start:stop], archive_time or None))
                position = stop
            else:
                position = self._read_slowly(body, position, end)
        while position < end:
            position = self._read_slowly(body, position, end)
        sequence: int = _BUNDLE_HEAD.unpack_from(body)[1]
        return sequence

    def message(self, body: bytes) -> None:
        """Collect the record of an event data message (type 4)."""
        self._record(body, 0, len(body))

    def _read_slowly(self, body: bytes, position: int, end: int) -> int:
        """Collect the item at a position; gives the position behind it, or the end if it cannot be told."""
        if end - position < HEADER.size:
            self._malformed("the end of a bundle has no room for an item", body[position:])
            return end
        version, message_type, length = HEADER.unpack_from(body, position)
        start = position + HEADER.size
        stop: int = start + length
        if stop > end:
            self._malformed(
                f"an item claims {length} bytes where the bundle has {end - start}", body[position:]
            )
            return end
        if version > 1:
            self._malformed(f"an item has header version {version}", body[position:stop])
        elif message_type == MessageType.EVENT_DATA:
            self._record(body, start, stop)
        elif message_type in _IN_BUNDLES:
            try:
                message = decode_message(message_type, body[start:stop])
            except RemoteProtocolError as error:
                self._malformed(str(error), body[position:stop])
                return stop
            self._others.append(message)
            if isinstance(message, Error):
                self.error = message
        else:
            self._malformed(f"message type {message_type} in a bundle", body[position:stop])
        return stop

    def _record(self, body: bytes, start: int, stop: int) -> None:
        """Collect one record; the two forms of its header are told apart by the lengths."""
        size = stop - start
        if size < 8:
            self._malformed("no room for a record header", body[start:stop])
            return
        word, length = _BUNDLE_HEAD.unpack_from(body, start)
        difference = size - length
        archive_time = None
        if difference == 16:
            archive_time = int.from_bytes(body[start + 8 : start + 12], "big") or None
            start += 16
        elif difference == 8 or difference == 0:
            # 0: some old servers count the record header in the record's length
            start += 8
            if word & EXTENDED_HEADER_FLAG:
                self.flag_mismatches += 1
        else:
            self._malformed(f"record length {length} in a message of {size}", body[start:stop])
            return
        self._records.append(Record(word & 0xFFFF, body[start:stop], archive_time, word >> 16 & 0x7FFF))

    def _malformed(self, reason: str, data: bytes) -> None:
        self.malformed += 1
        self._others.append(MalformedRecord(reason, data))
