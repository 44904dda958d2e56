"""Drives an input: takes its batches into the event log, together with the place read so far.

One transaction holds the records of a batch, the metadata they refer to and the place that the source has
been read to; so after a crash the input goes on exactly behind what is stored. What belongs to an event type
that is switched off is left out. Where the log has no room, the batch waits until there is, and nothing is
lost. Rules: `docs/inputs-eve.md`, "What is stored, and when".

Works the same in the process of `feed`, beside a running service, and in a thread of the service itself. Not
here: what inputs read (`openstreamer.inputs`).
"""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from openstreamer.errors import InputError, StoreConflict, StoreFull
from openstreamer.inputs.interface import Batch, BrokenLine, Input, NewHost, NewRecord
from openstreamer.layouts.records import RECORDS
from openstreamer.protocol.items import PendingChunk
from openstreamer.store import Store

log = logging.getLogger("openstreamer.server")

BATCH_RECORDS = 2000
"""Records of an input that are stored in one go, unless the settings say otherwise."""

READ_SECONDS = 0.2
"""How long one read of an input waits for something to come; also how soon a stop is noticed."""

REPORTED_LINES = 20
"""Broken lines that are named in the log in each `REPORT_SECONDS`; the others are only counted."""

REPORT_SECONDS = 60.0
FULL_SECONDS = (0.2, 0.5, 1.0, 2.0, 5.0)
"""Pauses while the log is full; the last one is repeated."""

HOSTS_CLASS = "discovery"
"""The event type that host profiles belong to."""

RETRY_SECONDS = 10.0
"""Pause before an input of a service is opened again after it failed."""

_Value = TypeVar("_Value")


@dataclass
class Totals:
    """What an input has brought so far."""

    lines: int = 0
    bytes: int = 0
    events: Counter[str] = field(default_factory=Counter)
    """Events stored, by record family."""
    metadata: int = 0
    """Metadata records brought; those that were known already are counted too."""
    hosts: int = 0
    """Host profiles brought, those that only replaced one included."""
    dropped: Counter[str] = field(default_factory=Counter)
    """Events left out because their type is switched off, by type."""
    skipped: Counter[str] = field(default_factory=Counter)
    """Lines that carry no event, by type of line."""
    broken: int = 0
    broken_lines: list[BrokenLine] = field(default_factory=list)
    """The first of the broken lines."""
    notes: Counter[str] = field(default_factory=Counter)
    """What else was noticed."""

    def add(
        self, batch: Batch, kept: Sequence[NewRecord], hosts: Sequence[NewHost], *, most_lines: int = 1000
    ) -> None:
        """Count a batch of which `kept` and `hosts` were stored."""
        self.hosts += len(hosts)
        if len(hosts) < len(batch.hosts):
            self.dropped[HOSTS_CLASS] += len(batch.hosts) - len(hosts)
        self.lines += batch.lines
        self.bytes += batch.bytes
        self.metadata += len(batch.metadata)
        for number, count in Counter([record.record_type for record in kept]).items():
            row = RECORDS.get(number)
            self.events[row.id if row is not None else "unknown_record"] += count
        if len(kept) < len(batch.records):
            self.dropped.update(Counter([record.event_class for record in batch.records]))
            self.dropped.subtract(Counter([record.event_class for record in kept]))
        self.skipped.update(batch.skipped)
        self.broken += batch.broken
        self.broken_lines += batch.broken_lines[: max(0, most_lines - len(self.broken_lines))]
        self.notes.update(batch.notes)


class Stopped(Exception):
    """The intake was asked to stop while it waited for room."""


class Intake:
    """One input on its way into one store."""

    def __init__(
        self,
        store: Store,
        source: Input,
        *,
        enabled: Callable[[], Collection[str]],
        stop: threading.Event,
        stored: Callable[[], None] | None = None,
        report: Callable[[int, str], None] | None = None,
        batch_records: int = BATCH_RECORDS,
        full_seconds: float | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Args:
        enabled: the event types that are switched on; asked for every batch, so it must be quick.
        stop: ends `run` once the batch at hand is stored.
        stored: called after each batch.
        report: takes (logging level, sentence); default: the log.
        full_seconds: how long to wait for room in a full store; None for ever.
        """
        self.totals = Totals()
        self.waiting = False
        """Whether the store is full and the input waits."""
        self.reading = False
        """Whether the source is open."""
        self.problem = ""
        """What went wrong last, in a sentence; empty while all is well."""
        self.note = ""
        """What the input said last: that a file is not there yet, was rotated."""
        self._store = store
        self._source = source
        self._enabled = enabled
        self._stop = stop
        self._stored = stored
        self._report = report or log.log
        self._batch_records = batch_records
        self._full_seconds = full_seconds
        self._clock = clock
        self._reported = 0
        self._reported_since = 0.0

    @property
    def source(self) -> Input:
        """The input."""
        return self._source

    def run(self) -> bool:
        """Read and store until the input ends (true) or a stop is asked for (false).

        Raises:
            InputError: the input cannot be read; what it brought before is stored.
            StoreFull: there was no room for as long as it may wait.
            StoreError: the store cannot be written for another reason.
        """
        try:
            self._source.open(self)
            self.reading = True
            while not self._stop.is_set():
                batch = self._source.read(self._batch_records, READ_SECONDS)
                self.problem = ""
                if batch is None:
                    return True
                if batch:
                    self._take(batch)
            if self._source.finish():
                while batch := self._source.read(self._batch_records, 0.0):
                    self._take(batch)
            return False
        except Stopped:
            return False
        finally:
            self.reading = False
            self._source.close()

    def keep_running(self) -> None:
        """Run until a stop is asked for; an input that fails is opened again after a while.

        Raises:
            StoreError: see `run`.
        """
        while not self._stop.is_set():
            try:
                if self.run():
                    return
            except InputError as error:
                self.problem = str(error)
                self._report(logging.ERROR, f"{error}; trying again every {RETRY_SECONDS:.0f} seconds")
                self._stop.wait(RETRY_SECONDS)

    # what inputs ask for; a store without room is waited for here too

    def identify(self, kind: str, names: Sequence[str]) -> list[int]:
        """See `openstreamer.inputs.interface.InputContext`."""
        return self._when_there_is_room(lambda: self._store.identify(kind, names))

    def reserve(self, counter: str, count: int) -> int:
        """See `openstreamer.inputs.interface.InputContext`."""
        return self._when_there_is_room(lambda: self._store.reserve(counter, count))

    def places(self, prefix: str) -> Mapping[str, bytes]:
        """See `openstreamer.inputs.interface.InputContext`."""
        return self._store.places(prefix)

    def _take(self, batch: Batch) -> None:
        level = logging.WARNING if batch.messages and self._source.trouble() else logging.INFO
        for message in batch.messages:
            self.note = message
            self._report(level, message)
        enabled = self._enabled()
        kept = [item for item in batch.records if item.event_class in enabled or not item.event_class]
        hosts = batch.hosts if HOSTS_CLASS in enabled else []
        if kept or hosts or batch.metadata or batch.places:
            try:
                self._when_there_is_room(lambda: self._append(batch, kept, hosts))
            except StoreConflict:
                self._report(
                    logging.WARNING,
                    f"another process reads {self._source.name} too; going on behind what it has stored",
                )
                self._source.close()
                self._stop.wait(READ_SECONDS)
                self._source.open(self)
                return
        self.totals.add(batch, kept, hosts)
        self._report_broken(batch)
        if self._stored is not None:
            self._stored()

    def _append(self, batch: Batch, kept: Sequence[NewRecord], hosts: Sequence[NewHost]) -> None:
        if hosts:  # before the place: should it come to nothing afterwards, they are put there once more
            self._store.put_hosts([(host.addresses, host.data) for host in hosts])
        pending = PendingChunk(
            [(item.record_type, item.netmap, item.data) for item in kept],
            dict.fromkeys([(item.record_type, key) for item in kept for key in item.references]),
        )
        self._store.append(
            pending,
            now=int(self._clock()),
            metadata=batch.metadata,
            places=batch.places,
            expected=batch.expected,
        )

    def _when_there_is_room(self, action: Callable[[], _Value]) -> _Value:
        """Do something that writes; while the store is full, wait and try again.

        Raises:
            Stopped: a stop was asked for meanwhile.
            StoreFull: it stayed full for as long as it may wait.
        """
        attempt = 0
        since = time.monotonic()
        while True:
            try:
                value = action()
            except StoreFull as error:
                if self._full_seconds is not None and time.monotonic() - since >= self._full_seconds:
                    raise
                if not self.waiting:
                    self.waiting = True
                    self.problem = str(error)
                    self._report(
                        logging.ERROR,
                        f"{error}; {self._source.name} waits {self._patience()}for room, nothing is lost",
                    )
                if self._stop.wait(FULL_SECONDS[min(attempt, len(FULL_SECONDS) - 1)]):
                    raise Stopped from error
                attempt += 1
                continue
            if self.waiting:
                self.waiting = False
                self.problem = ""
                self._report(logging.INFO, f"there is room again; {self._source.name} goes on")
            return value

    def _patience(self) -> str:
        return "" if self._full_seconds is None else f"up to {self._full_seconds:g} s "

    def _report_broken(self, batch: Batch) -> None:
        if not batch.broken:
            return
        now = time.monotonic()
        if now - self._reported_since > REPORT_SECONDS:
            self._reported_since, self._reported = now, 0
        room = max(0, REPORTED_LINES - self._reported)
        shown = batch.broken_lines[:room]
        for broken in shown:
            self._report(logging.WARNING, f"{broken}; left out")
        self._reported += len(shown)
        if batch.broken > len(shown) and self._reported <= REPORTED_LINES:
            self._reported = REPORTED_LINES + 1
            self._report(
                logging.WARNING, f"{self._source.name}: further broken lines are only counted for a while"
            )
