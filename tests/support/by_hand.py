"""What is tested with bytes written by hand, and the check that both backends read and write them so."""

from __future__ import annotations

from typing import Any

import msgspec

from openstreamer.wire import block_class, decoder, encoder, interpreter
from openstreamer.wire.json_form import from_json_form
from support import hand_blocks, hand_events, hand_host_blocks, hand_input, hand_traffic
from support.hand_blocks import Entry

FAMILIES: dict[str, list[Entry]] = {
    "primitives": hand_blocks.PRIMITIVES,
    "attributes": hand_blocks.ATTRIBUTES,
    "hosts": hand_blocks.HOSTS,
    "servers": hand_blocks.SERVERS,
    "host_profile": hand_host_blocks.HOST_PROFILE,
    "indication_of_compromise": hand_host_blocks.INDICATION_OF_COMPROMISE,
    "host_input": hand_input.HOST_INPUT,
    "host_input_legacy": hand_input.HOST_INPUT_LEGACY,
    "hosts_legacy": hand_input.HOSTS_LEGACY,
    "scan": hand_input.SCAN,
    "internal": hand_input.INTERNAL,
    "internal_users": hand_input.INTERNAL_USERS,
    "users": hand_events.USERS,
    "impact_alert": hand_events.IMPACT_ALERT,
    "correlation": hand_events.CORRELATION,
    "malware": hand_traffic.MALWARE,
    "connection": hand_traffic.CONNECTION,
    "extra_data": hand_blocks.EXTRA_DATA,
    "metadata_blocks": hand_blocks.METADATA_BLOCKS,
}
"""Blocks by module of layouts."""


def check(series: int, number: int, data: bytes, expected: dict[str, Any]) -> Any:
    """Read a block with both backends, as JSON, and write it again; gives what was read."""
    cls = block_class(series, number)
    assert cls is not None
    value = decoder(cls, number)(data, 0, len(data))
    assert interpreter.decode(cls, number, data, 0, len(data)) == value
    form = msgspec.json.decode(msgspec.json.encode(value))
    assert form == expected
    assert encoder(cls, number)(value) == data
    assert interpreter.encode(value, number) == data
    again = from_json_form(cls, expected)
    assert again == value
    assert encoder(cls, number)(again) == data
    return value
