"""`/metrics` for Prometheus, and `/healthz`.

The service counts with plain integers; here they become samples at the moment somebody asks, through
prometheus-client's collector interface. Names and labels are listed in `docs/web.md`, "Metrics", and used by
`deploy/grafana.json`.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from pathlib import Path

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from openstreamer.errors import OpenStreamerError
from openstreamer.server.snapshot import UNKNOWN, Snapshot
from openstreamer.server.web.context import WebContext
from openstreamer.server.web.guard import cookie_name, is_local
from openstreamer.server.web.logins import same

PREFIX = "openstreamer_"

LEAST_ROOM = 1024 * 1024
"""Free bytes on the event log's disk below which it counts as full: a batch of events may need as much."""

ALL = "all"
"""Event type of a count that cannot be told apart by type."""


class _Samples(Collector):
    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot

    def collect(self) -> Iterable[Metric]:
        """All families of samples."""
        yield from families(self._snapshot)


def families(snapshot: Snapshot) -> Iterable[Metric]:
    """Everything that is measured."""
    yield from _records(snapshot)
    yield from _clients(snapshot)
    yield from _store(snapshot)
    yield from _service(snapshot)


def _records(snapshot: Snapshot) -> Iterable[Metric]:
    labels = ("event_type", "peer")

    def counter(name: str, text: str) -> CounterMetricFamily:
        return CounterMetricFamily(f"{PREFIX}records_{name}", text, labels=labels)

    received = counter("received", "Event records that inputs brought; the peer is the input.")
    stored = counter("stored", "Event records of inputs that were stored.")
    sent = counter("sent", "Event records sent; the peer is the client.")
    filtered = counter("filtered", "Stored records that a client did not ask for or may not get.")
    dropped = counter(
        "dropped",
        "Records left out: of a type that is switched off (peer: input), or without a form in the version "
        "asked for (peer: client).",
    )
    undecodable = counter("undecodable", "Lines or records of an input that could not be read.")
    for item in snapshot.inputs:
        # Zero is a sample too: a graph that has no line says nothing.
        for name in snapshot.event_types:
            kept, left_out = item.stored.get(name, 0), item.dropped.get(name, 0)
            received.add_metric((name, item.name), kept + left_out)
            stored.add_metric((name, item.name), kept)
            dropped.add_metric((name, item.name), left_out)
        undecodable.add_metric((ALL, item.name), item.broken)
        if UNKNOWN in item.stored:
            received.add_metric((UNKNOWN, item.name), item.stored[UNKNOWN])
            stored.add_metric((UNKNOWN, item.name), item.stored[UNKNOWN])
    for client in snapshot.clients:
        for name in (*snapshot.event_types, UNKNOWN):
            if name == UNKNOWN and not any(
                UNKNOWN in part for part in (client.sent, client.filtered, client.lost)
            ):
                continue
            sent.add_metric((name, client.host), client.sent.get(name, 0))
            filtered.add_metric((name, client.host), client.filtered.get(name, 0))
            dropped.add_metric((name, client.host), client.lost.get(name, 0))
    missed = CounterMetricFamily(
        f"{PREFIX}client_missed_records",
        "Stored records that retention deleted before a session that wanted them got to them.",
        labels=("peer",),
    )
    for client in snapshot.clients:
        missed.add_metric((client.host,), client.missed_records)
    yield missed
    metadata = CounterMetricFamily(f"{PREFIX}metadata_sent", "Metadata records sent.", labels=("peer",))
    hosts = CounterMetricFamily(f"{PREFIX}hosts_sent", "Host profiles sent.", labels=("peer",))
    hosts_dropped = CounterMetricFamily(
        f"{PREFIX}hosts_dropped", "Host profiles without a form in the block asked for.", labels=("peer",)
    )
    for client in snapshot.clients:
        metadata.add_metric((client.host,), client.metadata)
        hosts.add_metric((client.host,), client.hosts)
        hosts_dropped.add_metric((client.host,), sum(client.hosts_lost.values()))
    yield from (received, stored, sent, filtered, dropped, undecodable, metadata, hosts, hosts_dropped)


def _clients(snapshot: Snapshot) -> Iterable[Metric]:
    def gauge(name: str, text: str) -> GaugeMetricFamily:
        return GaugeMetricFamily(f"{PREFIX}{name}", text, labels=("peer",))

    sessions = gauge("sessions", "Open sessions of a client.")
    records = gauge("position_lag_records", "Stored records behind a client's position.")
    seconds = gauge(
        "position_lag_seconds", "Archive time of the newest record less that of the client's next one."
    )
    missed = gauge("position_missed_chunks", "Chunks deleted before a client got them.")
    seen = gauge("client_last_seen_timestamp_seconds", "When a client was last connected.")
    expires = gauge("client_certificate_expiry_timestamp_seconds", "When a client's certificate ends.")
    for client in snapshot.clients:
        peer = (client.host,)
        sessions.add_metric(peer, client.sessions)
        expires.add_metric(peer, client.expires)
        missed.add_metric(peer, client.place.missed_chunks)
        if client.last_seen is not None:
            seen.add_metric(peer, client.last_seen)
        if client.place.lag_records is not None and client.place.lag_seconds is not None:
            records.add_metric(peer, client.place.lag_records)
            seconds.add_metric(peer, client.place.lag_seconds)
    yield from (sessions, records, seconds, missed, seen, expires)


def _store(snapshot: Snapshot) -> Iterable[Metric]:
    store = snapshot.store
    values = (
        ("store_bytes", "Size of the stored events; what retention limits.", store.bytes),
        ("store_file_bytes", "Size of the event log's files.", store.file_bytes),
        ("store_chunks", "Chunks kept.", store.chunks),
        ("store_metadata_records", "Metadata records kept.", store.metadata),
        ("store_corrupt_chunks", "Damaged chunks met since the service started.", store.corrupt_chunks),
        ("store_newest_timestamp_seconds", "Archive time of the newest event.", store.last_archive_time),
        (
            "store_oldest_timestamp_seconds",
            "Archive time of the oldest event.",
            store.first_archive_time or 0,
        ),
    )
    for name, text, value in values:
        yield GaugeMetricFamily(f"{PREFIX}{name}", text, value=value)
    records = GaugeMetricFamily(f"{PREFIX}store_records", "Event records kept.", labels=("event_type",))
    for name in snapshot.event_types:
        records.add_metric((name,), store.by_type.get(name, 0))
    yield records
    yield CounterMetricFamily(
        f"{PREFIX}records_trimmed", "Event records deleted by retention.", value=store.trimmed_records
    )


def _service(snapshot: Snapshot) -> Iterable[Metric]:
    build = GaugeMetricFamily(f"{PREFIX}build_info", "The program.", labels=("version",))
    build.add_metric((snapshot.version,), 1)
    yield build
    yield GaugeMetricFamily(
        f"{PREFIX}start_time_seconds", "When the service was started.", value=snapshot.started
    )
    if snapshot.certificate_expires is not None:
        yield GaugeMetricFamily(
            f"{PREFIX}server_certificate_expiry_timestamp_seconds",
            "When the server's certificate ends.",
            value=snapshot.certificate_expires,
        )
    if snapshot.authority_expires is not None:
        yield GaugeMetricFamily(
            f"{PREFIX}authority_certificate_expiry_timestamp_seconds",
            "When the certificate of the authority ends.",
            value=snapshot.authority_expires,
        )
    yield CounterMetricFamily(
        f"{PREFIX}connections_accepted", "Connections that passed all checks.", value=snapshot.accepted
    )
    refused = CounterMetricFamily(
        f"{PREFIX}connections_refused", "Connections that did not, by cause.", labels=("cause",)
    )
    for cause, count in snapshot.refused.items():
        refused.add_metric((cause,), count)
    ended = CounterMetricFamily(
        f"{PREFIX}sessions_ended", "Sessions that ended, by cause.", labels=("cause",)
    )
    for cause, count in snapshot.ended.items():
        ended.add_metric((cause,), count)
    switches = GaugeMetricFamily(
        f"{PREFIX}event_type_enabled",
        "1 while an event type is ticked for the server.",
        labels=("event_type",),
    )
    for name, on in snapshot.event_types.items():
        switches.add_metric((name,), int(on))
    up = GaugeMetricFamily(f"{PREFIX}input_up", "1 while an input is being read.", labels=("peer",))
    lines = CounterMetricFamily(f"{PREFIX}input_lines", "Lines read by an input.", labels=("peer",))
    for item in snapshot.inputs:
        up.add_metric((item.name,), int(item.state == "reading"))
        lines.add_metric((item.name,), item.lines)
    yield from (refused, ended, switches, up, lines)


def exposition(snapshot: Snapshot) -> bytes:
    """The samples in Prometheus' text format."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Samples(snapshot))
    ProcessCollector(registry=registry)
    return generate_latest(registry)


async def metrics(context: WebContext, request: Request) -> Response:
    """`/metrics`: for this machine, for who has the token, and for who is logged in."""
    token = context.service.settings.web.metrics_token
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    allowed = is_local(request) or bool(token and scheme.lower() == "bearer" and same(token, given.strip()))
    if not allowed:
        stamp = context.passwords.stamp()
        cookie = request.cookies.get(cookie_name(context), "")
        allowed = context.logins.find(cookie, stamp, context.clock(), used=False) is not None
    if not allowed:
        return PlainTextResponse(
            "Set 'metrics_token' in the section [web] of openstreamer.toml, and send it as a bearer token.\n",
            401,
            {"www-authenticate": "Bearer"},
        )
    try:
        snapshot = await context.snapshot()
    except OpenStreamerError as error:
        return PlainTextResponse(f"{error}\n", 503)
    content = await context.run(lambda: exposition(snapshot))
    return Response(content, media_type=CONTENT_TYPE_PLAIN_0_0_4)


async def health(context: WebContext, request: Request) -> Response:
    """`/healthz`: 200 while the service answers and its event log can be read and has room for more."""
    service = context.service
    try:
        await context.run(service.store.newest)
    except OpenStreamerError:
        return PlainTextResponse("the event log cannot be read\n", 503)
    room = await context.run(lambda: free_bytes(service.state.store))
    if room < LEAST_ROOM or any(intake.waiting for intake in service.intakes):
        return PlainTextResponse("there is no room to store events\n", 503)
    return PlainTextResponse("ok\n")


def free_bytes(path: Path) -> int:
    """Room that this process may still use on the disk of a file; a large number if that cannot be told."""
    try:
        disk = os.statvfs(path.parent)
    except OSError:
        return sys.maxsize
    return disk.f_bavail * disk.f_frsize
