"""The service's log: where it goes (standard error, a file, syslog) and in which form (text, JSON lines).

A message that is about a peer is given a `Peer` as argument; the JSON form takes address and client from it
as fields of their own, the text form shows it like any other text. Rules: `docs/server.md`, "The log". Not
here: what is logged, and the log of `run`, the client's service.
"""

from __future__ import annotations

import json
import logging
import logging.handlers
import os
import sys
import time
from io import TextIOWrapper
from pathlib import Path
from typing import Any, Literal

SYSLOG_SOCKET = "/dev/log"
"""Where syslog listens on this machine."""

LOGGER = "openstreamer"


class Peer(str):
    """HOST:PORT of a peer, with the client that it has turned out to be (empty: not known)."""

    __slots__ = ("client",)

    client: str

    def __new__(cls, address: str, client: str = "") -> Peer:
        """`client` is the name under which it is registered."""
        made = super().__new__(cls, address)
        made.client = client
        return made


class JsonForm(logging.Formatter):
    """One JSON object a line: time (UTC), level, message, peer and client where it is about one."""

    def format(self, record: logging.LogRecord) -> str:
        """The record as one line, whatever is in it."""
        clock = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
        line: dict[str, Any] = {
            "time": f"{clock}.{int(record.msecs):03d}Z",
            "level": record.levelname.lower(),
            "message": record.getMessage(),
        }
        arguments = record.args if isinstance(record.args, tuple) else ()
        for argument in arguments:
            if isinstance(argument, Peer):
                line["peer"] = str(argument)
                if argument.client:
                    line["client"] = argument.client
                break
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)


class TextForm(logging.Formatter):
    """A line of text; a line break in what a peer or a file gave does not begin a line of its own."""

    def formatMessage(self, record: logging.LogRecord) -> str:
        """The line, before a traceback."""
        return super().formatMessage(record).replace("\n", "\\n").replace("\r", "\\r")


class _Syslog(logging.handlers.SysLogHandler):
    """Syslog on this machine; each message with the program's name and process number."""

    append_nul = False

    def __init__(self, address: str) -> None:
        super().__init__(address, logging.handlers.SysLogHandler.LOG_DAEMON)
        self.ident = f"{LOGGER}[{os.getpid()}]: "


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
    """Send the log from this level on to standard error, a file or syslog. Raises OSError.

    Text in a file and on standard error carries time and level; syslog and the journal have their own.
    """
    handler: logging.Handler
    if target == "syslog":
        handler = _Syslog(syslog_socket or SYSLOG_SOCKET)
    elif target is not None:
        handler = _File(target, encoding="utf-8")
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
            handler.setFormatter(TextForm("%(asctime)s %(levelname)s %(message)s"))
        elif "JOURNAL_STREAM" in os.environ:
            handler.setFormatter(TextForm("%(levelname)s %(message)s"))  # the journal knows the time
        else:
            handler.setFormatter(TextForm("%(asctime)s %(levelname)s %(message)s"))


def set_level(level: str) -> None:
    """Change the least important kind of message that is written."""
    logging.getLogger(LOGGER).setLevel(level.upper())
