"""`openstreamer decode`: show what lies in a recorded stream of messages, or in hex text.

Reads messages as they were on the wire, in either direction; shows one line an item, JSON lines, or all
fields with their offsets. A record that cannot be decoded is reported, and the next one is shown.
"""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Protocol, TextIO

import click
from msgspec import UNSET

from openstreamer.cli.common import examples
from openstreamer.errors import OpenStreamerError

if TYPE_CHECKING:
    from openstreamer.cli.recorded import Failure, Item


@click.command(
    "decode",
    short_help="Show what lies in a recorded stream of messages.",
    epilog=examples(
        "openstreamer decode recorded.bin",
        "openstreamer decode --tree recorded.bin",
        "echo '00010002 00000008 ffffffff 48900061' | openstreamer decode --hex -",
    ),
)
@click.argument("file", metavar="[FILE|-]", default="-")
@click.option("--hex", "as_hex", is_flag=True, help="The input is hex text; blanks and lines do not matter.")
@click.option("--json", "form", flag_value="json", help="Print JSON lines, as 'stream -o json' does.")
@click.option("--tree", "form", flag_value="tree", help="Print all fields with offset, size, kind and value.")
def command(file: str, as_hex: bool, form: str | None) -> int:
    """Show what lies in a recorded stream of messages, as they were on the wire in either direction.

    Without FILE, or with -, standard input is read. Errors name record, block, field and offset; the exit
    status is 1 if there was one.
    """
    from openstreamer.cli.recorded import Failure, read_items

    printer = _printer(form, sys.stdout)
    errors = 0
    for item in read_items(file, as_hex=as_hex):
        failure = item if isinstance(item, Failure) else printer.show(item)
        if failure is not None:
            errors += 1
            sys.stdout.flush()
            print(f"openstreamer: {failure}", file=sys.stderr)
    return 1 if errors else 0


class Printer(Protocol):
    """Shows messages one by one."""

    def show(self, item: Item) -> Failure | None:
        """Print a message; say so if it cannot be read."""


def _printer(form: str | None, out: TextIO) -> Printer:
    if form == "tree":
        from openstreamer.cli.field_tree import TreePrinter

        return TreePrinter(out)
    return JsonPrinter(out) if form == "json" else LinePrinter(out)


class LinePrinter:
    """One line an item: offset, message, and the little that tells one event from another."""

    def __init__(self, out: TextIO) -> None:
        self.out = out

    def show(self, item: Item) -> Failure | None:
        from openstreamer.cli.recorded import BUNDLE, Failure
        from openstreamer.protocol.messages import EventData, decode_message

        try:
            if item.type == BUNDLE and len(item.body) >= 8:
                text = _bundle(item.body)
            elif isinstance(message := decode_message(item.type, item.body), EventData):
                text = _record(message.record)
            else:
                text = describe(message)
        except OpenStreamerError as error:
            return Failure(item.offset, str(error))
        self.out.write(f"{item.offset:#010x}  {'  ' * item.depth}{item.name}  {text}".rstrip() + "\n")
        return None


def _bundle(body: bytes) -> str:
    connection, sequence = int.from_bytes(body[:4], "big"), int.from_bytes(body[4:8], "big")
    return f"connection {connection} sequence {sequence}, {len(body) - 8} bytes"


def _record(record: Any) -> str:
    from openstreamer.cli.summary import summary
    from openstreamer.protocol.records import decode_record

    event = decode_record(record)
    block = getattr(event.data, "block_type", UNSET)
    number = f"{record.record_type}" if block is UNSET else f"{record.record_type}/{block}"
    time = "" if record.archive_time is None else f"  {_time(record.archive_time)}"
    return f"{number} {event.event}{time}  {summary(event)}"


def _time(seconds: int) -> str:
    if seconds in (0, 0xFFFF_FFFF):
        return "now" if seconds else "beginning"
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def describe(message: Any) -> str:
    """A message other than a record or a bundle, in a few words."""
    from openstreamer.layouts.values import VALUES
    from openstreamer.protocol import messages as m

    match message:
        case m.Error(code, text):
            return f"code {code}: {text}"
        case m.EventStreamRequest(timestamp, flags):
            words = VALUES["request_flags"].words(flags) or "none"
            return f"from {_time(timestamp)}, flags {flags:#010x} ({words})"
        case m.StreamingInformation(services):
            return "services " + ", ".join(str(service.type) for service in services)
        case m.StreamingRequest(services):
            return "; ".join(_service(service) for service in services)
        case m.HostDataRequest(data_type, flags, start, end):
            return f"type {data_type}, flags {flags:#x}, {start} to {end}"
        case m.SingleHostData(data) | m.MultipleHostData(data):
            block = int.from_bytes(data[:4], "big")
            return f"block {block}, {len(data)} bytes" if len(data) >= 8 else "no host"
        case m.UnknownMessage(_, body):
            return f"{len(body)} bytes"
    return ""


def _service(service: Any) -> str:
    from openstreamer.layouts.requests import EVENT_TYPES

    pairs = ", ".join(
        f"{kind} v{version} ({EVENT_TYPES.get(kind, 'unknown')})" for kind, version in service.event_types
    )
    start = _time(service.initial_timestamp)
    return f"service {service.type}, from {start}, flags {service.flags:#010x}: {pairs}"


class JsonPrinter:
    """JSON lines of records and host profiles; the other messages as objects with a `message` member."""

    def __init__(self, out: TextIO) -> None:
        self.out = out

    def show(self, item: Item) -> Failure | None:
        from openstreamer.cli.recorded import BUNDLE, Failure
        from openstreamer.errors import DecodeError
        from openstreamer.protocol.host_profiles import decode_profile, profile_line
        from openstreamer.protocol.messages import (
            EventData,
            MultipleHostData,
            SingleHostData,
            decode_message,
        )
        from openstreamer.protocol.records import decode_record, json_line

        if item.type == BUNDLE:
            return None
        try:
            message = decode_message(item.type, item.body)
            if isinstance(message, EventData):
                line = json_line(decode_record(message.record))
            elif isinstance(message, SingleHostData | MultipleHostData) and message.data:
                try:
                    line = profile_line(decode_profile(message.data))
                except DecodeError:
                    line = _object(item.name, message)
            else:
                line = _object(item.name, message)
        except OpenStreamerError as error:
            return Failure(item.offset, str(error))
        self.out.write(line.decode())
        return None


def _object(name: str, message: Any) -> bytes:
    """A message as one JSON object."""
    import msgspec

    return msgspec.json.encode({"message": name, **msgspec.to_builtins(message)}) + b"\n"
