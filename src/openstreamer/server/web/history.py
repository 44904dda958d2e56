"""How many events of each type came in, by time: what the charts draw.

Taken from the event log itself, by the archive time of its chunks: so it covers what `feed` stored beside the
service, and the time before the service was started. Only the labels of chunks are read, never their records.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import TypeVar

from openstreamer.errors import StoreError
from openstreamer.server.snapshot import by_event_type
from openstreamer.store import Position, Store

log = logging.getLogger("openstreamer.server")

MINUTES = 24 * 60
"""How far back it goes."""

FINE_SECONDS = 120
"""How far back single seconds are known."""

CHUNKS = 2000
"""Chunks looked at in one go."""

FOLLOW_SECONDS = 2.0

_Value = TypeVar("_Value")


class History:
    """Counts of the last day by minute, of the last two minutes by second."""

    def __init__(self, store: Store, run: Callable[[Callable[[], object]], Awaitable[object]]) -> None:
        """`run` executes a function in a thread."""
        self._store = store
        self._run = run
        self._minutes: dict[int, Counter[str]] = {}
        self._seconds: dict[int, Counter[str]] = {}
        self._after: Position | None = None
        self.complete = False
        """Whether all of the past has been looked at."""

    async def follow(self) -> None:
        """Keep up with the event log until cancelled."""
        while True:
            try:
                while await self._run(self.look):
                    await asyncio.sleep(0.02)
                self.complete = True
            except StoreError as error:
                log.debug("the rates cannot be brought up to date: %s", error)
            await asyncio.sleep(FOLLOW_SECONDS)

    def look(self, now: float | None = None) -> bool:
        """Count the next chunks; whether there may be more. Belongs in a thread, one at a time."""
        now = time.time() if now is None else now
        if self._after is None:
            self._after = self._store.seek(max(1, int(now) - MINUTES * 60))
        tallies = self._store.tallies(self._after, limit=CHUNKS)
        minutes, seconds = dict(self._minutes), dict(self._seconds)
        for tally in tallies:
            counts = by_event_type(tally.by_record_type)
            minutes.setdefault(tally.archive_time // 60, Counter()).update(counts)
            if tally.archive_time > now - FINE_SECONDS:
                seconds.setdefault(tally.archive_time, Counter()).update(counts)
            self._after = tally.number
        oldest = int(now) // 60 - MINUTES
        # Replaced as a whole: the event loop reads while this thread writes.
        self._minutes = {minute: counts for minute, counts in minutes.items() if minute >= oldest}
        self._seconds = {second: counts for second, counts in seconds.items() if second > now - FINE_SECONDS}
        return len(tallies) == CHUNKS

    def series(self, minutes: int, bars: int, now: float | None = None) -> dict[str, list[int]]:
        """For each event type that occurred the counts of equal parts of the last minutes, oldest first."""
        last = int(time.time() if now is None else now) // 60
        width = minutes // bars
        found: dict[str, list[int]] = {}
        for minute, counts in self._minutes.items():
            age = last - minute
            if 0 <= age < minutes:
                for name, count in list(counts.items()):
                    found.setdefault(name, [0] * bars)[bars - 1 - age // width] += count
        return found

    def rates(self, seconds: int = 60, now: float | None = None) -> dict[str, float]:
        """Events a second by event type, over the last whole seconds."""
        last = int(time.time() if now is None else now)
        total: Counter[str] = Counter()
        for second, counts in self._seconds.items():
            if last - seconds <= second < last:
                total.update(counts)
        return {name: count / seconds for name, count in total.items()}
