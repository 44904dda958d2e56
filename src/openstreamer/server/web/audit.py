"""Who changed what on the web pages: one JSON object a line in `audit.log` of the state directory, and a line
in the service's log.

Logins, failed ones too, are part of it. Passwords and certificates never are. The file only grows; it may be
rotated by renaming, the next change starts a new one. Rules: `docs/web.md`, "Audit log".
"""

from __future__ import annotations

import logging
import os
import threading
import time
from pathlib import Path
from typing import Any

import msgspec

log = logging.getLogger("openstreamer.audit")

_TAIL_BYTES = 64 * 1024


class Change(msgspec.Struct, frozen=True, omit_defaults=True):
    """One line. `time` is epoch seconds, `details` what the action was about."""

    time: int
    peer: str
    action: str
    details: dict[str, Any] = {}

    @property
    def words(self) -> str:
        """The details as text."""
        return ", ".join(
            f"{name}: {' '.join(map(str, value)) if isinstance(value, list) else value}"
            for name, value in self.details.items()
            if value not in ([], "")
        )


class AuditLog:
    """The file. May be used by several threads."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()

    def write(self, peer: str, action: str, **details: Any) -> None:
        """Note a change; what cannot be written to the file still is in the log."""
        change = Change(int(time.time()), peer, action, details)
        log.info("web pages, %s: %s%s", peer, action, f" ({change.words})" if details else "")
        line = msgspec.json.encode(change) + b"\n"
        try:
            with self._lock:
                descriptor = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
                try:
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
            except msgspec.MsgspecError:
                continue
            if len(found) == count:
                break
        return found
