"""How far an output is with a server: what it has already, and where it goes on.

All outputs of a server share one session, which begins where the one that has least needs it. So an output
is shown much that it has; `Progress` finds out what is new to it. Each output saves its own progress together
with its own place, so that after a crash each goes on exactly where it was, whatever the others have.

A pair of servers has its own form of progress (pair.py). Not here: saving (state.py).
"""

from __future__ import annotations

import base64
import time
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from openstreamer.client.names import METADATA_RECORDS
from openstreamer.client.position import FROM_NOW, Position, PositionTracker
from openstreamer.protocol.records import Record

Clock = Callable[[], float]


class Progress(Protocol):
    """What a worker asks about one source; member 0 is the server or the primary, 1 the secondary."""

    def wanted_from(self, member: int) -> int:
        """The archive time to ask this server from; may be called by another thread."""
        ...

    def begin(self, member: int, asked: int) -> None:
        """The records of a session follow that was asked from this time."""
        ...

    def fresh(self, member: int, records: list[Record]) -> list[Record]:
        """The records that have not come from this server before, in order."""
        ...

    def known(self, member: int, records: Sequence[Record]) -> frozenset[int]:
        """Indexes of those of fresh records that the output has from another server."""
        ...

    def taken(self, member: int, records: Sequence[Record], known: frozenset[int]) -> None:
        """The output has these fresh records."""
        ...

    @property
    def second(self) -> int:
        """Archive second of the newest record the output has; 0 if it has none."""
        ...

    def saved(self) -> dict[str, Any]:
        """All of it, for the state file."""
        ...


def is_timed(record: Record) -> bool:
    """Whether a record counts for a position: metadata and records without an archive time do not."""
    return bool(record.archive_time) and record.record_type not in METADATA_RECORDS


class LaggingTracker(PositionTracker):
    """A tracker for sessions that may begin before its position: what lies before it is passed over."""

    _floor = 0

    def begin(self, asked: int, now: float, wanted: int = 0) -> None:
        """A session begins that was asked from this time; from now on, "now" is a time.

        What lies before the position, or before `wanted` if that is later, is passed over.
        """
        if self.start == FROM_NOW and not self.second:
            self.start = int(now)
        wanted = max(self.second or self.start, wanted)
        self._floor = wanted if asked < wanted else 0
        self.rewind()

    def fresh(self, records: list[Record]) -> list[Record]:
        """The records that were not taken before, in order; the same list where none was."""
        if not self._floor:
            return super().fresh(records)
        floor = self._floor
        kept: list[Record] = []
        for at, record in enumerate(records):
            if not is_timed(record):
                kept.append(record)
            elif record.archive_time and record.archive_time >= floor:
                self._floor = 0
                return [*kept, *super().fresh(records[at:])]
            else:
                self.recognised += 1
        return kept


def save_position(position: Position) -> dict[str, Any]:
    """A position as JSON-able data."""
    return {
        "second": position.second,
        "start": position.start,
        "digests": base64.b64encode(position.digests).decode(),
    }


def load_position(saved: dict[str, Any]) -> Position:
    """The same back. Raises KeyError, TypeError or ValueError where it is something else."""
    return Position(
        second=int(saved["second"]),
        start=int(saved["start"]),
        digests=base64.b64decode(saved["digests"], validate=True),
    )


_NONE: frozenset[int] = frozenset()


class ServerProgress:
    """Progress with a single server."""

    def __init__(self, start: int, saved: dict[str, Any] | None = None, *, clock: Clock = time.time) -> None:
        self._clock = clock
        if saved is not None:
            self._tracker = LaggingTracker(load_position(saved))
        else:
            self._tracker = LaggingTracker()
            self._tracker.start = start

    @property
    def second(self) -> int:
        return self._tracker.second

    def wanted_from(self, member: int) -> int:
        return self._tracker.initial_timestamp

    def begin(self, member: int, asked: int) -> None:
        self._tracker.begin(asked, self._clock())

    def fresh(self, member: int, records: list[Record]) -> list[Record]:
        return self._tracker.fresh(records)

    def known(self, member: int, records: Sequence[Record]) -> frozenset[int]:
        return _NONE

    def taken(self, member: int, records: Sequence[Record], known: frozenset[int]) -> None:
        self._tracker.taken(records)

    def saved(self) -> dict[str, Any]:
        return save_position(self._tracker.position)
