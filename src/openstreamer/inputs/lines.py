"""Lines of a source, with the place that they lead to.

`LineReader` cuts a stream into lines of bounded length and knows, after each piece, how far it has come and
what the content looks like there, so that `place` can be stored with what was made of the lines. A line that
is longer than the limit is passed over and comes out as `Overlong`; a line without an end stays in the reader
until the rest of it comes or `finish` is called.

`open_reader` finds the known place of a content and begins there. Not here: what stands in a line, and which
file to read next (follow.py).
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Mapping
from typing import IO, TypeAlias

from openstreamer.errors import InputError
from openstreamer.inputs.places import (
    HEAD_BYTES,
    TAIL_BYTES,
    Match,
    Place,
    candidates,
    find_match,
    make_place,
    place_name,
    tail_agrees,
)
from openstreamer.inputs.streams import AnyStream, FileStream, GzipStream, PipeStream, open_stream, spool

LINE_LIMIT = 16 * 1024 * 1024
"""Longest line that is read, in bytes; a security limit, since a line is held in memory."""

_CHECK_BYTES = 64


class Overlong:
    """A line beyond the limit: only its length, beginning and end are kept."""

    __slots__ = ("end", "length", "start")

    def __init__(self, length: int, start: bytes, end: bytes) -> None:
        self.length = length
        self.start = start
        self.end = end

    def __repr__(self) -> str:
        return f"Overlong({self.length})"


Line: TypeAlias = "bytes | Overlong"


class LineReader:
    """Reads one content line by line.

    Attributes:
        offset: bytes up to the end of the last line taken.
        line: number of the last line taken.
        ended: whether the stream had nothing more when last asked.
        name: name of this content's place; empty until one is given.
        floor: places up to this offset are not worth storing, since a farther one is known.
    """

    def __init__(self, stream: AnyStream, *, limit: int = LINE_LIMIT) -> None:
        self.stream = stream
        self.limit = limit
        self.offset = 0
        self.line = 0
        self.ended = False
        self.name = ""
        self.floor = 0
        self._head = b""
        self._tail = b""
        self._first_line: bytes | None = None
        self._lines: list[Line] = []
        self._index = 0
        self._parts: list[bytes] = []
        self._parts_length = 0
        self._dropped: Overlong | None = None
        self._check = b""
        self._joins = False

    @property
    def path(self) -> str:
        """The source, as messages call it."""
        return self.stream.path

    def resume(self, match: Match, head: bytes, tail: bytes) -> None:
        """Begin at a known place; the stream stands there already."""
        self.name = match.name
        self.offset = match.place.offset
        self.line = match.place.line
        self._head = head[: min(HEAD_BYTES, self.offset)]
        self._tail = tail[-TAIL_BYTES:]
        self._check = tail[-_CHECK_BYTES:]
        self._first_line = self._head.split(b"\n", 1)[0]
        # the last line had no end when it was taken: what comes up to the next end still belongs to it
        self._joins = bool(tail) and not tail.endswith(b"\n")

    def take(self, count: int) -> list[Line]:
        """Up to `count` complete lines; empty if there are none now (`ended` says whether for good).

        Raises:
            InputError: the source cannot be read on.
        """
        if self._index >= len(self._lines) and not self._fill():
            return []
        lines = self._lines[self._index : self._index + count]
        self._index += len(lines)
        if self._joins:
            self._joins = False
            self._advance(lines[:1], newline=1)
            self.line -= 1
            if lines[0] == b"":
                return self.take(count) if len(lines) == 1 else self._taken(lines[1:])
            self._advance(lines[1:], newline=1)
            return lines
        return self._taken(lines)

    def finish(self) -> bytes | None:
        """What is left without a line end, or None. It stays there until `accept_rest` takes it as a line."""
        if self._dropped is not None:
            return None
        rest = b"".join(self._parts)
        return rest or None

    def accept_rest(self) -> None:
        """Count what `finish` gave as a line."""
        rest = b"".join(self._parts)
        self._parts, self._parts_length = [], 0
        self._advance([rest], newline=0)

    @property
    def unfinished_bytes(self) -> int:
        """Bytes read that have no line end yet."""
        return self._dropped.length if self._dropped is not None else self._parts_length

    def place(self) -> Place:
        """Where the last line taken ends."""
        return make_place(self._head, self.offset, self.line, self._tail, self.path)

    def name_place(self, prefix: str, taken: Iterable[str]) -> None:
        """Give the place a name if it has none."""
        if not self.name:
            self.name = place_name(prefix, self._first_line or b"", taken)

    def overwritten(self) -> bool:
        """Whether a file is no longer the one that was read: it is shorter, or its bytes are others."""
        if not isinstance(self.stream, FileStream):
            return False
        try:
            size = os.fstat(self.stream.descriptor).st_size
        except OSError:
            return False
        self.stream.size = size
        if size < self.stream.offset:
            return True
        check = self._check
        return self.stream.window(self.stream.offset - len(check), len(check)) != check

    def close(self) -> None:
        self.stream.close()

    def _taken(self, lines: list[Line]) -> list[Line]:
        self._advance(lines, newline=1)
        return lines

    def _advance(self, lines: list[Line], *, newline: int) -> None:
        """Move the place behind these lines."""
        if not lines:
            return
        end = b"\n" * newline
        if self._first_line is None:
            first = lines[0]
            self._first_line = (first if isinstance(first, bytes) else first.start)[:HEAD_BYTES]
        if len(self._head) < HEAD_BYTES:
            for line in lines:
                self._head += (line[:HEAD_BYTES] if isinstance(line, bytes) else line.start) + end
                if len(self._head) >= HEAD_BYTES:
                    self._head = self._head[:HEAD_BYTES]
                    break
        tail = b""
        for line in reversed(lines):
            tail = (line[-TAIL_BYTES:] if isinstance(line, bytes) else line.end) + end + tail
            if len(tail) >= TAIL_BYTES:
                break
        else:
            tail = self._tail + tail
        self._tail = tail[-TAIL_BYTES:]
        self.offset += sum([len(line) if isinstance(line, bytes) else line.length for line in lines])
        self.offset += newline * len(lines)
        self.line += len(lines)

    def _fill(self) -> bool:
        """Read until there is at least one line; false if there is none now."""
        self._lines, self._index = [], 0
        while not self._lines:
            data = self.stream.read()
            if not data:
                self.ended = data == b""
                return False
            self.ended = False
            self._check = (self._check + data[-_CHECK_BYTES:])[-_CHECK_BYTES:]
            self._split(data)
        return True

    def _split(self, data: bytes) -> None:
        pieces: list[bytes] = data.split(b"\n")
        rest = pieces.pop()
        if not pieces:
            self._keep(rest)
            return
        self._keep(pieces[0])
        if self._dropped is not None:
            self._lines.append(self._dropped)
            self._dropped = None
        else:
            self._lines.append(b"".join(self._parts))
        self._parts, self._parts_length = [], 0
        if len(data) > self.limit:
            self._lines += [_overlong(piece) if len(piece) > self.limit else piece for piece in pieces[1:]]
        else:
            self._lines += pieces[1:]
        self._keep(rest)

    def _keep(self, piece: bytes) -> None:
        """Add to the line that has no end yet."""
        if not piece:
            return
        if self._dropped is not None:
            dropped = self._dropped
            dropped.length += len(piece)
            dropped.end = (dropped.end + piece[-TAIL_BYTES:])[-TAIL_BYTES:]
            return
        self._parts.append(piece)
        self._parts_length += len(piece)
        if self._parts_length > self.limit:
            self._dropped = _overlong(b"".join(self._parts))
            self._parts, self._parts_length = [], 0


def _overlong(line: bytes) -> Overlong:
    return Overlong(len(line), line[:HEAD_BYTES], line[-TAIL_BYTES:])


def open_reader(
    path: str,
    places: Mapping[str, Place],
    *,
    name: str | None = None,
    descriptor: int | None = None,
    limit: int = LINE_LIMIT,
) -> tuple[LineReader, Match | None]:
    """Open a source and go to its known place, if it has one among `places`.

    A match that is not verified (an older, shorter copy of what was read) leaves the reader at the beginning.

    Raises:
        InputError: it cannot be opened or read.
    """
    stream = open_stream(path, name=name, descriptor=descriptor)
    reader = LineReader(stream, limit=limit)
    try:
        if isinstance(stream, PipeStream):
            return reader, _resume_pipe(reader, stream, places)
        if not places:
            return reader, None
        window = stream.window
        head = window(0, HEAD_BYTES)
        match = find_match(head, places, window)
        tail = b""
        if match is not None and match.verified:
            place = match.place
            tail = window(place.offset - place.tail_length, place.tail_length)
            reader.resume(match, head, tail)
        _go_to(stream, reader.offset)
        return reader, match
    except InputError:
        reader.close()
        raise


def _go_to(stream: FileStream | GzipStream, offset: int) -> None:
    if isinstance(stream, FileStream):
        stream.offset = offset
    else:
        stream.seek(offset)


def _resume_pipe(reader: LineReader, stream: PipeStream, places: Mapping[str, Place]) -> Match | None:
    """Pass over what is known of a pipe's content; what turns out not to be known is given back."""
    if not places:
        return None
    held = spool()
    head, length, silent = b"", 0, 0
    while len(head) < HEAD_BYTES:
        data = stream.read()
        if data == b"" or (data is None and (silent := silent + 1) > 10):
            break
        if data:
            silent = 0
            head += data
            held.write(data)
            length += len(data)
    best: Match | None = None
    for name, place in sorted(candidates(head[:HEAD_BYTES], places), key=lambda item: item[1].offset):
        while length < place.offset and (data := stream.read()) != b"":
            held.write(data or b"")
            length += len(data or b"")
        if length < place.offset:
            break
        if tail_agrees(place, lambda offset, size: _from_spool(held, offset, size)):
            best = Match(name, place, True)
    if best is not None:
        place = best.place
        reader.resume(best, head, _from_spool(held, place.offset - place.tail_length, place.tail_length))
        remainder = spool()
        held.seek(place.offset)
        shutil.copyfileobj(held, remainder)
        held.close()
        held = remainder
    stream.push_back(held)
    return best


def _from_spool(held: IO[bytes], offset: int, size: int) -> bytes:
    held.seek(offset)
    found = held.read(size)
    held.seek(0, os.SEEK_END)
    return found
