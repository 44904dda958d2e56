"""Records in the print form of the reference client: one field a line, as scripts around it read them.

Header lines, thirteen equals signs, the fields in wire order, an empty line, thirteen asterisks. Nested
values stand four spaces deeper, below their name. Numbers of messages, records, blocks and event subtypes
have their name in brackets; control characters are spaces; the bytes of packets are left out. Fields have the
names of our JSON lines: the original knew no event of later releases. `stream -o print` has its own form.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from typing import Any

from msgspec import UNSET

from openstreamer.cli.field_tree import Node, tree_of, words_of
from openstreamer.errors import DecodeError
from openstreamer.layouts.discovery_header import DiscoveryHeader
from openstreamer.layouts.discovery_types import DISCOVERY_EVENTS
from openstreamer.outputs.batch import Batch
from openstreamer.outputs.files import open_target
from openstreamer.outputs.interface import Place
from openstreamer.outputs.one_file import FileOutput
from openstreamer.outputs.terminal import UNSAFE
from openstreamer.protocol.host_profiles import decode_profile
from openstreamer.protocol.records import Record, UnknownRecord, decode_record
from openstreamer.wire import Block, UnknownBlock

_LINE, _END = "=" * 13, "*" * 13
_HEADER, _LONG_HEADER = 8, 16
_EVENT_DATA = 4
_REMOVED = "(removed)"
_MESSAGES = {
    0: "Null",
    1: "Error",
    2: "Request",
    4: "Data",
    5: "Host Request",
    6: "Host Data",
    7: "Host Data",
}


def _numbers(*parts: int | tuple[int, int]) -> Iterator[int]:
    for part in parts:
        if isinstance(part, int):
            yield part
        else:
            yield from range(part[0], part[1] + 1)


_CLASSES: dict[str, Iterable[int]] = {
    "EVENT": (1, 7, 72, 99, 100, 104, 105),
    "PACKET": (2,),
    "CLASSIFICATION": (3, 67),
    "PRIORITY": (4,),
    "RULE": (5, 66, 70),
    "RNA": _numbers(6, (10, 35), (37, 42), (44, 53), 71, (73, 89), (101, 103)),
    "POLICY": (8, 36, 65, 69, 97),
    "IMPACT": (9,),
    "FINGERPRINT": (54,),
    "CLIENT APP": (55,),
    "CLIENT APP TYPE": (56,),
    "VULNERABILITY": (57, 106),
    "CRITICALITY": (58,),
    "NET PROTO": (59,),
    "ATTRIBUTE": (60,),
    "SCAN TYPE": (61,),
    "SYSTEM USER": (62,),
    "SERVICE": (63,),
    "DETECTION ENGINE": (64, 68),
    "SOURCE TYPE": (90,),
    "SOURCE APP": (91,),
    "RUA": (92, 93, 94, 95),
    "SOURCE DETECTOR": (96,),
    "RUA USER": (98,),
}
RECORD_CLASSES = {number: name for name, numbers in _CLASSES.items() for number in numbers}
"""The name that stands behind the number of a record; UNKNOWN behind all others."""


def shown(value: Any) -> str:
    """A value as text in one line."""
    if value is None or value is UNSET:
        return "undef"
    text = value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
    return UNSAFE.sub(" ", text)


def _field_lines(nodes: Iterable[Node], depth: int = 0) -> Iterator[str]:
    event_type = 0
    for node in nodes:
        indent = "    " * (depth + node.depth)
        if node.raw is None and node.value == "":
            yield f"{indent}{node.name}:"
            continue
        text = shown(node.raw)
        if node.name == "event_type" and isinstance(node.raw, int):
            event_type = node.raw & 0xFFFFFF
        if node.name == "packet_data":
            text = _REMOVED
        elif node.name == "block_type":
            name = node.value.partition("(")[2].rstrip(")")
            text += f" ({name})"
        elif node.name == "event_subtype":
            known = DISCOVERY_EVENTS.get((event_type, int(node.raw or 0)))
            text += f" ({known.name if known else 'unknown'})"
        yield f"{indent}{node.name}: {text}"


def _head(message_type: int, length: int) -> Iterator[str]:
    yield "version: 1"
    yield f"msg_type: {message_type} ({_MESSAGES[message_type]})"
    yield f"msg_length: {length}"


def _body(record: Record) -> Iterator[str]:
    data = record.data
    event = decode_record(record)
    start = 0
    if event.header is not UNSET:
        start = 56 if event.header.has_ipv6 == 1 else 40
        yield from _field_lines(tree_of(DiscoveryHeader, start, data, 0, start))
        yield "    rna_block:"
    depth = 2 if start else 0
    value = event.data
    if isinstance(value, UnknownRecord):
        yield f"{'    ' * depth}data: {data[start:].hex()}"
        return
    number = value.block_type if isinstance(value, Block) else record.record_type
    yield from _field_lines(tree_of(type(value), number, data, start, len(data)), depth)
    if isinstance(value, Block):
        end = start + words_of(data[start:], 2)[1]
        if end < len(data):
            yield f"{'    ' * depth}left_over: {data[end:].hex()}"


def record_text(record: Record) -> str:
    """One record, with the header of the message it came in.

    Raises:
        DecodeError: it does not fit its layout.
    """
    length = len(record.data)
    header = _HEADER if record.archive_time is None else _LONG_HEADER
    name = RECORD_CLASSES.get(record.record_type, "UNKNOWN")
    lines = [*_head(_EVENT_DATA, length + header), f"rec_type: {record.record_type} ({name})"]
    lines.append(f"rec_length: {length}")
    if record.archive_time:
        lines.append(f"archive_timestamp: {_moment(record.archive_time)}")
    lines += [_LINE, *_body(record), "", _END, "", ""]
    return "\n".join(lines)


def host_text(data: bytes, *, several: bool) -> str:
    """One answer to a host request: message 6, or 7 where a range was asked for."""
    lines = [*_head(7 if several else 6, len(data)), _LINE]
    try:
        profile = decode_profile(data).data
        if isinstance(profile, UnknownBlock):
            lines.append(f"data: {data.hex()}")
        else:
            lines += _field_lines(tree_of(type(profile), profile.block_type, data, 0, len(data)))
    except DecodeError as error:
        lines += [f"problem: {shown(str(error))}", f"data: {data.hex()}"]
    return "\n".join([*lines, "", _END, "", ""])


def _moment(seconds: int) -> str:
    """UTC in the form of asctime, English whatever the locale."""
    return time.asctime(time.gmtime(seconds))


class ReferencePrint(FileOutput):
    """The print output of `ssl_test`."""

    title = "readable text, in the form of the reference client"

    def open(self, place: Place | None) -> None:
        self._file = open_target(self.target, place, sync="never")

    def write(self, batch: Batch) -> None:
        assert self._file is not None
        texts = []
        for record in batch.records:
            try:
                texts.append(record_text(record))
            except DecodeError as error:
                batch.report(record, error)
        self._file.append("".join(texts).encode("utf-8", "replace"))
