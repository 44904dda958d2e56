"""An event, described as its mapping says: title, severity, and named values, ready for any text format.

The places where values may stand are looked up once per kind of event. Absent values, empty texts and
addresses, identifiers and MAC addresses that are all zero are left out. Not here: escaping.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from operator import attrgetter
from typing import Any

import msgspec
from msgspec import UNSET

from openstreamer.layouts.records import RECORDS
from openstreamer.layouts.values import VALUES, impact_level
from openstreamer.outputs.batch import Batch
from openstreamer.outputs.columns import COLUMNS
from openstreamer.outputs.mappings.events import (
    OTHERWISE,
    SEVERITIES,
    SYSLOG_SEVERITY,
    EventMapping,
    Item,
    mapping_for,
)
from openstreamer.protocol.identity import stable_id
from openstreamer.protocol.records import Event, Record

PROTOCOLS = {1: "ICMP", 2: "IGMP", 6: "TCP", 17: "UDP", 47: "GRE", 50: "ESP", 58: "ICMPv6", 132: "SCTP"}

_NOTHING = frozenset({"", "::", "0.0.0.0", "00:00:00:00:00:00", "00000000-0000-0000-0000-000000000000"})

Value = str | int
Context = tuple[Event, Mapping[str, str], str]
"""What values are read from: the event, its names, the server."""


class Described(msgspec.Struct):
    """One event in words.

    Attributes:
        id: the stable id.
        title: what happened, in words.
        signature: what stands for the kind of event.
        severity: 0 to 10.
        seconds, microseconds: when it happened; 0 if nobody says.
        priority: the number that decided the severity, 0 if none did.
        values: the items that have a value, in the order of the mapping.
    """

    id: str
    record: Record
    event: Event
    names: Mapping[str, str]
    server: str
    event_class: str
    title: str
    signature: str
    severity: int
    seconds: int
    microseconds: int
    priority: int
    values: list[tuple[Item, Value]]

    def get(self, name: str) -> Value | None:
        """The value of the item of that name."""
        return next((value for item, value in self.values if item.name == name), None)

    @property
    def syslog_severity(self) -> int:
        """The severity on syslog's scale, 2 (critical) to 6 (informational)."""
        return next(number for least, number, _ in SYSLOG_SEVERITY if self.severity >= least)


def shown(value: Any, form: str) -> Value | None:
    """A value in its form; None where it says nothing.

    Raises nothing: what has no word in an enumeration is shown as its number.
    """
    if form == "json":
        return msgspec.json.encode(value).decode()
    if isinstance(value, (bytes, bytearray)):
        return bytes(value).decode("utf-8", "backslashreplace") or None
    if isinstance(value, str):
        return None if value in _NOTHING else value
    if isinstance(value, bool) or not isinstance(value, int):
        return msgspec.json.encode(value).decode()
    if form == "milliseconds":
        return value * 1000 if value else None
    if form == "protocol":
        return PROTOCOLS.get(value, value) if value else None
    if form == "impact":
        return impact_level(value)
    table = VALUES.get(form)
    return value if table is None else (table.words(value) or value)


Getter = Callable[[Context], Any]


def places_of(source: str) -> tuple[str, ...]:
    """The places of a source: those of a common column, or the ones it names itself."""
    column = COLUMNS.get(source)
    return column.sources if column is not None else tuple(source.split("|"))


def _getter(place: str, event: Event) -> Getter | None:
    """What reads a place of events of this kind; None if they have no such place."""
    name = place.rstrip("?")
    zero_is_none = name != place
    kind, _, field = name.partition(".")
    read: Callable[[Any], Any]
    if kind == "names":
        return lambda context: context[1].get(field)
    if kind == "server":
        return lambda context: context[2]
    if kind == "data" and not field:
        return lambda context: context[0].data
    if kind == "header":
        if event.header is UNSET:
            return None
        read = attrgetter(name)
    elif kind == "data":
        if not hasattr(event.data, field):
            return None
        read = attrgetter(name)
    else:
        read = attrgetter(name)

    def get(context: Context) -> Any:
        value = read(context[0])
        return None if value is UNSET or (zero_is_none and not value) else value

    return get


class _Source:
    """A source, resolved for events of one kind."""

    __slots__ = ("_getters",)

    def __init__(self, source: str, event: Event) -> None:
        getters = [_getter(place, event) for place in places_of(source)]
        self._getters = [getter for getter in getters if getter is not None]

    def __bool__(self) -> bool:
        return bool(self._getters)

    def value(self, context: Context, form: str = "") -> Value | None:
        """The first value that says something."""
        for getter in self._getters:
            raw = getter(context)
            if raw is not None:
                value = shown(raw, form)
                if value is not None:
                    return value
        return None


class _Plan:
    """How events of one kind (record type, class of the data, header or none) are described."""

    def __init__(self, mapping: EventMapping, event: Event) -> None:
        row = RECORDS.get(event.record_type)
        self.mapping = mapping
        self.event_class = (row.event_class if row is not None else None) or "other"
        words = event.event.replace("_", " ")
        self.title = mapping.title or words[:1].upper() + words[1:]
        if event.event == "unknown_record":
            self.title = f"Record of unknown type {event.record_type}"
        self.items = [(item, source) for item in mapping.items if (source := _Source(item.source, event))]
        self.title_source = _Source(mapping.title_source, event) if mapping.title_source else None
        self.decides = _Source(mapping.severity_source, event) if mapping.severity_source else None
        self.seconds = _Source("time", event)
        self.microseconds = _Source(
            "data.event_microsecond|data.packet_microsecond|data.policy_tv_usec|header.event_microsecond",
            event,
        )
        self.signature = [
            _Source(name, event) for name in ("generator_id", "signature_id") if mapping.signature
        ]

    def severity(self, context: Context) -> tuple[int, int]:
        """On the scale of CEF, and the number that decided (0 if none did)."""
        kind = self.mapping.severity
        if isinstance(kind, int):
            return kind, 0
        number = self.decides.value(context) if self.decides is not None else None
        if not isinstance(number, int):
            return OTHERWISE[kind], 0
        if kind == "impact":
            number = impact_level(number)
        return SEVERITIES[kind].get(number, OTHERWISE[kind]), number


class Describer:
    """Describes the events of batches."""

    def __init__(self) -> None:
        self._plans: dict[tuple[int, type, bool], _Plan] = {}

    def batch(self, batch: Batch) -> Iterator[Described]:
        """Every event of a batch that can be decoded."""
        names = batch.names_function()
        nothing: Mapping[str, str] = {}
        for record, event in zip(batch.records, batch.each(), strict=True):
            if event is not None:
                yield self.event(record, event, nothing if names is None else names(event), batch.server)

    def event(self, record: Record, event: Event, names: Mapping[str, str], server: str) -> Described:
        """One event; `record` is what it was decoded from."""
        kind = (event.record_type, type(event.data), event.header is UNSET)
        plan = self._plans.get(kind)
        if plan is None:
            plan = self._plans[kind] = _Plan(mapping_for(event.record_type), event)
        context = (event, names, server)
        severity, priority = plan.severity(context)
        title = plan.title_source.value(context) if plan.title_source is not None else None
        signature = [str(part.value(context)) for part in plan.signature]
        values = []
        for item, source in plan.items:
            value = source.value(context, item.form)
            if value is not None:
                values.append((item, value))
        seconds = plan.seconds.value(context)
        micros = plan.microseconds.value(context)
        return Described(
            id=stable_id(record),
            record=record,
            event=event,
            names=names,
            server=server,
            event_class=plan.event_class,
            title=plan.title if title is None else str(title),
            signature=":".join(signature) if signature else event.event,
            severity=severity,
            seconds=seconds if isinstance(seconds, int) else 0,
            microseconds=micros if isinstance(micros, int) and 0 <= micros < 1_000_000 else 0,
            priority=priority,
            values=values,
        )
