"""The thread of one output: takes from its queue what is new to it, writes it, saves how far it is.

Trouble is of four kinds:

* no room, nobody there (`OutputFull`): the same batch again, with growing pauses;
* a record that is refused for good (`Refused`, or an output that fails on it): into the dead letters, and on;
* an output that cannot go on (any other `OutputError`): let go of it and begin again from what was saved, as
  after a crash, with growing pauses; what it should have had since comes from its servers once more;
* the end is asked for: finish the batch at hand, save, leave the rest of the queue to the next run.

Nothing is lost in any of them. Not here: queues and who fills them (buffer.py, source.py).
"""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

from openstreamer.client.names import METADATA_RECORDS, NameCache
from openstreamer.client.reconnect import Backoff
from openstreamer.client.service.buffer import ByteQueue, Received, SessionBegan
from openstreamer.client.service.dead_letters import DeadLetters
from openstreamer.client.service.filters import Filter
from openstreamer.client.service.plan import OutputPlan, SourcePlan
from openstreamer.client.service.progress import Progress
from openstreamer.client.service.state import Memory
from openstreamer.client.service.writing import Condition, Writer, decoded
from openstreamer.client.stop import Stop
from openstreamer.errors import DecodeError, OpenStreamerError, OutputError
from openstreamer.outputs.batch import Batch
from openstreamer.outputs.interface import Output, OutputFull
from openstreamer.outputs.registry import find
from openstreamer.protocol.records import Event, Record

log = logging.getLogger("openstreamer.client")

TELL_DROPS = 60.0
"""Seconds between two warnings that an output loses events."""

IDLE = 0.25
"""Seconds without anything after which positions are saved and notices told."""


class _Stopped(Exception):
    """The end was asked for in the middle of something that had to wait."""


class OutputWorker(threading.Thread):
    """Runs one output until `stop` is asked.

    Attributes, read by others:
        queue: what waits. behind: sources whose records it is not offered before their next session.
        condition: whether it works. writer: writes, and counts what was written. busy_since: when the
        batch at hand was begun (monotonic, 0: there is none). filtered, dropped, repeated, restarts: counts.
    """

    def __init__(
        self,
        plan: OutputPlan,
        sources: Mapping[str, SourcePlan],
        folder: str,
        *,
        ask_again: Callable[[str], None],
    ) -> None:
        """Args:
        sources: all sources by name. folder: the client's state directory.
        ask_again: called with the name of a source that is to begin a new session for this output.
        """
        super().__init__(name=f"output {plan.name}", daemon=True)
        self.plan = plan
        self.queue = ByteQueue(plan.queue_bytes)
        self.behind: set[str] = set()
        self.condition = Condition(plan.name)
        self.busy_since = 0.0
        self.filtered = self.dropped = self.repeated = self.restarts = self.saves = 0
        self.saved_at = 0.0
        self.opened = False
        self._sources = {name: sources[name] for name in plan.sources}
        self._folder = folder
        self._ask_again = ask_again
        self._stop_asked = Stop()
        self._sessions: dict[tuple[str, int], int] = {}
        self._memory = Memory(plan, self._sources, folder)
        self._filters = [Filter(section) for section in plan.filters]
        self._names: dict[tuple[str, int], NameCache] = {}
        self._output: Output = find(plan.spec.format)(plan.config, plan.spec.target)
        self._letters = DeadLetters(plan.dead_letters, plan.name, plan.dead_letters_bytes)
        self.writer = Writer(
            plan, self._output, self._letters, self.condition, wait=self._wait, save=self._save_meanwhile
        )
        self._dirty = False
        self._next_save = self._tell_drops = 0.0
        self._last_place: Any = None
        self._load()

    def _load(self) -> None:
        """Read what was saved. Raises ConfigurationError where it is damaged."""
        for notice in self._memory.load():
            log.warning("output %s: %s", self.plan.name, notice)

    @property
    def progress(self) -> Mapping[str, Progress]:
        """How far it is with each source."""
        return self._memory.progress

    # --- what others ask ------------------------------------------------------------------------------

    def stop(self) -> None:
        """Ask for the end; `join` waits for it."""
        self._stop_asked.request()

    def knows(self, source: SourcePlan) -> bool:
        """Whether its progress belongs to a source of this kind: the servers' addresses do not matter."""
        own = self._sources[source.name]
        kinds = [
            (each.is_pair, each.overlap, [member.name for member in each.members]) for each in (own, source)
        ]
        return kinds[0] == kinds[1]

    def wanted_from(self, source: str, member: int) -> int:
        """The archive time from which it needs the records of a server."""
        return self.progress[source].wanted_from(member)

    def drop(self, item: Received) -> None:
        """There is no room for these records; only the metadata among them is kept."""
        metadata = [record for record in item.records if record.record_type in METADATA_RECORDS]
        lost = len(item.records) - len(metadata)
        self.dropped += lost
        if lost and time.monotonic() >= self._tell_drops:
            self._tell_drops = time.monotonic() + TELL_DROPS
            log.warning(
                "output %s: its queue is full; events are dropped and lost (%d since the start)",
                self.plan.name, self.dropped,
            )  # fmt: skip
        if metadata:
            self.queue.mark(Received(item.source, item.member, item.session, item.server, metadata, metadata))

    @property
    def guarantee(self) -> str:
        """What it promises, in words."""
        return self._output.guarantee().after

    # --- life -----------------------------------------------------------------------------------------

    def run(self) -> None:
        backoff = self.writer.backoff()
        try:
            while not self._stop_asked.requested:
                try:
                    self._open()
                    if self.restarts:
                        self._ask_for_all()
                    self._work(backoff)
                    return
                except _Stopped:
                    return
                except OpenStreamerError as error:
                    self.condition.fail(str(error))
                except Exception as error:
                    log.exception("output %s: unexpected failure", self.plan.name)
                    self.condition.fail(f"unexpected {type(error).__name__}: {error}")
                self.restarts += 1
                self._close()
                self._stop_asked.wait(backoff.delay())
                if not self._stop_asked.requested:
                    self._begin_again()
        finally:
            self._close()
            self._stop_asked.close()

    def _begin_again(self) -> None:
        """Go back to what was saved; everything after that has to come once more."""
        self._sessions.clear()
        self.queue.clear()
        self._names.clear()
        self._output = find(self.plan.spec.format)(self.plan.config, self.plan.spec.target)
        self.writer.begin(self._output)
        while not self._stop_asked.requested:
            try:
                self._load()
                break
            except OpenStreamerError as error:
                self.condition.fail(str(error))
                self._stop_asked.wait(self.plan.retry[1])

    def _ask_for_all(self) -> None:
        for source in self.plan.sources:
            self._ask_again(source)

    def _open(self) -> None:
        self._letters.open(self._memory.letters_place)
        self._output.open(self._memory.place)
        self.opened = True
        self._tell_notices()
        self._save()
        self.condition.well()

    def _work(self, backoff: Backoff) -> None:
        while not self._stop_asked.requested:
            item = self.queue.get(IDLE)
            if isinstance(item, SessionBegan):
                self._begin(item)
            elif item is not None:
                self.busy_since = time.monotonic()
                self._take(item)
                self.busy_since = 0.0
            if item is None or time.monotonic() >= self._next_save:
                if self._save_if_due(idle=item is None):
                    backoff.reset()
                self._tell_notices()
            if not len(self.queue):
                for source in tuple(self.behind):
                    self._ask_again(source)
        self._finish()

    def _finish(self) -> None:
        try:
            self._output.flush()
            self._output.finish()
        except OutputError as error:
            log.warning(
                "output %s: %s; what was held back for later has not been sent", self.plan.name, error
            )
        self._tell_notices()
        try:
            self._save()
        except OutputError as error:
            log.error("output %s: %s", self.plan.name, error)

    def _close(self) -> None:
        self.opened = False
        self.busy_since = 0.0
        with contextlib.suppress(Exception):
            self._output.close()
        with contextlib.suppress(OSError):
            self._letters.close()
        self._memory.close()

    def _tell_notices(self) -> None:
        for sentence in self._output.notices():
            log.info("output %s: %s", self.plan.name, sentence)

    # --- records --------------------------------------------------------------------------------------

    def _begin(self, mark: SessionBegan) -> None:
        progress = self.progress.get(mark.source)
        if progress is None:
            return
        if mark.asked > progress.wanted_from(mark.member):
            self._ask_again(mark.source)  # it was asked for before this output went back
            return
        self._sessions[mark.source, mark.member] = mark.session
        progress.begin(mark.member, mark.asked)
        self._dirty = True

    def _take(self, item: Received) -> None:
        progress = self.progress.get(item.source)
        if progress is None or self._sessions.get((item.source, item.member)) != item.session:
            return  # of a session that began before this output did
        fresh = progress.fresh(item.member, item.records)
        self.repeated += len(item.records) - len(fresh)
        if not fresh:
            return
        known = progress.known(item.member, fresh)
        self.repeated += len(known)
        wanted = None if item.wanted is item.records else {id(record) for record in item.wanted}
        names = self._names_of(item)
        pending: list[Record] = []
        first = 0
        for at, record in enumerate(fresh):
            if record.record_type in METADATA_RECORDS:
                if pending and _changes(names, record):
                    self._deliver(pending, item, names)
                    self._taken(item, fresh, known, first, at)
                    pending, first = [], at
                _learn(names, record)
                if not self.plan.metadata:
                    continue
            if at not in known and (wanted is None or id(record) in wanted):
                pending.append(record)
        self._deliver(pending, item, names)
        self._taken(item, fresh, known, first, len(fresh))

    def _taken(
        self, item: Received, fresh: list[Record], known: frozenset[int], first: int, end: int
    ) -> None:
        if known:
            known = frozenset(index - first for index in known if first <= index < end)
        self.progress[item.source].taken(item.member, fresh[first:end], known)
        self.writer.whole = True
        self._dirty = True

    def _names_of(self, item: Received) -> NameCache:
        key = (item.source, item.member)
        names = self._names.get(key)
        if names is None:
            server = self._sources[item.source].members[item.member].name
            names = NameCache(names_file(self._folder, server))
            names.path = None  # one copy on disk is enough: the source keeps it
            self._names[key] = names
        return names

    def _deliver(self, records: list[Record], item: Received, names: NameCache) -> None:
        passed, events = self._filtered(records, names)
        self.filtered += len(records) - len(passed)
        if passed:
            batch = Batch(passed, item.server, names if self.plan.names else None)
            if events is not None:
                batch.keep(events)
            self.writer.write(batch)

    def _filtered(self, records: list[Record], names: NameCache) -> tuple[list[Record], list[Event] | None]:
        """The records that a filter lets through; decoded, if all of them had to be."""
        types = self._output.record_types
        if types is not None:
            records = [record for record in records if record.record_type in types]
        if not self._filters:
            return records, None
        passed, events = [], []
        decode = any(filter.needs_event for filter in self._filters)
        for record in records:
            event = decoded(record) if decode else None
            naming = names.names_of(event) if event is not None else {}
            # every filter is asked: each remembers the alerts it judged
            verdicts = [filter.takes(record, event, naming) for filter in self._filters]
            if any(verdicts):
                passed.append(record)
                if event is not None:
                    events.append(event)
        return passed, events if decode and len(events) == len(passed) else None

    def _wait(self, seconds: float) -> None:
        """Pause in the middle of a batch; ends everything if that is asked for."""
        self.busy_since = time.monotonic()
        if self._stop_asked.wait(seconds):
            if self.writer.whole:
                self._finish()
            raise _Stopped

    # --- saving ---------------------------------------------------------------------------------------

    def _save_if_due(self, *, idle: bool) -> bool:
        """Save if something moved and it is time, or there is nothing else to do. True if it was saved."""
        now = time.monotonic()
        if now < self._next_save and (self.condition.trouble or not idle):
            return False
        if not self._dirty:
            place = self._output.place() if idle and self._last_place is not None else None
            if place is None or place == self._last_place:
                return False
        try:
            self._save()
        except OutputFull as error:
            self.condition.fail(f"{error}; it goes on, and the position is saved later")
            self._next_save = time.monotonic() + 10.0
            return False
        self.condition.well()
        return True

    def _save_meanwhile(self) -> None:
        """Save while an output has to be waited for anyway."""
        if self._dirty:
            with contextlib.suppress(OutputError):
                self._save()

    def _save(self) -> None:
        """Make the output durable, then save how far it is. Raises OutputError."""
        began = time.monotonic()
        self._output.sync()
        self._letters.sync()
        place = self._output.place()
        self._memory.save(place, self._letters.place())
        self._last_place = place
        self._dirty = False
        self.saves += 1
        now = self.saved_at = time.monotonic()
        self._next_save = now + max(self.plan.save_seconds, 10 * (now - began))


def names_file(folder: str, server: str) -> str:
    """Where the names that a server told are kept."""
    return f"{folder}/names/{server}.names"


def _changes(names: NameCache, record: Record) -> bool:
    try:
        return names.would_change(record)
    except DecodeError:
        return False


def _learn(names: NameCache, record: Record) -> None:
    with contextlib.suppress(DecodeError):  # the source has counted and told it
        names.learn(record)
