"""The numbers of a running client in Prometheus' text format, written by hand: it is a small form.

Every metric is a row of the tables below; docs/run.md is made from them. Not here: counting.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Literal, NamedTuple

from openstreamer.client.service.states import OutputHealth, ServerHealth, ServiceHealth, SourceHealth
from openstreamer.version import __version__

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
PREFIX = "openstreamer_client_"

Value = float | int | bool | None


class Metric(NamedTuple):
    """One metric: its name without the prefix, kind, meaning, and how it is read."""

    name: str
    kind: Literal["counter", "gauge"]
    text: str
    read: Callable[[Any], Value]


def _server(
    name: str, kind: Literal["counter", "gauge"], text: str, read: Callable[[ServerHealth], Value]
) -> Metric:
    return Metric(f"server_{name}", kind, text, read)


def _output(
    name: str, kind: Literal["counter", "gauge"], text: str, read: Callable[[OutputHealth], Value]
) -> Metric:
    return Metric(f"output_{name}", kind, text, read)


def _pair(
    name: str, kind: Literal["counter", "gauge"], text: str, read: Callable[[SourceHealth], Value]
) -> Metric:
    return Metric(f"pair_{name}", kind, text, read)


SERVICE = (
    Metric("healthy", "gauge", "1 while /healthz answers 200.", lambda all: all.healthy),
    Metric("uptime_seconds", "gauge", "Seconds since the start.", lambda all: all.uptime),
    Metric("reloads_total", "counter", "Configurations taken over since the start.", lambda all: all.reloads),
)
SERVERS = (
    _server("connected", "gauge", "1 while connected.", lambda each: each.connected),
    _server(
        "asked", "gauge", "1 while its events are wanted (0: its primary answers).", lambda each: each.asked
    ),
    _server("failing", "gauge", "1 while it cannot be connected.", lambda each: bool(each.trouble)),
    _server("message_age_seconds", "gauge", "Seconds since the last message.", lambda each: each.message_age),
    _server("event_age_seconds", "gauge", "Seconds since the last event.", lambda each: each.event_age),
    _server("lag_seconds", "gauge", "From being stored there to coming here.", lambda each: each.lag),
    _server(
        "newest_timestamp_seconds", "gauge", "Archive time of the newest event.", lambda each: each.newest
    ),
    _server(
        "waiting",
        "gauge",
        "1 while a full queue keeps it from being read.",
        lambda each: bool(each.waiting_for),
    ),
    _server("sessions_total", "counter", "Sessions begun.", lambda each: each.sessions),
    _server("records_total", "counter", "Records received, metadata too.", lambda each: each.received),
    _server("metadata_total", "counter", "Metadata records received.", lambda each: each.metadata),
    _server(
        "filtered_total",
        "counter",
        "Records of other domains or that no output takes.",
        lambda each: each.filtered,
    ),
    _server(
        "undecodable_total", "counter", "What stood for records and was none.", lambda each: each.undecodable
    ),
    _server("bytes_total", "counter", "Bytes received, after TLS.", lambda each: each.bytes),
)
PAIRS = (
    _pair("take_overs_total", "counter", "How often the secondary took over.", lambda each: each.take_overs),
    _pair(
        "take_over_gap_seconds",
        "gauge",
        "How long nobody spoke at the last one.",
        lambda each: each.take_over_gap,
    ),
    _pair(
        "take_over_gap_seconds_total", "counter", "The same, all together.", lambda each: each.take_over_gaps
    ),
    _pair(
        "secondary_active",
        "gauge",
        "1 while the secondary delivers.",
        lambda each: each.active != each.servers[0].name,
    ),
)
OUTPUTS = (
    _output("failing", "gauge", "1 while it fails.", lambda each: bool(each.trouble)),
    _output("failing_seconds", "gauge", "For how long.", lambda each: each.failing_for),
    _output("queue_bytes", "gauge", "Bytes that wait for it.", lambda each: each.queue_bytes),
    _output("queue_limit_bytes", "gauge", "How many may.", lambda each: each.queue_limit),
    _output(
        "behind", "gauge", "1 while it is to catch up with what it had no room for.", lambda each: each.behind
    ),
    _output("lag_seconds", "gauge", "Archive time it is behind what was received.", lambda each: each.lag),
    _output(
        "saved_age_seconds", "gauge", "Seconds since its position was saved.", lambda each: each.saved_age
    ),
    _output("written_total", "counter", "Records written.", lambda each: each.written),
    _output("filtered_total", "counter", "Records its filters left out.", lambda each: each.filtered),
    _output(
        "dropped_total", "counter", "Records lost because its queue was full.", lambda each: each.dropped
    ),
    _output("dead_letters_total", "counter", "Records it refused for good.", lambda each: each.refused),
    _output(
        "repeated_total", "counter", "Records that came again and were known.", lambda each: each.repeated
    ),
    _output("retries_total", "counter", "Batches offered once more.", lambda each: each.retries),
    _output("restarts_total", "counter", "Times it was closed and opened again.", lambda each: each.restarts),
)


def exposition(state: ServiceHealth) -> str:
    """All samples."""
    lines = [
        f"# HELP {PREFIX}build_info The program.",
        f"# TYPE {PREFIX}build_info gauge",
        f'{PREFIX}build_info{{version="{_escaped(__version__)}"}} 1',
    ]
    servers = [({"server": server.name}, server) for source in state.sources for server in source.servers]
    pairs = [({"pair": source.name}, source) for source in state.sources if source.pair]
    outputs = [({"output": output.name}, output) for output in state.outputs]
    lines += _family(SERVICE, [({}, state)])
    lines += _family(SERVERS, servers)
    lines += _family(PAIRS, pairs)
    lines += _family(OUTPUTS, outputs)
    return "\n".join(lines) + "\n"


def _family(metrics: tuple[Metric, ...], rows: list[Any]) -> Iterator[str]:
    for metric in metrics:
        samples = [(labels, metric.read(row)) for labels, row in rows]
        if not rows:
            continue
        yield f"# HELP {PREFIX}{metric.name} {metric.text}"
        yield f"# TYPE {PREFIX}{metric.name} {metric.kind}"
        for labels, value in samples:
            if value is not None:
                inside = ",".join(f'{key}="{_escaped(text)}"' for key, text in labels.items())
                number = int(value) if isinstance(value, bool | int) else value
                yield f"{PREFIX}{metric.name}{'{' + inside + '}' if inside else ''} {number!r}"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
