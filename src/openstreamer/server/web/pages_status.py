"""The page *Status*: rates by event type, sessions, event log, inputs and their errors, refusals, changes.

The page asks for its moving part again every few seconds. Rules: `docs/web.md`, "Status".
"""

from __future__ import annotations

import time
from typing import Any

from starlette.responses import Response

from openstreamer.server.snapshot import Snapshot
from openstreamer.server.web import charts
from openstreamer.server.web.guard import Visit
from openstreamer.server.web.pages_clients import path_of
from openstreamer.server.web.pages_types import offered
from openstreamer.server.web.words import ends

SPANS = {"hour": (60, 60), "day": (24 * 60, 96)}
"""Choices of how far back the charts go: minutes, and bars."""

CHANGES = 8

REFUSALS = 10
"""Refused connections shown one by one."""

AUTHORITY_DAYS = 180
"""So long before the authority's certificate ends it is said: all clients then need new files."""


async def status(visit: Visit) -> Response:
    """The whole page."""
    return await visit.page("status.html", **await _values(visit))


async def now(visit: Visit) -> Response:
    """The moving part of it."""
    return await visit.page("status_now.html", **await _values(visit))


async def _values(visit: Visit) -> dict[str, Any]:
    context = visit.context
    snapshot = await context.snapshot()
    span = visit.request.query_params.get("span", "hour")
    minutes, bars = SPANS.get(span, SPANS["hour"])
    retention = context.service.settings.retention
    limit = retention.keep_gigabytes * 1e9
    rates = context.history.rates()
    return {
        "snapshot": snapshot,
        "span": span if span in SPANS else "hour",
        "rates": rates,
        "rate": sum(rates.values()),
        "charts": _charts(visit, minutes, bars, rates),
        "counted": context.history.complete,
        "retention": retention,
        "limit": limit,
        "filled": charts.share(snapshot.store.bytes, limit, "Share of the event log's limit that is used"),
        "problems": _problems(snapshot, frozenset(offered(context))),
        "changes": await context.run(lambda: context.audit.newest(CHANGES)),
        "refusals": snapshot.last_refused[:REFUSALS],
        "path_of": path_of,
    }


def _charts(visit: Visit, minutes: int, bars: int, rates: dict[str, float]) -> list[dict[str, Any]]:
    series = visit.context.history.series(minutes, bars)
    seconds = minutes * 60 // bars
    end = (int(time.time()) // 60 + 1) * 60
    found = []
    for name, item in offered(visit.context).items():
        values = series.get(name, [0] * bars)
        total = sum(values)
        label = f"{item.label}: {total} in the last {'hour' if minutes == 60 else 'day'}"
        found.append(
            {
                "name": name,
                "label": item.label,
                "total": total,
                "peak": max(values) / seconds,
                "rate": rates.get(name, 0.0),
                "svg": charts.bars(values, kind=f"c-{name}", label=label, end=end, seconds=seconds),
            }
        )
    return found


def _problems(snapshot: Snapshot, shown: frozenset[str]) -> list[str]:
    """What an operator should know before anything else."""
    found = [
        item.problem if item.name in item.problem else f"{item.name}: {item.problem}"
        for item in snapshot.inputs
        if item.problem
    ]
    if not any(snapshot.event_types[name] for name in shown):
        found.append("All event types are switched off: nothing is captured or sent.")
    if not snapshot.host_check:
        found.append("The host check is off: a client's certificate is valid from any address.")
    if snapshot.store.corrupt_chunks:
        found.append(f"{snapshot.store.corrupt_chunks} damaged pieces of the event log were passed over.")
    for what, end, days in (
        ("The server's certificate", snapshot.certificate_expires, 30),
        ("The certificate of this server's authority", snapshot.authority_expires, AUTHORITY_DAYS),
    ):
        if end is not None and end - snapshot.time < days * 86400:
            found.append(f"{what} {ends(end, snapshot.time)}.")
    if (change := snapshot.authority_rotation) is not None:
        left = f"{len(change.not_renewed)} clients have" if change.not_renewed else "No client has"
        if len(change.not_renewed) == 1:
            left = f"Client {change.not_renewed[0]} has"
        what = "no certificate of it yet" if change.not_renewed else "to be renewed any more"
        over = ends(change.until, snapshot.time)
        found.append(f"A change to a new CA is under way; the old one {over}. {left} {what}.")
    for client in snapshot.clients:
        if client.expires - snapshot.time < 14 * 86400:
            found.append(f"The certificate of client {client.host} {ends(client.expires, snapshot.time)}.")
        if client.missed_records:
            count = f"{client.missed_records:,}".replace(",", "\u202f")
            found.append(
                f"Client {client.host} missed {count} records: they were deleted before it came for them."
            )
        elif client.place.missed_chunks:
            found.append(f"Client {client.host} was too far behind: events were deleted before it got them.")
    return found
