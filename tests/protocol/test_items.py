"""Records in wire-ready form: stored chunks, cutting, and single items."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openstreamer.protocol.items import (
    NOTHING,
    Part,
    PendingChunk,
    cut,
    gather,
    iter_items,
    pack_item,
    record_word,
    walk,
)
from openstreamer.protocol.records import Record
from support import hand_made

records = st.lists(
    st.tuples(st.integers(0, 0xFFFF), st.integers(0, 0x7FFF), st.binary(max_size=40)), max_size=20
)


def by_hand(record_type: int, netmap: int, data: bytes, time: int) -> bytes:
    """A stored item, put together field by field."""
    return (
        struct.pack(">HHIIIII", 0, 4, 16 + len(data), netmap << 16 | record_type, len(data), time, 0) + data
    )


@given(records=records, time=st.integers(0, 0xFFFFFFFF))
def test_chunk(records: list[tuple[int, int, bytes]], time: int) -> None:
    pending = PendingChunk(records)
    chunk = pending.seal(time)
    assert chunk == b"".join(by_hand(*record, time) for record in records)
    assert pending.count == len(records)
    assert pending.size == len(chunk)
    assert pending.record_types == {netmap << 16 | number for number, netmap, _ in records}
    assert sum(pending.record_counts.values()) == len(records)
    assert set(pending.record_counts) == {number for number, _, _ in records}
    walked = [(word, chunk[start:end]) for _, word, start, end in iter_items(chunk)]
    assert walked == [(netmap << 16 | number, data) for number, netmap, data in records]


def test_references_are_kept_once_and_in_order() -> None:
    pending = PendingChunk([(400, 0, b"x")], [(400, b"b"), (400, b"a"), (400, b"b")])
    assert pending.references == ((400, b"b"), (400, b"a"))


def test_a_chunk_may_be_sealed_again() -> None:
    pending = PendingChunk([(2, 0, b"x")])
    assert pending.seal(5) == by_hand(2, 0, b"x", 5)
    assert pending.seal(6) == by_hand(2, 0, b"x", 6)


@pytest.mark.parametrize(("number", "netmap"), [(-1, 0), (0x10000, 0), (1, -1), (1, 0x8000)])
def test_numbers_that_do_not_fit(number: int, netmap: int) -> None:
    with pytest.raises(ValueError, match="fit"):
        record_word(number, netmap)
    if number > 0:
        with pytest.raises(ValueError, match="fit"):
            PendingChunk([(number, netmap, b"")])


def test_single_items() -> None:
    record = Record(4, b"abc", 9, 2)
    assert pack_item(record) == by_hand(4, 2, b"abc", 9)
    short = struct.pack(">HHIII", 0, 4, 8 + 3, 2 << 16 | 4, 3) + b"abc"
    assert pack_item(record, extended=False) == short
    assert pack_item(Record(4, b"abc")) == by_hand(4, 0, b"abc", 0)


@given(records=records, flat=st.booleans(), size=st.integers(1, 200), count=st.integers(1, 5))
def test_cutting(records: list[tuple[int, int, bytes]], flat: bool, size: int, count: int) -> None:
    chunk = PendingChunk(records).seal(7)
    items = cut(chunk, flat=flat, bundle_bytes=size, bundle_items=count)
    assert items.count == len(items) == len(records)
    assert items.size == len(chunk)
    assert items.flat is flat
    position = 0
    for part in items.parts:
        assert part.start == position
        assert 1 <= part.count <= count
        assert part.count == len(list(walk(items.data, part.start, part.end)))
        assert part.count == 1 or part.end - part.start <= size
        position = part.end
    assert position == len(chunk)
    version = b"\0\1" if flat else b"\0\0"
    assert list(items) == [version + by_hand(*record, 7)[2:] for record in records]


def test_a_bundle_holds_a_hundred_records_or_64_kib() -> None:
    small = cut(PendingChunk([(2, 0, b"x")] * 250).seal(1))
    assert [part.count for part in small.parts] == [100, 100, 50]
    large = cut(PendingChunk([(2, 0, bytes(30_000))] * 5).seal(1))
    assert [part.count for part in large.parts] == [2, 2, 1]
    huge = cut(PendingChunk([(2, 0, bytes(100_000))] * 2).seal(1))
    assert [part.count for part in huge.parts] == [1, 1]


def test_flat_items_are_whole_messages() -> None:
    items = gather([pack_item(Record(4, b"abc"), extended=False), pack_item(Record(2, b"d", 9))], flat=True)
    assert items.data == hand_made.event_data(4, b"abc", None) + hand_made.event_data(2, b"d", 9)
    assert items.parts == (Part(0, len(items.data), 2),)


def test_nothing() -> None:
    assert NOTHING.count == 0
    assert list(NOTHING) == []
    assert cut(b"").parts == ()
