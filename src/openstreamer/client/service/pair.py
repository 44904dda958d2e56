"""How far an output is with a pair of servers that have the same events: each event once.

The two number nothing alike and store at different moments; what an event of one has in common with the same
event of the other is its content: record type and data, in which the second it happened is contained. So for
a while behind the newest event each content is remembered, with how often the output has it and how often
each server has shown it. A record is known if its server has not yet shown it as often as the output has it.
That rule is the same in both directions, needs no moment of take-over, and counts events that really are
alike twice.

"For a while" is a multiple of `overlap_seconds`: the other server is asked from that long before the newest
event on. What the two store further apart than that comes twice or is missed, and contents that differ (the
two number their devices differently) come twice.

What is remembered is a file that only grows, `Journal`: as exact as the state it belongs to, because the
state says how long it was. Not here: when to ask whom (source.py).
"""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Sequence
from typing import Any

from openstreamer.client.position import FROM_NOW, FROM_OLDEST, record_digest
from openstreamer.client.service.progress import Clock, LaggingTracker, is_timed, load_position, save_position
from openstreamer.outputs.files import GrowingFile
from openstreamer.protocol.records import Record

WINDOW = 3
"""How many times the overlap contents are remembered."""

LIMIT = 1_000_000
"""How many showings are remembered at most; about 150 bytes each."""

_ROW = 16
_NEW = 0x80


class Journal:
    """Rows of 16 bytes on disk: archive second, server and whether it was new, digest of the content.

    Two files take turns: a new one is begun, with what is still remembered, when most of the old is stale.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._turn = 0
        self._file: GrowingFile | None = None
        self._waiting = bytearray()

    def _name(self, turn: int) -> str:
        return f"{self._path}.{turn % 2}"

    def open(self, place: dict[str, Any] | None) -> bytes:
        """The rows that the state knows. Raises OutputError where they are not there."""
        if place is None:
            for turn in (0, 1):
                if os.path.exists(self._name(turn)):
                    os.unlink(self._name(turn))
            place = {}
        self._turn = int(place.get("turn", 0))
        self._file = GrowingFile(self._name(self._turn))
        self._file.open(place.get("file"))
        return self._file.head(self._file.length)

    def append(self, row: bytes) -> None:
        """Note a row; it is written with the next `sync`."""
        self._waiting += row

    def rows(self) -> int:
        """How many rows there are."""
        return ((0 if self._file is None else self._file.length) + len(self._waiting)) // _ROW

    def rewrite(self, rows: bytes) -> None:
        """Go on in the other file, with these rows. The old file stays until the one after that."""
        self.close()
        self._turn += 1
        name = self._name(self._turn)
        if os.path.exists(name):
            os.unlink(name)
        self._file = GrowingFile(name)
        self._file.open(None)
        self._waiting = bytearray(rows)

    def sync(self) -> None:
        """Write and make durable. Raises OutputError."""
        assert self._file is not None
        if self._waiting:
            self._file.append(self._waiting)
            self._waiting = bytearray()
        self._file.sync()

    def place(self) -> dict[str, Any]:
        """For the state, after `sync`."""
        assert self._file is not None
        return {"turn": self._turn, "file": self._file.place()}

    def close(self) -> None:
        """Let go of the file."""
        if self._file is not None:
            self._file.close()
            self._file = None


class PairProgress:
    """Progress with a pair."""

    def __init__(
        self,
        starts: tuple[int, int],
        overlap: float,
        journal: Journal,
        saved: dict[str, Any] | None = None,
        *,
        clock: Clock = time.time,
    ) -> None:
        self._clock = clock
        self._overlap = int(overlap)
        self._journal = journal
        self._trackers = []
        self._newest = 0
        for member, start in enumerate(starts):
            tracker = (
                LaggingTracker() if saved is None else LaggingTracker(load_position(saved["members"][member]))
            )
            if saved is None:
                tracker.start = start
            self._trackers.append(tracker)
        self._rows: deque[tuple[int, int, bytes]] = deque()
        self._has: dict[bytes, int] = {}
        self._shown: tuple[dict[bytes, int], dict[bytes, int]] = ({}, {})
        rows = journal.open(None if saved is None else saved["journal"])
        if saved is not None:
            self._newest = int(saved["newest"])
        for at in range(0, len(rows) - _ROW + 1, _ROW):
            row = rows[at : at + _ROW]
            self._remember(int.from_bytes(row[:4], "big"), row[4], row[8:])
        self.recognised = 0

    def _remember(self, second: int, mark: int, digest: bytes) -> None:
        self._rows.append((second, mark, digest))
        shown = self._shown[mark & 1]
        shown[digest] = shown.get(digest, 0) + 1
        if mark & _NEW:
            self._has[digest] = self._has.get(digest, 0) + 1

    def _forget(self) -> None:
        """Drop what lies too far back."""
        horizon = self._newest - WINDOW * self._overlap
        while self._rows and (self._rows[0][0] < horizon or len(self._rows) > LIMIT):
            _, mark, digest = self._rows.popleft()
            _less(self._shown[mark & 1], digest)
            if mark & _NEW:
                _less(self._has, digest)

    @property
    def second(self) -> int:
        return self._newest

    def wanted_from(self, member: int) -> int:
        own = self._trackers[member].initial_timestamp
        if not self._newest:
            return own
        other = max(1, self._newest - self._overlap)
        return other if own in (FROM_NOW, FROM_OLDEST) else max(own, other)

    def begin(self, member: int, asked: int) -> None:
        tracker = self._trackers[member]
        # what lies further back the output has, but its content may be forgotten
        wanted = self.wanted_from(member) if self._newest else 0
        if wanted and not tracker.second:
            tracker.start = wanted
        tracker.begin(asked, self._clock(), wanted)

    def fresh(self, member: int, records: list[Record]) -> list[Record]:
        return self._trackers[member].fresh(records)

    def known(self, member: int, records: Sequence[Record]) -> frozenset[int]:
        shown = self._shown[member]
        here: dict[bytes, int] = {}
        new_here: dict[bytes, int] = {}
        found = []
        for index, record in enumerate(records):
            if not is_timed(record):
                continue
            digest = record_digest(record)
            here[digest] = times = here.get(digest, 0) + 1
            has = self._has.get(digest, 0) + new_here.get(digest, 0)
            if shown.get(digest, 0) + times <= has:
                found.append(index)
            else:
                new_here[digest] = new_here.get(digest, 0) + 1
        return frozenset(found)

    def taken(self, member: int, records: Sequence[Record], known: frozenset[int]) -> None:
        for index, record in enumerate(records):
            if not is_timed(record) or record.archive_time is None:
                continue
            mark = member if index in known else member | _NEW
            digest = record_digest(record)
            # a server that returns shows old times; what it shows must be remembered as long as the rest
            second = max(record.archive_time, self._newest)
            self._remember(second, mark, digest)
            self._journal.append(second.to_bytes(4, "big") + bytes((mark, 0, 0, 0)) + digest)
            if mark & _NEW:
                self._newest = second
            else:
                self.recognised += 1
        self._trackers[member].taken(records)
        self._forget()

    def saved(self) -> dict[str, Any]:
        if self._journal.rows() > 2 * len(self._rows) + 10_000:
            rows = [
                second.to_bytes(4, "big") + bytes((mark, 0, 0, 0)) + digest
                for second, mark, digest in self._rows
            ]
            self._journal.rewrite(b"".join(rows))
        self._journal.sync()
        return {
            "newest": self._newest,
            "members": [save_position(tracker.position) for tracker in self._trackers],
            "journal": self._journal.place(),
        }

    def close(self) -> None:
        """Let go of the journal."""
        self._journal.close()


def _less(counts: dict[bytes, int], digest: bytes) -> None:
    left = counts.get(digest, 0) - 1
    if left > 0:
        counts[digest] = left
    else:
        counts.pop(digest, None)
