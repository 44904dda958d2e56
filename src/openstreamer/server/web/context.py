"""What all pages work with: the service, threads to ask it in, logins, templates, what is kept up to date.

Made once with the web server. Nothing here knows a page.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import ipaddress
import socket
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from importlib import resources
from typing import TYPE_CHECKING, NamedTuple, TypeVar

import jinja2

from openstreamer.authority.clients import normalise_address, normalise_name, resolve_host
from openstreamer.authority.revocation import Published
from openstreamer.errors import OpenStreamerError
from openstreamer.server.audit import AuditLog
from openstreamer.server.snapshot import Snapshot, take
from openstreamer.server.web import words
from openstreamer.server.web.history import History
from openstreamer.server.web.logins import Attempts, LoginForms, Logins
from openstreamer.server.web.passwords import PasswordFile
from openstreamer.server.web.search import EventReader
from openstreamer.version import __version__

if TYPE_CHECKING:
    from openstreamer.server.service import Service

SNAPSHOT_SECONDS = 1.0
"""How long a snapshot serves everybody who asks."""

RESOLVE_SECONDS = 3.0
"""How long a page waits for a name server."""

_TYPES = {"css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}

_Value = TypeVar("_Value")


class Asset(NamedTuple):
    """A file of the pages that is the same for everybody."""

    content: bytes
    media_type: str
    tag: str
    """Changes with the content; part of the address, so that browsers may keep it."""


class WebContext:
    """See the head of the module. Belongs to the event loop; `run` leads into threads."""

    def __init__(self, service: Service, *, port: int, secure: bool) -> None:
        self.service = service
        self.port = port
        self.secure = secure
        """Whether the pages are HTTPS."""
        self.stopping = asyncio.Event()
        self.host_name = socket.gethostname()
        self.passwords = PasswordFile(service.state.web_password)
        self.audit = AuditLog(service.state.audit)
        self.logins = Logins(service.settings.web.idle_minutes * 60)
        self.login_forms = LoginForms()
        self.attempts = Attempts()
        self.verifying = asyncio.Lock()
        self.waiting_logins = 0
        self.searching = asyncio.Semaphore(2)
        self.live_streams = 0
        self.reader = EventReader(service.store)
        self.revocation_lists = Published(service.authority)
        self.history = History(service.store, self.run)
        self.assets = _read_assets()
        self.templates = self._environment()
        self.server_names: frozenset[str] = frozenset()
        self._threads = ThreadPoolExecutor(5, thread_name_prefix="web")
        self._resolvers = ThreadPoolExecutor(4, thread_name_prefix="resolve")
        self._tasks: list[asyncio.Task[None]] = []
        self._snapshot: tuple[float, Snapshot] | None = None
        self._snapshot_lock = asyncio.Lock()

    async def start(self) -> None:
        """Begin to keep up with the event log."""
        self.server_names = await self.run(self._server_names)
        self._tasks = [asyncio.create_task(self.history.follow())]

    async def stop(self) -> None:
        """Stop it, and let the threads end."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._threads.shutdown(wait=True, cancel_futures=True)
        self._resolvers.shutdown(wait=False, cancel_futures=True)

    async def run(self, function: Callable[[], _Value]) -> _Value:
        """Run something that blocks in a thread."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, function)

    def clock(self) -> float:
        """The time that logins are measured in."""
        return time.monotonic()

    async def snapshot(self) -> Snapshot:
        """The numbers of the service, at most a second old. Raises OpenStreamerError."""
        async with self._snapshot_lock:
            now = time.monotonic()
            if self._snapshot is None or now - self._snapshot[0] > SNAPSHOT_SECONDS:
                self._snapshot = now, await take(self.service)
            return self._snapshot[1]

    async def resolve(self, names: Iterable[str]) -> dict[str, list[str]]:
        """Addresses of names, as the host check would find them; empty where there are none in time."""

        async def ask(name: str) -> list[str]:
            loop = asyncio.get_running_loop()
            answer = loop.run_in_executor(self._resolvers, resolve_host, name)
            with contextlib.suppress(TimeoutError):
                return sorted(await asyncio.wait_for(answer, RESOLVE_SECONDS))
            return []

        listed = list(names)
        found = await asyncio.gather(*[ask(name) for name in listed])
        return dict(zip(listed, found, strict=True))

    def is_ours(self, host: str, local_address: str) -> bool:
        """Whether a Host header names this server: a name of its certificate or settings, or the address that
        was connected to.
        """
        name = _host_of(host)
        return name is not None and (name in self.server_names or name == normalise_address(local_address))

    def renew_names(self) -> None:
        """Learn the names of the server's certificate anew."""
        self.server_names = self._server_names()

    def _server_names(self) -> frozenset[str]:
        names = {"localhost", "127.0.0.1", "::1", self.host_name.lower()}
        from openstreamer.authority.certificates import load_certificates, subject_names

        path = self.service.authority.server_context_files().certificate
        with contextlib.suppress(OSError, OpenStreamerError):
            names.update(subject_names(load_certificates(path.read_bytes(), str(path))[0]))
        from urllib.parse import urlsplit

        published = urlsplit(self.service.settings.certificates.revocation_list_url).hostname
        for text in (*self.service.settings.web.names, *([published] if published else [])):
            names.add(normalise_address(text) or normalise_name(text) or text)
        return frozenset(name.lower() for name in names)

    def _environment(self) -> jinja2.Environment:
        environment = jinja2.Environment(
            loader=jinja2.PackageLoader("openstreamer.server.web"),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
        environment.filters.update(words.FILTERS)
        environment.globals.update(
            asset=lambda name: f"/static/{name}?{self.assets[name].tag}",
            endpoint=words.endpoint,
            version=__version__,
            host_name=self.host_name,
        )
        return environment


def _read_assets() -> dict[str, Asset]:
    found = {}
    folder = resources.files("openstreamer.server.web") / "static"
    for item in [*folder.iterdir(), *(folder / "htmx").iterdir()]:
        media_type = _TYPES.get(item.name.rpartition(".")[2])
        if media_type is not None:
            content = item.read_bytes()
            found[item.name] = Asset(content, media_type, hashlib.sha256(content).hexdigest()[:12])
    return found


def _host_of(host: str) -> str | None:
    """The name or address in a Host header, in its one form; None if it holds none."""
    if host.startswith("["):
        address, closed, port = host[1:].partition("]")
        if not closed or (port and not (port[0] == ":" and port[1:].isdecimal())):
            return None
        try:
            return str(ipaddress.IPv6Address(address))
        except ValueError:
            return None
    name, colon, port = host.partition(":")
    if colon and not port.isdecimal():
        return None
    return normalise_address(name) or normalise_name(name)
