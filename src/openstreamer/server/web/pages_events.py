"""The page *Events*: the newest first, chosen by type, address and text; one in full; live.

New events reach a browser as server-sent events that carry finished table rows. A browser that takes them
slower than they come gets the newest of each chunk, and is told how many it did not get. Rules:
`docs/web.md`, "Events".
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlencode

from starlette.responses import Response, StreamingResponse

from openstreamer.authority import EVENT_CLASSES
from openstreamer.errors import DecodeError, OpenStreamerError, UsageError
from openstreamer.outputs.terminal import harmless
from openstreamer.protocol.records import Event, Record, decode_record, json_line
from openstreamer.server.snapshot import event_type
from openstreamer.server.web import details, words
from openstreamer.server.web.guard import Refused, Visit
from openstreamer.server.web.pages_types import EVENT_TYPES
from openstreamer.server.web.search import Cursor, Found, Page, Query
from openstreamer.store import Chunk

ROWS = 50
"""Events on a page."""

SEARCH_SECONDS = 1.5
"""How long one search may take."""

LIVE_ROWS = 40
"""Most rows sent in one go."""

LIVE_SECONDS = 0.5
"""How often a browser gets new rows at most."""

LIVE_STREAMS = 32
"""Browsers that watch at the same time."""

BEAT_SECONDS = 15.0
"""A sign of life goes out this often, so that proxies keep the connection and lost ones are noticed."""

RAW_BYTES = 8192
"""How much of a record is shown as hex."""

PACKETS = 20
"""Packets shown with an event."""


def _query(visit: Visit) -> tuple[Query, dict[str, Any]]:
    """What is asked for, and the fields of the form as they were typed. Raises UsageError."""
    parameters = visit.request.query_params
    chosen = [name for name in parameters.getlist("type") if name in EVENT_CLASSES]
    address, text = parameters.get("address", "")[:100], parameters.get("text", "")[:200]
    return Query.parse(chosen, address, text), {"types": chosen, "address": address, "text": text}


def _cursor(text: str) -> Cursor | None:
    number, _, index = text.partition(".")
    if number.isascii() and index.isascii() and number.isdecimal() and index.isdecimal() and len(text) < 40:
        return Cursor(min(int(number), 1 << 62), int(index))
    return None


async def browse(visit: Visit) -> Response:
    """The list; only its rows if the page itself is there already."""
    context = visit.context
    before = _cursor(visit.request.query_params.get("before", ""))
    found = Page([], None, None)
    problem = ""
    fields: dict[str, Any] = {"types": [], "address": "", "text": ""}
    try:
        query, fields = _query(visit)
    except UsageError as error:
        problem = str(error)
        fields["address"] = visit.request.query_params.get("address", "")[:100]
        fields["text"] = visit.request.query_params.get("text", "")[:200]
    else:
        async with context.searching:
            found = await context.run(
                lambda: context.reader.search(query, before, limit=ROWS, seconds=SEARCH_SECONDS)
            )
    asked = [("type", name) for name in fields["types"]]
    asked += [(name, fields[name]) for name in ("address", "text") if fields[name]]
    older = urlencode([*asked, ("before", str(found.after))]) if found.after is not None else ""
    values: dict[str, Any] = {
        "found": found.found,
        "reached": found.reached,
        "older": older,
        "problem": problem,
        "before": before,
        "live": urlencode([*asked, ("after", found.newest)]),
        "filtered": bool(asked),
        "types": EVENT_TYPES,
    }
    if visit.partial and visit.request.headers.get("hx-target") == "more":
        return await visit.page("events_rows.html", **values)
    return await visit.page("events.html", form=fields, **values)


async def live(visit: Visit) -> Response:
    """New events as they come, as server-sent events: those after the chunk that the page or the last message
    came to, so that nothing is missed in between.
    """
    context = visit.context
    try:
        query, _ = _query(visit)
    except UsageError as error:
        raise Refused(400, str(error)) from None
    if context.live_streams >= LIVE_STREAMS:
        raise Refused(503, "Too many browsers are watching.")
    return StreamingResponse(
        _stream(visit, query, _after(visit)),
        media_type="text/event-stream",
        headers={"x-accel-buffering": "no"},
    )


def _after(visit: Visit) -> int:
    request = visit.request
    text = request.headers.get("last-event-id") or request.query_params.get("after", "")
    if text.isascii() and text.isdecimal() and len(text) < 19:
        return int(text)
    return visit.context.service.source.newest


async def _stream(visit: Visit, query: Query, after: int) -> AsyncIterator[bytes]:
    context = visit.context
    source = context.service.source
    new = asyncio.Event()
    if context.live_streams >= LIVE_STREAMS:  # many asked at once
        return
    context.live_streams += 1
    source.subscribe(new.set)
    stopping = asyncio.create_task(context.stopping.wait())
    try:
        yield b"retry: 2000\n\n"
        while not context.stopping.is_set():
            new.clear()
            if source.newest <= after:
                waiting = asyncio.create_task(new.wait())
                await asyncio.wait(
                    (waiting, stopping), timeout=BEAT_SECONDS, return_when=asyncio.FIRST_COMPLETED
                )
                waiting.cancel()
                stamp = context.passwords.stamp()
                if context.logins.find(visit.token, stamp, context.clock(), used=False) is None:
                    yield b"event: logout\ndata: 1\n\n"
                    return
                if source.newest <= after:
                    yield b": beat\n\n"
                    continue
            newest = source.newest
            chunks, skipped = await _new_chunks(visit, after, newest)
            rows, more = await context.run(lambda: _rows(visit, chunks, query))  # noqa: B023 - awaited here
            after = newest
            if rows or more or skipped:
                data = json.dumps({"rows": rows, "more": more + skipped})
                yield f"id: {after}\ndata: {data}\n\n".encode()
            await asyncio.wait((stopping,), timeout=LIVE_SECONDS)
    finally:
        context.live_streams -= 1
        source.unsubscribe(new.set)
        stopping.cancel()


async def _new_chunks(visit: Visit, after: int, newest: int) -> tuple[list[Chunk], int]:
    """The chunks up to the newest, and how many records were passed over because there are too many."""
    source = visit.context.service.source
    first = max(after, newest - 8)
    chunks: list[Chunk] = []
    while first < newest and len(chunks) < 8:
        try:
            loaded = await source.read(first)
        except OpenStreamerError:
            break
        if not loaded:
            break
        chunks += [item.chunk for item in loaded if item.chunk.number <= newest]
        first = loaded[-1].chunk.number
    skipped = 0
    if newest - 8 > after and chunks:
        tallies = await visit.context.run(
            lambda: visit.context.service.store.tallies(after, limit=min(newest - 8 - after, 10_000))
        )
        skipped = sum(tally.count for tally in tallies)
    return chunks, skipped


def _rows(visit: Visit, chunks: list[Chunk], query: Query) -> tuple[str, int]:
    """Table rows of the newest events of some chunks, newest first, and how many more there are."""
    reader = visit.context.reader
    found: list[Found] = []
    more = 0
    for chunk in reversed(chunks):
        rows, left = reader.newer(chunk, query, LIVE_ROWS - len(found))
        found += rows
        more += left
    template = visit.context.templates.get_template("events_rows.html")
    if not found:
        return "", more
    return template.render(found=found, types=EVENT_TYPES, older="", live=True, now=time.time()), more


async def show_one(visit: Visit) -> Response:
    """One event in full."""
    parameters = visit.request.path_params
    if parameters["number"] >= 1 << 62 or parameters["index"] >= 1 << 31:
        raise Refused(404, "There is no such event.")
    cursor = Cursor(parameters["number"], parameters["index"])
    values = await visit.context.run(lambda: _about(visit, cursor))
    if values is None:
        raise Refused(404, "There is no such event: it was deleted, or never was.")
    return await visit.page("event.html", **values)


def _about(visit: Visit, cursor: Cursor) -> dict[str, Any] | None:
    reader = visit.context.reader
    reader.learn()
    record = reader.record(cursor)
    if record is None:
        return None
    values: dict[str, Any] = {
        "cursor": cursor,
        "record": record,
        "event_class": event_type(record.record_type),
        "types": EVENT_TYPES,
        "event": None,
        "problem": "",
        "fields": [],
        "names": {},
        "packets": [],
        "extra": [],
        "json": "",
        "line": None,
        "raw": details.hex_lines(record.data, RAW_BYTES),
        "raw_left": max(0, len(record.data) - RAW_BYTES),
    }
    try:
        event = decode_record(record)
    except DecodeError as error:
        values["problem"] = str(error)
        return values
    names = {name: harmless(text) for name, text in reader.names_of(event).items()}
    values["event"] = event
    values["names"] = names
    values["line"] = reader.line(cursor, record)
    values["fields"] = details.fields(event, names)
    values["json"] = harmless(json_line(event, None, names).decode("utf-8", "replace").rstrip("\n"))
    family = [event] if event.event == "packet" else []
    if event.event in ("intrusion_event", "extra_data"):
        others = _decoded(reader.neighbours(cursor, (2, 110)))
        family = details.related(event, others)
    values["packets"] = [
        (item, details.hex_lines(item.data.packet_data)) for item in family if item.event == "packet"
    ][:PACKETS]
    values["extra"] = [
        (
            reader.names_of(item).get("extra_data_type") or f"type {item.data.type}",
            harmless(words.extra_data(item.data.type, item.data.data)),
        )
        for item in family
        if item.event == "extra_data"
    ][:PACKETS]
    return values


def _decoded(records: Any) -> list[Event]:
    found = []
    for record in records:
        assert isinstance(record, Record)
        try:
            found.append(decode_record(record))
        except DecodeError:
            continue
    return found
