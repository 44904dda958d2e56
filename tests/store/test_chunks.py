"""Labels and checksums as bytes."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openstreamer.store.chunks import (
    UNKNOWN_COUNT,
    chunk_checksum,
    decode_references,
    decode_types,
    encode_labels,
    metadata_checksum,
)

U32 = st.integers(0, 0xFFFFFFFF)


@given(
    st.dictionaries(U32, st.integers(0, 0xFFFFFFFE), max_size=5),
    st.lists(st.tuples(U32, st.binary(max_size=40)), max_size=5),
)
def test_labels_read_back(counts: dict[int, int], references: list[tuple[int, bytes]]) -> None:
    labels, known = encode_labels(frozenset(counts), counts, references, sum(counts.values()))
    assert known == counts
    read, start = decode_types(labels)
    assert read == counts
    assert decode_references(labels, start) == tuple(references)


def test_a_batch_of_one_type_is_counted_and_one_of_several_is_not() -> None:
    labels, known = encode_labels({400}, None, (), 7)
    assert known == {400: 7}
    assert decode_types(labels)[0] == {400: 7}
    labels, known = encode_labels({2, 400}, None, (), 7)
    assert known == {}
    assert decode_types(labels)[0] == {2: UNKNOWN_COUNT, 400: UNKNOWN_COUNT}


def test_labels_as_bytes() -> None:
    labels, _ = encode_labels({400, 2}, {400: 3, 2: 1}, [(400, b"key")], 4)
    assert (
        labels.hex() == "00000002" + "0000000200000001" + "0000019000000003" + "000001900003" + b"key".hex()
    )


@given(st.binary(max_size=60))
def test_any_bytes_are_labels_or_an_error(labels: bytes) -> None:
    try:
        _, start = decode_types(labels)
        decode_references(labels, start)
    except struct.error:
        pass


BASE = (5, 1_700_000_000, 40, 3, b"labels", b"data")


@pytest.mark.parametrize(
    "other",
    [
        (6, 1_700_000_000, 40, 3, b"labels", b"data"),
        (5, 1_700_000_001, 40, 3, b"labels", b"data"),
        (5, 1_700_000_000, 41, 3, b"labels", b"data"),
        (5, 1_700_000_000, 40, 4, b"labels", b"data"),
        (5, 1_700_000_000, 40, 3, b"labelS", b"data"),
        (5, 1_700_000_000, 40, 3, b"label", b"sdata"),
        (5, 1_700_000_000, 40, 3, b"labels", b"datA"),
    ],
)
def test_a_chunks_checksum_covers_everything(other: tuple[int, int, int, int, bytes, bytes]) -> None:
    assert chunk_checksum(*BASE) != chunk_checksum(*other)
    assert len(chunk_checksum(*BASE)) == 8


@pytest.mark.parametrize(
    "other",
    [
        (b"kez", 66, 0, 1, b"data"),
        (b"key", 67, 0, 1, b"data"),
        (b"key", 66, 1, 1, b"data"),
        (b"key", 66, 0, 2, b"data"),
        (b"key", 66, 0, 1, b"datA"),
        (b"keyd", 66, 0, 1, b"ata"),
    ],
)
def test_a_metadata_checksum_covers_everything(other: tuple[bytes, int, int, int, bytes]) -> None:
    assert metadata_checksum(b"key", 66, 0, 1, b"data") != metadata_checksum(*other)
