"""What the service tells the service manager: that it is ready, reloads, stops, and is alive.

One datagram a message to the socket that `$NOTIFY_SOCKET` names; without it nothing is sent. A message that
cannot be sent is left out: the service goes on all the same. Form of the messages: sd_notify(3). Not here:
when they are sent (server.run, cli.run).
"""

from __future__ import annotations

import contextlib
import os
import socket
import time
from collections.abc import Mapping


class Notifier:
    """Sends messages to the service manager, if there is one."""

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        path = environment.get("NOTIFY_SOCKET", "")
        self._address = "\0" + path[1:] if path.startswith("@") else path
        microseconds = environment.get("WATCHDOG_USEC", "")
        wanted = environment.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
        self.watchdog_seconds = int(microseconds) / 1e6 if wanted and microseconds.isdecimal() else 0.0
        """The manager wants a sign of life within this time; 0: it does not."""

    def send(self, *assignments: str) -> None:
        """Send one message, e.g. "READY=1", "STATUS=3 clients"."""
        if not self._address:
            return
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
            sender.setblocking(False)
            sender.sendto("\n".join(assignments).encode(), self._address)

    def reloading(self) -> None:
        """Say that settings are being read anew; "READY=1" has to follow."""
        self.send("RELOADING=1", f"MONOTONIC_USEC={time.monotonic_ns() // 1000}")
