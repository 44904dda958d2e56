"""Where records go that an output refuses for good: a file of JSON lines, each with its reason.

A line has the form of `-o json` and a member `dead_letter` more, so `openstreamer feed json` stores such
records again. A record that could not be decoded stands there as its bytes. The file begins anew at a size,
one old file stays, and it is cut back together with its output after a crash. Not here: what is refused.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from openstreamer.errors import DecodeError
from openstreamer.outputs.interface import Place
from openstreamer.outputs.rotation import RotatingFile
from openstreamer.protocol.records import Event, Record, UnknownRecord, decode_record, json_line


class Letter(msgspec.Struct, frozen=True):
    """A refused record with the reason."""

    record: Record
    reason: str
    server: str
    names: Mapping[str, str] = {}


class DeadLetters:
    """The file of one output."""

    def __init__(self, path: str, output: str, size: int) -> None:
        self.path = path
        self.count = 0
        self._output = output
        self._file = RotatingFile(path, size=size, keep=1)
        self._opened = False

    def open(self, place: Place | None) -> None:
        """Open the file, cut back to the place. Raises OutputError."""
        self._file.open(place)
        self._opened = True

    def write(self, letters: Sequence[Letter]) -> None:
        """Put these aside. Raises OutputFull or OutputError; none is in the file then."""
        self._file.append(b"".join([letter_line(letter, self._output) for letter in letters]))
        self.count += len(letters)

    def sync(self) -> None:
        """Make durable what was written. Raises OutputError."""
        self._file.sync()

    def place(self) -> Place | None:
        """How far the file has come."""
        return self._file.place() if self._opened else None

    def close(self) -> None:
        """Let go of the file."""
        if self._opened:
            self._file.close()
            self._opened = False


def letter_line(letter: Letter, output: str) -> bytes:
    """One line, with line feed."""
    record = letter.record
    try:
        event = decode_record(record)
    except DecodeError:
        event = Event(
            record.record_type,
            "unknown_record",
            UnknownRecord(record.data),
            record.archive_time,
            record.netmap_id,
        )
    about: dict[str, Any] = {"output": output, "reason": letter.reason, "time": int(time.time())}
    line = json_line(event, letter.server, dict(letter.names))
    return b'%s,"dead_letter":%s}\n' % (line.rstrip(b"\n")[:-1], msgspec.json.encode(about))
