"""For people: one line an event, aligned, coloured where it goes to a terminal.

The short form fits what matters of any event into one line: time, what it is, priority, what it says, who
with whom, on which device. On a terminal a line is cut at its edge; elsewhere it is whole. `long=yes` adds
every field below. Text in an event comes from the network: whatever could steer a terminal (control
characters, changes of writing direction, line breaks) is shown as an escape and does nothing.

The form is for reading and may change; programs should read `json` or `csv`.
"""

from __future__ import annotations

import ipaddress
import os
import re
import shutil
import unicodedata
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

import msgspec

from openstreamer.outputs import columns as columns_table
from openstreamer.outputs.batch import Batch
from openstreamer.outputs.interface import Place
from openstreamer.outputs.one_file import FileOutput
from openstreamer.outputs.rotation import RotationConfig, open_rotating

UNSAFE = re.compile(
    "[\\x00-\\x1f\\x7f-\\x9f\\u061c\\u200b-\\u200f\\u2028-\\u202e\\u2060-\\u206f\\ufeff\\ufff9-\\ufffb]"
)
"""What could steer a terminal."""

_RESET = "\x1b[0m"
_STYLES = {
    "time": "\x1b[2m",
    "device": "\x1b[2m",
    "field": "\x1b[36m",
    "intrusion_event": "\x1b[1;31m",
    "malware_event": "\x1b[1;31m",
    "file_malware_event": "\x1b[1;31m",
    "intrusion_impact_alert": "\x1b[1;35m",
    "correlation_event": "\x1b[35m",
    "connection_statistics": "\x1b[32m",
    "file_event": "\x1b[33m",
    "packet": "\x1b[2m",
    "extra_data": "\x1b[2m",
}
_PROTOCOLS = {1: "icmp", 2: "igmp", 6: "tcp", 17: "udp", 47: "gre", 50: "esp", 58: "icmp6", 132: "sctp"}
_LABELS = {
    "intrusion_event": "INTRUSION",
    "packet": "packet",
    "extra_data": "extra",
    "connection_statistics": "connection",
    "connection_chunk": "conn chunk",
    "file_event": "FILE",
    "file_malware_event": "FILE MALWARE",
    "malware_event": "MALWARE",
    "correlation_event": "CORRELATION",
    "intrusion_impact_alert": "IMPACT",
}
_LABEL_WIDTH = 12
_LEAST_WORDS = 12
_ADDRESS_TYPES = (1, 2, 11, 12)  # extra data: X-Forwarded-For in both families, IPv6 source and destination

_COLUMNS = (
    "time", "event", "record_type", "priority", "message", "source_ip", "source_port", "destination_ip",
    "destination_port", "protocol", "device", "generator_id", "signature_id", "signature_revision", "blocked",
    "application", "url", "file_name", "file_size", "sha256", "user", "bytes_sent", "bytes_received",
    "data.packet_length", "data.link_type", "names.extra_data_type", "data.type", "data.data",
    "header.event_type", "header.event_subtype",
)  # fmt: skip


class TerminalConfig(RotationConfig, frozen=True, forbid_unknown_fields=True):
    """Settings of the print output."""

    long: Annotated[bool, msgspec.Meta(description="Show every field of every event below its line.")] = False
    ids: Annotated[
        bool, msgspec.Meta(description="Show the stable id behind the time; the long form always has it.")
    ] = False
    colour: Annotated[
        Literal["auto", "always", "never"],
        msgspec.Meta(
            description="Colours: where it goes to a terminal and NO_COLOR is not set, always, or never."
        ),
    ] = "auto"
    width: Annotated[
        int,
        msgspec.Meta(
            description="Cut lines at this many columns; 0 asks the terminal, -1 never cuts.", ge=-1
        ),
    ] = 0


def harmless(text: str) -> str:
    """The text with everything that could steer a terminal replaced by an escape that can be read."""
    return UNSAFE.sub(_escape, text)


def _escape(found: re.Match[str]) -> str:
    code = ord(found.group())
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"


def columns_of(text: str) -> int:
    """How many columns of a terminal the text takes."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(letter) else 2 if unicodedata.east_asian_width(letter) in "WF" else 1
        for letter in text
    )


def cut(text: str, width: int) -> str:
    """The text, cut to that many columns; a sign shows that something is missing."""
    if columns_of(text) <= width:
        return text
    kept = 0
    for at, letter in enumerate(text):
        kept += columns_of(letter)
        if kept > width - 1:
            return text[:at] + "…"
    return text


def _endpoint(address: Any, port: Any) -> str:
    if address is None:
        return ""
    if port is None:
        return str(address)
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def _time(seconds: Any) -> str:
    if not isinstance(seconds, int):
        return "-" * 19
    try:
        return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S")
    except (OverflowError, ValueError, OSError):
        return str(seconds).ljust(19)


def _extra_data(number: Any, value: Any) -> str:
    """The content of extra data as text: an address for the types that hold one."""
    if not isinstance(value, bytes):
        return str(value)
    if number in _ADDRESS_TYPES and len(value) in (4, 16):
        return str(ipaddress.ip_address(value))
    return value.decode("utf-8", "backslashreplace")


def _what(row: Mapping[str, Any]) -> str:
    """The words of the line: what an event says, in the way of its kind."""
    event = row["event"]
    parts: list[str] = []
    if row["signature_id"] is not None:
        parts.append(f"[{row['generator_id']}:{row['signature_id']}:{row['signature_revision']}]")
        if row["blocked"] == 1:
            parts.append("(blocked)")
    elif event == "packet":
        parts.append(f"{row['data.packet_length']} bytes, link type {row['data.link_type']}")
    elif event == "extra_data":
        name = row["names.extra_data_type"] or "type"
        parts.append(f"{name}: {_extra_data(row['data.type'], row['data.data'])}")
    elif event == "unknown_record":
        parts.append(f"record {row['record_type']}")
    elif event not in _LABELS:
        parts.append(str(event).replace("_", " "))
    if row["message"] is not None:
        parts.append(str(row["message"]))
    if row["file_name"]:
        parts.append(f"{row['file_name']} ({row['file_size']} bytes)")
    elif row["sha256"] and row["file_size"]:
        parts.append(f"{row['file_size']} bytes, SHA-256 {row['sha256']}")
    if event == "connection_statistics":
        if isinstance(row["application"], str):
            parts.append(row["application"])
        parts.append(f"{row['bytes_sent']} up, {row['bytes_received']} down")
    if row["url"]:
        parts.append(str(row["url"]))
    if isinstance(row["user"], str) and row["user"]:
        parts.append(f"user {row['user']}")
    return " ".join(parts)


class TerminalOutput(FileOutput):
    """`-o print`, the default."""

    Config = TerminalConfig
    title = "for people: one line an event, or every field with long=yes"
    example = "openstreamer stream SERVER -o print:long=yes"

    def __init__(self, config: msgspec.Struct, target: str) -> None:
        super().__init__(config, target)
        assert isinstance(config, TerminalConfig)
        self._settings = config
        self._rows = columns_table.RowMaker(
            [columns_table.column(name) for name in (*_COLUMNS, *(["stable_id"] if config.ids else []))]
        )
        self._colour = False
        self._terminal = False

    def open(self, place: Place | None) -> None:
        self._file = open_rotating(self.target, place, self._settings)
        self._terminal = self.target == "-" and os.isatty(1)
        wanted = self._settings.colour
        self._colour = wanted == "always" or (
            wanted == "auto"
            and self._terminal
            and "NO_COLOR" not in os.environ
            and os.environ.get("TERM") != "dumb"
        )

    def _width(self) -> int:
        if self._settings.width:
            return self._settings.width if self._settings.width > 0 else 1 << 30
        return shutil.get_terminal_size().columns if self._terminal else 1 << 30

    def _paint(self, style: str, text: str) -> str:
        start = _STYLES.get(style, "")
        return f"{start}{text}{_RESET}" if self._colour and start else text

    def write(self, batch: Batch) -> None:
        assert self._file is not None
        lines = list(self._long(batch) if self._settings.long else self._short(batch))
        if lines:
            self._file.append(("\n".join(lines) + "\n").encode())

    def _short(self, batch: Batch) -> Iterator[str]:
        width = self._width()
        names = [column.name for column in self._rows.columns]
        for values in self._rows.rows(batch):
            yield self._line(dict(zip(names, values, strict=True)), width)

    def _line(self, row: Mapping[str, Any], width: int) -> str:
        event = str(row["event"])
        label = _LABELS.get(event, "unknown" if event == "unknown_record" else "discovery")
        priority = row["priority"]
        mark = str(priority)[:6] if priority is not None else ""
        source = _endpoint(row["source_ip"], row["source_port"])
        destination = _endpoint(row["destination_ip"], row["destination_port"])
        protocol = row["protocol"]
        ends = f"{source} → {destination}" if destination else source
        if protocol is not None and destination:
            ends += f" {_PROTOCOLS.get(protocol, protocol)}"
        head = f"{label:<{_LABEL_WIDTH}} {harmless(mark):<6} "
        time = _time(row["time"])
        if self._settings.ids:
            time += f" {row['stable_id']}"
        room = max(0, width - len(time) - 1 - len(head))
        what = harmless(_what(row))
        if ends:
            # who with whom stays readable: the words give way first
            what = cut(what, max(_LEAST_WORDS, room - columns_of(ends) - 2))
            what = f"{what}  {ends}" if what else ends
        body = cut(what, room)
        device = f"  {harmless(str(row['device']))}" if row["device"] is not None else ""
        painted = [self._paint("time", time), " ", self._paint(event, head), body]
        if device and columns_of(body) + columns_of(device) <= room:
            painted.append(self._paint("device", device))
        return "".join(painted).rstrip()

    def _long(self, batch: Batch) -> Iterator[str]:
        rows = {id(event.event): event for event in batch}
        for event in rows.values():
            title = f"{event.id} (record {event.record_type})"
            time = self._paint("time", _time(event.archive_time))
            yield f"{time} {self._paint(event.id, title)} {event.server}"
            yield f"  {self._paint('field', 'stable_id')}: {event.stable_id}"
            for part in (event.header, event.data):
                yield from self._fields(msgspec.to_builtins(part) if part is not None else {}, "  ")
            for name, text in event.names.items():
                yield f"  {self._paint('field', name)} = {harmless(text)}"

    def _fields(self, value: Any, indent: str) -> Iterator[str]:
        for name, part in value.items():
            if isinstance(part, dict):
                yield f"{indent}{self._paint('field', name)}:"
                yield from self._fields(part, indent + "  ")
            elif isinstance(part, list):
                for number, item in enumerate(part, 1):
                    inner = item if isinstance(item, dict) else {"value": item}
                    yield f"{indent}{self._paint('field', name)} {number}:"
                    yield from self._fields(inner, indent + "  ")
            else:
                yield f"{indent}{self._paint('field', name)}: {harmless(str(part))}"
