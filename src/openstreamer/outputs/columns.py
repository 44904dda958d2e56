"""Columns that mean the same for every event: the table view of very different records.

An intrusion event calls the opener of a connection `source_ip`, a connection record `initiator_ip`, a
discovery record has it in its header. A column here is a name, a sentence, and the places where the value
may stand, in order; the first that the record has is taken. The table below is data: outputs, their manuals
and the docs all read it. Any field can be named as a column too: `data.FIELD` (or just `FIELD`),
`header.FIELD`, `names.NAME`.

What a column looks like in an output is that output's business.
"""

from __future__ import annotations

import difflib
import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import msgspec
from msgspec import UNSET

from openstreamer.errors import DecodeError, UsageError
from openstreamer.layouts.records import RECORDS
from openstreamer.outputs.batch import Batch, NameSource
from openstreamer.protocol.records import Record, projector

_NO_NAMES: Mapping[str, str] = {}
_NAME, _SERVER = -1, -2
_NOT_ZERO = "?"


class Column(msgspec.Struct, frozen=True):
    """One column: where its value stands, in the order in which the places are tried.

    A place that ends in "?" holds a number where zero means "none".
    """

    name: str
    meaning: str
    sources: tuple[str, ...]


_TABLE: tuple[Column, ...] = (
    Column(
        "time",
        "When it happened, UNIX seconds.",
        (
            "data.event_second",
            "data.packet_second",
            "data.last_packet_time",
            "data.file_event_time",
            "data.malware_event_time",
            "data.policy_tv_sec",
            "header.event_second",
            "archive_time",
        ),
    ),
    Column("archive_time", "When the server stored it, UNIX seconds.", ("archive_time",)),
    Column("server", "The server it came from, host:port.", ("server",)),
    Column("event", "What it is: intrusion_event, connection_statistics, …", ("event",)),
    Column("record_type", "The number of the record type.", ("record_type",)),
    Column("device", "The device that saw it.", ("names.device", "data.device_id", "header.device_id")),
    Column(
        "source_ip",
        "Who opened it, or the host it is about.",
        (
            "data.source_ip",
            "data.source_ipv6",
            "data.src_ip_addr",
            "data.initiator_ip",
            "data.ip_address",
            "data.ipv6_address",
            "data.ipv4_address",
            "data.host_ip",
            "header.ipv6",
            "header.legacy_ip",
        ),
    ),
    Column(
        "source_port",
        "Port of the opener, or the ICMP type.",
        ("data.source_port", "data.source_port_or_icmp_type", "data.initiator_port", "data.src_port"),
    ),
    Column(
        "destination_ip",
        "Who answered.",
        ("data.destination_ip", "data.destination_ipv6", "data.dest_ip_addr", "data.responder_ip"),
    ),
    Column(
        "destination_port",
        "Port of the answerer, or the ICMP code.",
        (
            "data.destination_port",
            "data.destination_port_or_icmp_code",
            "data.responder_port",
            "data.dest_port",
            "data.port",
        ),
    ),
    Column("protocol", "Number of the IP protocol.", ("data.ip_protocol", "data.protocol")),
    Column("priority", "Priority of the rule.", ("names.priority", "data.priority_id", "data.priority")),
    Column(
        "classification", "Classification of the rule.", ("names.classification", "data.classification_id?")
    ),
    Column("generator_id", "Which part of the sensor found it.", ("data.generator_id",)),
    Column("signature_id", "Number of the rule.", ("data.signature_id",)),
    Column("signature_revision", "Revision of the rule.", ("data.signature_revision",)),
    Column(
        "message",
        "What it says, in words.",
        (
            "names.rule",
            "data.description",
            "data.event_description",
            "data.detection_name",
            "names.access_control_rule",
        ),
    ),
    Column("blocked", "1 if it was blocked, 2 if it would have been.", ("data.blocked",)),
    Column("action", "What the rule or policy did, as a number.", ("data.action", "data.rule_action")),
    Column(
        "application",
        "Application protocol.",
        ("names.application_protocol", "data.application_protocol_id?"),
    ),
    Column("user", "The user.", ("names.user", "data.username", "data.user", "data.user_id?")),
    Column("url", "The URL.", ("data.client_url", "data.uri", "data.http_uri")),
    Column("file_name", "Name of the file.", ("data.file_name",)),
    Column("sha256", "SHA-256 of the file.", ("data.sha256", "data.file_sha256")),
    Column("file_size", "Size of the file in bytes.", ("data.file_size",)),
    Column("bytes_sent", "Bytes from the opener.", ("data.initiator_bytes",)),
    Column("bytes_received", "Bytes from the answerer.", ("data.responder_bytes",)),
    Column("event_id", "The device's number for the event.", ("data.event_id",)),
    Column("stable_id", "The same in every output and every run.", ("stable_id",)),
)

COLUMNS: dict[str, Column] = {column.name: column for column in _TABLE}

#: Shown where nobody chose: stable, and in this order.
DEFAULT: tuple[str, ...] = tuple(COLUMNS)

#: Values that stand for "nothing here" in a place that has others to fall back on.
_EMPTY = frozenset({"::", "0.0.0.0", ""})


def column(name: str) -> Column:
    """The column of that name, or the one that a field name stands for.

    Raises:
        UsageError: the text names no column and no field of any record.
    """
    known = COLUMNS.get(name)
    if known is not None:
        return known
    place, dot, field = name.partition(".")
    if not dot:
        place, field = "data", name
    if place not in ("data", "header", "names") or not field.replace("_", "a").isalnum():
        raise UsageError(
            f"{name!r} is no column; there are {', '.join(COLUMNS)}, and data.X, header.X, names.X"
        )
    if place == "data" and field not in _every_field():
        near = difflib.get_close_matches(field, [*COLUMNS, *sorted(_every_field())], 1)
        raise UsageError(
            f"{name!r} is no column, and no record has a field of that name"
            + (f"; did you mean {near[0]!r}?" if near else f"; there are {', '.join(COLUMNS)}, and data.X")
        )
    return Column(name, "The field of that name.", (f"{place}.{field}",))


Row = tuple[Any, ...]
_Place = tuple[int, str]
"""Where a value stands: index in what was read, with a mark if zero is none; -1 and a name; -2: server."""


class _Plan:
    """How records of one type become rows."""

    __slots__ = ("name_values", "names", "places", "project")

    def __init__(
        self,
        project: Callable[[Record], tuple[Any, ...]],
        places: tuple[tuple[_Place, ...], ...],
        names: Callable[[tuple[Any, ...]], Mapping[str, str]] | None,
        name_values: int,
    ) -> None:
        self.project = project
        self.places = places
        self.names = names
        self.name_values = name_values


class RowMaker:
    """Turns the records of a batch into rows of chosen columns, reading no more of them than that takes."""

    def __init__(self, columns: Sequence[Column]) -> None:
        self.columns = tuple(columns)
        self._wanted_names = frozenset(
            source[6:] for column in self.columns for source in column.sources if source.startswith("names.")
        )
        self._plans: dict[int, _Plan] = {}
        self._of: tuple[object, int] | None = None

    def rows(self, batch: Batch) -> Iterator[Row]:
        """One row for each record of the batch that can be decoded; None stands for "it has none"."""
        source = batch.names
        of = (source, source.generation if source is not None else 0)
        if of != self._of:
            self._plans.clear()
            self._of = of
        plans = self._plans
        server = batch.server
        for record in batch.records:
            plan = plans.get(record.record_type)
            if plan is None:
                plan = plans[record.record_type] = self._make_plan(record.record_type, source)
            try:
                values = plan.project(record)
            except DecodeError as error:
                batch.report(record, error)
                continue
            names = plan.names(values[plan.name_values :]) if plan.names is not None else _NO_NAMES
            yield tuple([_first(places, values, names, server) for places in plan.places])

    def _make_plan(self, record_type: int, source: NameSource | None) -> _Plan:
        fields: dict[str, int] = {}
        places: list[tuple[_Place, ...]] = []
        known = fields_of(record_type)
        for column in self.columns:
            tried: list[_Place] = []
            for source_name in column.sources:
                name = source_name.rstrip(_NOT_ZERO)
                mark = _NOT_ZERO if name != source_name else ""
                place, _, field = name.partition(".")
                if name == "server":
                    tried.append((_SERVER, ""))
                elif place == "names":
                    tried.append((_NAME, field))
                else:
                    wanted = field if place == "data" else name
                    if place != "data" or field in known:
                        tried.append((fields.setdefault(wanted, len(fields)), mark))
            places.append(tuple(tried))
        chosen = tuple(fields)
        names = None
        named: tuple[str, ...] = ()
        if source is not None and self._wanted_names:
            named, names = source.names_from(record_type, self._wanted_names)
        return _Plan(
            projector(record_type, chosen + named), tuple(places), names if named else None, len(chosen)
        )


def fields_of(record_type: int) -> frozenset[str]:
    """All fields that the data of this record type can have, in any of its layouts."""
    row = RECORDS.get(record_type)
    bodies = row.bodies if row is not None else ()
    return frozenset(field for body in bodies for field in body.__struct_fields__)


@functools.cache
def _every_field() -> frozenset[str]:
    """All fields that the data of any record can have."""
    return frozenset().union(*map(fields_of, RECORDS))


def _first(places: tuple[_Place, ...], values: tuple[Any, ...], names: Mapping[str, str], server: str) -> Any:
    best: Any = None
    for at, name in places:
        if at >= 0:
            found = values[at]
            if found is UNSET or found is None or (name and not found):
                continue
        elif at == _NAME:
            found = names.get(name)
            if found is None:
                continue
        else:
            return server
        if isinstance(found, str) and found in _EMPTY:
            best = found if best is None else best
            continue
        return found
    return best
