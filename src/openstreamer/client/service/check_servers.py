"""The servers and pairs of a configuration, judged and made ready.

Certificates are opened with their passwords, requests are made as they will be sent. Nothing is connected.
"""

from __future__ import annotations

import os
from pathlib import Path

from openstreamer.client.credentials import ClientCredentials, make_context
from openstreamer.client.feed import FeedSettings
from openstreamer.client.position import FROM_NOW, FROM_OLDEST
from openstreamer.client.receiver import Wanted
from openstreamer.client.request import events_for, make_request, parse_flags
from openstreamer.client.service.check_context import Context
from openstreamer.client.service.configuration import PairSection, ServerSection
from openstreamer.client.service.filters import Filter
from openstreamer.client.service.mistakes import Collector
from openstreamer.client.service.plan import OutputPlan, ServerPlan, SourcePlan
from openstreamer.client.times import parse_since
from openstreamer.errors import OpenStreamerError, UsageError
from openstreamer.layouts.records import RECORDS
from openstreamer.outputs.registry import find


class ServerChecks:
    """The sections `servers` and `pairs`."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def sources(self) -> dict[str, tuple[str, ...]]:
        """Every source with the names of its servers: pairs first as declared, then the other servers."""
        servers = self._context.tree.get("servers")
        declared = servers.keys() if isinstance(servers, dict) else ()
        if not declared:
            self._context.collector.add(("servers",), "no server is named: write a section [servers.NAME]")
        found: dict[str, tuple[str, ...]] = {}
        paired: dict[str, str] = {}
        for name, pair in self._context.configuration.pairs.items():
            if name in declared:
                self._context.collector.add(
                    ("pairs", name), "a server has this name too; give the pair another"
                )
            for key in ("primary", "secondary"):
                server = getattr(pair, key)
                if server not in declared:
                    near = Collector.nearest(server, declared)
                    self._context.collector.add(("pairs", name, key), f"there is no server {server!r}{near}")
                elif server in paired:
                    self._context.collector.add(
                        ("pairs", name, key), f"{server!r} belongs to {paired[server]} already"
                    )
                paired[server] = f"the pair {name!r}"
            found[name] = (pair.primary, pair.secondary)
        found.update({name: (name,) for name in declared if name not in paired})
        return found

    def plan(
        self, name: str, servers: tuple[str, ...], state: Path, outputs: dict[str, OutputPlan]
    ) -> SourcePlan | None:
        takers = [output for output in outputs.values() if name in output.sources]
        members = [self._server_plan(server, state, takers) for server in servers]
        pair: PairSection | None = self._context.configuration.pairs.get(name)
        ready = tuple(member for member in members if member is not None)
        if len(ready) < len(servers):
            return None
        if pair is None:
            return SourcePlan(name=name, members=ready)
        return SourcePlan(
            name=name, members=ready, take_over=pair.take_over_seconds, overlap=pair.overlap_seconds
        )

    def _server_plan(self, name: str, state: Path, takers: list[OutputPlan]) -> ServerPlan | None:
        section = self._context.configuration.servers.get(name)
        if section is None:
            return None
        before = len(self._context.collector.found)
        here = ("servers", name)
        credentials, files = self._credentials(name, section)
        types = _types_of(takers)
        request = None
        try:
            flags = section.flags
            number = parse_flags(flags) if isinstance(flags, str) else flags
            if number is not None and not 0 <= number <= 0xFFFFFFFF:
                raise UsageError(f"{number} does not fit into the 32 bits of a flags word")
            if number is not None and not number & 1 << 23:
                raise UsageError("without bit 23 there are no archive times, so no position can be kept")
        except UsageError as error:
            self._context.collector.add((*here, "flags"), str(error))
            number = None
        try:
            request = make_request(
                section.events or events_for(types), extended=section.extended, flags=number
            )
            self._context.warnings += [f"{name}: {note}" for note in request.notes]
        except UsageError as error:
            self._context.collector.add((*here, "events"), str(error))
        start = FROM_OLDEST
        try:
            since = parse_since(section.since)
            start = {"beginning": FROM_OLDEST, "resume": FROM_OLDEST, "now": FROM_NOW}.get(since, since)  # type: ignore[arg-type]
        except UsageError as error:
            self._context.collector.add((*here, "since"), str(error))
        if len(self._context.collector.found) > before or request is None:
            return None
        domain = section.domain
        return ServerPlan(
            name=name,
            feed=FeedSettings(
                host=section.host,
                port=section.port,
                credentials=credentials,
                request=request,
                wanted=Wanted(
                    record_types=types,
                    domain=int(domain) if isinstance(domain, str) and domain.isdecimal() else domain,
                    metadata=True,
                ),
                ipv6=section.ipv6,
                connect_timeout=section.connect_seconds,
                read_deadline=section.read_deadline,
            ),
            start=start,
            known_servers=self._context.path(section.known_servers) or str(state / "known-servers"),
            retry=(section.retry_first_seconds, section.retry_limit_seconds),
            files=files,
        )

    def _credentials(
        self, name: str, section: ServerSection
    ) -> tuple[ClientCredentials, tuple[tuple[str, int, int], ...]]:
        here = ("servers", name)
        before = len(self._context.collector.found)
        if not section.pkcs12 and not section.certificate:
            self._context.collector.add(here, "which client is this? set pkcs12, or certificate and key")
        if section.pkcs12 and section.certificate:
            self._context.collector.add(
                (*here, "certificate"), "pkcs12 and certificate say the same thing; set one"
            )
        if section.key and not section.certificate:
            self._context.collector.add((*here, "key"), "a key needs its certificate")
        paths = {}
        for key in ("pkcs12", "certificate", "key", "authority", "password_file"):
            path = self._context.path(getattr(section, key))
            if path:
                paths[key] = path
                self._context.check_readable((*here, key), path)
        password = None
        if "password_file" in paths and len(self._context.collector.found) == before:
            try:
                with open(paths["password_file"], encoding="utf-8") as file:
                    password = file.readline().rstrip("\r\n") or None
            except (OSError, UnicodeDecodeError):
                self._context.collector.add((*here, "password_file"), "it is not UTF-8 text")
        credentials = ClientCredentials(
            pkcs12=paths.get("pkcs12"),
            password=password,
            certificate=paths.get("certificate"),
            key=paths.get("key"),
            authority=paths.get("authority"),
        )
        if len(self._context.collector.found) == before:
            try:
                make_context(credentials)
            except OpenStreamerError as error:
                key = "pkcs12" if section.pkcs12 else "certificate"
                self._context.collector.add((*here, key), str(error))
        return credentials, tuple(_look(path) for path in paths.values())


def _types_of(takers: list[OutputPlan]) -> frozenset[int] | None:
    """The record types that somebody takes, None for all."""
    types: frozenset[int] = frozenset()
    for taker in takers:
        own = find(taker.spec.format).record_types
        filters = [Filter(section) for section in taker.filters]
        if own is None and not filters:
            return None
        numbers = RECORDS.keys() if own is None else own
        needed = {
            number for number in numbers if not filters or any(each.takes_type(number) for each in filters)
        }
        if own is None and any(each.takes_type(_UNKNOWN) for each in filters):
            return None
        if any(each.needs_event for each in filters) and needed & _FOLLOWERS:
            needed |= _ALERTS  # packets go with their alerts
        types |= needed
    return types or None


_UNKNOWN = 0xFFFF
"""A record type that no server has."""

_FOLLOWERS = frozenset(n for n, row in RECORDS.items() if row.event_class in ("packet", "extra-data"))
_ALERTS = frozenset(n for n, row in RECORDS.items() if row.event_class == "intrusion")


def _look(path: str) -> tuple[str, int, int]:
    try:
        found = os.stat(path)
    except OSError:
        return path, 0, 0
    return path, found.st_mtime_ns, found.st_size
