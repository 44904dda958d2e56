"""Records in wire-ready form, as the event log keeps them and sessions send them.

The form is the item of a message bundle with the long record header: 00 00 00 04, length, record type word,
record length, archive time, reserved word, data. Most clients ask for exactly that, so what is stored leaves
in slices of many records. `PendingChunk` makes a stored batch; `Items` is a batch in the form that a
session sends, cut where its messages or bundles may end.

Rules: chapter 2 of the integration guide, "Event Data Message Format" and "Message Bundle Format". Not
here: which records a client gets, and older forms of them (selection.py, transcode.py).
"""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType

import msgspec

from .records import Record

BUNDLE_BYTES = 64 * 1024
"""Bytes of items after which a bundle is closed. One longer record still goes in one piece."""

BUNDLE_ITEMS = 100
"""Items after which a bundle is closed."""

ITEM_HEAD = struct.Struct(">III")
"""Message type (version 0), length of what follows, record type word."""

LONG_ITEM = struct.Struct(">IIII")
"""The same and the record length; archive time and reserved word follow, then the data."""

TYPE_MASK, NETMAP_MASK = 0xFFFF, 0x7FFF
_ITEM, _MESSAGE = 0x00000004, 0x00010004
_LENGTHS = struct.Struct(">I")
_SHORT = struct.Struct(">IIII")


def record_word(record_type: int, netmap_id: int) -> int:
    """The record type word: domain in bits 30 to 16, record type in bits 15 to 0.

    Raises:
        ValueError: one of them does not fit.
    """
    if not 0 <= record_type <= TYPE_MASK or not 0 <= netmap_id <= NETMAP_MASK:
        raise ValueError(f"record type {record_type} or domain {netmap_id} does not fit")
    return netmap_id << 16 | record_type


def pack_item(record: Record, extended: bool = True) -> bytes:
    """One record as a bundle item; `extended` chooses the long record header.

    Raises:
        ValueError: record type or domain does not fit.
    """
    size = len(record.data)
    word = record_word(record.record_type, record.netmap_id)
    if extended:
        head = LONG_ITEM.pack(_ITEM, 16 + size, word, size)
        return head + (record.archive_time or 0).to_bytes(4, "big") + bytes(4) + record.data
    return _SHORT.pack(_ITEM, 8 + size, word, size) + record.data


def iter_items(chunk: bytes) -> Iterator[tuple[int, int, int, int]]:
    """Walk over stored items: (start, record type word, start of the data, end).

    The chunk is our own and its checksum was verified; nothing is checked here.
    """
    unpack = ITEM_HEAD.unpack_from
    position, size = 0, len(chunk)
    while position < size:
        _, length, word = unpack(chunk, position)
        end = position + 8 + length
        yield position, word, position + 24, end
        position = end


class PendingChunk:
    """A batch of records that waits for its archive time, as a store's `append` takes it.

    `records` are (record type, domain, data). `record_types` holds record type words: the plain record type,
    unless the record has a domain (bits 30 to 16). `record_counts` counts by plain record type.
    `references` are the metadata that the records refer to: pairs of (referring record type, metadata key).
    """

    __slots__ = ("_parts", "count", "record_counts", "record_types", "references", "size")

    def __init__(
        self,
        records: Iterable[tuple[int, int, bytes]],
        references: Iterable[tuple[int, bytes]] = (),
    ) -> None:
        pack = LONG_ITEM.pack
        parts: list[bytes] = []
        words: Counter[int] = Counter()
        for record_type, netmap_id, data in records:
            word = (
                record_word(record_type, netmap_id) if netmap_id or record_type > TYPE_MASK else record_type
            )
            size = len(data)
            parts += (pack(_ITEM, 16 + size, word, size), b"", data)
            words[word] += 1
        self._parts = parts
        self.count = len(parts) // 3
        self.size = sum(map(len, parts)) + 8 * self.count
        self.record_types = frozenset(words)
        counts: Counter[int] = Counter()
        for word, count in words.items():
            counts[word & TYPE_MASK] += count
        self.record_counts = dict(counts)
        self.references = tuple(dict.fromkeys(references))

    def seal(self, archive_time: int) -> bytes:
        """The chunk's bytes, with this archive time in every record."""
        self._parts[1::3] = [archive_time.to_bytes(4, "big") + bytes(4)] * self.count
        return b"".join(self._parts)


class Part(msgspec.Struct, frozen=True, gc=False):
    """A run of whole items in `Items.data` that may go out in one bundle."""

    start: int
    end: int
    count: int


class Items:
    """Records in the form a session sends, cut into parts of at most a bundle's size.

    With `flat` each record is a whole message of its own (its header begins 00 01), else a bundle item.
    Several sessions may share one object: nothing changes in it. `lost` says how many records had to be left
    out because the form asked for cannot express them, and why; `filtered` counts those not asked for.
    """

    __slots__ = ("count", "data", "filtered", "flat", "lost", "parts")

    def __init__(
        self,
        data: bytes,
        parts: tuple[Part, ...],
        *,
        flat: bool = False,
        filtered: int = 0,
        lost: Mapping[str, int] = MappingProxyType({}),
    ) -> None:
        self.data = data
        self.parts = parts
        self.flat = flat
        self.filtered = filtered
        self.lost = lost
        self.count = sum(part.count for part in parts)

    def __len__(self) -> int:
        return self.count

    def __iter__(self) -> Iterator[bytes]:
        """The items one by one, each with its header."""
        for part in self.parts:
            for start, end in walk(self.data, part.start, part.end):
                yield self.data[start:end]

    @property
    def size(self) -> int:
        """Bytes, for caches."""
        return len(self.data)


NOTHING = Items(b"", ())


def walk(data: bytes, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Bounds of the items between two bounds of items."""
    unpack = _LENGTHS.unpack_from
    while start < end:
        stop = start + 8 + unpack(data, start + 4)[0]
        yield start, stop
        start = stop


def cut(
    data: bytes,
    *,
    flat: bool = False,
    bundle_bytes: int = BUNDLE_BYTES,
    bundle_items: int = BUNDLE_ITEMS,
    filtered: int = 0,
    lost: Mapping[str, int] = MappingProxyType({}),
) -> Items:
    """Cut wire-ready bundle items into parts; with `flat` turn their headers into those of messages.

    `filtered` and `lost` are what was left out on the way, see `Items`.
    """
    unpack = _LENGTHS.unpack_from
    position, size = 0, len(data)
    messages = bytearray(data) if flat else None
    parts = []
    start = count = 0
    while position < size:
        end = position + 8 + unpack(data, position + 4)[0]
        if count and (end - start > bundle_bytes or count == bundle_items):
            parts.append(Part(start, position, count))
            start, count = position, 0
        if messages is not None:
            messages[position + 1] = 1
        count += 1
        position = end
    if count:
        parts.append(Part(start, position, count))
    octets = data if messages is None else bytes(messages)
    return Items(octets, tuple(parts), flat=flat, filtered=filtered, lost=lost)


def gather(items: Iterable[bytes], *, flat: bool = False, bundle_bytes: int = BUNDLE_BYTES) -> Items:
    """Put single bundle items (as `pack_item` makes them) together into something that can be sent."""
    return cut(b"".join(items), flat=flat, bundle_bytes=bundle_bytes)
