"""What inputs that read lines of a file have in common: opening, batches, places, broken lines.

An input of this kind overrides `take_line`, which turns one line into records, and `begin`, which gets what
it needs of the store. A line that it cannot use raises `LineError`; the line is counted with its number and
left out.

Not here: reading files (follow.py, lines.py) and storing (`openstreamer.server.intake`).
"""

from __future__ import annotations

import time
from typing import Annotated, ClassVar

import msgspec
from msgspec import Meta

from openstreamer.errors import CodecError, InputError, UsageError
from openstreamer.inputs.follow import FollowSource, Piece, SingleSource
from openstreamer.inputs.interface import Batch, Input, InputContext
from openstreamer.inputs.lines import LINE_LIMIT, LineReader, Overlong
from openstreamer.inputs.places import decode_places

POLL_SECONDS = 0.1
"""How often a followed file is looked at."""

GATHER_SECONDS = 0.1
"""How long lines of a followed file are gathered into one batch at most."""

_PIECE_LINES = 64
_BATCH_BYTES = 1 << 20
_BATCH_LINES = 20_000


class LineError(ValueError):
    """A line that cannot be used; the text says why, in a few words."""


class LineConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Settings of an input that reads lines."""

    path: Annotated[
        str, Meta(min_length=1, description="File to read, also compressed; - is standard input.")
    ]
    follow: Annotated[bool, Meta(description="Go on reading as the file grows, across rotation.")] = False
    again: Annotated[bool, Meta(description="Read what was read before once more.")] = False
    line_limit: Annotated[int, Meta(ge=1024, description="Longest line that is read, in bytes.")] = LINE_LIMIT


class LineInput(Input):
    """Base of the inputs that read lines."""

    prefix: ClassVar[str] = ""
    """Begins the names of this input's places."""

    def __init__(self, config: LineConfig) -> None:
        """Raises UsageError for settings that do not go together."""
        if config.follow and config.path == "-":
            raise UsageError("standard input ends by itself; leave --follow out")
        self.config = config
        self._source: SingleSource | FollowSource | None = None
        self._stored: dict[str, bytes] = {}
        self._ended = False
        self._failure: InputError | None = None

    @property
    def name(self) -> str:
        return "standard input" if self.config.path == "-" else self.config.path

    def open(self, context: InputContext) -> None:
        self._stored = dict(context.places(f"{self.prefix}:"))
        kind = FollowSource if self.config.follow else SingleSource
        self._source = kind(
            self.config.path,
            decode_places(self._stored),
            prefix=self.prefix,
            again=self.config.again,
            limit=self.config.line_limit,
        )
        self._ended = False
        self._failure = None
        self._source.open()
        self.begin(context)

    def begin(self, context: InputContext) -> None:
        """Called when the source is open."""

    def take_line(self, line: bytes, batch: Batch) -> None:
        """Put what a line holds into the batch. Raises LineError, CodecError or MsgspecError."""
        raise NotImplementedError

    def read(self, max_records: int, timeout: float) -> Batch | None:
        source = self._source
        if source is None or self._ended:
            return None
        if self._failure is not None:
            self._ended = True
            raise self._failure
        batch = Batch()
        touched: dict[int, LineReader] = {}
        started = time.monotonic()
        deadline = started + timeout
        while True:
            try:
                piece = source.take(_PIECE_LINES)
            except InputError as error:
                self._failure = error
                break
            if piece is not None:
                touched[id(piece.reader)] = piece.reader
                self._take_piece(piece, batch)
                if batch.lines == 0:
                    continue
                if len(batch.records) >= max_records or source.unplaced:
                    source.unplaced = False
                    break
                if batch.bytes >= _BATCH_BYTES or batch.lines >= _BATCH_LINES:
                    break
                continue
            if source.ended:
                break
            now = time.monotonic()
            if batch.lines:
                deadline = min(deadline, started + GATHER_SECONDS)
            if now >= deadline or source.messages:
                break
            time.sleep(min(POLL_SECONDS, max(0.0, deadline - now)))
            if not batch.lines:
                started = time.monotonic()
        batch.messages += source.messages
        source.messages = []
        for reader in touched.values():
            self._note_place(source, reader, batch)
        if source.ended and not batch:
            self._ended = True
            if self._failure is None:
                return None
        if self._failure is not None and not batch:
            self._ended = True
            raise self._failure
        return batch

    def close(self) -> None:
        if self._source is not None:
            self._source.close()
            self._source = None
        self._ended = True

    def progress(self) -> float | None:
        return self._source.progress() if self._source is not None else None

    def _take_piece(self, piece: Piece, batch: Batch) -> None:
        reader = piece.reader
        number = reader.line - len(piece.lines)
        for line in piece.lines:
            number += 1
            batch.lines += 1
            if isinstance(line, Overlong):
                batch.bytes += line.length + 1
                batch.count_broken(reader.path, number, _too_long(line.length))
                continue
            batch.bytes += len(line) + 1
            reason = self._try_line(line, batch)
            if reason is not None:
                batch.count_broken(reader.path, number, reason)
        if piece.last:
            self._take_rest(reader, batch)
            if self.config.follow:
                reader.close()

    def _take_rest(self, reader: LineReader, batch: Batch) -> None:
        """The last line of a content has no end: take it if it is whole."""
        rest = reader.finish()
        if rest is None:
            if reader.unfinished_bytes:
                batch.lines += 1
                batch.count_broken(reader.path, reader.line + 1, _too_long(reader.unfinished_bytes))
            return
        batch.lines += 1
        batch.bytes += len(rest)
        reason = self._try_line(rest, batch)
        if reason is None:
            reader.accept_rest()
        else:
            # the place stays before it: should the rest of the line come, it is read then
            batch.count_broken(reader.path, reader.line + 1, f"the last line is not whole ({reason})")

    def _try_line(self, line: bytes, batch: Batch) -> str | None:
        """Take a line; the reason why not, or None."""
        if not line or line.isspace():
            return None
        if line[0] in b"\0\xef":
            # a file that was truncated under its writer begins with zero bytes; some editors write a mark
            line = line.lstrip(b"\0").removeprefix(b"\xef\xbb\xbf")
            if not line:
                return None
        records = len(batch.records)
        try:
            self.take_line(line, batch)
        except (LineError, CodecError, msgspec.MsgspecError, UnicodeError, RecursionError) as error:
            del batch.records[records:]
            return str(error) or type(error).__name__
        return None

    def _note_place(self, source: SingleSource | FollowSource, reader: LineReader, batch: Batch) -> None:
        if not reader.offset or reader.offset <= reader.floor:
            return
        name = source.name(reader)
        place = reader.place()
        data = place.encode()
        before = self._stored.get(name)
        if before == data:
            return
        if name not in batch.expected:
            batch.expected[name] = before
        batch.places[name] = data
        self._stored[name] = data
        source.places[name] = place


def _too_long(length: int) -> str:
    return f"the line has {length} bytes, more than are read"
