"""A stored chunk in the form of a session, with what the statistics want to know of it.

The form itself is made by `openstreamer.protocol.transcode`; several sessions share the result. Also here:
the rest of a chunk of which some records have been sent already.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from openstreamer.protocol.items import TYPE_MASK, Items, iter_items, walk
from openstreamer.protocol.records import Record
from openstreamer.protocol.selection import Selection
from openstreamer.protocol.transcode import render, transcode
from openstreamer.store import Chunk


@dataclass(frozen=True, slots=True)
class Rendered:
    """A chunk, or the rest of one, in the form that a session sends; sessions share it."""

    items: Items
    by_type: Counter[int]
    """Number of records by record type as sent."""
    filtered: Counter[int]
    """Number of those not asked for or not allowed, by record type."""


def make_rendered(chunk: Chunk, selection: Selection, bundle_bytes: int) -> Rendered:
    """A chunk in the form that was asked for, counted. Takes long for old forms."""
    items = render(chunk, selection, bundle_bytes=bundle_bytes)
    data = items.data
    by_type: Counter[int] = Counter()
    for part in items.parts:
        by_type.update(
            [data[start + 10] << 8 | data[start + 11] for start, _ in walk(data, part.start, part.end)]
        )
    filtered: Counter[int] = Counter()
    if items.filtered:
        stored = Counter([word & TYPE_MASK for _, word, _, _ in iter_items(chunk.data)])
        filtered.update(
            {
                record_type: count
                for record_type, count in stored.items()
                if selection.rule(record_type) is None
            }
        )
    return Rendered(items, by_type, filtered)


def rest_of(chunk: Chunk, selection: Selection, sent: int) -> Chunk:
    """What follows in a chunk after the first `sent` records that a selection sends of it."""
    start = 0
    left = sent
    if left:
        for _, word, data_start, end in iter_items(chunk.data):
            record = Record(word & 0xFFFF, chunk.data[data_start:end], 0, word >> 16 & 0x7FFF)
            if transcode(record, selection) is not None:
                left -= 1
                if not left:
                    start = end
                    break
    return Chunk(
        number=chunk.number,
        archive_time=chunk.archive_time,
        count=chunk.count,
        record_types=chunk.record_types,
        references=chunk.references,
        data=chunk.data[start:],
    )
