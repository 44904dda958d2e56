"""The process around the service: event loop, signals, logging.

SIGTERM or SIGINT stops in an orderly way; a second SIGINT stops at once. Used by the command `serve`. Not
here: what the service does (`service`).
"""

from __future__ import annotations

import asyncio
import importlib.util
import logging
import os
import signal
import sys
import threading
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from openstreamer.server.service import RESOLVER_THREADS, Service
from openstreamer.server.settings import Settings
from openstreamer.server.state import StateDirectory

log = logging.getLogger("openstreamer.server")

INTERRUPTED = 130
"""Exit status after a second SIGINT."""


def run(
    state: StateDirectory,
    settings: Settings,
    *,
    listen: Sequence[str] = (),
    inputs: Sequence[str] = (),
    host_check: bool | None = None,
    web: str = "off",
) -> int:
    """Run the service until a signal ends it; returns the exit status. Raises OpenStreamerError."""

    async def main() -> int:
        service = Service(state, settings, listen=listen, inputs=inputs, host_check=host_check, web=web)
        return await serve_until_signal(service)

    status = _runner()(main())
    _leave_name_server(status)
    return status


def configure_logging(level: str) -> None:
    """Send the log to standard error, with time and level, from this level on."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    root = logging.getLogger("openstreamer")
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    root.propagate = False


async def serve_until_signal(service: Service) -> int:
    """Run a service until SIGTERM or SIGINT, and return the exit status."""
    loop = asyncio.get_running_loop()
    asked = asyncio.Event()
    interrupts = 0

    def on_signal(number: int) -> None:
        nonlocal interrupts
        interrupts += number == signal.SIGINT
        if asked.is_set() and number == signal.SIGINT and interrupts > 1:
            log.warning("stopping at once")
            os._exit(INTERRUPTED)  # threads may be waiting for a disk or a name server
        asked.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, on_signal, number)
    try:
        async with service.running():
            await asked.wait()
    finally:
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)
    return 0


def _leave_name_server(status: int) -> None:
    """End the process if a thread still waits for a name server: the interpreter would wait for it."""
    for thread in threading.enumerate():
        if thread.name.startswith(RESOLVER_THREADS):
            thread.join(0.5)
            if thread.is_alive():
                logging.shutdown()
                os._exit(status)


def _runner() -> Callable[[Coroutine[Any, Any, int]], int]:
    """`asyncio.run`, on uvloop where it is installed (extra "fast")."""
    if importlib.util.find_spec("uvloop") is None:
        return asyncio.run
    import uvloop

    def run_on_uvloop(coroutine: Coroutine[Any, Any, int]) -> int:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            return runner.run(coroutine)

    return run_on_uvloop
