"""Ending a stream from outside: a flag that also wakes whoever waits.

A signal handler or another thread calls `request`; the loop looks at `requested` between steps and waits
with `wait` or with a poll that includes `fileno()`. Nothing is ever interrupted in the middle of a step, so
what was begun is finished, flushed and saved.
"""

from __future__ import annotations

import contextlib
import os
import select
from collections.abc import Iterator


class Stop:
    """Whether the stream is to end."""

    def __init__(self) -> None:
        self._read, self._write = os.pipe()
        os.set_blocking(self._write, False)
        self.requested = False
        self.interruption_allowed = False

    @contextlib.contextmanager
    def interruptible(self) -> Iterator[None]:
        """Within the block a signal handler may raise KeyboardInterrupt: nothing there can be torn."""
        self.interruption_allowed = True
        try:
            yield
        finally:
            self.interruption_allowed = False

    def request(self) -> None:
        """Ask for the end; may be called from a signal handler or another thread, and more than once."""
        self.requested = True
        if self._write >= 0:
            try:
                os.write(self._write, b"\0")
            except BlockingIOError:
                pass

    def fileno(self) -> int:
        """Becomes readable when the end is asked for."""
        return self._read

    def wait(self, seconds: float) -> bool:
        """Sleep, but not longer than until the end is asked for; true if it was."""
        if not self.requested and seconds > 0:
            select.select([self._read], [], [], seconds)
        return self.requested

    def close(self) -> None:
        """Give the pipe back."""
        for descriptor in (self._read, self._write):
            if descriptor >= 0:
                os.close(descriptor)
        self._read = self._write = -1
