"""The service's log: where it goes (standard error, a file, syslog) and in which form (text, JSON lines).

Rules: `docs/server.md`, "The log". Not here: what is logged, what a line looks like (`log_forms`), and where
the log of `run` goes, the client's service.
"""

from __future__ import annotations

import contextlib
import errno
import logging
import logging.handlers
import os
import socket
import sys
from io import TextIOWrapper
from pathlib import Path
from typing import Literal

from openstreamer.errors import UsageError
from openstreamer.log_forms import JsonForm, TextForm

SYSLOG_SOCKET = "/dev/log"
"""Where syslog listens on this machine."""

LOGGER = "openstreamer"


_PLAIN = TextForm("%(asctime)s %(levelname)s %(message)s")


class _Syslog(logging.handlers.SysLogHandler):
    """Syslog on this machine; each message with the program's name and process number."""

    append_nul = False

    def __init__(self, address: str) -> None:
        _try_socket(address)  # the handler itself passes over a syslog that is not there
        super().__init__(address, logging.handlers.SysLogHandler.LOG_DAEMON)
        self.ident = f"{LOGGER}[{os.getpid()}]: "

    def handleError(self, record: logging.LogRecord) -> None:
        """While syslog is away its messages go to standard error, each a line; it is tried anew each time."""
        with contextlib.suppress(OSError, ValueError):
            sys.stderr.write(f"{_PLAIN.format(record)}\n")
            sys.stderr.flush()


def _try_socket(address: str) -> None:
    """Connect once, by datagrams or as a stream. Raises OSError if nothing listens."""
    for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
        with socket.socket(socket.AF_UNIX, kind) as trial:
            try:
                trial.connect(address)
            except OSError as error:
                if error.errno != errno.EPROTOTYPE or kind == socket.SOCK_STREAM:
                    raise
            else:
                return


class _File(logging.handlers.WatchedFileHandler):
    """A file (0600) that is opened anew once it was renamed."""

    def _open(self) -> TextIOWrapper:
        descriptor = os.open(self.baseFilename, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        return open(descriptor, "a", encoding="utf-8", errors="backslashreplace")


def configure(
    level: str,
    *,
    form: str = "text",
    target: Path | Literal["syslog"] | None = None,
    syslog_socket: str | None = None,
) -> None:
    """Send the log from this level on to standard error, a file or syslog.

    Text in a file and on standard error carries time and level; syslog and the journal have their own.

    Raises UsageError: there is no syslog, or the file cannot be opened.
    """
    handler: logging.Handler
    if target == "syslog":
        place = syslog_socket or SYSLOG_SOCKET
        try:
            handler = _Syslog(place)
        except OSError as error:
            raise UsageError(
                f"no syslog listens at {place} ({error.strerror or error}): start it, or log elsewhere "
                "(--log-file FILE)"
            ) from error
    elif target is not None:
        try:
            handler = _File(target, encoding="utf-8")
        except OSError as error:
            raise UsageError(f"cannot open the log {target}: {error.strerror or error}") from error
    else:
        handler = logging.StreamHandler(sys.stderr)
    root = logging.getLogger(LOGGER)
    for former in root.handlers:
        former.close()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    root.propagate = False
    set_form(form)


def set_form(form: str) -> None:
    """Change the form of the lines to come: "text" or "json"."""
    for handler in logging.getLogger(LOGGER).handlers:
        if form == "json":
            handler.setFormatter(JsonForm())
        elif isinstance(handler, _Syslog):
            handler.setFormatter(TextForm("%(message)s"))
        elif isinstance(handler, _File):
            handler.setFormatter(_PLAIN)
        elif "JOURNAL_STREAM" in os.environ:
            handler.setFormatter(TextForm("%(levelname)s %(message)s"))  # the journal knows the time
        else:
            handler.setFormatter(_PLAIN)


def set_level(level: str) -> None:
    """Change the least important kind of message that is written."""
    logging.getLogger(LOGGER).setLevel(level.upper())
