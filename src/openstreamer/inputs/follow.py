"""Which file to read next: one file once, or a log that grows and is rotated.

`SingleSource` reads a source to its end. `FollowSource` reads a log as `tail -F` does, leaving out nothing:

* renamed: the old file is read to its end and watched for late lines while the new one is read already; a
  file that came and went in between is read too;
* truncated or overwritten: read from the beginning; where it was copied before (copytruncate), the rest is
  first read from the copy. What was written between copying and truncating is in neither file and is lost;
* at the start: the rest of what was read before is looked for in the log itself and in its rotated siblings
  (`NAME.*`, `NAME-*`, compressed or not), and every sibling written since is read, oldest first.

Not here: lines and places (lines.py, places.py), waiting between two looks (line_input.py).
"""

from __future__ import annotations

import glob
import os
import stat
import time
from collections.abc import Callable, Iterator
from typing import NamedTuple

from openstreamer.errors import InputError
from openstreamer.inputs.lines import LINE_LIMIT, Line, LineReader, open_reader
from openstreamer.inputs.places import Match, Place
from openstreamer.inputs.streams import FileStream, GzipStream

LATE_SECONDS = 60.0
"""How long a renamed file is watched after its last new line."""

_MAXIMUM_RETIRED = 8
_UNREADABLE_SUFFIXES = (".bz2", ".xz", ".zst", ".lz4", ".zip", ".swp", ".tmp", ".lock")


class Piece(NamedTuple):
    """Lines of one reader, in order. With `last`, the content has ended and the reader may hold a rest."""

    reader: LineReader
    lines: list[Line]
    last: bool = False


class Source:
    """What the two kinds of source have in common.

    Attributes:
        places: the known places, by name; whoever stores one puts it here too.
        ended: whether nothing more will come.
        unplaced: no place in this log is stored yet. Its first line is then taken by itself, so that the log
            is known again soon, even if it is rotated and this process killed in the next moment.
        messages: sentences for the operator since they were last taken away.
    """

    def __init__(
        self,
        path: str,
        places: dict[str, Place],
        *,
        prefix: str,
        again: bool = False,
        limit: int = LINE_LIMIT,
    ) -> None:
        self.path = path
        self.places = places
        self.prefix = prefix
        self.again = again
        self.limit = limit
        self.ended = False
        self.unplaced = False
        self.messages: list[str] = []

    def take(self, count: int) -> Piece | None:
        """Up to `count` lines of one content, or None if there are none now. Raises InputError."""
        raise NotImplementedError

    def close(self) -> None:
        raise NotImplementedError

    def progress(self) -> float | None:
        """How much has been read, 0 to 1, or None."""
        return None

    def name(self, reader: LineReader) -> str:
        """The name of the reader's place; it gets one if it has none."""
        reader.name_place(self.prefix, self.places)
        return reader.name

    def _open(self, path: str, places: dict[str, Place]) -> tuple[LineReader, Match | None]:
        reader, match = open_reader(path, places, limit=self.limit)
        if match is not None and self.again:
            # read it all again, but let the place that is farther stay
            reader.close()
            reader, _ = open_reader(path, {}, limit=self.limit)
            reader.name, reader.floor = match.name, match.place.offset
            return reader, None
        return reader, match


class SingleSource(Source):
    """A file, compressed or not, or a pipe, read once from its known place to its end."""

    _reader: LineReader | None = None

    def open(self) -> None:
        """Raises InputError if the source cannot be opened."""
        piped = self.path == "-" and self.again
        reader, match = self._open(self.path, {} if piped else self.places)
        self._reader = reader
        if match is not None and not match.verified:
            self.messages.append(f"{reader.path} is a shorter copy of what was read before: nothing to add")
            self.ended = True
        elif match is not None and match.place.offset:
            self.messages.append(f"{reader.path} is known up to line {match.place.line}; reading on there")

    def take(self, count: int) -> Piece | None:
        if self._reader is None or self.ended:
            return None
        lines = self._reader.take(count)
        if lines:
            return Piece(self._reader, lines)
        if self._reader.ended:
            self.ended = True
            return Piece(self._reader, [], True)
        return None

    def progress(self) -> float | None:
        if self._reader is None or not self._reader.stream.size:
            return None
        return min(1.0, self._reader.stream.position() / self._reader.stream.size)

    def close(self) -> None:
        if self._reader is not None:
            self._reader.close()


class _Retired:
    """A file that was renamed and may still get late lines."""

    def __init__(self, reader: LineReader, now: float) -> None:
        self.reader = reader
        self.grew = now


class FollowSource(Source):
    """A log that grows."""

    def __init__(
        self,
        path: str,
        places: dict[str, Place],
        *,
        prefix: str,
        again: bool = False,
        limit: int = LINE_LIMIT,
        late_seconds: float = LATE_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(path, places, prefix=prefix, again=again, limit=limit)
        self._late_seconds = late_seconds
        self._clock = clock
        self._backlog: list[LineReader] = []
        self._retired: list[_Retired] = []
        self._current: LineReader | None = None
        self._waiting = False

    def open(self) -> None:
        """Look for what was read before. The log itself need not exist yet.

        Raises:
            InputError: it is there and cannot be read, or is of a kind that does not grow.
        """
        match = self._open_current(self.places)
        found = match is not None and match.verified
        self._backlog = self._find_backlog(found)
        self.unplaced = not found and not self._backlog
        if not found and not self._backlog and not self.again:
            lost = [place for place in self.places.values() if place.path == self.path]
            if lost:
                self.messages.append(
                    f"{self.path}: what was left to read is neither there nor among the rotated files"
                )

    def take(self, count: int) -> Piece | None:
        if self.unplaced:
            count = 1
        while self._backlog:
            piece = self._take_backlog(count)
            if piece is not None:
                return piece
        for retired in self._retired:
            lines = retired.reader.take(count)
            if lines:
                retired.grew = self._clock()
                return Piece(retired.reader, lines)
            if self._clock() - retired.grew > self._late_seconds or len(self._retired) > _MAXIMUM_RETIRED:
                self._retired.remove(retired)
                return Piece(retired.reader, [], True)
        if self._current is None or self._current.ended:
            piece = self._look()
            if piece is not None or self._backlog:
                return piece
        if self._current is None:
            return None
        lines = self._current.take(count)
        return Piece(self._current, lines) if lines else None

    def close(self) -> None:
        for reader in (*self._backlog, *(retired.reader for retired in self._retired), self._current):
            if reader is not None:
                reader.close()

    def _take_backlog(self, count: int) -> Piece | None:
        reader = self._backlog[0]
        try:
            lines = reader.take(count)
        except InputError as error:
            self.messages.append(f"{error}; reading on behind it")
            self._backlog.pop(0).close()
            return None
        if lines:
            return Piece(reader, lines)
        self._backlog.pop(0)
        return Piece(reader, [], True)

    def _look(self) -> Piece | None:
        """See whether the log is still the file that we read; go over to another where it is not."""
        current = self._current
        if current is None:
            self._open_current({})
            return None
        if current.overwritten():
            return self._start_over(current)
        try:
            status = os.stat(self.path)
        except OSError:
            return None
        assert isinstance(current.stream, FileStream)
        if (status.st_dev, status.st_ino) == current.stream.identity:
            return None
        if os.fstat(current.stream.descriptor).st_nlink:
            self._open_current({})
        else:
            # the old file was deleted: the new one may be a longer copy of it, put in its place
            match = self._open_current(self._known_with(current))
            if match is not None and match.name == current.name and match.verified:
                current.close()
                return None
        if self._current is None:
            self._current = current
            return None
        self.messages.append(f"{self.path} was rotated; reading the new file")
        self._retired.append(_Retired(current, self._clock()))
        self._backlog += self._find_between(current)
        return None

    def _start_over(self, current: LineReader) -> Piece | None:
        """The log was truncated: finish what we know of it in a copy, then read it from the beginning."""
        rest = self._find_rest({self.name(current): current.place()}) if current.offset else None
        self._open_current({})
        if self._current is None:
            return None
        if rest is not None:
            self.messages.append(
                f"{self.path} was copied and truncated; reading the rest of {rest.path} first"
            )
            current.close()
            self._backlog.append(rest)
            return None
        self.messages.append(f"{self.path} was truncated or overwritten; reading it anew")
        return Piece(current, [], True)

    def _open_current(self, places: dict[str, Place]) -> Match | None:
        """Open the log from its place among `places`; `_current` is None afterwards where there is no log."""
        self._current = None
        try:
            status = os.stat(self.path)
        except FileNotFoundError:
            status = None
        except OSError as error:
            raise InputError(f"cannot be opened: {error.strerror}", path=self.path) from error
        if status is None:
            if not self._waiting:
                self.messages.append(f"{self.path} does not exist yet; waiting for it")
                self._waiting = True
            return None
        if not stat.S_ISREG(status.st_mode):
            raise InputError("is not a regular file and cannot be followed", path=self.path)
        try:
            reader, match = self._open(self.path, places)
        except InputError:
            if not os.path.exists(self.path):
                return None
            raise
        if not isinstance(reader.stream, FileStream):
            reader.close()
            raise InputError("is compressed and cannot be followed; feed it without --follow", path=self.path)
        self._current = reader
        self._waiting = False
        return match

    def _siblings(self) -> Iterator[str]:
        """The rotated files of this log, newest first."""
        pattern = glob.escape(self.path)
        names = {name for suffix in (".*", "-*") for name in glob.glob(pattern + suffix)}
        dated = []
        for name in names:
            if name.endswith(_UNREADABLE_SUFFIXES) or (name.endswith(".gz") and name[:-3] in names):
                continue
            try:
                status = os.stat(name)
            except OSError:
                continue
            if stat.S_ISREG(status.st_mode):
                dated.append((status.st_mtime_ns, name))
        for _, name in sorted(dated, reverse=True):
            yield name

    def _known_with(self, reader: LineReader) -> dict[str, Place]:
        """The known places and the one that the reader has reached."""
        return {**self.places, self.name(reader): reader.place()} if reader.offset else dict(self.places)

    def _find_rest(self, places: dict[str, Place]) -> LineReader | None:
        """A sibling that has the content of this place."""
        for name in self._siblings():
            try:
                reader, match = open_reader(name, places, limit=self.limit)
            except InputError:
                continue
            if match is not None and match.verified:
                return reader
            reader.close()
        return None

    def _find_between(self, old: LineReader) -> list[LineReader]:
        """The siblings that were the log between `old` and the present one."""
        assert isinstance(old.stream, FileStream)
        written = os.fstat(old.stream.descriptor).st_mtime_ns
        known = self._known_with(old)
        between = []
        for name in self._siblings():
            try:
                if os.stat(name).st_mtime_ns < written:
                    break
                reader, match = open_reader(name, known, limit=self.limit)
            except (OSError, InputError):
                continue
            same = isinstance(reader.stream, FileStream) and reader.stream.identity == old.stream.identity
            if match is None and not same and _looks_like_json(reader):
                between.append(reader)
            else:
                reader.close()
        return between[::-1]

    def _find_backlog(self, current_known: bool) -> list[LineReader]:
        """The rest of siblings that were read in part and, if the log itself is new, those written since."""
        if not self.places or self.again:
            return []
        used = {self._current.name} if self._current is not None and current_known else set()
        rests: list[LineReader] = []
        newer: list[LineReader] = []
        found = False
        for name in self._siblings():
            if found and name.endswith(".gz"):
                continue
            try:
                reader, match = open_reader(name, self.places, limit=self.limit)
            except InputError:
                continue
            if match is not None and match.verified and match.name not in used:
                used.add(match.name)
                found = True
                rests.append(reader)
            elif match is None and not found and not current_known and _looks_like_json(reader):
                newer.append(reader)
            else:
                reader.close()
        if not found:
            for reader in newer:
                reader.close()
            newer = []
        return [*reversed(rests), *reversed(newer)]


def _looks_like_json(reader: LineReader) -> bool:
    stream = reader.stream
    if not isinstance(stream, FileStream | GzipStream):
        return False
    head = stream.window(0, 64)
    if isinstance(stream, GzipStream):
        stream.seek(0)
    return head.lstrip(b"\xef\xbb\xbf\0 \t\r\n").startswith(b"{")
