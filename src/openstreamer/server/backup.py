"""Backups of a state directory: one archive file, made while the service runs.

The archive is a tar file in gzip. Its first member is `manifest.json`: versions, and size and SHA-256 of each
member that follows. Databases are copied as of one moment by SQLite's own backup, the registry of clients
before the event log, so that no client's position lies beyond the events. Certificates are copied while the
registry is locked: whoever changes them holds that lock. Rules: `docs/operations.md`. Not here: putting an
archive in place (`restoring`).
"""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import io
import os
import re
import shutil
import sqlite3
import stat
import tarfile
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

import msgspec

from openstreamer.authority import Authority
from openstreamer.errors import OutputError, StateError
from openstreamer.server.state import StateDirectory, read_version
from openstreamer.version import __version__

FORMAT = 1
"""Version of the archive's form that this program writes, and the highest it reads."""

MANIFEST = "manifest.json"

EVENTS = "store/events.db"
CLIENTS = "authority/clients.db"

SINGLE = ("schema", "openstreamer.toml", "web-password", "audit.log", "service-options.json")
"""Files of the state directory itself that belong into a backup, where they are there."""

FOLDERS = ("authority", "store", "client")

_MEMBER = re.compile(
    "|".join(re.escape(name) for name in (*SINGLE, EVENTS, CLIENTS))
    + r"|authority/[A-Za-z0-9_-][A-Za-z0-9._-]*\.pem|client(?:/(?!\.{1,2}(?:/|$))[^/\0]+)+"
)

_PAGES = 1024
"""Pages of a database that are copied between two reports of progress."""

_BLOCK = 1 << 20

Progress = Callable[[str, int, int], None]
"""Takes what is being done, and how much of how much."""


class Member(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One file of an archive."""

    name: str
    size: int
    sha256: str


class Manifest(msgspec.Struct, frozen=True):
    """What an archive says of itself. Unknown keys are passed over: a later version may say more."""

    format: int
    program: str
    made: int
    """Epoch seconds."""
    schema: int
    databases: dict[str, int]
    """Schema version of each database, by member."""
    members: list[Member]

    @property
    def bytes(self) -> int:
        """Size of all members together."""
        return sum(member.size for member in self.members)


def allowed_name(name: str) -> bool:
    """Whether a member of that name may be in an archive."""
    return len(name) <= 1000 and _MEMBER.fullmatch(name) is not None


def nothing(_what: str, _done: int, _total: int) -> None:
    """Report no progress."""


def make(
    state: StateDirectory,
    target: Path,
    *,
    events: bool = True,
    replace: bool = False,
    progress: Progress = nothing,
) -> Manifest:
    """Write a backup of the state directory to `target` (0600), whole or not at all.

    Without `events` the event log is left out. Raises StateError, AuthorityError, or OutputError where the
    file is there already (unless `replace`) or cannot be written.
    """
    if not replace and os.path.lexists(target):
        raise OutputError("is there already; --force replaces it", target=str(target))
    if target.is_dir():
        raise OutputError("is a directory; name a file", target=str(target))
    if os.path.lexists(target) and not target.is_file():
        raise OutputError("is no regular file, and is not replaced", target=str(target))
    try:
        with _beside(target) as folder:
            manifest = _gather(state, folder / "files", events=events, progress=progress)
            archive = folder / "archive"
            _pack(manifest, folder / "files", archive, progress)
            if replace:
                os.replace(archive, target)
            else:
                os.link(archive, target)  # fails where somebody else has made it meanwhile
            _settle(target.parent)
    except FileExistsError:
        raise OutputError("is there already; --force replaces it", target=str(target)) from None
    except sqlite3.Error as error:
        raise StateError(f"a database of {state.path} cannot be copied: {error}") from error
    except OSError as error:
        about = error.strerror or str(error)
        raise OutputError(
            f"the backup cannot be made ({about})", target=error.filename or str(target)
        ) from error
    return manifest


@contextlib.contextmanager
def _beside(target: Path) -> Iterator[Path]:
    """A private folder on the disk of the target, gone at the end."""
    folder = Path(tempfile.mkdtemp(dir=target.parent, prefix=f".{target.name}."))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _gather(state: StateDirectory, folder: Path, *, events: bool, progress: Progress) -> Manifest:
    """Copy what belongs into the backup to a folder, and describe it."""
    for part in ("", *FOLDERS):
        (folder / part).mkdir(mode=0o700)
    databases = {}
    authority = Authority(state.path).load()
    try:
        with authority.registry.locked():
            for path in sorted(state.authority.glob("*.pem")):
                _copy(path, folder / "authority" / path.name)
            databases[CLIENTS] = _copy_database(state.path / CLIENTS, folder / CLIENTS, nothing)
    finally:
        authority.close()
    for name in SINGLE:
        _copy(state.path / name, folder / name)
    for path in sorted(_files(state.client)):
        copied = folder / "client" / path.relative_to(state.client)
        copied.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _copy(path, copied)
    if events and state.store.exists():
        databases[EVENTS] = _copy_database(state.store, folder / EVENTS, progress)
    names = [path.relative_to(folder).as_posix() for path in sorted(_files(folder))]
    for name in names:
        if not allowed_name(name):
            raise StateError(f"{state.path / name} has a name that cannot be kept in a backup; rename it")
    names.sort(key=lambda name: (name == EVENTS, name))  # the large one last
    return Manifest(
        format=FORMAT,
        program=__version__,
        made=int(time.time()),
        schema=read_version(state),
        databases=databases,
        members=[Member(name, (folder / name).stat().st_size, _sha256(folder / name)) for name in names],
    )


def _files(folder: Path) -> Iterator[Path]:
    """Regular files below a folder; no links, sockets, or files that are being written or lock something."""
    for where, _, names in os.walk(folder):
        for name in names:
            path = Path(where, name)
            if stat.S_ISREG(path.lstat().st_mode) and not name.endswith((".tmp", ".lock")):
                yield path


def _copy(source: Path, target: Path) -> None:
    """Copy a file of the state directory, which other programs may replace or take away meanwhile."""
    with contextlib.suppress(FileNotFoundError):
        descriptor = os.open(source, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as file, _private(target) as copy:
            shutil.copyfileobj(file, copy, _BLOCK)


def _copy_database(source: Path, target: Path, progress: Progress) -> int:
    """Copy a database as of this moment, and return its schema version. Never holds up who writes it."""
    _private(target).close()
    with (
        contextlib.closing(sqlite3.connect(source, timeout=30, isolation_level=None)) as live,
        contextlib.closing(sqlite3.connect(target, isolation_level=None)) as copy,
    ):
        # Within a read transaction the copy is of one moment, however many steps it takes.
        live.execute("BEGIN")
        live.execute("SELECT count(*) FROM sqlite_master").fetchone()  # now it has begun
        version: int = live.execute("PRAGMA user_version").fetchone()[0]
        size: int = live.execute("PRAGMA page_size").fetchone()[0]

        def report(_status: int, remaining: int, total: int) -> None:
            progress("copying the event log", (total - remaining) * size, total * size)

        copy.execute("PRAGMA synchronous = OFF")
        live.backup(copy, pages=_PAGES, progress=report, sleep=0.01)
        live.execute("ROLLBACK")
        # The form that the programs open; without this the first to do so would have to change the file.
        copy.execute("PRAGMA journal_mode = WAL")
    return version


def _private(path: Path) -> BinaryIO:
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "wb")


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _pack(manifest: Manifest, folder: Path, archive: Path, progress: Progress) -> None:
    with _private(archive) as file:
        with gzip.GzipFile(fileobj=file, mode="wb", compresslevel=1, filename="", mtime=manifest.made) as out:
            text = msgspec.json.format(msgspec.json.encode(manifest), indent=1)
            _add(out, MANIFEST, len(text), manifest.made, io.BytesIO(text), nothing)
            for member in manifest.members:
                large = progress if member.name == EVENTS else nothing
                with (folder / member.name).open("rb") as content:
                    _add(out, member.name, member.size, manifest.made, content, large)
                (folder / member.name).unlink()
            out.write(bytes(2 * tarfile.BLOCKSIZE))
        file.flush()
        os.fsync(file.fileno())


def _add(
    out: gzip.GzipFile,
    name: str,
    size: int,
    made: int,
    content: io.BufferedIOBase | BinaryIO,
    progress: Progress,
) -> None:
    out.write(header(name, size, made))
    done = 0
    while block := content.read(_BLOCK):
        out.write(block)
        done += len(block)
        progress("packing the event log", done, size)
    if done != size:
        raise StateError(f"{name} changed while it was packed")
    out.write(bytes(-size % tarfile.BLOCKSIZE))


def header(name: str, size: int, made: int) -> bytes:
    """The one block that stands before a member; there are no extension headers in our archives."""
    info = tarfile.TarInfo(name)
    info.size, info.mtime, info.mode = size, made, 0o600
    small = size < 8**11  # what fits into eleven octal digits
    try:
        block = info.tobuf(tarfile.USTAR_FORMAT if small else tarfile.GNU_FORMAT, "utf-8", "surrogateescape")
    except ValueError:
        raise StateError(f"{name} has a name that is too long for a backup; rename it") from None
    if len(block) != tarfile.BLOCKSIZE:
        raise StateError(f"{name} has a name that is too long for a backup; rename it")
    return block


def _settle(folder: Path) -> None:
    """Make sure that the name of a new file survives a power failure."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
