"""Bytes of a source, whatever it is: a file, a compressed file, a pipe.

A stream is read forward in pieces. An empty piece is the end of what is there; None means that nothing has
come yet (a pipe whose writer is slow). Compression is told from the first bytes, not from the name. Not here:
lines.
"""

from __future__ import annotations

import gzip
import os
import select
import stat
import tempfile
import zlib
from typing import IO, Protocol, cast

from openstreamer.errors import InputError

BLOCK_BYTES = 256 * 1024
GZIP_MAGIC = b"\x1f\x8b"


class ByteStream(Protocol):
    """A source of bytes, read forward."""

    path: str
    size: int | None
    """Bytes in the source as it lies there (compressed), or None where that cannot be known."""

    def read(self, length: int = BLOCK_BYTES) -> bytes | None:
        """The next bytes; empty at the end, None if none have come yet. Raises InputError."""
        ...

    def position(self) -> int:
        """Bytes of the source as it lies there that have been read, to compare with `size`."""
        ...

    def close(self) -> None: ...


class FileStream:
    """A plain file; it may grow while it is read."""

    def __init__(self, path: str, descriptor: int, offset: int = 0) -> None:
        self.path = path
        self.descriptor = descriptor
        self.offset = offset
        status = os.fstat(descriptor)
        self.identity = (status.st_dev, status.st_ino)
        self.size: int | None = status.st_size

    def read(self, length: int = BLOCK_BYTES) -> bytes | None:
        data = _pread(self.path, self.descriptor, length, self.offset)
        self.offset += len(data)
        return data

    def window(self, offset: int, length: int) -> bytes:
        """Bytes at any offset, fewer where the file ends."""
        return _pread(self.path, self.descriptor, length, offset) if offset >= 0 else b""

    def position(self) -> int:
        return self.offset

    def close(self) -> None:
        if self.descriptor >= 0:
            os.close(self.descriptor)
            self.descriptor = -1


class GzipStream:
    """A compressed file."""

    def __init__(self, path: str, descriptor: int) -> None:
        self.path = path
        self.size: int | None = os.fstat(descriptor).st_size
        self._raw = os.fdopen(descriptor, "rb")
        self._file = gzip.GzipFile(fileobj=self._raw, mode="rb")

    def read(self, length: int = BLOCK_BYTES) -> bytes | None:
        try:
            return self._file.read1(length)
        except EOFError as error:
            raise InputError("the compressed file ends too early", path=self.path) from error
        except (OSError, zlib.error) as error:
            raise InputError(f"the compressed file is damaged: {error}", path=self.path) from error

    def window(self, offset: int, length: int) -> bytes:
        """Uncompressed bytes at any offset, fewer where the file ends. Moves the reading position."""
        if offset < 0:
            return b""
        try:
            if self._file.seek(offset) != offset:
                return b""
            data = b""
            while len(data) < length and (more := self._file.read(length - len(data))):
                data += more
            return data
        except EOFError:
            return b""
        except (OSError, zlib.error) as error:
            raise InputError(f"the compressed file is damaged: {error}", path=self.path) from error

    def seek(self, offset: int) -> None:
        """Read on at this uncompressed offset."""
        self.window(offset, 0)

    def position(self) -> int:
        return self._raw.tell()

    def close(self) -> None:
        self._file.close()
        self._raw.close()


class PipeStream:
    """A pipe, a terminal, a socket: bytes that come when they come, perhaps compressed."""

    size: int | None = None

    def __init__(self, path: str, descriptor: int, *, wait: float = 0.1) -> None:
        self.path = path
        self._descriptor = descriptor
        self._wait = wait
        self._inflate: zlib._Decompress | None = None
        self._began = False
        self._replay: IO[bytes] | None = None
        self._count = 0

    def read(self, length: int = BLOCK_BYTES) -> bytes | None:
        if self._replay is not None:
            replayed = self._replay.read(length)
            if replayed:
                return replayed
            self._replay.close()
            self._replay = None
        while True:
            data = self._read_raw(length)
            if not data:
                if data == b"" and self._inflate is not None and not self._inflate.eof:
                    raise InputError("the compressed data end too early", path=self.path)
                return data
            if not self._began:
                self._began = True
                if data.startswith(GZIP_MAGIC):
                    self._inflate = zlib.decompressobj(wbits=31)
            if self._inflate is None:
                return data
            out = self._decompress(data)
            if out:
                return out

    def push_back(self, data: IO[bytes]) -> None:
        """Let `read` give these bytes first (a file, read from its beginning)."""
        data.seek(0)
        self._replay = data

    def _read_raw(self, length: int) -> bytes | None:
        try:
            if not select.select([self._descriptor], [], [], self._wait)[0]:
                return None
            data = os.read(self._descriptor, length)
        except OSError as error:
            raise InputError(f"cannot be read: {error.strerror}", path=self.path) from error
        self._count += len(data)
        return data

    def _decompress(self, data: bytes) -> bytes:
        out = b""
        try:
            while data:
                inflate = cast("zlib._Decompress", self._inflate)
                if inflate.eof:
                    inflate = self._inflate = zlib.decompressobj(wbits=31)
                out += inflate.decompress(data)
                data = inflate.unused_data
        except zlib.error as error:
            raise InputError(f"the compressed data are damaged: {error}", path=self.path) from error
        return out

    def position(self) -> int:
        return self._count

    def close(self) -> None:
        if self._replay is not None:
            self._replay.close()
            self._replay = None
        if self._descriptor > 2:
            os.close(self._descriptor)
        self._descriptor = -1


AnyStream = FileStream | GzipStream | PipeStream


def open_stream(path: str, *, name: str | None = None, descriptor: int | None = None) -> AnyStream:
    """Open a source: `-` is standard input.

    Raises:
        InputError: it does not exist, is a directory, or may not be read.
    """
    shown = name or path
    if path == "-" and descriptor is None:
        descriptor = os.dup(0)
        shown = "standard input"
        if _is_partly_read(descriptor):
            return PipeStream(shown, descriptor)
    if descriptor is None:
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except OSError as error:
            raise InputError(f"cannot be opened: {error.strerror}", path=shown) from error
    mode = os.fstat(descriptor).st_mode
    if stat.S_ISDIR(mode):
        os.close(descriptor)
        raise InputError("is a directory; name the files in it", path=shown)
    if not stat.S_ISREG(mode):
        return PipeStream(shown, descriptor)
    if _pread(shown, descriptor, 2, 0) == GZIP_MAGIC:
        os.lseek(descriptor, 0, os.SEEK_SET)
        return GzipStream(shown, descriptor)
    return FileStream(shown, descriptor)


def _is_partly_read(descriptor: int) -> bool:
    """Whether somebody has read the first part of a redirected file, so that we get the rest only."""
    try:
        return os.lseek(descriptor, 0, os.SEEK_CUR) > 0
    except OSError:
        return False


def spool() -> IO[bytes]:
    """Room for bytes that may have to be read again: in memory while they are few."""
    return cast("IO[bytes]", tempfile.SpooledTemporaryFile(max_size=32 * 1024 * 1024))


def _pread(path: str, descriptor: int, length: int, offset: int) -> bytes:
    try:
        return os.pread(descriptor, length, offset)
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", path=path) from error
