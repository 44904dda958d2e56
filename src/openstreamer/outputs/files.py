"""Files that grow by whole batches and can be cut back to where a position says.

`GrowingFile` is a regular file: its place is its length and the last bytes before it, so that a resumed run
can cut away what was written after the position was saved, and notices when the file at that path is not the
one it left. Somebody else may rename or remove the file (log rotation): it is begun anew then, at the moment
before a position is saved, so that the position and the file go together. `OpenStream` is anything that
cannot be cut (standard output, a pipe, a device): it has no place.
Both write unbuffered: after `append` returned, the bytes are with the operating system.

Neither knows what is in the bytes; formats are in their own modules.
"""

from __future__ import annotations

import contextlib
import errno
import os
import select
import stat
from typing import Any, Literal

from openstreamer.errors import OutputError
from openstreamer.outputs.interface import OutputClosed, OutputFull, Place

#: Sync policies of file outputs: before each saved position, or never (the system decides).
SyncPolicy = Literal["position", "never"]

_TAIL = 64
_make_durable = getattr(os, "fdatasync", os.fsync)
_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT})

Bytes = bytes | bytearray | memoryview


def _no_room(error: OSError, path: str) -> OutputFull:
    return OutputFull(f"no room to write ({error.strerror}); make room and it goes on", target=path)


def _holds(descriptor: int, size: int, place: dict[str, Any]) -> bool:
    """Whether a file is long enough for a place and has the same bytes before it."""
    wanted, tail = int(place["length"]), bytes.fromhex(place.get("tail", ""))
    return size >= wanted and os.pread(descriptor, len(tail), max(0, wanted - len(tail))) == tail


class GrowingFile:
    """A regular file, appended to in whole batches."""

    def __init__(self, path: str, *, sync: SyncPolicy = "position") -> None:
        self.path = path
        self.length = 0
        self.cut = 0
        self.notice: str | None = None
        self._sync = sync
        self._tail = b""
        self._descriptor = -1
        self._unsynced = False
        self._identity = (0, 0)
        self._placed = False

    def open(self, place: Place | None) -> None:
        """Open or create it; with a place, cut it back to that length. `cut` is how many bytes went.

        Raises:
            OutputError: it cannot be opened, or does not hold what the place says.
        """
        try:
            self._descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
            status = os.fstat(self._descriptor)
        except OSError as error:
            raise OutputError(f"cannot be opened for writing: {error.strerror}", target=self.path) from error
        self.length = size = status.st_size
        self._identity = (status.st_dev, status.st_ino)
        self._placed = place is not None
        if not size and self._sync == "position":
            self._keep_name()
        if place is not None and size:
            self._cut_back(place, size)
        elif place is not None and place["length"] and not self._cut_moved(place):
            self.notice = f"{self.path} is gone or empty; it is begun anew where the position stands"
        self._tail = self._read_tail()

    def _keep_name(self) -> None:
        """A new file survives a power cut only if its directory does too."""
        with contextlib.suppress(OSError):
            directory = os.open(os.path.dirname(os.path.abspath(self.path)), os.O_RDONLY | os.O_CLOEXEC)
            try:
                os.fsync(directory)
            finally:
                os.close(directory)

    def _cut_back(self, place: dict[str, Any], size: int) -> None:
        wanted = int(place["length"])
        if not _holds(self._descriptor, size, place):
            if self._cut_moved(place):
                self.notice = (
                    f"{self.path} is not the file that the saved position speaks of, which has been renamed;"
                    " it is continued"
                )
                return
            os.close(self._descriptor)
            self._descriptor = -1
            raise OutputError(
                f"is not the file that the saved position speaks of (it should have {wanted} bytes or"
                " more and continue as it was left); move it away to begin a new one, or choose another",
                target=self.path,
            )
        if size > wanted:
            os.ftruncate(self._descriptor, wanted)
            self._unsynced = True
        self.cut = size - wanted
        self.length = wanted

    def _cut_moved(self, place: dict[str, Any]) -> bool:
        """Where the file of the place has another name in the same directory by now: cut it back there."""
        folder = os.path.dirname(os.path.abspath(self.path))
        inode = place.get("inode")
        if inode is None or inode == self._identity[1]:
            return False
        with contextlib.suppress(OSError), os.scandir(folder) as entries:
            for entry in entries:
                if entry.inode() != inode or not entry.is_file(follow_symlinks=False):
                    continue
                descriptor = os.open(entry.path, os.O_RDWR | os.O_CLOEXEC)
                try:
                    size = os.fstat(descriptor).st_size
                    if not _holds(descriptor, size, place):
                        return False
                    self.cut = size - int(place["length"])
                    if self.cut:
                        os.ftruncate(descriptor, int(place["length"]))
                        _make_durable(descriptor)
                finally:
                    os.close(descriptor)
                return True
        return False

    def _moved(self) -> bool:
        """Whether something else, or nothing, stands at the path by now."""
        try:
            status = os.stat(self.path)
        except FileNotFoundError:
            return True
        except OSError:
            return False
        return stat.S_ISREG(status.st_mode) and (status.st_dev, status.st_ino) != self._identity

    def begin_anew(self) -> None:
        """Let go of a file that has been renamed or removed, and begin another one at the path.

        Raises:
            OutputError: see `open`.
        """
        old, self._descriptor = self._descriptor, -1
        placed = self._placed
        try:
            self.open(None)
        except OutputError:
            self._descriptor = old
            raise
        os.close(old)
        self._placed = placed

    def _read_tail(self) -> bytes:
        start = max(0, self.length - _TAIL)
        return os.pread(self._descriptor, self.length - start, start)

    def append(self, data: Bytes, *, head: bytes = b"", lead: bytes = b"") -> None:
        """Write all of `data` at the end, or leave the file as it was.

        Args:
            head: goes before the data where the file turns out to be empty. lead: where it is not.

        Raises:
            OutputFull: no room; nothing of it is in the file.
            OutputError: anything else the system says.
        """
        if not len(data):
            return
        done = 0
        try:
            self._make_ready(len(lead) + len(data))
            first = lead if self.length else head
            view = memoryview(b"".join((first, data)) if first else data)
            total = len(view)
            while done < total:
                done += os.pwrite(self._descriptor, view[done:], self.length + done)
        except OSError as error:
            with contextlib.suppress(OSError):
                os.ftruncate(self._descriptor, self.length)
            if error.errno in _NO_ROOM:
                raise _no_room(error, self.path) from error
            raise OutputError(f"cannot be written: {error.strerror}", target=self.path) from error
        self.length += total
        last = bytes(view[-_TAIL:])
        self._tail = last if len(last) == _TAIL else (self._tail + last)[-_TAIL:]
        self._unsynced = True

    def _make_ready(self, coming: int) -> None:
        """Before `coming` bytes are added: begin anew if the file has gone, follow what others did to it."""
        status = os.fstat(self._descriptor)
        if not status.st_nlink or (not self._placed and self._moved()):
            self.begin_anew()
        elif status.st_size != self.length:
            self._follow_change()

    def _follow_change(self) -> None:
        """Somebody else has cut or lengthened the file (log rotation by copying): go on at its end."""
        self.length = os.fstat(self._descriptor).st_size
        self._tail = self._read_tail()

    def head(self, count: int) -> bytes:
        """The first `count` bytes of the file, fewer if it is shorter."""
        return os.pread(self._descriptor, min(count, self.length), 0)

    def sync(self) -> None:
        """Make it durable, if the policy asks for that.

        Raises:
            OutputFull: the system found only now that there is no room.
            OutputError: the disk did not take it.
        """
        if self._descriptor < 0:
            return
        if self._sync == "position" and self._unsynced:
            try:
                _make_durable(self._descriptor)
            except OSError as error:
                if error.errno in _NO_ROOM:
                    raise _no_room(error, self.path) from error
                raise OutputError(f"cannot be made durable: {error.strerror}", target=self.path) from error
            self._unsynced = False
        if self._moved():
            self.begin_anew()

    def place(self) -> Place | None:
        self._placed = True
        return {"length": self.length, "tail": self._tail.hex(), "inode": self._identity[1]}

    def close(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


class OpenStream:
    """Standard output, a pipe or a device: bytes go in and cannot be taken back."""

    def __init__(self, path: str) -> None:
        self.path = "standard output" if path == "-" else path
        self.length = 0
        self.cut = 0
        self.notice: str | None = None
        self._name = path
        self._descriptor = -1
        self._remainder: memoryview | None = None

    def open(self, place: Place | None) -> None:
        if self._name == "-":
            self._descriptor = 1
            return
        try:
            self._descriptor = os.open(self._name, os.O_WRONLY | os.O_CLOEXEC)
        except OSError as error:
            raise OutputError(f"cannot be opened for writing: {error.strerror}", target=self.path) from error

    def append(self, data: Bytes, *, head: bytes = b"", lead: bytes = b"") -> None:
        """Write all of it. After `OutputFull` the next call goes on where this one stopped.

        Args:
            head: goes before the very first data. lead: before any other.

        Raises:
            OutputClosed: nobody reads it any more.
            OutputFull, OutputError: as in `GrowingFile.append`.
        """
        if self._remainder is not None:
            view, self._remainder = self._remainder, None
        else:
            first = lead if self.length else head
            view = memoryview(b"".join((first, data)) if first and len(data) else data)
        while view:
            try:
                view = view[os.write(self._descriptor, view) :]
            except BlockingIOError:
                select.select([], [self._descriptor], [], 1.0)
            except BrokenPipeError as error:
                raise OutputClosed("is closed", target=self.path) from error
            except OSError as error:
                if error.errno in _NO_ROOM:
                    self._remainder = view
                    raise _no_room(error, self.path) from error
                raise OutputError(f"cannot be written: {error.strerror}", target=self.path) from error
        self.length += len(data)

    def head(self, count: int) -> bytes:
        return b""

    def sync(self) -> None:
        """Nothing to make durable."""

    def place(self) -> Place | None:
        return None

    def close(self) -> None:
        if self._descriptor > 2:
            os.close(self._descriptor)
        self._descriptor = -1


def open_target(path: str, place: Place | None, *, sync: SyncPolicy = "position") -> GrowingFile | OpenStream:
    """Open `path` ("-": standard output) the way its kind asks for, cut back to `place` where it can be.

    Raises:
        OutputError: see `GrowingFile.open`.
    """
    target: GrowingFile | OpenStream
    if path == "-":
        target = OpenStream(path)
    else:
        try:
            regular = stat.S_ISREG(os.stat(path).st_mode)
        except FileNotFoundError:
            regular = True
        except OSError as error:
            raise OutputError(f"cannot be opened for writing: {error.strerror}", target=path) from error
        target = GrowingFile(path, sync=sync) if regular else OpenStream(path)
    target.open(place)
    return target


def notices_of(*files: GrowingFile | OpenStream | None) -> list[str]:
    """What these files have to say, once."""
    told = []
    for file in files:
        if file is not None and file.notice:
            told.append(file.notice)
            file.notice = None
    return told
