"""Control of a running service by other processes: a unix socket in the state directory.

One connection carries one request and one answer, each a JSON object on one line:

    {"command": "status"}      {"ok": true, "result": {...}}
    {"command": "reload"}      {"ok": false, "error": "a sentence"}
    {"command": "stop"}        {"ok": true, "result": null}

The socket is 0600 in a directory of 0700, so only the owner and root get at it. A request is limited in
length and time. Rules: `docs/manage.md`. Not here: what the commands do to the service (`run`).
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import socket
from collections.abc import Awaitable, Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from openstreamer.errors import OpenStreamerError, StateError, TransportError
from openstreamer.server.state import StateDirectory

log = logging.getLogger("openstreamer.server")

REQUEST_BYTES = 4096
"""Longest request."""

ANSWER_BYTES = 16 * 1024 * 1024
"""Longest answer that is accepted from a service."""

REQUEST_SECONDS = 5.0
"""Time for a request to come and for its answer to be taken."""

CONNECTIONS = 16
"""Requests at the same time; who comes beyond that is turned away."""

Handler = Callable[[], Awaitable[object]]


class ControlServer:
    """Answers requests; `handlers` are the commands, each gives a result that can be written as JSON."""

    def __init__(self, state: StateDirectory, handlers: Mapping[str, Handler]) -> None:
        self._path = state.control
        self._handlers = handlers
        self._server: asyncio.Server | None = None
        self._open = 0

    async def start(self) -> None:
        """Begin to listen; a socket left by a service that died is replaced. Raises StateError.

        Only to be called while the service's lock is held.
        """
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            os.fchmod(listener.fileno(), 0o600)  # before there is a name, so that nobody slips in
            self._path.unlink(missing_ok=True)
            with _short(self._path) as address:
                listener.bind(address)
            self._path.chmod(0o600)
            self._server = await asyncio.start_unix_server(self._serve, sock=listener, limit=REQUEST_BYTES)
        except OSError as error:
            listener.close()
            raise StateError(f"cannot make the control socket {self._path}: {error.strerror}") from error

    async def close(self) -> None:
        """Stop listening and take the socket away."""
        if self._server is not None:
            self._server.close()
            self._server = None
            self._path.unlink(missing_ok=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open += 1
        try:
            if self._open <= CONNECTIONS:
                async with asyncio.timeout(REQUEST_SECONDS):
                    request = await reader.readline()
                answer = await self._answer(request)
                async with asyncio.timeout(REQUEST_SECONDS):
                    writer.write(msgspec.json.encode(answer) + b"\n")
                    await writer.drain()
        except (OSError, TimeoutError):
            pass  # the asker left, or is too slow
        except ValueError:
            log.warning("a request on the control socket is longer than %d bytes", REQUEST_BYTES)
        finally:
            self._open -= 1
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    async def _answer(self, request: bytes) -> dict[str, object]:
        try:
            parsed = json.loads(request)
            command = parsed["command"]
        except (ValueError, TypeError, KeyError, RecursionError):
            return {"ok": False, "error": "the request is not a JSON object with a command"}
        handler = self._handlers.get(command) if isinstance(command, str) else None
        if handler is None:
            return {"ok": False, "error": f"there is no such command; there are {', '.join(self._handlers)}"}
        try:
            return {"ok": True, "result": await handler()}
        except OpenStreamerError as error:
            return {"ok": False, "error": str(error)}


def ask(state: StateDirectory, command: str, *, seconds: float = 30.0) -> Any:
    """Send a command to the running service and return its result.

    Raises TransportError if no service answers within `seconds`, and StateError with the service's sentence
    if it cannot do what is asked.
    """
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as asker:
            asker.settimeout(seconds)
            with _short(state.control) as address:
                asker.connect(address)
            asker.sendall(json.dumps({"command": command}).encode() + b"\n")
            with asker.makefile("rb") as stream:
                line = stream.readline(ANSWER_BYTES)
    except OSError as error:
        raise TransportError(f"the service does not answer on {state.control}: {error}") from error
    try:
        answer = json.loads(line)
        if answer["ok"]:
            return answer["result"]
        sentence = str(answer["error"])
    except (ValueError, TypeError, KeyError) as error:
        raise TransportError(f"the service gave no answer on {state.control}") from error
    raise StateError(sentence)


@contextlib.contextmanager
def _short(path: Path) -> Iterator[str]:
    """A name for a socket that fits where names have about a hundred bytes, however deep the folder lies."""
    if len(os.fsencode(path)) < 100 or not Path("/proc/self/fd").is_dir():
        yield str(path)
        return
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)
