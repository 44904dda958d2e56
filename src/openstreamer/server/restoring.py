"""Putting a backup in place: an empty or new state directory from an archive that `backup` made.

Nothing in the archive is trusted: names, kinds, sizes and digests are checked against its manifest, and names
against what a state directory holds, while everything still lies in a folder of its own. Only then do the
files move to their places, `schema` last: without that file it is no state directory. Rules:
`docs/operations.md`.
"""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import os
import shutil
import tarfile
import tempfile
import zlib
from pathlib import Path
from typing import BinaryIO

import msgspec

from openstreamer.authority.schema import SCHEMA as CLIENTS_SCHEMA
from openstreamer.errors import StateError, UsageError
from openstreamer.server.backup import (
    CLIENTS,
    EVENTS,
    FOLDERS,
    FORMAT,
    MANIFEST,
    Manifest,
    Progress,
    allowed_name,
    nothing,
)
from openstreamer.server.state import SCHEMA_FILE, SCHEMA_VERSION, StateDirectory
from openstreamer.store.schema import SCHEMA as EVENTS_SCHEMA

MANIFEST_BYTES = 16 * 1024 * 1024
"""Longest manifest."""

MEMBERS = 100_000
"""Most files of an archive."""

_BLOCK = 1 << 20
_KNOWN = {CLIENTS: CLIENTS_SCHEMA.version, EVENTS: EVENTS_SCHEMA.version}
_NEEDED = ("schema", CLIENTS, "authority/ca.pem", "authority/server.pem")


def restore(archive: Path, state: StateDirectory, *, progress: Progress = nothing) -> Manifest:
    """Make the state directory from the archive, whole or not at all.

    Raises UsageError if the archive cannot be read, and StateError if it is damaged, is no backup, was made
    by a newer program, or if the directory is there and not empty.
    """
    _check_place(state)
    try:
        file = archive.open("rb")
    except OSError as error:
        raise UsageError(f"cannot read the backup {archive}: {error.strerror}") from error
    with file:
        try:
            return _restore(file, archive, state, progress)
        except (EOFError, gzip.BadGzipFile, zlib.error, tarfile.TarError) as error:
            raise StateError(f"{archive} is damaged, or is no backup: {error}") from error
        except OSError as error:
            about = error.strerror or str(error)
            raise StateError(f"the backup cannot be put into {state.path}: {about}") from error


def _check_place(state: StateDirectory) -> None:
    path = state.path
    if path.exists() and not path.is_dir():
        raise StateError(f"{path} is not a directory; name another one with --state")
    try:
        if path.is_dir() and any(path.iterdir()):
            raise StateError(
                f"{path} is not empty; a backup is put into an empty or new directory only: move what is "
                "there away, or name another directory with --state"
            )
    except PermissionError:
        raise StateError(f"no permission to use {path}; run as the user that it belongs to") from None


def _restore(file: BinaryIO, archive: Path, state: StateDirectory, progress: Progress) -> Manifest:
    with gzip.GzipFile(fileobj=file) as data:
        manifest = read_manifest(data, archive)
        made = not state.path.exists()
        state.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        placed: list[Path] = []
        folder = Path(tempfile.mkdtemp(dir=state.path, prefix=".restore."))
        try:
            free = shutil.disk_usage(folder).free
            if manifest.bytes > free:
                raise StateError(
                    f"the backup needs {manifest.bytes} bytes, but the disk of {state.path} has {free} left"
                )
            _unpack(data, archive, manifest, folder, progress)
            _give_to_owner(state.path, folder)
            state.path.chmod(0o700)
            for entry in sorted(folder.iterdir(), key=lambda entry: entry.name == SCHEMA_FILE):
                placed.append(state.path / entry.name)
                os.rename(entry, placed[-1])
        except BaseException:
            for path in reversed(placed):
                with contextlib.suppress(OSError):
                    shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
            shutil.rmtree(folder, ignore_errors=True)
            if made:
                with contextlib.suppress(OSError):
                    state.path.rmdir()
            raise
        folder.rmdir()
        _settle(state.path)
    return manifest


def read_manifest(data: gzip.GzipFile, archive: Path) -> Manifest:
    """The manifest at the head of an archive, checked: this program can restore what it tells of."""
    info = _header(data)
    if info is None or info.name != MANIFEST or info.size > MANIFEST_BYTES:
        raise StateError(f"{archive} is no backup of OpenStreamer")
    text = _exactly(data, info.size)
    _exactly(data, -info.size % tarfile.BLOCKSIZE)
    try:
        about = msgspec.json.decode(text, type=dict[str, object])
        if isinstance(about.get("format"), int) and int(str(about["format"])) > FORMAT:
            raise _newer(archive, str(about.get("program", "")))
        manifest = msgspec.json.decode(text, type=Manifest)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise StateError(f"the manifest of {archive} is damaged: {error}") from error
    newer = [name for name, version in manifest.databases.items() if version > _KNOWN.get(name, 0)]
    if manifest.schema > SCHEMA_VERSION or newer:
        raise _newer(archive, manifest.program)
    names = [member.name for member in manifest.members]
    wrong = [name for name in names if not allowed_name(name)]
    if wrong:
        raise StateError(f"{archive} holds {wrong[0]!r}, which has no place in a state directory")
    if len(set(names)) != len(names) or len(names) > MEMBERS or any(m.size < 0 for m in manifest.members):
        raise StateError(f"the manifest of {archive} contradicts itself")
    missing = [name for name in _NEEDED if name not in names]
    if missing:
        raise StateError(f"{archive} is incomplete: {missing[0]} is missing")
    return manifest


def _newer(archive: Path, program: str) -> StateError:
    return StateError(
        f"{archive} was made by a newer program{f' ({program[:40]})' if program else ''}; "
        "restore it with that version or a later one"
    )


def _unpack(data: gzip.GzipFile, archive: Path, manifest: Manifest, folder: Path, progress: Progress) -> None:
    for part in FOLDERS:
        (folder / part).mkdir(mode=0o700)
    for member in manifest.members:
        info = _header(data)
        if info is None:
            raise StateError(f"{archive} is cut short: {member.name} is missing")
        if not info.isreg() or info.name != member.name or info.size != member.size:
            raise StateError(f"{archive} does not hold what its manifest says: {info.name!r} is not expected")
        target = folder / member.name
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        digest = hashlib.sha256()
        descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            left = member.size
            while left:
                block = _exactly(data, min(left, _BLOCK))
                digest.update(block)
                file.write(block)
                left -= len(block)
                if member.name == EVENTS:
                    progress("unpacking the event log", member.size - left, member.size)
            file.flush()
            os.fsync(file.fileno())
        _exactly(data, -member.size % tarfile.BLOCKSIZE)
        if digest.hexdigest() != member.sha256:
            raise StateError(f"{archive} is damaged: {member.name} is not what it was when it was packed")
    if _header(data) is not None:
        raise StateError(f"{archive} holds more than its manifest says")
    while rest := data.read(_BLOCK):  # until nothing comes: only then has gzip compared its digest
        if rest.strip(b"\0"):
            raise StateError(f"{archive} holds more than its manifest says")


def _header(data: gzip.GzipFile) -> tarfile.TarInfo | None:
    """The next member; None at the end. Without extension headers there is nothing that can be long."""
    block = _exactly(data, tarfile.BLOCKSIZE)
    if not block.strip(b"\0"):
        return None
    return tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")


def _exactly(data: gzip.GzipFile, size: int) -> bytes:
    parts = []
    while size:
        part = data.read(size)
        if not part:
            raise EOFError("it is cut short")
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


def _give_to_owner(path: Path, folder: Path) -> None:
    """Where root restores into a directory of another user, the files become that user's."""
    owner = path.stat()
    if os.geteuid() == 0 and owner.st_uid != 0:
        for where, folders, files in os.walk(folder):
            for name in (*folders, *files):
                os.chown(os.path.join(where, name), owner.st_uid, owner.st_gid, follow_symlinks=False)


def _settle(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
