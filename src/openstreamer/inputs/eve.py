"""Suricata's EVE JSON: alerts, flows and files become events.

One line is one JSON object; `event_type` says what it is. Lines of other types carry no event: they are
counted by their type, and http, tls and dns lines are kept in mind for the connection they belong to.
Rules: `docs/inputs-eve.md`. Not here: reading the file (line_input.py) and the records (eve_alert.py,
eve_flow.py, eve_file.py).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Annotated, Any, ClassVar, cast

import msgspec
from msgspec import Meta

from openstreamer.inputs.eve_alert import AlertLine, AlertMapper, EventIds, PlainAlertLine
from openstreamer.inputs.eve_common import Clock, FlowTable, Head
from openstreamer.inputs.eve_file import FileLine, FileMapper, PlainFileLine
from openstreamer.inputs.eve_flow import DetailLine, DnsLine, FlowLine, FlowMapper, HttpLine, TlsLine
from openstreamer.inputs.eve_names import Names
from openstreamer.inputs.interface import Batch, InputContext
from openstreamer.inputs.line_input import LineConfig, LineError, LineInput
from openstreamer.wire.text import decode_text

_EVENT_TYPE = re.compile(rb'"event_type"\s*:\s*"([^"\\]{0,64})"')


class EveConfig(LineConfig, frozen=True, kw_only=True):
    """Settings of the EVE input."""

    sensor: Annotated[
        str, Meta(min_length=1, max_length=255, description="Name of the device for lines without `host`.")
    ] = "suricata"
    flows: Annotated[
        int, Meta(ge=0, le=10_000_000, description="Flows whose details are kept in mind until they end.")
    ] = 50_000


class _Kind:
    """How lines of one type are read.

    `plain` decodes the same line without what a newer sensor may write in another form.
    """

    __slots__ = ("decode", "plain", "take")

    def __init__(
        self, full: type[Any], take: Callable[[Any, Batch], None] | None, plain: type[Any] | None = None
    ) -> None:
        self.decode = msgspec.json.Decoder(full).decode
        self.plain = msgspec.json.Decoder(plain).decode if plain is not None else None
        self.take = take


class EveInput(LineInput):
    """Reads EVE lines."""

    Config: ClassVar[type[msgspec.Struct]] = EveConfig
    title: ClassVar[str] = "Suricata's EVE JSON: alerts with packets and extra data, flows, files"
    example: ClassVar[str] = "eve:/var/log/suricata/eve.json"
    prefix: ClassVar[str] = "eve"

    def begin(self, context: InputContext) -> None:
        config = cast("EveConfig", self.config)
        self._clock = clock = Clock()
        self._names = names = Names(context)
        flows = FlowTable(config.flows)
        alerts = AlertMapper(names, clock, flows, EventIds(context), config.sensor)
        self._flow_mapper = connections = FlowMapper(names, clock, flows, config.sensor)
        files = FileMapper(names, clock, flows, config.sensor)
        self._other = _Kind(Head, None)
        self._kinds: dict[str, _Kind] = {
            "alert": _Kind(AlertLine, alerts.take, PlainAlertLine),
            "flow": _Kind(FlowLine, connections.take, FlowLine),
            "fileinfo": _Kind(FileLine, files.take, PlainFileLine),
            "http": _Kind(HttpLine, None, Head),
            "tls": _Kind(TlsLine, None, Head),
            "dns": _Kind(DnsLine, None, Head),
        }

    def take_line(self, line: bytes, batch: Batch) -> None:
        try:
            match = _EVENT_TYPE.search(line)
            self._take(match[1].decode("utf-8", "replace") if match is not None else None, line, batch)
        except UnicodeDecodeError:
            # a value that is no UTF-8: its bytes are kept, in the form in which texts hold such bytes
            self._take(None, decode_text(line).encode(), batch)
        finally:
            if self._clock.clamped:
                batch.notes["clamped time"] = batch.notes.get("clamped time", 0) + self._clock.clamped
                self._clock.clamped = 0
            if self._names.new:
                batch.metadata += self._names.new
                self._names.new = []

    def _take(self, event_type: str | None, line: bytes, batch: Batch) -> None:
        """Take a line that seems to be of this type; None if that has still to be found out."""
        kind = self._kinds.get(event_type, self._other) if event_type is not None else self._other
        try:
            value = kind.decode(line)
        except msgspec.ValidationError:
            value = self._decode_plain(kind, event_type, line)
            if type(value) is not Head:
                batch.notes["details left out"] = batch.notes.get("details left out", 0) + 1
        found = value.event_type
        if found is None:
            raise LineError("no event_type")
        if found != event_type and found in self._kinds:
            # the type was not seen from outside, or that of a nested object was
            self._take(found, line, batch)
        elif found == event_type and kind.take is not None:
            kind.take(value, batch)
        else:
            batch.skipped[found] = batch.skipped.get(found, 0) + 1
            if isinstance(value, DetailLine):
                self._flow_mapper.note(value)

    def _decode_plain(self, kind: _Kind, event_type: str | None, line: bytes) -> Any:
        """A line of which some part has a form that is not known: the parts that are, or only its type."""
        head = self._other.decode(line)
        if head.event_type != event_type or kind.plain is None:
            return head
        return kind.plain(line)
