"""Messages out of a stream of bytes: any split gives the same, and nothing too large is kept."""

from __future__ import annotations

import itertools
import struct
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openstreamer.protocol.framing import MESSAGE_LIMIT, FrameReader
from openstreamer.protocol.messages import ErrorCode
from support import hand_made

frames = st.lists(st.tuples(st.integers(0, 0xFFFF), st.binary(max_size=40)), max_size=8)
cuts = st.lists(st.integers(0, 400), max_size=12)


def pieces(stream: bytes, places: list[int]) -> list[bytes]:
    """The stream, split at these places."""
    bounds = [0, *sorted(min(place, len(stream)) for place in places), len(stream)]
    return [stream[start:end] for start, end in itertools.pairwise(bounds)]


@given(frames=frames, places=cuts)
def test_any_split_gives_the_same_messages(frames: list[tuple[int, bytes]], places: list[int]) -> None:
    stream = b"".join(hand_made.header(*frame) for frame in frames)
    reader = FrameReader()
    found = [frame for piece in pieces(stream, places) for frame in reader.receive(piece)]
    assert found == frames
    assert reader.pending == 0
    assert reader.error is None


@given(frames=frames, places=cuts, bad=st.sampled_from(["00020000 00000000", "00010004 ffffffff"]))
def test_any_split_gives_the_same_before_an_error(
    frames: list[tuple[int, bytes]], places: list[int], bad: str
) -> None:
    stream = b"".join(hand_made.header(*frame) for frame in frames) + bytes.fromhex(bad) + b"more"
    reader = FrameReader()
    found = [frame for piece in pieces(stream, places) for frame in reader.receive(piece)]
    assert found == frames
    assert reader.error is not None


def test_one_byte_at_a_time() -> None:
    reader = FrameReader()
    stream = hand_made.null() + hand_made.error(-1, "no")
    found = [reader.receive(stream[at : at + 1]) for at in range(len(stream))]
    assert [len(item) for item in found] == [0] * 7 + [1] + [0] * 15 + [1]


@pytest.mark.parametrize("version", [0, 2, 0xFFFF])
def test_header_version(version: int) -> None:
    reader = FrameReader()
    assert reader.receive(struct.pack(">HHI", version, 0, 0)) == []
    assert reader.error is not None
    assert reader.error.code == ErrorCode.HEADER_VERSION
    assert f"version {version}" in str(reader.error)


@pytest.mark.parametrize("length", [101, 0x7FFFFFFF, 0xFFFFFFFF])
def test_length_is_checked_before_the_body_comes(length: int) -> None:
    reader = FrameReader(limit=100)
    assert reader.receive(struct.pack(">HHI", 1, 2, length)[:7]) == []
    assert reader.error is None
    assert reader.receive(struct.pack(">HHI", 1, 2, length)[7:]) == []
    assert reader.error is not None
    assert reader.error.code == ErrorCode.TOO_LARGE
    assert reader.pending == 0


def test_length_at_the_limit() -> None:
    reader = FrameReader(limit=100)
    assert reader.receive(hand_made.header(9, bytes(100))) == [(9, bytes(100))]
    assert reader.error is None


def test_nothing_is_read_after_an_error() -> None:
    reader = FrameReader()
    stream = hand_made.null() + struct.pack(">HHI", 7, 0, 0) + hand_made.null()
    assert reader.receive(stream) == [(0, b"")]
    assert reader.receive(hand_made.null() * 3) == []
    assert reader.pending == 0


def test_other_kinds_of_buffers() -> None:
    reader = FrameReader()
    assert reader.receive(bytearray(hand_made.header(9, b"ab"))) == [(9, b"ab")]  # type: ignore[arg-type]
    assert reader.receive(memoryview(hand_made.header(9, b"ab"))) == [(9, b"ab")]  # type: ignore[arg-type]


def test_memory_stays_below_the_limit() -> None:
    limit = 1 << 20
    reader = FrameReader(limit=limit)
    chunk = bytes(1000)
    tracemalloc.start()
    try:
        reader.receive(struct.pack(">HHI", 1, 2, limit))
        for _ in range(limit // len(chunk)):
            assert reader.receive(chunk) == []
            assert reader.pending <= limit + 8
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 3 * limit


def test_default_limit() -> None:
    reader = FrameReader()
    reader.receive(struct.pack(">HHI", 1, 2, MESSAGE_LIMIT))
    assert reader.error is None
    reader = FrameReader()
    reader.receive(struct.pack(">HHI", 1, 2, MESSAGE_LIMIT + 1))
    assert reader.error is not None
