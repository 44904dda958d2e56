"""The inputs that run with the service, each in a thread of its own.

Reading files and encoding events would hold up the sessions, so it happens beside the event loop. An input
that fails is tried again for as long as the service runs. Not here: how a batch reaches the event log
(`intake`), and what inputs read (`openstreamer.inputs`).
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Collection, Sequence

from openstreamer.errors import StoreError
from openstreamer.inputs.uri import input_from_uri
from openstreamer.server.intake import RETRY_SECONDS, Intake
from openstreamer.store import Store

log = logging.getLogger("openstreamer.server")


class Feeder:
    """Runs inputs until it is told to stop."""

    def __init__(
        self,
        store: Store,
        uris: Sequence[str],
        *,
        batch_records: int,
        enabled: Callable[[], Collection[str]],
        stored: Callable[[], None],
    ) -> None:
        """Prepare the inputs that the URIs describe; none is opened yet.

        `enabled` gives the event types that are switched on, `stored` is called from an input's thread after
        each batch it stored. Raises UsageError for a URI that is wrong.
        """
        self._stop = threading.Event()
        self.intakes = [
            Intake(
                store,
                input_from_uri(uri),
                enabled=enabled,
                stop=self._stop,
                stored=stored,
                batch_records=batch_records,
            )
            for uri in uris
        ]
        self._threads = [
            threading.Thread(target=self._run, args=(intake,), name=intake.source.name, daemon=True)
            for intake in self.intakes
        ]

    def start(self) -> None:
        """Begin to read."""
        for thread in self._threads:
            thread.start()

    def stop(self, seconds: float) -> bool:
        """Let each input store the batch it is at, and end; false if one has not within that time."""
        self._stop.set()
        deadline = time.monotonic() + seconds
        started = [thread for thread in self._threads if thread.ident is not None]
        for thread in started:
            thread.join(max(0.0, deadline - time.monotonic()))
        return not any(thread.is_alive() for thread in started)

    def _run(self, intake: Intake) -> None:
        name = intake.source.name
        log.info("reading %s", name)
        while True:
            try:
                intake.keep_running()
            except StoreError as error:
                intake.problem = str(error)
                log.error("%s: cannot store events: %s; trying again", name, error)
            except Exception as error:
                intake.problem = f"a fault of the program: {error!r}"
                log.exception("%s: a fault of the program; trying again", name)
            else:
                log.info("%s: done; %d lines", name, intake.totals.lines)
                return
            if self._stop.wait(RETRY_SECONDS):
                return
