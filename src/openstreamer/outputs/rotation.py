"""Files that make room for a new one when they are large or old enough, and keep so many of the old.

`events.json` is what is written; when it has reached its size or age it becomes `events.json.000001`, the
next one `events.json.000002`, and so on: an old file never changes its name again, so whoever follows the
files reads each once. `keep` is how many old ones stay.

A place says which file in the row it speaks of. On resume what was written after the place is taken back over
the border of files: younger ones go, the right one gets its name back and is cut. So every event stands in
these files once, as in a single one. Only files that no saved place can need are removed for good.

Ages count from when a file was begun; they are looked at when something is written. Not here: formats.
"""

from __future__ import annotations

import contextlib
import os
import re
import time
from collections.abc import Callable
from typing import Annotated

import msgspec

from openstreamer.errors import OutputError
from openstreamer.outputs.files import GrowingFile, OpenStream, SyncPolicy, open_target
from openstreamer.outputs.interface import Place

_UNITS = {"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30}
_SPANS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86_400}

Size = Annotated[str, msgspec.Meta(pattern="^[0-9]+[kKmMgG]?$")]
Span = Annotated[str, msgspec.Meta(pattern="^[0-9]+[smhd]?$")]


class RotationConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Settings of file outputs that can begin new files."""

    sync: Annotated[
        SyncPolicy,
        msgspec.Meta(description="When the file is made durable: before each saved position, or never."),
    ] = "position"
    rotate_size: Annotated[
        Size,
        msgspec.Meta(description="Begin a new file before it has more bytes than this (k, m, g); 0: never."),
    ] = "0"
    rotate_age: Annotated[
        Span, msgspec.Meta(description="Begin a new file when it is older than this (s, m, h, d); 0: never.")
    ] = "0"
    keep: Annotated[int, msgspec.Meta(description="How many old files stay; 0: all.", ge=0)] = 0


def size_of(text: str) -> int:
    """`100m` -> bytes."""
    number = text.rstrip("kKmMgG")
    return int(number) * _UNITS[text[len(number) :].lower()]


def seconds_of(text: str) -> int:
    """`1d` -> seconds."""
    number = text.rstrip("smhd")
    return int(number) * _SPANS[text[len(number) :]]


class RotatingFile(GrowingFile):
    """A growing file with its predecessors."""

    def __init__(
        self,
        path: str,
        *,
        sync: SyncPolicy = "position",
        size: int = 0,
        age: int = 0,
        keep: int = 0,
        clock: Callable[[], float] = time.time,
    ) -> None:
        super().__init__(path, sync=sync)
        self._size = size
        self._age = age
        self._keep = keep
        self._clock = clock
        self._number = 1
        self._needed = self._next_needed = 0
        self._began = 0.0

    def _old(self, number: int) -> str:
        return f"{self.path}.{number:06d}"

    def _numbers(self) -> list[int]:
        """The numbers of the old files that are there, sorted."""
        folder, name = os.path.split(os.path.abspath(self.path))
        pattern = re.compile(re.escape(name) + r"\.(\d{6,})\Z")
        try:
            found = [pattern.match(other) for other in os.listdir(folder)]
        except OSError:
            return []
        return sorted(int(match.group(1)) for match in found if match)

    def open(self, place: Place | None) -> None:
        """As for any growing file; with a place, files younger than it speaks of are taken back first.

        Raises:
            OutputError: see `GrowingFile.open`.
        """
        numbers = self._numbers()
        self._number = numbers[-1] + 1 if numbers else 1
        if place is not None and "number" in place:
            self._take_back(int(place["number"]), numbers)
        super().open(place)
        self._began = self._clock()
        if self.length:
            self._began = min(float((place or {}).get("began", self._began)), self._began)
            if place is None:
                self._began = os.stat(self.path).st_mtime
        self._needed = self._next_needed = self._number

    def begin_anew(self) -> None:
        super().begin_anew()
        self._began = self._clock()

    def _take_back(self, number: int, numbers: list[int]) -> None:
        """Make the file of that number the one that is written."""
        if number not in numbers:
            return
        try:
            for younger in [other for other in numbers if other > number]:
                os.unlink(self._old(younger))
            os.replace(self._old(number), self.path)
        except OSError as error:
            raise OutputError(f"cannot be continued: {error.strerror}", target=self.path) from error
        self._number = number

    def roll(self, coming: int) -> None:
        """Begin a new file if `coming` bytes more would be too much for this one, or it is too old.

        Raises:
            OutputError: it cannot be renamed.
        """
        if not self.length:
            self._began = self._clock()
            return
        too_large = self._size and self.length + coming > self._size
        too_old = self._age and self._clock() - self._began >= self._age
        if not (too_large or too_old):
            return
        self.sync()
        try:
            os.rename(self.path, self._old(self._number))
        except OSError as error:
            raise OutputError(f"cannot be renamed: {error.strerror}", target=self.path) from error
        super().close()
        self._number += 1
        super().open(None)
        self._placed = True
        self._began = self._clock()

    def _make_ready(self, coming: int) -> None:
        self.roll(coming)
        super()._make_ready(coming)

    def sync(self) -> None:
        super().sync()
        if self._keep:
            self._retire()

    def _retire(self) -> None:
        """Remove what is too much, but nothing that the place saved last may speak of."""
        for number in self._numbers()[: -self._keep]:
            if number < self._needed:
                with contextlib.suppress(OSError):
                    os.unlink(self._old(number))

    def place(self) -> Place | None:
        # the place saved before this one may be the one that counts until this one is on disk
        self._needed, self._next_needed = self._next_needed, self._number
        return {**(super().place() or {}), "number": self._number, "began": int(self._began)}


def open_rotating(path: str, place: Place | None, config: RotationConfig) -> GrowingFile | OpenStream:
    """As `open_target`, with the rotation that the settings ask for."""
    size, age = size_of(config.rotate_size), seconds_of(config.rotate_age)
    if path == "-" or not (size or age) or (os.path.exists(path) and not os.path.isfile(path)):
        return open_target(path, place, sync=config.sync)
    file = RotatingFile(path, sync=config.sync, size=size, age=age, keep=config.keep)
    file.open(place)
    return file
