"""The threads that receive: one for a server, two for a pair.

A session begins where the output that has least needs it, and everything that comes is offered to the queues
of all outputs of this server. The server gets its acknowledgement when every output that takes part has the
batch in its queue: it keeps nothing for us, so acknowledging later would only slow it down, and what was in a
queue at a crash is asked for again because positions move only with what outputs have saved.

In a pair the primary is always asked. When it has said nothing for `take_over_seconds` the secondary is
asked too, until the primary speaks again; what both bring is delivered once (pair.py). Lost connections are
mended for ever, refusals too: whoever revoked us may think better of it. Each cause is told once.

Not here: what outputs make of it (worker.py).
"""

from __future__ import annotations

import itertools
import logging
import threading
import time
from collections.abc import Callable, Sequence

from openstreamer.client.connection import Connection
from openstreamer.client.credentials import KnownServers, make_context
from openstreamer.client.feed import Feed
from openstreamer.client.names import NameCache
from openstreamer.client.position import FROM_NOW, PositionTracker
from openstreamer.client.receiver import Counts, Delivery
from openstreamer.client.reconnect import Backoff, PatientPolicy
from openstreamer.client.service.buffer import Received, SessionBegan
from openstreamer.client.service.plan import ServerPlan, SourcePlan
from openstreamer.client.service.worker import OutputWorker, names_file
from openstreamer.client.stop import Stop
from openstreamer.errors import OpenStreamerError
from openstreamer.protocol.records import Record

log = logging.getLogger("openstreamer.client")

_SESSIONS = itertools.count(1)
"""Numbers sessions: what is left of an old one is told from what a new one brings."""

NAMES_EVERY = 60.0
"""Seconds between two copies of the names to disk."""

PATIENCE = 0.25
"""Seconds that a full queue is waited for before the end is looked for again."""

STANDBY_CHECK = 300.0
"""Seconds between two looks at whether a secondary that is not needed could be connected."""

SETTLED = 1.0
"""Seconds after which a session in which no event came yet counts as one."""

CAUGHT_UP = 5.0
"""Seconds without an event after which a connected server has no more for us just now."""


class Cursor(PositionTracker):
    """In the place of a tracker: where a session begins is what the outputs want, what is new they know."""

    def __init__(self, lowest: Callable[[], int], began: Callable[[int], None]) -> None:
        self._lowest = lowest
        self._told_begin: Callable[[int], None] | None = None
        self._asked = 0
        super().__init__()
        self._told_begin = began

    @property
    def initial_timestamp(self) -> int:
        self._asked = self._lowest()
        return self._asked

    def rewind(self) -> None:
        """A session is about to begin that asks from `initial_timestamp`."""
        if self._told_begin is not None:
            self._told_begin(self._asked)

    def fresh(self, records: list[Record]) -> list[Record]:
        return records

    def taken(self, records: Sequence[Record]) -> None:
        """Nothing: the outputs know."""


class Member(threading.Thread):
    """Receives from one server.

    Attributes, read by others (times are monotonic, 0 for never):
        heard: when anything came last. delivered: when an event came last. connected_since.
        waiting_for: the output whose full queue is waited for, "" if none; waiting_since.
        trouble: why it is not connected, "" if it is or nothing went wrong yet.
        lag: seconds between the archive time of an event and its coming here, for the newest one.
    """

    def __init__(self, source: Source, number: int, plan: ServerPlan, folder: str) -> None:
        super().__init__(name=f"server {plan.name}", daemon=True)
        self.plan = plan
        self.number = number
        self.heard = self.delivered = self.connected_since = self.waiting_since = 0.0
        self.waiting_for = ""
        self.trouble = ""
        self.lag = 0.0
        self.sessions = self.session = 0
        self.newest = 0
        self.counts = Counts()
        self.again = threading.Event()
        self._source = source
        self._names = NameCache(names_file(folder, plan.name))
        self._known = KnownServers(plan.known_servers)
        self._stop_asked = source.stop_asked
        self._bytes = 0
        self._spoke = 0.0
        self._told: set[str] = set()
        self._next_names = self._next_check = 0.0

    @property
    def connected(self) -> bool:
        """Whether there is a session in which the server has said something."""
        return self.connected_since > 0

    def run(self) -> None:
        backoff = Backoff(*self.plan.retry)
        while not self._stop_asked.requested:
            if not self._source.wants(self):
                self._stand_by()
                continue
            self.again.clear()
            try:
                self._follow()
                continue
            except OpenStreamerError as error:
                self._ended(error)
            except Exception as error:
                log.exception("%s: unexpected failure", self.plan.name)
                self.trouble = f"unexpected {type(error).__name__}: {error}"
            self.connected_since = 0.0
            self._stop_asked.wait(backoff.delay())
        self._names.save()

    def _stand_by(self) -> None:
        """Not asked just now; now and then see whether it could be, before that is needed."""
        now = time.monotonic()
        if now >= self._next_check:
            self._next_check = now + STANDBY_CHECK
            settings = self.plan.feed
            try:
                Connection.open(
                    settings.host,
                    settings.port,
                    make_context(settings.credentials),
                    ipv6=settings.ipv6,
                    timeout=settings.connect_timeout,
                ).close()
            except OpenStreamerError as error:
                self._ended(error)
            else:
                self.trouble = ""
                self._told.clear()
        self._stop_asked.wait(PATIENCE)

    def _follow(self) -> None:
        """Sessions, one after the other, until something else is wanted."""
        cursor = Cursor(lambda: self._source.lowest(self.number), self._began)
        feed = Feed(
            self.plan.feed,
            cursor,
            names=self._names,
            known_servers=self._known,
            policy=PatientPolicy(self.plan.retry, self._ended),
            stop=self._stop_asked,
            notice=self._notice,
        )
        feed.counts = self.counts
        sessions = self.sessions
        deliveries = feed.deliveries()
        try:
            for delivery in deliveries:
                self.sessions = sessions + feed.sessions
                self._look(feed, delivery is not None)
                if delivery is not None and not self._hand_over(feed, delivery):
                    return
                if self.again.is_set() or self._stop_asked.requested or not self._source.wants(self):
                    return
        finally:
            deliveries.close()  # type: ignore[attr-defined]
            self.connected_since = 0.0
            self._names.save()

    def _began(self, asked: int) -> None:
        log.info("%s: asks for %s", self.plan.name, _from_words(asked))
        self.session = next(_SESSIONS)
        self._source.began(self, asked)

    def _look(self, feed: Feed, records: bool) -> None:
        """What the feed shows of the state of the connection."""
        now = time.monotonic()
        if not feed.connected:
            self.connected_since = self._spoke = 0.0
        elif feed.counts.bytes != self._bytes:
            self._bytes = feed.counts.bytes
            self._spoke = now
            if not self.connected:
                self.connected_since = now
                log.info("%s: connected", self.plan.name)
        # a server that greets and then refuses has not been heard
        if self._spoke and (records or now - self.connected_since >= SETTLED):
            self.heard, self._spoke = self._spoke, 0.0
            self.trouble = ""
            self._told.clear()
            self._source.heard(self, self.heard)
        if now - self.delivered > CAUGHT_UP:
            self.lag = 0.0
        if now >= self._next_names:
            self._names.save()
            self._next_names = now + NAMES_EVERY

    def _hand_over(self, feed: Feed, delivery: Delivery) -> bool:
        """To every output; false if the end or another session is wanted before all had room."""
        records = delivery.taken
        wanted = records if len(delivery.batch.records) == len(records) else delivery.batch.records
        item = Received(
            self._source.plan.name, self.number, self.session, delivery.batch.server, records, wanted
        )
        now = time.monotonic()
        newest = max([record.archive_time or 0 for record in records], default=0)
        if newest:
            self.delivered = now
            self.newest = max(self.newest, newest)
            self.lag = max(0.0, time.time() - newest)
        if not self._source.offer(item, self):
            return False
        if self.waiting_for:
            self.waiting_for = ""
            self.heard = time.monotonic()  # while we did not read, the server could say nothing
            self._source.heard(self, self.heard)
        feed.taken(delivery)
        return True

    def _ended(self, error: OpenStreamerError) -> None:
        """A session ended, or none began: tell each cause once until it works again."""
        self.connected_since = 0.0
        self.trouble = text = str(error)
        if text not in self._told:
            self._told.add(text)
            log.warning("%s: %s; tried again until it works", self.plan.name, text)

    def _notice(self, text: str) -> None:
        if "; trying again in " not in text and not text.startswith("connected to "):
            log.info("%s: %s", self.plan.name, text)


def _from_words(asked: int) -> str:
    if asked == FROM_NOW:
        return "what comes from now on"
    if not asked:
        return "all that is there"
    return "all since " + time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(asked))


class Source:
    """A server or a pair, and the outputs that get its events.

    Attributes:
        workers: the outputs; may be replaced while it runs (and a new session asked for).
        take_overs: how often the secondary took over. gap: seconds in which nobody had said anything at
        the last take-over; gaps: all of them together. active: number of the member that counts.
    """

    def __init__(self, plan: SourcePlan, folder: str) -> None:
        self.plan = plan
        self.workers: tuple[OutputWorker, ...] = ()
        self.stop_asked = Stop()
        self.take_overs = 0
        self.gap = self.gaps = 0.0
        self.active = 0
        self.started = time.monotonic()
        self._heard = self.started
        self._lock = threading.Lock()
        self.members = [Member(self, number, server, folder) for number, server in enumerate(plan.members)]

    def start(self) -> None:
        """Begin to receive."""
        self.started = self._heard = time.monotonic()
        for member in self.members:
            member.start()

    def ask_again(self) -> None:
        """Begin new sessions, from where the outputs want them."""
        for member in self.members:
            member.again.set()

    def stop(self) -> None:
        """Ask for the end."""
        self.stop_asked.request()

    def lowest(self, member: int) -> int:
        """The archive time from which the outputs together need the records of a member."""
        return min((worker.wanted_from(self.plan.name, member) for worker in self.workers), default=FROM_NOW)

    def began(self, member: Member, asked: int) -> None:
        """Tell all outputs that a session begins."""
        mark = SessionBegan(self.plan.name, member.number, member.session, asked)
        for worker in self.workers:
            worker.queue.mark(mark)
            worker.behind.discard(self.plan.name)

    def offer(self, item: Received, member: Member) -> bool:
        """Give it to every output: first to those that have room, then to each of the others when it has.

        False if the end or another session is wanted before.
        """
        if member.again.is_set():
            return False  # an output went back: what it lacks would come too late in this session
        size = item.size
        waiting = []
        for worker in self.workers:
            if self.plan.name in worker.behind or worker.queue.offer(item, size):
                continue
            if worker.plan.full == "block":
                waiting.append(worker)
            elif worker.plan.full == "drop":
                worker.drop(item)
            else:
                worker.behind.add(self.plan.name)
                log.info("output %s: its queue is full; it catches up later", worker.plan.name)
        for worker in waiting:
            if not worker.queue.offer(item, size, PATIENCE):
                member.waiting_since = member.waiting_since if member.waiting_for else time.monotonic()
                member.waiting_for = worker.plan.name
                while not worker.queue.offer(item, size, PATIENCE):
                    if self.stop_asked.requested or member.again.is_set() or worker not in self.workers:
                        return False
        return True

    # --- pairs ----------------------------------------------------------------------------------------

    def wants(self, member: Member) -> bool:
        """Whether this member is to be asked now: the primary always, the secondary while that is silent."""
        if member.number == 0:
            return True
        primary = self.members[0]
        if primary.waiting_for:
            return False
        silent = time.monotonic() - max(primary.heard, self.started)
        return silent > self.plan.take_over

    def heard(self, member: Member, now: float) -> None:
        """A member has said something."""
        if not self.plan.is_pair:
            return
        with self._lock:
            gap, self._heard = now - self._heard, now
            if member.number == self.active:
                return
            if member.number == 1 and not self.wants(member):
                return
            self.active = member.number
        if member.number == 1:
            self.take_overs += 1
            self.gap = gap
            self.gaps += gap
            log.warning(
                "%s: %s has taken over from %s; nobody had said anything for %.1f s",
                self.plan.name, member.plan.name, self.members[0].plan.name, gap,
            )  # fmt: skip
        else:
            log.info("%s: %s is back", self.plan.name, member.plan.name)
