"""Packets as a pcapng capture, with the alert that each belongs to as a comment on the packet.

One file holds all link types: each gets an interface of its own. A comment has the form that people know
from alert files: `[generator:signature:revision] message (classification) priority`, and the stable ids of
alert and packet. An intrusion event
arrives just before its packets, so the join is a bounded table of recent events; a packet whose event was
not seen has its own id only. Continuing a file begins a new section in it, which the format allows.

Written in little-endian form with microsecond times. Takes packet records and intrusion events.
"""

from __future__ import annotations

import struct
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Annotated, Any

import msgspec

from openstreamer.errors import DecodeError, OutputError
from openstreamer.layouts.records import RECORDS
from openstreamer.outputs.batch import Batch
from openstreamer.outputs.files import GrowingFile, OpenStream, notices_of
from openstreamer.outputs.interface import FILE, PIPE, Guarantee, Output, Place
from openstreamer.outputs.one_file import file_guarantee
from openstreamer.outputs.packets import PACKET_RECORD, RawPacket, read_packet
from openstreamer.outputs.rotation import RotationConfig, open_rotating
from openstreamer.protocol.identity import stable_id
from openstreamer.protocol.records import Event, Record, UnknownRecord, decode_record

_SECTION, _INTERFACE, _PACKET = 0x0A0D0D0A, 0x00000001, 0x00000006
_BYTE_ORDER = 0x1A2B3C4D
_OPTION_END, _OPTION_COMMENT, _OPTION_APPLICATION = 0, 1, 4
_SNAPLEN = 262_144
_TABLE = 4096
_SAVED = 64

INTRUSION_RECORDS = frozenset(
    number
    for number, record in RECORDS.items()
    if record.event_class == "intrusion" and record.kind != "metadata"
)

#: device, event number, event second: what a packet and its event have in common.
EventKey = tuple[int, int, int]


class PcapngConfig(RotationConfig, frozen=True, forbid_unknown_fields=True):
    """Settings of the pcapng output."""

    comments: Annotated[
        bool, msgspec.Meta(description="Put the alert, and stable ids, into the comment of packets.")
    ] = True


def _padded(data: bytes) -> bytes:
    return data + b"\0" * (-len(data) % 4)


def _option(code: int, value: bytes) -> bytes:
    value = value[:0xFFFF]
    return struct.pack("<HH", code, len(value)) + _padded(value)


def _block(block_type: int, body: bytes) -> bytes:
    length = len(body) + 12
    return struct.pack("<II", block_type, length) + body + struct.pack("<I", length)


def section_header(application: str) -> bytes:
    """The block that begins a section."""
    options = _option(_OPTION_APPLICATION, application.encode()) + _option(_OPTION_END, b"")
    return _block(_SECTION, struct.pack("<IHHq", _BYTE_ORDER, 1, 0, -1) + options)


def interface_description(link_type: int) -> bytes:
    """The block that says: the next interface number has this link type."""
    return _block(_INTERFACE, struct.pack("<HHI", link_type & 0xFFFF, 0, _SNAPLEN))


def packet_block(interface: int, packet: RawPacket, comment: str | None) -> bytes:
    """One packet, with its comment if there is one."""
    time = packet.second * 1_000_000 + packet.microsecond
    size = len(packet.data)
    body = struct.pack(
        "<IIIII", interface, time >> 32, time & 0xFFFFFFFF, size, packet.original_length
    ) + _padded(packet.data)
    if comment:
        body += _option(_OPTION_COMMENT, comment.encode()) + _option(_OPTION_END, b"")
    return _block(_PACKET, body)


def comment_of(event: Event, names: Mapping[str, str]) -> str:
    """What is written on the packets of an intrusion event."""
    data: Any = event.data
    parts = [f"[{data.generator_id}:{data.signature_id}:{data.signature_revision}]"]
    if names.get("rule"):
        parts.append(names["rule"])
    if names.get("classification"):
        parts.append(f"({names['classification']})")
    parts.append(f"priority {names.get('priority', data.priority_id)}")
    return " ".join(parts)


class PcapngOutput(Output):
    """`-o pcapng`."""

    Config = PcapngConfig
    title = "packets of all link types in one capture, each with its alert as a comment"
    record_types = frozenset({PACKET_RECORD}) | INTRUSION_RECORDS
    example = "openstreamer stream SERVER --events intrusion,packet -o pcapng -f packets.pcapng"
    guarantees = (FILE, PIPE)

    def __init__(self, config: msgspec.Struct, target: str) -> None:
        super().__init__(config, target)
        assert isinstance(config, PcapngConfig)
        self._settings = config
        self._comments = config.comments
        self._file: GrowingFile | OpenStream | None = None
        self._interfaces: dict[int, int] = {}
        self._section_begun = False
        self._alerts: OrderedDict[EventKey, str] = OrderedDict()
        self._waiting: OrderedDict[EventKey, None] = OrderedDict()

    def guarantee(self) -> Guarantee:
        return file_guarantee(self.target)

    def open(self, place: Place | None) -> None:
        saved = place or {}
        self._file = open_rotating(self.target, saved.get("file"), self._settings)
        head = self._file.head(4)
        if head and head != struct.pack("<I", _SECTION):
            raise OutputError("is no pcapng capture; choose another target", target=self.target)
        for device, event, second, comment in saved.get("waiting", ()):
            self._alerts[device, event, second] = comment
            self._waiting[device, event, second] = None

    def _note(self, record: Record, names: Callable[[Event], Mapping[str, str]] | None) -> None:
        event = decode_record(record)
        data: Any = event.data
        if isinstance(data, UnknownRecord):  # a block of an unknown version: nothing says which event it is
            return
        key = (data.device_id, data.event_id, data.event_second)
        comment = comment_of(event, names(event) if names else {})
        self._alerts[key] = f"{comment}, alert {stable_id(record)}"
        self._waiting[key] = None
        for table in (self._alerts, self._waiting):
            while len(table) > _TABLE:
                table.popitem(last=False)

    def write(self, batch: Batch) -> None:
        assert self._file is not None
        names = batch.names_function()
        interfaces = dict(self._interfaces)
        parts: list[bytes] = []
        for record in batch.records:
            try:
                if record.record_type == PACKET_RECORD:
                    packet = read_packet(record)
                elif self._comments and record.record_type in INTRUSION_RECORDS:
                    self._note(record, names)
                    continue
                else:
                    continue
            except DecodeError as error:
                batch.report(record, error)
                continue
            interface = interfaces.get(packet.link_type)
            if interface is None:
                interface = interfaces[packet.link_type] = len(interfaces)
            key = (packet.device_id, packet.event_id, packet.event_second)
            parts.append(packet_block(interface, packet, self._comment(key, record)))
            self._waiting.pop(key, None)
        if not parts:
            return
        described = [interface_description(link_type) for link_type in interfaces]
        head = b"".join((section_header("openstreamer"), *described))
        lead = b"".join(described[len(self._interfaces) :]) if self._section_begun else head
        self._file.append(b"".join(parts), head=head, lead=lead)
        self._section_begun = True
        self._interfaces = interfaces

    def _comment(self, key: EventKey, record: Record) -> str | None:
        """What its alert says, if that is known, and the packet's own id."""
        if not self._comments:
            return None
        own = f"packet {stable_id(record)}"
        alert = self._alerts.get(key)
        return own if alert is None else f"{alert}, {own}"

    def sync(self) -> None:
        if self._file is not None:
            self._file.sync()

    def place(self) -> Place | None:
        file = self._file.place() if self._file is not None else None
        if file is None:
            return None
        waiting = list(self._waiting)[-_SAVED:]
        return {"file": file, "waiting": [[*key, self._alerts.get(key, "")] for key in waiting]}

    def notices(self) -> list[str]:
        return notices_of(self._file)

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
