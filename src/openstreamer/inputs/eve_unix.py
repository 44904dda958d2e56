"""Suricata's EVE JSON out of a unix socket: we listen, the sensor writes, in a stream or in datagrams.

A thread reads what comes into a buffer that is bounded in bytes, so that the sensor hardly ever finds the
socket full; only a full buffer stops it, and that is counted. There is no place to resume from: the sensor
keeps nothing, so what it writes while nobody listens, and what is buffered when this process is killed, is
lost. An orderly stop stores all that has arrived. Rules: `docs/inputs-eve-unix.md`. Not here: what becomes of
a line (eve.py).
"""

from __future__ import annotations

import contextlib
import errno
import os
import selectors
import socket
import stat
import threading
import time
from collections import deque
from typing import Annotated, ClassVar, Literal

import msgspec
from msgspec import Meta

from openstreamer.errors import CodecError, InputError
from openstreamer.inputs.eve import EveConfig, EveInput
from openstreamer.inputs.interface import Batch, InputContext
from openstreamer.inputs.line_input import LineError

_READ = 256 * 1024

_DATAGRAM = 4 * 1024 * 1024
"""More than the system lets a datagram be."""

_LAST_SECONDS = 2.0
"""How long an orderly stop reads what has arrived; a sensor that never pauses must not hold it up."""

_KINDS = {"stream": socket.SOCK_STREAM, "dgram": socket.SOCK_DGRAM}


class EveUnixConfig(EveConfig, frozen=True, kw_only=True):
    """Settings of the EVE socket; `follow` and `again` mean nothing here."""

    type: Annotated[
        Literal["stream", "dgram"],
        Meta(description="Kind of the socket: Suricata's unix_stream, or its unix_dgram."),
    ] = "stream"
    buffer: Annotated[int, Meta(ge=65536, description="Bytes that are read ahead of the store.")] = 64 << 20
    group: Annotated[bool, Meta(description="Let the group of the socket write too (mode 0660).")] = False


class EveUnixInput(EveInput):
    """Listens for a sensor."""

    Config: ClassVar[type[msgspec.Struct]] = EveUnixConfig
    title: ClassVar[str] = "Suricata's EVE JSON out of a unix socket that Suricata writes to"
    example: ClassVar[str] = "eve-unix:/run/openstreamer/eve.sock"
    prefix: ClassVar[str] = "eve-unix"
    reads_files: ClassVar[bool] = False

    def __init__(self, config: EveUnixConfig) -> None:
        super().__init__(config)
        self._limit = config.buffer
        self._kind = config.type
        self._mode = 0o660 if config.group else 0o600
        self._listener: socket.socket | None = None
        self._thread: threading.Thread | None = None
        self._wanted = threading.Condition()
        self._lines: deque[bytes] = deque()
        self._held = 0
        self._full = 0
        self._cut = 0
        self._number = 0
        self._closing = False
        self._until = 0.0

    def open(self, context: InputContext) -> None:
        self.begin(context)
        path = self.config.path
        _remove_stale(path, self._kind)
        listener = socket.socket(socket.AF_UNIX, _KINDS[self._kind])
        try:
            listener.bind(path)
            os.chmod(path, self._mode)  # before anybody can connect
            if self._kind == "stream":
                listener.listen(8)
        except OSError as error:
            listener.close()
            raise InputError(f"cannot listen: {error.strerror or error}", path=path) from error
        listener.setblocking(False)
        self._listener = listener
        self._closing = False
        receive = self._receive_stream if self._kind == "stream" else self._receive_datagrams
        self._thread = threading.Thread(target=receive, args=(listener,), daemon=True, name="eve-unix")
        self._thread.start()

    def read(self, max_records: int, timeout: float) -> Batch | None:
        if self._listener is None and not self._lines and not self._cut:
            return None
        batch, cut = Batch(), 0
        deadline = time.monotonic() + timeout
        with self._wanted:
            while not self._lines and not self._cut and (left := deadline - time.monotonic()) > 0:
                self._wanted.wait(left)
            full, self._full = self._full, 0
        if full:
            batch.notes["waited for the store"] = full
        while len(batch.records) < max_records and batch.lines < 20_000:
            with self._wanted:
                if not self._lines:
                    cut, self._cut = self._cut, 0
                    break
                line = self._lines.popleft()
                self._held -= len(line)
                self._wanted.notify_all()
            self._number += 1
            batch.lines += 1
            batch.bytes += len(line) + 1
            kept = len(batch.records)
            try:
                if line.strip():
                    self.take_line(line, batch)
            except (LineError, CodecError, msgspec.MsgspecError, UnicodeError, RecursionError) as error:
                del batch.records[kept:]
                batch.count_broken(self.name, self._number, str(error) or type(error).__name__)
        for _ in range(cut):  # behind the whole lines that came before
            self._number += 1
            batch.count_broken(self.name, self._number, "cut off by a close, or longer than is read")
        return batch

    def finish(self) -> bool:
        self._stop_receiving()
        return bool(self._lines or self._cut)

    def close(self) -> None:
        self._stop_receiving()
        with self._wanted:
            self._lines.clear()
            self._held = 0

    def _stop_receiving(self) -> None:
        with self._wanted:
            if not self._closing:
                self._until = time.monotonic() + _LAST_SECONDS
            self._closing = True
            self._wanted.notify_all()
        if self._thread is not None:
            self._thread.join()
            self._thread = None
        if self._listener is not None:
            self._listener.close()
            self._listener = None
            with contextlib.suppress(OSError):
                os.unlink(self.config.path)

    def _may_read(self) -> bool:
        return not self._closing or time.monotonic() < self._until

    def _receive_datagrams(self, listener: socket.socket) -> None:
        """The thread: each datagram is a line, or some."""
        with selectors.DefaultSelector() as selector:
            selector.register(listener, selectors.EVENT_READ)
            while not self._closing:
                if selector.select(0.1):
                    self._take_datagrams(listener)
            self._take_datagrams(listener)

    def _take_datagrams(self, listener: socket.socket) -> None:
        with contextlib.suppress(OSError):  # BlockingIOError: no more of them
            while self._may_read():
                data = listener.recv(_DATAGRAM)
                self._keep([line for line in data.split(b"\n") if line])

    def _receive_stream(self, listener: socket.socket) -> None:
        """The thread: take everything in, whole lines go to `read`."""
        rests: dict[socket.socket, bytearray] = {}
        with selectors.DefaultSelector() as selector:
            selector.register(listener, selectors.EVENT_READ)
            while not self._closing:
                for key, _ in selector.select(0.1):
                    if key.fileobj is listener:
                        with contextlib.suppress(OSError):
                            peer, _address = listener.accept()
                            peer.setblocking(False)
                            rests[peer] = bytearray()
                            selector.register(peer, selectors.EVENT_READ)
                        continue
                    peer = next(item for item in rests if item is key.fileobj)
                    if not self._read_peer(peer, rests[peer]):
                        selector.unregister(peer)
                        self._cut += bool(rests.pop(peer))
                        peer.close()
        for peer, rest in rests.items():
            while self._may_read() and self._read_peer(peer, rest, last=True):
                pass
            self._cut += bool(rest)
            peer.close()

    def _read_peer(self, peer: socket.socket, rest: bytearray, *, last: bool = False) -> bool:
        """Read once; false at the end of the connection (`last`: also where nothing has come)."""
        try:
            data = peer.recv(_READ)
        except BlockingIOError:
            return not last
        except OSError:
            return False
        if not data:
            return False
        end = data.rfind(b"\n")
        if end < 0:
            rest += data
        else:
            lines = (bytes(rest) + data[:end]).split(b"\n")
            rest[:] = data[end + 1 :]
            self._keep(lines)
        if len(rest) > self.config.line_limit:
            rest.clear()  # what follows up to the next newline does not parse, and is counted then
            self._cut += 1
        return True

    def _keep(self, lines: list[bytes]) -> None:
        """Hold lines ready for `read`; waits while there are too many."""
        with self._wanted:
            if self._held >= self._limit:
                self._full += 1
                while self._held >= self._limit and not self._closing:
                    self._wanted.wait(0.5)
            self._lines.extend(lines)
            self._held += sum(map(len, lines))
            self._wanted.notify_all()


def _remove_stale(path: str, kind: str) -> None:
    """Remove a socket file that nobody listens at. Raises InputError where it is something else."""
    try:
        mode = os.lstat(path).st_mode
    except OSError:
        return
    if not stat.S_ISSOCK(mode):
        raise InputError("exists and is no socket", path=path)
    for each in sorted(_KINDS, key=lambda other: other != kind):
        with socket.socket(socket.AF_UNIX, _KINDS[each]) as probe:
            probe.settimeout(1.0)
            try:
                probe.connect(path)
            except ConnectionRefusedError:
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(path)
                return
            except OSError as error:
                if error.errno == errno.EPROTOTYPE:
                    continue  # a socket of the other kind: ask in its way
                raise InputError(f"cannot be replaced: {error.strerror or error}", path=path) from error
        break
    raise InputError("another process listens there", path=path)
