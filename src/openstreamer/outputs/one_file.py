"""Base of the outputs that write into one file: what they share is how that file is synced and closed.

Not here: the file itself (files.py, rotation.py), and what is written into it.
"""

from __future__ import annotations

import os

from openstreamer.outputs.files import GrowingFile, OpenStream, notices_of
from openstreamer.outputs.interface import FILE, PIPE, Guarantee, Output, Place


def file_guarantee(target: str) -> Guarantee:
    """What a path promises: a regular file (or one to be made) can be cut back, nothing else can."""
    regular = target != "-" and (os.path.isfile(target) or not os.path.exists(target))
    return FILE if regular else PIPE


class FileOutput(Output):
    """An output of one file; `open` sets `_file`, `write` appends to it."""

    guarantees = (FILE, PIPE)
    _file: GrowingFile | OpenStream | None = None

    def guarantee(self) -> Guarantee:
        return file_guarantee(self.target)

    def sync(self) -> None:
        if self._file is not None:
            self._file.sync()

    def place(self) -> Place | None:
        return self._file.place() if self._file is not None else None

    def notices(self) -> list[str]:
        return notices_of(self._file)

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
