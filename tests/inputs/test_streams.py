"""Bytes of files, compressed files and pipes."""

from __future__ import annotations

import gzip
import os
from pathlib import Path

import pytest

from openstreamer.errors import InputError
from openstreamer.inputs.streams import FileStream, GzipStream, PipeStream, open_stream

CONTENT = b"".join(b"%d\n" % number for number in range(50_000))


def drain(stream: FileStream | GzipStream | PipeStream) -> bytes:
    parts = []
    while (data := stream.read(10_000)) != b"":
        parts.append(data or b"")
    return b"".join(parts)


def pipe(data: bytes) -> PipeStream:
    reading, writing = os.pipe()
    with os.fdopen(writing, "wb") as file:
        file.write(data)
    return PipeStream("pipe", reading, wait=0.01)


def test_a_file_is_read_and_seen_at_any_offset(tmp_path: Path) -> None:
    path = tmp_path / "plain"
    path.write_bytes(CONTENT)
    stream = open_stream(str(path))
    assert isinstance(stream, FileStream)
    assert stream.size == len(CONTENT)
    assert drain(stream) == CONTENT
    assert stream.position() == len(CONTENT)
    assert stream.window(100, 10) == CONTENT[100:110]
    assert stream.window(-5, 10) == b""
    with path.open("ab") as file:
        file.write(b"more")
    assert stream.read() == b"more"
    stream.close()
    stream.close()


def test_compression_is_told_from_the_content_and_members_are_joined(tmp_path: Path) -> None:
    path = tmp_path / "looks-plain.json"
    path.write_bytes(gzip.compress(CONTENT[:1000]) + gzip.compress(CONTENT[1000:]))
    stream = open_stream(str(path))
    assert isinstance(stream, GzipStream)
    assert stream.window(900, 200) == CONTENT[900:1100]
    stream.seek(0)
    assert drain(stream) == CONTENT
    assert stream.position() == stream.size
    stream.close()


def test_a_compressed_file_that_is_cut_gives_what_is_there_and_then_an_error(tmp_path: Path) -> None:
    path = tmp_path / "cut.gz"
    path.write_bytes(gzip.compress(CONTENT)[:-2000])
    stream = open_stream(str(path))
    read = b""

    def read_on() -> None:
        nonlocal read
        while data := stream.read(1000):
            read += data

    with pytest.raises(InputError, match="ends too early"):
        read_on()
    assert len(read) > 10_000
    assert CONTENT.startswith(read)
    stream.close()


def test_a_damaged_compressed_file_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "bad.gz"
    path.write_bytes(gzip.compress(CONTENT)[:20] + b"\xff" * 5000)
    stream = open_stream(str(path))
    with pytest.raises(InputError, match=r"damaged|too early"):
        drain(stream)
    stream.close()


@pytest.mark.parametrize(
    "data", [CONTENT[:60_000], gzip.compress(CONTENT[:500]) + gzip.compress(CONTENT[500:9000]), b""]
)
def test_a_pipe_is_read_to_its_end(data: bytes) -> None:
    stream = pipe(data)
    expected = gzip.decompress(data) if data.startswith(b"\x1f\x8b") else data
    assert drain(stream) == expected
    stream.close()


def test_a_pipe_without_data_says_so_and_one_that_ends_in_a_member_is_an_error() -> None:
    reading, writing = os.pipe()
    stream = PipeStream("pipe", reading, wait=0.01)
    assert stream.read() is None
    os.write(writing, gzip.compress(CONTENT)[:5000])
    os.close(writing)
    with pytest.raises(InputError, match="too early"):
        drain(stream)
    stream.close()


def test_what_cannot_be_opened_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="nothing-here: cannot be opened"):
        open_stream(str(tmp_path / "nothing-here"))
    with pytest.raises(InputError, match="is a directory"):
        open_stream(str(tmp_path))
