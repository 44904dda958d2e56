"""Records out of messages and bundles: both headers, odd forms, and what cannot be a record."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openstreamer.protocol.messages import Error, MultipleHostData, Null
from openstreamer.protocol.records import Record
from openstreamer.protocol.unbundle import MalformedRecord, RecordReader, Records
from support import hand_made


def bundle(*items: bytes) -> bytes:
    """The body of a bundle, number 5."""
    return struct.pack(">II", 1, 5) + b"".join(items)


def item(body: bytes, *, version: int = 0, kind: int = 4, length: int | None = None) -> bytes:
    return struct.pack(">HHI", version, kind, len(body) if length is None else length) + body


def read(*items: bytes) -> tuple[list[Record], list[object], RecordReader]:
    reader = RecordReader()
    assert reader.bundle(bundle(*items)) == 5
    events = reader.take()
    records = events.pop(0).records if events and isinstance(events[0], Records) else []
    return records, list(events), reader


LONG = hand_made.record(400, b"data", 77)
SHORT = hand_made.record(4, b"data", None)


@pytest.mark.parametrize("version", [0, 1])
def test_both_header_versions(version: int) -> None:
    records, others, _ = read(item(LONG, version=version), item(SHORT, version=version))
    assert records == [Record(400, b"data", 77), Record(4, b"data")]
    assert not others


def test_short_items_at_the_end_of_a_bundle() -> None:
    records, others, _ = read(item(LONG), item(hand_made.record(21, b"", None)))
    assert records == [Record(400, b"data", 77), Record(21, b"")]
    assert not others


def test_zero_timestamp_is_none() -> None:
    assert read(item(hand_made.record(123, b"x", 0)))[0] == [Record(123, b"x")]


def test_flag_and_domain_are_masked() -> None:
    body = hand_made.record(0x80030004, b"x", 9)
    records, others, reader = read(item(body))
    assert records == [Record(4, b"x", 9, 3)]
    assert not others
    assert reader.flag_mismatches == 0
    records, _, reader = read(item(hand_made.record(0x80000004, b"x", None)), item(LONG))
    assert records[0] == Record(4, b"x")
    assert reader.flag_mismatches == 1


def test_record_length_that_counts_the_header() -> None:
    body = struct.pack(">II", 4, 12) + b"data"
    assert read(item(body))[0] == [Record(4, b"data")]


@pytest.mark.parametrize("length", [1, 3, 5, 11, 13, 0xFFFFFFFF, 0x80000000])
def test_a_malformed_record_costs_itself_only(length: int) -> None:
    body = struct.pack(">II", 4, length) + b"data"
    records, others, reader = read(item(LONG), item(body), item(LONG))
    assert records == [Record(400, b"data", 77)] * 2
    assert others == [MalformedRecord(f"record length {length} in a message of 12", body)]
    assert reader.malformed == 1


@pytest.mark.parametrize("size", range(8))
def test_no_room_for_a_record_header(size: int) -> None:
    records, others, _ = read(item(bytes(size)), item(LONG))
    assert records == [Record(400, b"data", 77)]
    assert others == [MalformedRecord("no room for a record header", bytes(size))]


@pytest.mark.parametrize("length", [21, 0x7FFFFFFF, 0xFFFFFFFF])
def test_an_item_over_the_end_costs_the_rest_of_the_bundle(length: int) -> None:
    records, others, reader = read(item(LONG), item(LONG, length=length))
    assert records == [Record(400, b"data", 77)]
    assert reader.malformed == len(others) == 1
    assert isinstance(others[0], MalformedRecord)
    assert others[0].data == item(LONG, length=length)
    assert reader.bundle(bundle(item(LONG))) == 5
    assert reader.take() == [Records([Record(400, b"data", 77)])]


@pytest.mark.parametrize("size", range(1, 8))
def test_half_an_item_header(size: int) -> None:
    records, others, _ = read(item(LONG), item(LONG)[:size])
    assert len(records) == 1
    assert len(others) == 1


@pytest.mark.parametrize("version", [2, 0xFFFF])
def test_other_header_versions_in_a_bundle(version: int) -> None:
    records, others, _ = read(item(LONG, version=version), item(LONG))
    assert len(records) == 1
    assert f"header version {version}" in str(others[0])


def test_other_messages_in_a_bundle() -> None:
    records, others, reader = read(
        item(b"", kind=0), item(LONG), item(b"host", kind=7), item(struct.pack(">iH", -1, 0), kind=1)
    )
    assert len(records) == 1
    assert others == [Null(), MultipleHostData(b"host"), Error(-1)]
    assert reader.error == Error(-1)
    for kind in (2, 3, 5, 2049, 2051, 4002, 9999):
        records, others, _ = read(item(b"abc", kind=kind), item(LONG))
        assert len(records) == 1
        assert f"message type {kind} in a bundle" in str(others[0])
    records, others, _ = read(item(b"x", kind=0), item(b"x", kind=1), item(LONG))
    assert len(records) == 1
    assert len(others) == 2


@pytest.mark.parametrize("size", range(8))
def test_bundle_without_room_for_its_numbers(size: int) -> None:
    reader = RecordReader()
    assert reader.bundle(bytes(size)) is None
    assert reader.malformed == 1


def test_empty_bundle() -> None:
    assert read() == ([], [], read()[2]) or read()[:2] == ([], [])


def test_single_messages() -> None:
    reader = RecordReader()
    reader.message(LONG)
    reader.message(SHORT)
    reader.message(b"")
    reader.report(Null())
    assert reader.take() == [
        Records([Record(400, b"data", 77), Record(4, b"data")]),
        MalformedRecord("no room for a record header", b""),
        Null(),
    ]
    assert reader.take() == []


@given(
    st.lists(
        st.tuples(
            st.integers(0, 0xFFFF),
            st.binary(max_size=30),
            st.none() | st.integers(1, 0xFFFFFFFF),
            st.integers(0, 0x7FFF),
            st.integers(0, 1),
        ),
        max_size=12,
    )
)
def test_well_formed_bundles(rows: list[tuple[int, bytes, int | None, int, int]]) -> None:
    items = [
        item(hand_made.record(netmap << 16 | number, data, time), version=version)
        for number, data, time, netmap, version in rows
    ]
    records, others, reader = read(*items)
    assert records == [Record(number, data, time, netmap) for number, data, time, netmap, _ in rows]
    assert not others
    assert reader.malformed == 0


@given(st.binary(max_size=200))
def test_noise(body: bytes) -> None:
    reader = RecordReader()
    reader.bundle(body)
    events = reader.take()
    taken = sum(len(event.records) for event in events if isinstance(event, Records))
    assert taken * 16 <= len(body)
    assert reader.malformed == sum(isinstance(event, MalformedRecord) for event in events)
