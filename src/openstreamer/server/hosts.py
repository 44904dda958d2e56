"""Answers the host data requests of one session out of the host table, in portions.

A request may ask for every host there is. So the table is read a page at a time, in a thread that also
brings the profiles into the form asked for; a page is written when the client has taken the one before, and
events and other sessions go on in between. Profiles that the form asked for cannot express are left out and
counted. Clients that may not have discovery events get the answer that there is no such host.

Rules: `docs/hosts.md`. Not here: which form that is (`openstreamer.protocol.host_profiles`), and what the
messages look like (`openstreamer.protocol.session_server`).
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from openstreamer.errors import CodecError, EncodeError, StoreError
from openstreamer.protocol.host_profiles import HostForm, host_form, host_range, render_profile
from openstreamer.protocol.inner_blocks import Inexpressible
from openstreamer.protocol.messages import HostDataRequest
from openstreamer.protocol.session_server import ServerSession
from openstreamer.server.connection import Connection
from openstreamer.server.source import RETRY_SECONDS, Source
from openstreamer.store import Store

log = logging.getLogger("openstreamer.server")

HOSTS_CLASS = "discovery"
"""The event type that host profiles belong to."""

PAGE_HOSTS = 50
PAGE_BYTES = 128 * 1024
"""Most that is read, made ready and written in one go."""

MOST_WAITING = 100
"""Requests that may wait for their answer before nothing more is read from the client."""


@dataclass(slots=True)
class Page:
    """A part of an answer."""

    profiles: list[bytes] = field(default_factory=list)
    after: bytes | None = None
    """The last address that was looked at; None: there are no more."""
    lost: Counter[str] = field(default_factory=Counter)
    """Hosts left out, with the reason."""


def read_page(store: Store, request: HostDataRequest, form: HostForm, after: bytes | None) -> Page:
    """The next hosts of an answer, in the form asked for. Reads the store and encodes: for a thread.

    Raises:
        StoreError: the host table cannot be read.
    """
    start, end = host_range(request)
    page = Page()
    found = store.hosts(start, end, after=after, limit=PAGE_HOSTS, limit_bytes=PAGE_BYTES)
    for host in found:
        if not host.sound:
            page.lost["its profile is damaged"] += 1
            continue
        try:
            page.profiles.append(render_profile(host.data, form, host.address))
        except Inexpressible as error:
            page.lost[str(error)] += 1
        except EncodeError as error:
            page.lost[f"{error.field or error.block or 'a value'} does not fit the form asked for"] += 1
        except (CodecError, ValueError):
            page.lost["its profile cannot be decoded"] += 1
    if found and request.is_range:
        page.after = found[-1].address
    return page


class HostAnswers:
    """The answers to one session's host data requests."""

    def __init__(
        self,
        protocol: ServerSession,
        connection: Connection,
        source: Source,
        *,
        sent: Callable[[int, Counter[str]], None],
        done: Callable[[], None],
    ) -> None:
        """`sent` is told of each page: how many profiles, and which were left out for what reason. `done` is
        called when nothing waits for an answer."""
        self._protocol = protocol
        self._connection = connection
        self._source = source
        self._sent = sent
        self._done = done
        self._asked = asyncio.Event()

    def look(self) -> None:
        """Say that there may be requests to be answered; of a client that asks too many no more are read."""
        if self._protocol.host_question is not None:
            self._asked.set()
            if self._protocol.host_questions > MOST_WAITING:
                self._connection.hold()

    async def run(self) -> None:
        """Answer requests until the connection closes, or this is cancelled."""
        while not self._connection.closing:
            question = self._protocol.host_question
            if question is None:
                self._done()
                self._asked.clear()
                await self._asked.wait()
                continue
            form = host_form(question.request, question.selection, any_form=question.any_form)
            await self._answer(question.request, form)
            if self._protocol.host_questions <= MOST_WAITING // 2:
                self._connection.release()

    async def _answer(self, request: HostDataRequest, form: HostForm) -> None:
        """Answer the request at the head of the queue, unless the session ends meanwhile."""
        after: bytes | None = None
        while not self._connection.closing:
            await self._connection.drained()
            page = Page()
            if HOSTS_CLASS in self._protocol.allowed:
                try:
                    page = await self._source.ask(partial(read_page, request=request, form=form, after=after))
                except StoreError as error:
                    self._source.report(error)
                    await asyncio.sleep(RETRY_SECONDS)
                    continue
            else:
                log.warning("%s: asks for hosts, which it may not have", self._connection.peer)
            if self._protocol.host_question is None:
                return
            after = page.after
            data = self._protocol.answer_hosts(page.profiles, time.monotonic(), last=after is None)
            self._connection.write(data)
            self._sent(len(page.profiles), page.lost)
            if after is None:
                return
            await asyncio.sleep(0)  # others want to send too
