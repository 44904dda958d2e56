"""What a line of a service's log looks like: text, or a JSON object.

A message that is about a peer is given a `Peer` as argument; the JSON form takes address and client from it
as fields of their own, the text form shows it like any other text. Rules: `docs/server.md`, "The log". Not
here: where the log goes.
"""

from __future__ import annotations

import json
import logging
import time
from typing import Any


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
