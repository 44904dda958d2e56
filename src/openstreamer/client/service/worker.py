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
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from openstreamer.client.names import METADATA_RECORDS, NameCache
from openstreamer.client.reconnect import Backoff
from openstreamer.client.service.buffer import ByteQueue, Received, SessionBegan
from openstreamer.client.service.dead_letters import DeadLetters, Letter
from openstreamer.client.service.filters import Filter
from openstreamer.client.service.pair import Journal, PairProgress
from openstreamer.client.service.plan import OutputPlan, SourcePlan
from openstreamer.client.service.progress import Progress, ServerProgress
from openstreamer.client.service.state import OutputState, OutputStateFile
from openstreamer.client.stop import Stop
from openstreamer.errors import DecodeError, OpenStreamerError, OutputError
from openstreamer.outputs.batch import Batch
from openstreamer.outputs.interface import Output, OutputFull, Refused
from openstreamer.outputs.registry import find
from openstreamer.protocol.records import Event, Record, decode_record

log = logging.getLogger("openstreamer.client")

IDLE = 0.25
"""Seconds without anything after which positions are saved and notices told."""

TOLD_LETTERS = 10
"""So many dead letters are told one by one; the others are counted."""


class _Stopped(Exception):
    """The end was asked for in the middle of something that had to wait."""


class OutputWorker(threading.Thread):
    """Runs one output until `stop` is asked.

    Attributes, read by others:
        queue: what waits. behind: sources whose records it is not offered before their next session.
        failing, failing_since: what is wrong just now, and since when (monotonic); "" while all is well.
        written, filtered, dropped, repeated, refused, retries, restarts: counts.
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
        self.failing = ""
        self.failing_since = 0.0
        self.busy_since = 0.0
        self.written = self.filtered = self.dropped = self.repeated = self.refused = 0
        self.retries = self.restarts = self.saves = 0
        self.saved_at = 0.0
        self.opened = False
        self.progress: dict[str, Progress] = {}
        self._sources = {name: sources[name] for name in plan.sources}
        self._folder = folder
        self._ask_again = ask_again
        self._stop_asked = Stop()
        self._sessions: dict[tuple[str, int], int] = {}
        self._file = OutputStateFile(f"{folder}/outputs/{plan.name}.state")
        self._filters = [Filter(section) for section in plan.filters]
        self._names: dict[tuple[str, int], NameCache] = {}
        self._output: Output = find(plan.spec.format)(plan.config, plan.spec.target)
        self._letters = DeadLetters(plan.dead_letters, plan.name, plan.dead_letters_bytes)
        self._dirty = False
        self._whole = True
        self._splitting = 0
        self._next_save = 0.0
        self._last_place: Any = None
        self._poisoned = 0
        self.load()

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
        self.dropped += len(item.records) - len(metadata)
        if metadata:
            self.queue.mark(Received(item.source, item.member, item.session, item.server, metadata, metadata))

    @property
    def guarantee(self) -> str:
        """What it promises, in words."""
        return self._output.guarantee().after

    def fail(self, reason: str) -> None:
        """Note that something is wrong."""
        if not self.failing:
            self.failing_since = time.monotonic()
        if reason != self.failing:
            log.warning("output %s: %s", self.plan.name, reason)
        self.failing = reason

    def well(self) -> None:
        """Note that all is well (again)."""
        if self.failing:
            log.info(
                "output %s: works again, after %.0f s", self.plan.name, time.monotonic() - self.failing_since
            )
            self.failing = ""

    # --- life -----------------------------------------------------------------------------------------

    def run(self) -> None:
        backoff = self._backoff()
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
                    self.fail(str(error))
                except Exception as error:
                    log.exception("output %s: unexpected failure", self.plan.name)
                    self.fail(f"unexpected {type(error).__name__}: {error}")
                self.restarts += 1
                self._close()
                self._stop_asked.wait(backoff.delay())
                if not self._stop_asked.requested:
                    self._begin_again()
        finally:
            self._close()
            self._stop_asked.close()

    def _backoff(self) -> Backoff:
        first, limit = self.plan.retry
        return Backoff(first, max(first, limit))

    def _begin_again(self) -> None:
        """Go back to what was saved; everything after that has to come once more."""
        self._sessions.clear()
        self.queue.clear()
        self._names.clear()
        self._output = find(self.plan.spec.format)(self.plan.config, self.plan.spec.target)
        while not self._stop_asked.requested:
            try:
                self.load()
                break
            except OpenStreamerError as error:
                self.fail(str(error))
                self._stop_asked.wait(self.plan.retry[1])

    def _ask_for_all(self) -> None:
        for source in self.plan.sources:
            self._ask_again(source)

    def load(self) -> None:
        """Read what was saved. Raises ConfigurationError where it is damaged."""
        state, problem = self._file.load()
        if problem:
            log.warning("output %s: %s", self.plan.name, problem)
        saved = state.progress if state is not None else {}
        self._place = self._letters_place = None
        if state is not None:
            self._letters_place = state.dead_letters
            if state.key == self.plan.spec.key:
                self._place = state.place
            else:
                log.info("output %s: goes on in %s", self.plan.name, self.plan.spec.target)
        for name, source in self._sources.items():
            self._close_progress(name)
            self.progress[name] = self._make_progress(source, saved.get(name))

    def _make_progress(self, source: SourcePlan, saved: dict[str, Any] | None) -> Progress:
        try:
            if not source.is_pair:
                return ServerProgress(source.members[0].start, saved)
            starts = (source.members[0].start, source.members[1].start)
            journal = Journal(f"{self._folder}/outputs/{self.plan.name}.{source.name}.seen")
            return PairProgress(starts, source.overlap, journal, saved)
        except (KeyError, TypeError, ValueError) as error:
            raise OutputError(f"what was saved of {source.name} cannot be used ({error!r})") from error

    def _close_progress(self, name: str) -> None:
        progress = self.progress.get(name)
        if isinstance(progress, PairProgress):
            progress.close()

    def _open(self) -> None:
        self._letters.open(self._letters_place)
        self._output.open(self._place)
        self.opened = True
        self._tell_notices()
        self._whole = True
        self._splitting = 0
        self._save()
        self.well()

    def _work(self, backoff: Backoff) -> None:
        while not self._stop_asked.requested:
            item = self.queue.get(IDLE)
            if isinstance(item, SessionBegan):
                self._begin(item)
            elif item is not None:
                self.busy_since = time.monotonic()
                self._take(item)
                self.busy_since = 0.0
                backoff.reset()
            if item is None or time.monotonic() >= self._next_save:
                self._save_if_due(idle=item is None)
                self._tell_notices()
            if not len(self.queue):
                for source in tuple(self.behind):
                    self._ask_again(source)
        self._finish()

    def _finish(self) -> None:
        self._output.flush()
        try:
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
        for name in self.progress:
            self._close_progress(name)

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
        self._whole = True
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
            self._write(batch)

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
            event = _decoded(record) if decode else None
            naming = names.names_of(event) if event is not None else {}
            # every filter is asked: each remembers the alerts it judged
            verdicts = [filter.takes(record, event, naming) for filter in self._filters]
            if any(verdicts):
                passed.append(record)
                if event is not None:
                    events.append(event)
        return passed, events if decode and len(events) == len(passed) else None

    def _write(self, batch: Batch) -> None:
        """Write it and bring it out; returns when it is, or raises what the caller has to live with."""
        backoff = self._backoff()
        refused: list[Letter] | None = None
        while True:
            try:
                if refused is None:
                    self._whole = False
                    refused = self._offer(batch)
                self._output.flush()
                break
            except OutputFull as error:
                self._whole = refused is None and not self._splitting
                self._wait_for(error, backoff)
            except OutputError:
                raise
            except Exception as error:  # the output fails on something in it, and took nothing
                log.debug("output %s fails on a batch", self.plan.name, exc_info=True)
                self._write_parts(batch, f"the output fails on it ({type(error).__name__}: {error})")
                return
        self._poisoned = 0
        refused += self._letters_of(
            batch, [(row, f"it cannot be decoded: {why}") for row, why in batch.problems]
        )
        self.written += len(batch.records) - len(refused)
        self._put_aside(refused)
        self.well()

    def _offer(self, batch: Batch) -> list[Letter]:
        """Offer it once; returns what is refused of it."""
        try:
            self._output.write(batch)
        except Refused as error:
            return self._letters_of(batch, [(batch.records[row.index], row.reason) for row in error.refused])
        return []

    def _write_parts(self, batch: Batch, reason: str) -> None:
        """Find the records that the output fails on: they are put aside, the others are written."""
        if len(batch.records) > 1:
            middle = len(batch.records) // 2
            self._splitting += 1
            for part in (batch.records[:middle], batch.records[middle:]):
                self._write(Batch(part, batch.server, batch.names))
            self._splitting -= 1
            return
        self._put_aside(self._letters_of(batch, [(batch.records[0], reason)]))
        self._poisoned += 1
        if self._poisoned > TOLD_LETTERS:  # then it is broken, and not the records
            self.fail(f"{self._poisoned} records in a row could not be written: {reason}")
            first, limit = self.plan.retry
            self._wait(min(limit, first * 2 ** min(self._poisoned - TOLD_LETTERS, 30)))

    def _wait_for(self, error: OutputFull, backoff: Backoff) -> None:
        """Wait before the same is tried again; what can be saved is saved meanwhile."""
        self.retries += 1
        self.fail(str(error))
        if self._whole and self._dirty:
            with contextlib.suppress(OutputError):
                self._save()
        self._wait(backoff.delay())

    def _wait(self, seconds: float) -> None:
        self.busy_since = time.monotonic()
        if self._stop_asked.wait(seconds):
            if self._whole:
                self._finish()
            raise _Stopped

    # --- dead letters ---------------------------------------------------------------------------------

    def _letters_of(self, batch: Batch, rows: Iterable[tuple[Record, str]]) -> list[Letter]:
        naming = batch.names
        letters = []
        for record, reason in rows:
            event = _decoded(record) if naming is not None else None
            names = naming.names_of(event) if naming is not None and event is not None else {}
            letters.append(Letter(record, reason, batch.server, names))
        return letters

    def _put_aside(self, letters: list[Letter]) -> None:
        """Into the dead letters; waits where there is no room for them."""
        if not letters:
            return
        self._whole = False
        backoff = self._backoff()
        while True:
            try:
                self._letters.write(letters)
                break
            except OutputFull as error:
                self._wait_for(error, backoff)
        for letter in letters[: max(0, TOLD_LETTERS - self.refused)]:
            log.warning(
                "output %s: a record of type %d is put aside in %s: %s",
                self.plan.name, letter.record.record_type, self._letters.path, letter.reason,
            )  # fmt: skip
        self.refused += len(letters)

    # --- saving ---------------------------------------------------------------------------------------

    def _save_if_due(self, *, idle: bool) -> None:
        now = time.monotonic()
        if now < self._next_save and (self.failing or not idle):
            return
        place = self._output.place() if idle and not self._dirty and self._last_place is not None else None
        if not self._dirty and (place is None or place == self._last_place):
            return
        try:
            self._save()
        except OutputFull as error:
            self.fail(f"{error}; it goes on, and the position is saved later")
            self._next_save = time.monotonic() + 10.0
        else:
            self.well()

    def _save(self) -> None:
        """Make the output durable, then save how far it is. Raises OutputError."""
        if not self._whole:
            return
        began = time.monotonic()
        self._output.sync()
        self._letters.sync()
        place = self._output.place()
        self._file.save(
            OutputState(
                key=self.plan.spec.key,
                place=place,
                dead_letters=self._letters.place(),
                progress={name: progress.saved() for name, progress in self.progress.items()},
                saved=int(time.time()),
            )
        )
        self._last_place = place
        self._dirty = False
        self.saves += 1
        now = self.saved_at = time.monotonic()
        self._next_save = now + max(self.plan.save_seconds, 10 * (now - began))


def names_file(folder: str, server: str) -> str:
    """Where the names that a server told are kept."""
    return f"{folder}/names/{server}.names"


def _decoded(record: Record) -> Event | None:
    try:
        return decode_record(record)
    except DecodeError:
        return None


def _changes(names: NameCache, record: Record) -> bool:
    try:
        return names.would_change(record)
    except DecodeError:
        return False


def _learn(names: NameCache, record: Record) -> None:
    with contextlib.suppress(DecodeError):  # the source has counted and told it
        names.learn(record)
