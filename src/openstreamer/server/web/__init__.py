"""The web pages of the service: event types, clients, status, events; metrics and health beside them.

They run in the service's own event loop and never hold it up: whatever touches the disk, resolves a name or
decodes events happens in threads. Who may do what: `guard` (headers, host check, login, CSRF), `logins`,
`passwords`, `audit`. What is shown: `pages_*`, one module a page, over `snapshot` (numbers), `history`
(rates), `search` and `details` (events). Rules: `docs/web.md`; guide: "Configuring eStreamer". The libraries
for it are the extra "web"; without them the service runs without pages.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from socket import socket
from typing import TYPE_CHECKING

from openstreamer.errors import MissingExtra, StateError
from openstreamer.server.settings import DEFAULT_WEB_ADDRESS

if TYPE_CHECKING:
    from openstreamer.server.service import Service
    from openstreamer.server.web.server import WebServer

log = logging.getLogger("openstreamer.server")

LIBRARIES = frozenset({"argon2", "jinja2", "markupsafe", "prometheus_client", "starlette", "uvicorn"})
"""Packages of the extra "web"."""


def open_web(service: Service, address: str, passed: Sequence[socket] = ()) -> WebServer | None:
    """Take the address of the web pages; None if they are off, or cannot be had and nobody asked for them.

    Listening sockets that were `passed` stand for the address.

    Raises StateError if an address that somebody chose cannot be taken.
    """
    if address == "off" and not passed:
        return None
    try:
        from openstreamer.server.web.server import WebServer
    except ImportError as error:
        if (error.name or "").partition(".")[0] not in LIBRARIES:
            raise
        log.warning("%s; serving goes on without them", MissingExtra("the web interface", "web"))
        return None
    try:
        return WebServer(service, address, passed)
    except StateError as error:
        if passed or address != DEFAULT_WEB_ADDRESS:
            raise
        log.warning("%s; serving goes on without the web pages (--web chooses another address)", error)
        return None
