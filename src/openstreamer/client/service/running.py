"""All of the client together: start, take over another configuration, stop.

A new plan is compared with the one that runs. Servers and outputs that are the same in both go on untouched;
an output that changed ends and begins again from its saved position, and the servers it belongs to begin a
new session for it, which the other outputs do not notice. Positions belong to names: an output or server
that is renamed begins anew.

Only one process can work on a state directory. Not here: signals and the service manager (cli/run.py).
"""

from __future__ import annotations

import contextlib
import fcntl
import logging
import os
import threading
import time
from collections.abc import Sequence

from openstreamer.client.service import health
from openstreamer.client.service.checking import parse_health
from openstreamer.client.service.plan import OutputPlan, Plan
from openstreamer.client.service.source import Source
from openstreamer.client.service.states import ServiceHealth
from openstreamer.client.service.worker import OutputWorker
from openstreamer.errors import OpenStreamerError, UsageError

log = logging.getLogger("openstreamer.client")

RELOAD_SECONDS = 10.0
"""How long a reload waits for outputs that changed to end; the new ones begin when they have."""

STOP_SECONDS = 45.0
"""How long a clean end may take; an output that has not finished by then begins from its last position."""


class ClientService:
    """Everything that runs."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.started = time.monotonic()
        self.reloads = 0
        self.sources: dict[str, Source] = {}
        self.workers: dict[str, OutputWorker] = {}
        self.port: health.HealthPort | None = None
        self._ending: dict[str, OutputWorker] = {}
        self._ended_sources: list[Source] = []
        self._broken: dict[str, str] = {}
        self._running = False
        self._lock = -1

    def start(self) -> None:
        """Claim the state directory and begin.

        Raises:
            UsageError: another process uses the directory, or it cannot be written.
            ConfigurationError: a saved position is damaged.
            TransportError: the port for health is taken.
        """
        self._claim()
        try:
            self._listen(self.plan)
            self._arrange(self.plan)
            self._running = True
        except BaseException:
            self.stop()
            raise

    def _claim(self) -> None:
        folder = self.plan.state
        try:
            for part in ("", "outputs", "names", "dead-letters"):
                os.makedirs(folder / part, mode=0o700, exist_ok=True)
            self._lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.ftruncate(self._lock, 0)
            os.pwrite(self._lock, f"{os.getpid()}\n".encode(), 0)
        except BlockingIOError:
            holder = os.pread(self._lock, 32, 0).decode(errors="replace").strip()
            os.close(self._lock)
            self._lock = -1
            raise UsageError(
                f"process {holder} works with the state directory {folder}; name another (state in [client])"
            ) from None
        except OSError as error:
            raise UsageError(f"the state directory {folder} cannot be written: {error.strerror}") from error

    def _listen(self, plan: Plan) -> None:
        address = plan.client.health
        self.port = None if address == "off" else health.HealthPort(parse_health(address), self.health)

    def _arrange(self, plan: Plan) -> None:
        """Make what runs as the plan says."""
        folder = str(plan.state)
        for source in [
            source for name, source in self.sources.items() if plan.sources.get(name) != source.plan
        ]:
            del self.sources[source.plan.name]
            source.stop()
            self._ended_sources.append(source)
        ending = [worker for worker in self.workers.values() if not self._is_same(worker, plan)]
        for worker in ending:
            del self.workers[worker.plan.name]
            self._ending[worker.plan.name] = worker
            worker.stop()
        _join(ending, RELOAD_SECONDS)
        self._forget_ended()
        new = []
        for name, output in plan.outputs.items():
            # what an old worker still saves must not come after what the new one reads
            if name not in self.workers and name not in self._ending:
                made = self._make(output, plan)
                if made is not None:
                    new.append(made)
        fresh = []
        for name, source_plan in plan.sources.items():
            takers = tuple(worker for worker in self.workers.values() if name in worker.plan.sources)
            known = self.sources.get(name)
            if known is None:
                known = self.sources[name] = Source(source_plan, folder)
                known.workers = takers
                fresh.append(known)
            elif takers != known.workers:
                known.workers = takers
                if any(worker in new for worker in takers):
                    known.ask_again()
        for worker in new:
            worker.start()
        for source in fresh:
            source.start()

    def _make(self, output: OutputPlan, plan: Plan) -> OutputWorker | None:
        """A new worker; at a reload one that cannot be made is told, and the others go on."""
        try:
            worker = OutputWorker(output, plan.sources, str(plan.state), ask_again=self._ask_again)
        except OpenStreamerError as error:
            if not self._running:
                raise
            log.error("output %s: %s", output.name, error)
            self._broken[output.name] = str(error)
            return None
        self._broken.pop(output.name, None)
        self.workers[output.name] = worker
        return worker

    def _forget_ended(self) -> None:
        for name, worker in list(self._ending.items()):
            if not worker.is_alive():
                del self._ending[name]
        for source in list(self._ended_sources):
            if not any(member.is_alive() for member in source.members):
                source.stop_asked.close()
                self._ended_sources.remove(source)

    def settle(self) -> None:
        """Begin what could not begin at a reload because its predecessor had not ended; call it regularly."""
        waiting = self._ending.keys() & self.plan.outputs.keys()
        self._forget_ended()
        if waiting - self._ending.keys():
            self._arrange(self.plan)

    def _is_same(self, worker: OutputWorker, plan: Plan) -> bool:
        """Whether an output can go on: nothing changed for it, nor what its sources are made of."""
        output = plan.outputs.get(worker.plan.name)
        if output != worker.plan or not worker.is_alive():
            return False
        return all(name in plan.sources and worker.knows(plan.sources[name]) for name in worker.plan.sources)

    def _ask_again(self, name: str) -> None:
        source = self.sources.get(name)
        if source is not None:
            source.ask_again()

    def reload(self, plan: Plan) -> None:
        """Take over another plan, checked already.

        Raises:
            UsageError: it names another state directory, which needs a new start.
            TransportError: the new port for health is taken; all is as before.
        """
        if plan.state != self.plan.state:
            raise UsageError("another state directory needs a new start of the program")
        if plan.client.health != self.plan.client.health:
            old, self.port = self.port, None
            try:
                self._listen(plan)
            except BaseException:
                self.port = old
                raise
            if old is not None:
                old.close()
        self.plan = plan
        self._arrange(plan)
        self.reloads += 1

    def health(self) -> ServiceHealth:
        """The state of everything at this moment."""
        state = health.take(
            list(self.sources.values()),
            list(self.workers.values()),
            started=self.started,
            stalled=self.plan.client.stalled_seconds,
            reloads=self.reloads,
        )
        for name in self._ending.keys() & self.plan.outputs.keys():
            state.reasons.append(f"output {name} is to begin anew, and has not ended yet")
        for name in self._broken.keys() & self.plan.outputs.keys():
            state.reasons.append(f"output {name} could not be begun ({self._broken[name]})")
        state.healthy = not state.reasons
        return state

    @property
    def alive(self) -> bool:
        """Whether every thread is there."""
        threads = [*self.workers.values(), *(m for source in self.sources.values() for m in source.members)]
        return all(thread.is_alive() for thread in threads)

    def stop(self, seconds: float = STOP_SECONDS) -> bool:
        """Read nothing more, finish what is at hand, save; false if something did not end in time."""
        for source in self.sources.values():
            source.stop()
        for worker in self.workers.values():
            worker.stop()
        workers = [*self.workers.values(), *self._ending.values()]
        started = [worker for worker in workers if worker.ident is not None]
        ended = _join([worker for worker in started if worker.opened], seconds)
        _join(started, 2.0)  # one that could not be opened yet has nothing to save
        # a server that does not answer may hold its thread for a while; it has nothing to save
        _join([m for source in self.sources.values() for m in source.members if m.ident is not None], 1.0)
        if self.port is not None:
            self.port.close()
            self.port = None
        if self._lock >= 0:
            with contextlib.suppress(OSError):
                os.close(self._lock)
            self._lock = -1
        return ended


def _join(threads: Sequence[threading.Thread], seconds: float) -> bool:
    """Wait for threads to end, all together so long; true if they did."""
    deadline = time.monotonic() + seconds
    for thread in threads:
        thread.join(max(0.0, deadline - time.monotonic()))
    return not any(thread.is_alive() for thread in threads)
