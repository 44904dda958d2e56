"""The embedded event log: one SQLite file in write-ahead mode."""

from __future__ import annotations

from os import PathLike

from .interface import Store


class SqliteStore:
    """See `interface.Store`; being filled in."""


def open_store(path: str | PathLike[str], *, synchronous: str = "FULL", busy_timeout: float = 30.0) -> Store:
    """Open the event log in this file, making it (0600, its directory 0700) where there is none.

    Raises:
        StateError: the file is not an event log, or a newer program made it.
    """
    raise NotImplementedError
