"""Who changed what: one JSON object a line in `audit.log` of the state directory, and a line in the log.

Changes on the web pages and by commands alike; logins on the pages, failed ones too, are part of it.
Passwords and certificates never are. The file only grows; it may be rotated by renaming, the next change
starts a new one. Rules: `docs/web.md`, "Audit log".
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

log = logging.getLogger("openstreamer.audit")

COMMAND = "command"
"""Stands in the place of the browser's address where a command made the change."""

SERVICE = "service"
"""Likewise where the service did so by itself."""

_TAIL_BYTES = 64 * 1024


class Change(msgspec.Struct, frozen=True, omit_defaults=True):
    """One line. `time` is epoch seconds, `details` what the action was about.

    `peer` is the browser's address, `COMMAND` or `SERVICE`; `user` the system's user who gave the command.
    """

    time: int
    peer: str
    action: str
    details: dict[str, Any] = {}
    user: str = ""

    @property
    def words(self) -> str:
        """The details as text."""
        return ", ".join(
            f"{name}: {' '.join(map(str, value)) if isinstance(value, list) else value}"
            for name, value in self.details.items()
            if value not in ([], "")
        )

    @property
    def who(self) -> str:
        """Who made it, in words."""
        if self.peer == SERVICE:
            return "by the service"
        if self.peer == COMMAND:
            return f"by the command of {self.user}" if self.user else "by a command"
        return f"from {self.peer}"


class AuditLog:
    """The file. May be used by several threads and processes."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()

    def write(self, peer: str, action: str, *, user: str = "", **details: Any) -> None:
        """Note a change; what cannot be written to the file still is in the log."""
        change = Change(int(time.time()), peer, action, details, user)
        where = "" if peer in (COMMAND, SERVICE) else "web pages, "
        log.info("%s%s: %s%s", where, user or peer, action, f" ({change.words})" if details else "")
        line = msgspec.json.encode(change) + b"\n"
        try:
            with self._lock:
                descriptor = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
                try:
                    if os.geteuid() == 0:
                        # A command of root must not take the file away from the service's user.
                        owner = self._path.parent.stat()
                        os.fchown(descriptor, owner.st_uid, owner.st_gid)
                    os.write(descriptor, line)
                finally:
                    os.close(descriptor)
        except OSError as error:
            log.error("the audit log %s cannot be written: %s", self._path, error.strerror or error)

    def newest(self, count: int) -> list[Change]:
        """The last changes, newest first; lines that are damaged are left out."""
        try:
            with open(self._path, "rb") as file:
                size = file.seek(0, os.SEEK_END)
                file.seek(max(0, size - _TAIL_BYTES))
                lines = file.read().splitlines()
        except OSError:
            return []
        found: list[Change] = []
        for line in reversed(lines):
            try:
                found.append(msgspec.json.decode(line, type=Change))
            except ValueError:
                continue
            if len(found) == count:
                break
        return found


def system_user(environ: Mapping[str, str] = os.environ, *, user_id: int | None = None) -> str:
    """The system's user who gave this command; behind sudo, who called it too."""
    number = os.geteuid() if user_id is None else user_id
    try:
        import pwd

        name = pwd.getpwuid(number).pw_name
    except (ImportError, KeyError):
        name = str(number)
    caller = environ.get("SUDO_USER", "") if number == 0 else ""
    return f"{caller} as {name}" if caller and caller != name else name
