"""The password of the web pages: made, kept as an argon2 hash in one private file, compared.

There is one operator, hence one password. Changing it ends every login, also in a running service: whoever
looks compares `PasswordFile.stamp`. Not here: how often a wrong one may be tried (`logins`). Rules:
`docs/web.md`, "Logging in".
"""

from __future__ import annotations

import secrets
from pathlib import Path

import argon2

from openstreamer.errors import StateError, UsageError
from openstreamer.server.state import write_private

LEAST = 8
MOST = 1000
"""Bounds of a password's length; hashing a megabyte would only cost time."""

_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"
_hasher = argon2.PasswordHasher()


def make_password() -> str:
    """A new random password of 4 groups of 5 letters and digits that cannot be mistaken (99 bits)."""
    groups = ["".join(secrets.choice(_ALPHABET) for _ in range(5)) for _ in range(4)]
    return "-".join(groups)


def check_password(password: str) -> None:
    """Raises UsageError if a password is too short or too long."""
    if not LEAST <= len(password) <= MOST:
        raise UsageError(f"the password of the web pages must have {LEAST} to {MOST} characters")


def write_password(path: Path, password: str) -> None:
    """Keep a password's hash in a file (0600).

    Raises:
        UsageError: it is too short or too long.
        StateError: the file cannot be written.
    """
    check_password(password)
    try:
        write_private(path, f"{_hasher.hash(password)}\n".encode())
    except OSError as error:
        raise StateError(f"cannot write {path}: {error.strerror or error}") from error


class PasswordFile:
    """The file with the hash, read anew whenever it changes."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen: tuple[int, int, int] | None = None
        self._hash = ""

    def stamp(self) -> str:
        """What is different after every change of the password; empty while there is none. Quick."""
        try:
            status = self._path.stat()
            seen = status.st_mtime_ns, status.st_ino, status.st_size
            if seen != self._seen:
                self._hash = self._path.read_text("ascii").strip()
                self._seen = seen
        except (OSError, UnicodeDecodeError):
            self._hash, self._seen = "", None
        return self._hash

    def verify(self, password: str) -> bool:
        """Whether this is the password. Takes about a tenth of a second and 64 MB, on purpose."""
        stamp = self.stamp()
        if not stamp or len(password) > MOST:
            return False
        try:
            return _hasher.verify(stamp, password)
        except (argon2.exceptions.VerificationError, argon2.exceptions.InvalidHashError):
            return False
