"""The process around the client service: signals, log, service manager.

SIGTERM or SIGINT ends it cleanly, with positions saved; a second one at once. SIGHUP reads the configuration
again: if it has a mistake all goes on as before. The service manager hears when it is ready, reloads, stops,
and, for as long as all threads are there, signs of life. Not here: what runs (running.py).
"""

from __future__ import annotations

import logging
import os
import signal
import sys
from collections.abc import Callable

from openstreamer.client.service.configuration import ClientSection
from openstreamer.client.service.plan import Plan
from openstreamer.client.service.running import ClientService
from openstreamer.client.stop import Stop
from openstreamer.errors import OpenStreamerError
from openstreamer.log_forms import JsonForm, TextForm
from openstreamer.notify import Notifier

log = logging.getLogger("openstreamer.client")

INTERRUPTED = 130
LOOK_EVERY = 1.0
"""Seconds between two looks at how all is."""


def run(plan: Plan, load: Callable[[], Plan], *, debug: bool = False) -> int:
    """Run until a signal ends it; returns the exit status.

    Args:
        plan: what to run. load: reads and checks the configuration again, for SIGHUP.
        debug: the log's level stays as it is.

    Raises:
        OpenStreamerError: it cannot be started.
    """
    process = _Process(plan, load, debug=debug)
    return process.run()


def configure_logging(section: ClientSection, *, debug: bool = False) -> None:
    """Send the log to standard error as the section says."""
    handler = logging.StreamHandler(sys.stderr)
    if section.log_format == "json":
        handler.setFormatter(JsonForm())
    elif "JOURNAL_STREAM" in os.environ:
        handler.setFormatter(TextForm("%(levelname)s %(message)s"))  # the journal knows the time
    else:
        handler.setFormatter(TextForm("%(asctime)s %(levelname)s %(message)s"))
    root = logging.getLogger("openstreamer")
    root.handlers[:] = [handler]
    root.setLevel("DEBUG" if debug else section.log_level.upper())
    root.propagate = False


class _Process:
    def __init__(self, plan: Plan, load: Callable[[], Plan], *, debug: bool) -> None:
        self._service = ClientService(plan)
        self._load = load
        self._debug = debug
        self._stop = Stop()
        self._reload = False
        self._ended_by = 0
        self._notifier = Notifier()
        self._well: bool | None = None

    def _ask(self, number: int, frame: object) -> None:
        if self._ended_by:
            os._exit(INTERRUPTED)  # threads may be waiting for a disk or a peer
        self._ended_by = number
        self._stop.request()

    def _hang_up(self, number: int, frame: object) -> None:
        self._reload = True

    def run(self) -> int:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._ask)
        signal.signal(signal.SIGHUP, self._hang_up)
        for warning in self._service.plan.warnings:
            log.warning("%s", warning)
        self._service.start()
        plan = self._service.plan
        log.info("%d outputs take the events of %d servers", len(plan.outputs), len(plan.sources))
        for worker in self._service.workers.values():
            promise = worker.guarantee
            target = worker.plan.spec.target
            where = "standard output" if target == "-" else target
            log.info("output %s: %s; %s", worker.plan.name, where, promise)
        self._notifier.send("READY=1", f"MAINPID={os.getpid()}", "STATUS=running")
        try:
            while not self._stop.wait(self._pause()):
                self._look()
        finally:
            self._notifier.send("STOPPING=1", "STATUS=stopping")
            log.info("stopping")
            if not self._service.stop():
                log.error("an output did not end in time; it goes on from its last saved position")
        log.info("stopped")
        return INTERRUPTED if self._ended_by == signal.SIGINT else 0

    def _pause(self) -> float:
        if self._reload:
            return 0.0
        return min(LOOK_EVERY, self._notifier.watchdog_seconds / 3 or LOOK_EVERY)

    def _look(self) -> None:
        if self._reload:
            self._reload = False
            self._take_over()
        self._service.settle()
        state = self._service.health()
        if self._service.alive:
            status = "well" if state.healthy else "; ".join(state.reasons)
            self._notifier.send("WATCHDOG=1", f"STATUS={status}")
        if self._well is not None and self._well != state.healthy:
            if state.healthy:
                log.info("all is well again")
            else:
                log.error("not well: %s", "; ".join(state.reasons))
        self._well = state.healthy or None if self._well is None else state.healthy

    def _take_over(self) -> None:
        """Read the configuration again."""
        self._notifier.reloading()
        try:
            plan = self._load()
            self._service.reload(plan)
        except OpenStreamerError as error:
            for line in str(error).splitlines():
                log.error("not reloaded: %s", line)
        else:
            configure_logging(plan.client, debug=self._debug)
            for warning in plan.warnings:
                log.warning("%s", warning)
            log.info("reloaded: %d outputs, %d servers", len(plan.outputs), len(plan.sources))
        finally:
            self._notifier.send("READY=1")
