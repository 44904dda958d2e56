"""A file with a key in it, as a command writes it: readable by its user alone, whole or not at all."""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path

from openstreamer.errors import OutputError


class Target:
    """A file written 0600 and put in place only when all went well; "-" is standard output.

    What is no regular file (a device, a pipe, `/dev/stdout`) is written to, never replaced.

    `again` is the command that gives the same once more, for who finds the file could not be written.
    """

    def __init__(self, path: str, *, again: str = "") -> None:
        self._path = path
        self._again = again
        self._data = b""
        self._special = path != "-" and _is_special(path)
        if os.path.isdir(path):
            raise OutputError("is a directory; name a file", target=path)
        if path != "-" and not self._special:
            parent = Path(path).absolute().parent
            if not parent.is_dir():
                raise OutputError("there is no such directory", target=str(parent))
            if not os.access(parent, os.W_OK):
                raise OutputError("no permission to write there", target=str(parent))

    def __enter__(self) -> Target:
        return self

    def write(self, data: bytes) -> None:
        self._data += data

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None:
            return
        if self._path == "-":
            sys.stdout.buffer.write(self._data)
            sys.stdout.buffer.flush()
            return
        from openstreamer.server.state import write_private

        try:
            if self._special:
                with open(self._path, "wb") as file:
                    file.write(self._data)
            else:
                write_private(Path(self._path).absolute(), self._data)
        except OSError as error:
            again = f"; '{self._again}' gives the file again" if self._again else ""
            raise OutputError(f"cannot be written ({error.strerror}){again}", target=self._path) from error


def _is_special(path: str) -> bool:
    """Whether it is something else than a regular file, or a name for what is open already."""
    if os.path.abspath(path).startswith(("/dev/", "/proc/")):
        return os.path.exists(path)
    try:
        mode = os.stat(path).st_mode
    except OSError:
        return False
    return not stat.S_ISREG(mode) and not stat.S_ISDIR(mode)


def file_name(host: str) -> str:
    """A host as a file name: what a shell or a file system may trip over becomes an underscore."""
    return (
        "".join(letter if letter.isalnum() or letter in ".-_" else "_" for letter in host).lstrip(".") or "_"
    )
