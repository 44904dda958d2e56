"""Lines, their numbers, and the places behind them."""

from __future__ import annotations

import gzip
import os
import random
from pathlib import Path

import pytest

from openstreamer.inputs.lines import LineReader, Overlong, open_reader
from openstreamer.inputs.places import Place
from openstreamer.inputs.streams import FileStream, PipeStream


def reader_of(path: Path, data: bytes, *, limit: int = 1 << 20) -> LineReader:
    path.write_bytes(data)
    return open_reader(str(path), {}, limit=limit)[0]


def rest(reader: LineReader, count: int = 7) -> list[bytes | Overlong]:
    lines = []
    while taken := reader.take(count):
        lines += taken
    return lines


def test_lines_are_cut_at_line_ends_and_numbered(tmp_path: Path) -> None:
    reader = reader_of(tmp_path / "a", b"one\n\nthree\r\nfour")
    assert reader.take(2) == [b"one", b""]
    assert (reader.line, reader.offset) == (2, 5)
    assert reader.take(10) == [b"three\r"]
    assert (reader.line, reader.offset) == (3, 12)
    assert reader.take(10) == []
    assert reader.ended
    assert reader.finish() == b"four"
    assert reader.unfinished_bytes == 4
    reader.accept_rest()
    assert (reader.line, reader.offset) == (4, 16)
    assert reader.finish() is None


def test_a_line_beyond_the_limit_is_passed_over_with_its_length(tmp_path: Path) -> None:
    long = b"x" * 5000
    reader = reader_of(tmp_path / "a", b"a\n" + long + b"\nb\n" + b"y" * 3000, limit=1000)
    lines = rest(reader)
    assert lines[0] == b"a"
    assert isinstance(lines[1], Overlong)
    assert lines[1].length == 5000
    assert lines[2] == b"b"
    assert reader.finish() is None
    assert reader.unfinished_bytes == 3000
    assert reader.offset == 2 + 5001 + 2


def test_an_overlong_line_that_comes_in_many_pieces_is_not_kept_in_memory(tmp_path: Path) -> None:
    path = tmp_path / "a"
    with path.open("wb") as file:
        for _ in range(40):
            file.write(b"z" * 100_000)
        file.write(b"\nnext\n")
    reader, _ = open_reader(str(path), {}, limit=50_000)
    first, second = rest(reader)
    assert isinstance(first, Overlong)
    assert first.length == 4_000_000
    assert second == b"next"
    assert reader.offset == 4_000_006
    again, match = open_reader(str(path), {"p": reader.place()})
    assert match is not None
    assert match.verified
    assert again.take(5) == []


@pytest.mark.parametrize("compressed", [False, True])
def test_reading_goes_on_at_the_place_wherever_it_was_taken(tmp_path: Path, compressed: bool) -> None:
    chance = random.Random(7)
    lines = [bytes(chance.choices(b"abcdef", k=chance.randrange(0, 300))) for _ in range(400)]
    content = b"".join(line + b"\n" for line in lines)
    path = tmp_path / "log"
    path.write_bytes(gzip.compress(content) if compressed else content)
    for stop in (1, 2, 17, 100, 250, 399, 400):
        reader, _ = open_reader(str(path), {})
        taken: list[bytes | Overlong] = []
        while len(taken) < stop:
            taken += reader.take(min(9, stop - len(taken)))
        place = reader.place()
        reader.close()
        again, match = open_reader(str(path), {"name": place})
        assert match is not None
        assert match.verified
        assert again.name == "name"
        assert taken + rest(again) == lines
        assert again.line == 400
        assert again.place() == open_and_read(path).place()
        again.close()


def open_and_read(path: Path) -> LineReader:
    reader, _ = open_reader(str(path), {})
    rest(reader)
    reader.close()
    return reader


def test_a_line_that_got_its_end_later_is_not_counted_twice(tmp_path: Path) -> None:
    path = tmp_path / "log"
    reader = reader_of(path, b"one\ntwo")
    rest(reader)
    reader.accept_rest()
    place = reader.place()
    path.write_bytes(b"one\ntwo\nthree\n")
    again, _ = open_reader(str(path), {"p": place})
    assert again.take(5) == [b"three"]
    assert again.line == 3
    path.write_bytes(b"one\ntwo and more\nthree\n")
    again, _ = open_reader(str(path), {"p": place})
    assert again.take(5) == [b" and more", b"three"]
    assert again.line == 3


def test_truncation_and_overwriting_are_seen(tmp_path: Path) -> None:
    path = tmp_path / "log"
    reader = reader_of(path, b"one\ntwo\n")
    rest(reader)
    assert not reader.overwritten()
    with path.open("ab") as file:
        file.write(b"three\n")
    assert not reader.overwritten()
    with path.open("r+b") as file:
        file.truncate(4)
    assert reader.overwritten()
    path.write_bytes(b"quite another content that is longer\n")
    assert reader.overwritten()


def pipe_reader(data: bytes, places: dict[str, Place]) -> LineReader:
    reading, writing = os.pipe()
    os.write(writing, data)
    os.close(writing)
    return open_reader("p", places, descriptor=reading)[0]


def test_a_pipe_goes_on_behind_what_is_known_of_its_content() -> None:
    content = b"".join(b"line %d\n" % number for number in range(2000))
    first = pipe_reader(content, {})
    assert isinstance(first.stream, PipeStream)
    lines = rest(first)
    places = {"all": first.place()}
    assert rest(pipe_reader(content, places)) == []
    grown = pipe_reader(content + b"one more\n", places)
    assert rest(grown) == [b"one more"]
    assert grown.line == 2001
    changed = content[:-2] + b"X\n"
    assert len(rest(pipe_reader(changed, places))) == len(lines)
    assert len(rest(pipe_reader(content[:5000], places))) == content[:5000].count(b"\n")


def test_places_of_files_hold_for_pipes_too(tmp_path: Path) -> None:
    reader = reader_of(tmp_path / "a", b"one\ntwo\n")
    assert isinstance(reader.stream, FileStream)
    rest(reader)
    assert rest(pipe_reader(b"one\ntwo\nthree\n", {"p": reader.place()})) == [b"three"]
