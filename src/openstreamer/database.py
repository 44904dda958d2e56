"""SQLite the way this project uses it: private files, write-ahead log, migrations, one connection per thread.

Shared by the event log and the client registry, which know their tables and nothing of this; no SQL of theirs
here. Whatever SQLite reports is sorted into a `Trouble`, and the owner of the database decides which of our
errors that is.
"""

from __future__ import annotations

import contextlib
import enum
import os
import sqlite3
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from openstreamer.errors import OpenStreamerError, StateError


class Trouble(enum.Enum):
    """Kinds of failure that call for different answers."""

    FULL = "full"
    CORRUPT = "corrupt"
    BUSY = "busy"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Schema:
    """The tables of a database, as the list of steps that lead to them.

    The version of a file is the number of steps that were applied to it; a newer program appends steps and
    never changes old ones. Each step is a tuple of single SQL statements and happens wholly or not at all.
    """

    what: str
    """What the file is called in messages, "event log" for example."""
    application_id: int
    """Four bytes in the file's header that tell it from other SQLite files."""
    migrations: tuple[tuple[str, ...], ...]

    @property
    def version(self) -> int:
        """The version this program reads and writes."""
        return len(self.migrations)


_making_files = threading.Lock()


def private_directory(path: Path) -> None:
    """Make a directory and its missing parents, open to nobody but the owner (0700)."""
    missing = []
    directory = path
    while not directory.exists():
        missing.append(directory)
        directory = directory.parent
    for directory in reversed(missing):
        with contextlib.suppress(FileExistsError):
            directory.mkdir(mode=0o700)


def classify(error: sqlite3.Error) -> Trouble:
    """Sort what SQLite reports."""
    code: int | None = getattr(error, "sqlite_errorcode", None)
    if code is None:
        return Trouble.OTHER
    primary = code & 0xFF
    if primary in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        return Trouble.CORRUPT
    if primary == sqlite3.SQLITE_FULL:
        return Trouble.FULL
    # A quota or a limit on the size of files shows as a failed write, not as a full disk. So does a disk
    # without room for the index of the write-ahead log.
    if code in (sqlite3.SQLITE_IOERR_WRITE, sqlite3.SQLITE_IOERR_SHMSIZE, sqlite3.SQLITE_IOERR_TRUNCATE):
        return Trouble.FULL
    if primary in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return Trouble.BUSY
    return Trouble.OTHER


class Database:
    """One SQLite file with a schema, open in any number of threads.

    Args:
        path: the file; made with mode 0600 if missing, its directory with 0700.
        schema: its tables.
        failure: makes our error out of a trouble and a sentence.
        synchronous: "FULL": what was committed survives a power cut; "NORMAL": it may lose the last moments,
            but nothing else; both survive the end of the process.
        busy_timeout: seconds to wait for another process that writes.

    Raises:
        StateError: the file is another kind of file, or a newer program made it.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        schema: Schema,
        failure: Callable[[Trouble, str], OpenStreamerError],
        *,
        synchronous: str = "FULL",
        busy_timeout: float = 30.0,
    ) -> None:
        if synchronous not in ("OFF", "NORMAL", "FULL", "EXTRA"):
            raise StateError(f"synchronous must be FULL or NORMAL, not {synchronous!r}")
        self.path = Path(path)
        self.schema = schema
        self._failure = failure
        self._synchronous = synchronous
        self._busy_timeout = busy_timeout
        self._local = threading.local()
        self._lock = threading.Lock()
        self._connections: list[tuple[weakref.ref[threading.Thread], sqlite3.Connection]] = []
        self._closed = False
        try:
            self._make_file()
            connection = self._connect()
        except OSError as error:
            reason = error.strerror or error
            raise StateError(f"cannot make the {schema.what} {self.path}: {reason}") from error
        except sqlite3.Error as error:
            raise self._opening_failure(error) from error
        try:
            self._prepare(connection)
        except sqlite3.Error as error:
            raise self._opening_failure(error) from error
        except BaseException:
            self.close()
            raise

    def connection(self) -> sqlite3.Connection:
        """This thread's connection, in autocommit mode."""
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None or self._closed:
            connection = self._connect()
        return connection

    @contextlib.contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """A write transaction: committed at the end, rolled back whatever is raised within."""
        try:
            connection = self.connection()
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                _roll_back(connection)
                raise
        except sqlite3.Error as error:
            raise self.translate(error) from error

    @contextlib.contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """A read transaction: everything read within is of one moment. Never waits for a writer.

        Within a transaction of the same thread it is part of that one.
        """
        try:
            connection = self.connection()
            if connection.in_transaction:
                yield connection
                return
            connection.execute("BEGIN")
            try:
                yield connection
            finally:
                _roll_back(connection)
        except sqlite3.Error as error:
            raise self.translate(error) from error

    @contextlib.contextmanager
    def single(self) -> Iterator[sqlite3.Connection]:
        """For one statement outside a transaction."""
        try:
            yield self.connection()
        except sqlite3.Error as error:
            raise self.translate(error) from error

    def translate(self, error: sqlite3.Error) -> OpenStreamerError:
        """Make our error out of SQLite's."""
        trouble = classify(error)
        name = f"the {self.schema.what} {self.path}"
        if trouble is Trouble.FULL:
            sentence = f"no room to write {name} ({error}): free some disk space, or raise the quota"
        elif trouble is Trouble.CORRUPT:
            sentence = f"{name} is damaged ({error}): check the disk, and restore the file from a backup"
        elif trouble is Trouble.BUSY:
            sentence = f"another process has kept {name} locked for {self._busy_timeout:g} s: is one hanging?"
        else:
            sentence = f"cannot use {name}: {error}"
        return self._failure(trouble, sentence)

    def file_bytes(self) -> int:
        """Size of the file and its write-ahead log."""
        total = 0
        for suffix in ("", "-wal"):
            with contextlib.suppress(OSError):
                total += os.stat(f"{self.path}{suffix}").st_size
        return total

    def close(self) -> None:
        """Close the connections of all threads. Closing twice does no harm."""
        with self._lock:
            self._closed = True
            connections, self._connections = self._connections, []
        for _thread, connection in connections:
            with contextlib.suppress(sqlite3.Error):
                connection.close()

    def _make_file(self) -> None:
        # Never open and close a file that may be in use in this process: closing it would drop the locks that
        # SQLite holds on it. Therefore exclusive creation, and one thread at a time.
        with _making_files:
            if self.path.exists():
                return
            private_directory(self.path.parent)
            with contextlib.suppress(FileExistsError):
                os.close(os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))

    def _connect(self) -> sqlite3.Connection:
        if self._closed:
            raise self._failure(Trouble.OTHER, f"the {self.schema.what} {self.path} has been closed")
        connection = sqlite3.connect(
            self.path,
            timeout=self._busy_timeout,
            isolation_level=None,
            check_same_thread=False,
            cached_statements=64,
        )
        try:
            connection.execute(f"PRAGMA synchronous = {self._synchronous}")
            connection.execute("PRAGMA cell_size_check = ON")
            connection.execute("PRAGMA foreign_keys = ON")
            connection.execute("PRAGMA trusted_schema = OFF")
            connection.execute(f"PRAGMA journal_size_limit = {64 << 20}")
        except BaseException:
            connection.close()
            raise
        with self._lock:
            alive = []
            for reference, other in self._connections:
                thread = reference()
                if thread is None or not thread.is_alive():
                    other.close()
                else:
                    alive.append((reference, other))
            alive.append((weakref.ref(threading.current_thread()), connection))
            self._connections = alive
        self._local.connection = connection
        return connection

    def _prepare(self, connection: sqlite3.Connection) -> None:
        """Bring the file to this program's schema version."""
        if self._version(connection) == self.schema.version:
            return
        # These two can only be set outside a transaction, the first only while there are no tables.
        connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
        deadline = time.monotonic() + self._busy_timeout
        while True:
            try:
                connection.execute("PRAGMA journal_mode = WAL")
                break
            except sqlite3.OperationalError as error:
                # SQLite does not wait for its turn when two processes switch the mode of a new file at once.
                if classify(error) is not Trouble.BUSY or time.monotonic() > deadline:
                    raise
                time.sleep(0.01)
        connection.execute("BEGIN IMMEDIATE")
        try:
            # Another process may have done it while this one waited.
            for version in range(self._version(connection), self.schema.version):
                for statement in self.schema.migrations[version]:
                    connection.execute(statement)
            connection.execute(f"PRAGMA application_id = {self.schema.application_id}")
            connection.execute(f"PRAGMA user_version = {self.schema.version}")
            connection.execute("COMMIT")
        except BaseException:
            _roll_back(connection)
            raise

    def _version(self, connection: sqlite3.Connection) -> int:
        application_id: int = connection.execute("PRAGMA application_id").fetchone()[0]
        version: int = connection.execute("PRAGMA user_version").fetchone()[0]
        tables: int = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        if application_id != self.schema.application_id and (application_id or version or tables):
            raise StateError(f"{self.path} is a database, but not an OpenStreamer {self.schema.what}")
        if version > self.schema.version:
            raise StateError(
                f"the {self.schema.what} {self.path} has schema version {version}, this program knows "
                f"versions up to {self.schema.version}: use the newer program, or restore an older backup"
            )
        return version

    def _opening_failure(self, error: sqlite3.Error) -> OpenStreamerError:
        self.close()
        if getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_NOTADB:
            return StateError(
                f"{self.path} is not an OpenStreamer {self.schema.what}, or its first page is destroyed: "
                "move it away or restore it from a backup"
            )
        return self.translate(error)


def _roll_back(connection: sqlite3.Connection) -> None:
    """End a transaction without its changes; SQLite may have ended it by itself already."""
    if connection.in_transaction:
        with contextlib.suppress(sqlite3.Error):
            connection.execute("ROLLBACK")
