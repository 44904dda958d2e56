"""Socket activation: listening sockets that the service manager has opened and passed on.

`$LISTEN_FDS` descriptors, from 3 on, belong to the process that `$LISTEN_PID` names; `$LISTEN_FDNAMES` says
what each is for: "web" is for the web pages, any other name for clients. Form: sd_listen_fds(3). Not here:
sockets that the service opens itself (`listener`).
"""

from __future__ import annotations

import os
import socket
from collections.abc import MutableMapping
from dataclasses import dataclass, field

from openstreamer.errors import UsageError

FIRST_DESCRIPTOR = 3
"""Where passed descriptors begin."""

WEB = "web"
"""Name of the sockets of the web pages."""

VARIABLES = ("LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES")

_MOST = 64


@dataclass(slots=True)
class PassedSockets:
    """Listening sockets from outside; where there are any they stand for the addresses of the settings."""

    clients: list[socket.socket] = field(default_factory=list)
    web: list[socket.socket] = field(default_factory=list)


def take(
    environment: MutableMapping[str, str] = os.environ,
    *,
    process: int | None = None,
    first: int = FIRST_DESCRIPTOR,
) -> PassedSockets:
    """The sockets that were passed to this process; none if there are none, or they are for another one.

    The variables are taken away, so that no child believes they are meant for it. Raises UsageError if what
    was passed is not a listening TCP socket.
    """
    values = [environment.pop(name, "") for name in VARIABLES]
    passed = PassedSockets()
    own = os.getpid() if process is None else process
    if not values[1] or values[0] != str(own):
        return passed
    if not values[1].isdecimal() or int(values[1]) > _MOST:
        raise UsageError(f"LISTEN_FDS is {values[1][:20]!r}, which is no number of sockets")
    count = int(values[1])
    names = values[2].split(":") if values[2] else []
    names += [""] * (count - len(names))
    try:
        for number, name in zip(range(first, first + count), names, strict=False):
            (passed.web if name == WEB else passed.clients).append(_listening(number, name))
    except UsageError:
        for opened in (*passed.clients, *passed.web):
            opened.close()
        raise
    return passed


def _listening(descriptor: int, name: str) -> socket.socket:
    shown = f"{descriptor} ({name})" if name else str(descriptor)
    try:
        os.set_inheritable(descriptor, False)
        found = socket.socket(fileno=descriptor)
    except OSError as error:
        raise UsageError(
            f"descriptor {shown} of the service manager is no socket: {error.strerror}"
        ) from error
    kind = found.type == socket.SOCK_STREAM and found.family in (socket.AF_INET, socket.AF_INET6)
    if not kind or not found.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
        found.close()
        raise UsageError(
            f"descriptor {shown} of the service manager is not a TCP socket that listens; "
            "the socket unit needs ListenStream= with a port, and Accept=no"
        )
    found.setblocking(False)
    return found
