"""Writing files that hold keys: private from their first byte, whole or not at all; one writer at a time."""

from __future__ import annotations

import contextlib
import fcntl
import os
import secrets
from collections.abc import Iterator
from pathlib import Path

from openstreamer.database import private_directory
from openstreamer.errors import AuthorityError


def write_private(path: Path, data: bytes, *, replace: bool = True) -> None:
    """Write a file with mode 0600, whatever the umask, in a directory that is made with 0700 if missing.

    The content goes to a new file beside it, which takes the name when it is complete and on the disk.

    Args:
        replace: False: an existing file is left alone and AuthorityError is raised.
    """
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        private_directory(path.parent)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW
        descriptor = os.open(temporary, flags, 0o600)
        try:
            with open(descriptor, "wb") as file:
                _give_to_owner(file.fileno(), path.parent)
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            if replace:
                os.replace(temporary, path)
            else:
                # A link, unlike a rename, fails where the name is taken.
                os.link(temporary, path)
        finally:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(temporary)
        _sync_directory(path.parent)
    except FileExistsError as error:
        raise AuthorityError(f"{path} exists already and is not overwritten") from error
    except OSError as error:
        raise AuthorityError(f"cannot write {path}: {error.strerror or error}") from error


@contextlib.contextmanager
def alone(directory: Path) -> Iterator[None]:
    """Let no other process or thread into such a block meanwhile; the end of a process frees it."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _give_to_owner(descriptor: int, directory: Path) -> None:
    """A command that root gives must not take the service's files away from the service's user."""
    if os.geteuid() == 0:
        owner = directory.stat()
        os.fchown(descriptor, owner.st_uid, owner.st_gid)


def _sync_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
