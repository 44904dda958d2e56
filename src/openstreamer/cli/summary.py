"""An event in half a line: what tells it from another, for people who look over many.

Not the `print` output of `stream`, which resolves names; this needs nothing but the event itself.
"""

from __future__ import annotations

from typing import Any

from msgspec import UNSET

from openstreamer.layouts.references import METADATA
from openstreamer.layouts.values import VALUES
from openstreamer.protocol.records import Event, UnknownRecord

_ENDS = (
    ("source_ip", "source_port_or_icmp_type", "destination_ip", "destination_port_or_icmp_code"),
    ("source_ip", "source_port", "destination_ip", "destination_port"),
    ("initiator_ip", "initiator_port", "responder_ip", "responder_port"),
)
_LONGEST = 60


def summary(event: Event) -> str:
    """Say in a few words what an event is about."""
    data = event.data
    if isinstance(data, UnknownRecord):
        return f"{len(data.raw)} bytes, layout not known"
    parts = [_metadata(event), _rule(data), _flow(data), *_rest(event)]
    left_over = event.left_over
    if left_over:
        parts.append(f"{len(left_over)} bytes left over")
    return "  ".join(part for part in parts if part)


def _metadata(event: Event) -> str:
    key = METADATA.get(event.record_type)
    if key is None:
        return ""
    for fields, label in ((key.fields, key.label), *key.variants):
        values = [getattr(event.data, field, UNSET) for field in fields]
        if UNSET not in values:
            shown = " ".join(f"{field}={value}" for field, value in zip(fields, values, strict=True))
            return f"{shown} {_short(getattr(event.data, label))}"
    return ""


def _rule(data: Any) -> str:
    if getattr(data, "signature_revision", UNSET) is UNSET:
        return ""
    return f"[{data.generator_id}:{data.signature_id}:{data.signature_revision}]"


def _flow(data: Any) -> str:
    for source, source_port, destination, destination_port in _ENDS:
        if getattr(data, source, UNSET) is UNSET or getattr(data, source_port, UNSET) is UNSET:
            continue
        number = getattr(data, "ip_protocol", getattr(data, "protocol", 0))
        protocol = VALUES["ip_protocol"].entries.get(number, f"protocol {number}")
        start = _end(getattr(data, source), getattr(data, source_port))
        return f"{start} -> {_end(getattr(data, destination), getattr(data, destination_port))} {protocol}"
    return ""


def _end(address: str, port: int) -> str:
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def _rest(event: Event) -> list[str]:
    data = event.data
    parts: list[str] = []
    if event.record_type == 2:
        parts.append(f"event {data.event_id}, {data.packet_length} bytes, link type {data.link_type}")
    elif event.record_type == 110:
        kind = VALUES["extra_data_type"].entries.get(data.type, f"type {data.type}")
        parts.append(f"event {data.event_id} {kind} {_short(data.data)}")
    elif event.event == "connection_statistics":
        parts.append(f"{data.initiator_bytes}/{data.responder_bytes} bytes")
    for name in ("file_name", "sha256", "client_url", "http_uri"):
        value = getattr(data, name, UNSET)
        if value and event.record_type not in METADATA:
            parts.append(_short(value))
    if not parts and event.header is not UNSET:
        header = event.header
        address = header.ipv6 if header.has_ipv6 == 1 else header.legacy_ip
        fields = [f"{name}={getattr(data, name)}" for name in data.__struct_fields__[:3]]
        parts.append(" ".join([address, *(field for field in fields if not field.endswith("UNSET"))]))
    return parts


def _short(value: Any) -> str:
    text = value if isinstance(value, str) else repr(value)[1:]
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
