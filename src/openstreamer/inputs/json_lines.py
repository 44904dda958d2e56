"""JSON lines as `stream -o json` writes them: any event of any type, read back byte for byte.

Archive time, server and names of a line are not read: the store gives its own time, and names come from
metadata records, which may stand among the lines (`stream --metadata lines`). Host profiles, as the command
`hosts` writes them, are no events; they are kept for answers to host data requests. Rules:
`docs/inputs-json.md`; the form itself is `openstreamer.protocol.records`, that of host profiles
`openstreamer.protocol.host_profiles`. Not here: reading the file (line_input.py).
"""

from __future__ import annotations

from typing import ClassVar

import msgspec

from openstreamer.inputs.encoded import add_record
from openstreamer.inputs.interface import Batch, NewHost
from openstreamer.inputs.line_input import LineConfig, LineError, LineInput
from openstreamer.protocol.host_profiles import (
    FULL_HOST_PROFILE,
    addresses_of,
    encode_profile,
    profile_from_json,
)
from openstreamer.protocol.records import encode_event, event_from_json


class _Head(msgspec.Struct):
    event: str | None = None


class JsonLinesInput(LineInput):
    """Reads JSON lines of events."""

    Config: ClassVar[type[msgspec.Struct]] = LineConfig
    title: ClassVar[str] = "JSON lines as `stream -o json` writes them"
    example: ClassVar[str] = "json:/var/lib/events.json"
    prefix: ClassVar[str] = "json"

    _head = msgspec.json.Decoder(_Head)

    def take_line(self, line: bytes, batch: Batch) -> None:
        if FULL_HOST_PROFILE.encode() in line and self._head.decode(line).event == FULL_HOST_PROFILE:
            batch.hosts.append(_host(line))
            return
        event = event_from_json(line)
        record = encode_event(event)
        number = record.record_type
        if not 0 <= number <= 0xFFFF:
            raise LineError(f"{number} is no record type")
        if not 0 <= record.netmap_id <= 0x7FFF:
            raise LineError(f"{record.netmap_id} is no domain number")
        add_record(batch, record, event)


def _host(line: bytes) -> NewHost:
    profile = profile_from_json(line)
    data = encode_profile(profile)
    addresses = addresses_of(profile.data)
    if not addresses:
        raise LineError("the host has no address")
    return NewHost(tuple(addresses), data)
