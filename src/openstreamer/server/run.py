"""The process around the service: event loop, signals, control socket, service manager.

SIGTERM or SIGINT stops in an orderly way, a second SIGINT stops at once, SIGHUP reloads. Commands on the
control socket do the same. Used by the command `serve`. Rules: `docs/server.md`, `docs/manage.md`. Not here:
what the service does (`service`).
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import logging
import os
import signal
import threading
from collections.abc import Callable, Coroutine, Sequence
from typing import TYPE_CHECKING, Any

from openstreamer.errors import OpenStreamerError
from openstreamer.notify import Notifier
from openstreamer.server import logs
from openstreamer.server.activation import PassedSockets
from openstreamer.server.control import ControlServer
from openstreamer.server.door import RESOLVER_THREADS
from openstreamer.server.service import Service
from openstreamer.server.settings import Settings, load
from openstreamer.server.snapshot import take
from openstreamer.server.state import StateDirectory

if TYPE_CHECKING:
    from openstreamer.server.daemon import Starter

log = logging.getLogger("openstreamer.server")

STATUS_SECONDS = 10.0
"""How often the service manager is told how many clients there are."""

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
    passed: PassedSockets | None = None,
    debug: bool = False,
    log_form: str | None = None,
    starter: Starter | None = None,
) -> int:
    """Run the service until a signal or command ends it; returns the exit status.

    `debug`: the log's level stays as it is when settings are reloaded; `log_form`: so does its form. `passed`
    are sockets of a service manager to listen on. `starter` is told that the service listens, or why not.
    Raises OpenStreamerError.
    """

    async def main() -> int:
        service = Service(
            state, settings, listen=listen, inputs=inputs, host_check=host_check, web=web, passed=passed
        )
        return await serve_until_signal(service, debug=debug, log_form=log_form, starter=starter)

    try:
        status = _runner()(main())
    except OpenStreamerError as error:
        if starter is not None:
            log.error("%s", error)
            starter.failed(error)
        raise
    _leave_name_server(status)
    return status


class _Process:
    """What signals and the control socket ask of one running service."""

    def __init__(
        self, service: Service, notifier: Notifier, *, debug: bool, log_form: str | None = None
    ) -> None:
        self.asked = asyncio.Event()
        self._service = service
        self._notifier = notifier
        self._debug = debug
        self._log_form = log_form
        self._interrupts = 0
        self._reloading = asyncio.Lock()
        self._tasks: set[asyncio.Task[object]] = set()

    def on_end(self, number: int) -> None:
        """SIGTERM or SIGINT."""
        self._interrupts += number == signal.SIGINT
        if self.asked.is_set() and number == signal.SIGINT and self._interrupts > 1:
            log.warning("stopping at once")
            os._exit(INTERRUPTED)  # threads may be waiting for a disk or a name server
        self.asked.set()

    def on_hangup(self) -> None:
        """SIGHUP: reload; a failure is in the log."""

        async def reload() -> None:
            with contextlib.suppress(OpenStreamerError):
                await self.reload()

        task: asyncio.Task[object] = asyncio.create_task(reload())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def reload(self) -> object:
        """Reload and say what still needs a restart. Raises OpenStreamerError; all is then as before."""
        async with self._reloading:
            self._notifier.reloading()
            try:
                settings = await self._service.run_aside(lambda: load(self._service.state.settings))
                restart = await self._service.reload(settings)
            except OpenStreamerError as error:
                log.error("not reloaded: %s", error)
                raise
            finally:
                self._notifier.send("READY=1")
            if not self._debug:
                logs.set_level(settings.log.level)
            logs.set_form(self._log_form or settings.log.format)
            log.info("reloaded; open sessions: %d", len(self._service.sessions))
            if restart:
                log.warning("these settings changed and need a restart: %s", ", ".join(restart))
            return {"restart": restart, "sessions": len(self._service.sessions)}

    async def stop(self) -> None:
        """Begin to stop."""
        self.asked.set()

    async def status(self) -> object:
        """The numbers of the service."""
        return await take(self._service)

    async def tell_manager(self) -> None:
        """Give the service manager signs of life for as long as the event loop turns."""
        seconds = min(self._notifier.watchdog_seconds / 3 or STATUS_SECONDS, STATUS_SECONDS)
        while True:
            self._notifier.send("WATCHDOG=1", f"STATUS={len(self._service.sessions)} sessions")
            await asyncio.sleep(seconds)


async def serve_until_signal(
    service: Service,
    *,
    debug: bool = False,
    log_form: str | None = None,
    starter: Starter | None = None,
) -> int:
    """Run a service until SIGTERM, SIGINT or the command to stop, and return the exit status."""
    loop = asyncio.get_running_loop()
    notifier = Notifier()
    process = _Process(service, notifier, debug=debug, log_form=log_form)
    ends = (signal.SIGTERM, signal.SIGINT)
    for number in ends:
        loop.add_signal_handler(number, process.on_end, number)
    # A hang-up that comes before there is something to reload must not end the process.
    loop.add_signal_handler(signal.SIGHUP, lambda: None)
    handlers = {"status": process.status, "reload": process.reload, "stop": process.stop}
    control = ControlServer(service.state, handlers)
    try:
        async with service.running():
            await control.start()
            loop.add_signal_handler(signal.SIGHUP, process.on_hangup)
            notifier.send("READY=1", f"MAINPID={os.getpid()}", "STATUS=listening")
            if starter is not None:
                starter.ready()
            manager = asyncio.create_task(process.tell_manager())
            try:
                await process.asked.wait()
            finally:
                manager.cancel()
                notifier.send("STOPPING=1", "STATUS=stopping")
                loop.add_signal_handler(signal.SIGHUP, lambda: None)
                await control.close()
    finally:
        for number in (*ends, signal.SIGHUP):
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
