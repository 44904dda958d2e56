"""Connections and correlation events in the forms of releases before 4.7, made from those since.

What the older declaration has under another name is in the tables here; a text is a String block of its own
in it. What it has no field for is dropped, what the newer one does not know is zero.

Rules: no published guide has the old blocks, see layouts/connection.py and layouts/correlation.py. Not here:
hosts (old_hosts.py), and older forms that the same declaration has (transcode.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import UNSET

from openstreamer.layouts.connection import ConnectionStatisticsOldest
from openstreamer.layouts.correlation import CorrelationEventLegacy, PolicyViolationEvent
from openstreamer.layouts.eras import Release
from openstreamer.layouts.primitives import StringBlock
from openstreamer.wire import layout_of
from openstreamer.wire.kinds import NestedKind

_CONNECTION: Mapping[str, str] = {
    "first_packet": "first_packet_time",
    "last_packet": "last_packet_time",
    "packets_sent": "initiator_packets",
    "packets_received": "responder_packets",
    "bytes_sent": "initiator_bytes",
    "bytes_received": "responder_bytes",
    "server_id": "application_protocol_id",
    "clnt_app_id": "client_application_id",
    "version": "client_version",
    "info": "client_url",
    "domain": "netbios_name",
}
_CORRELATION: Mapping[str, str] = {
    "policy_sensor_id": "device_id",
    "policy_tv_sec": "event_second",
    "policy_event_id": "event_id",
    "device_id": "event_device_id",
    "sig_id": "signature_id",
    "sig_gen": "signature_generator_id",
    "tv_sec": "trigger_second",
    "tv_usec": "trigger_microsecond",
    "event_id": "trigger_event_id",
    "defined_mask": "event_defined_mask",
    "net_protocol": "network_protocol",
    "src_ip_addr": "source_ip",
    "src_host_type": "source_host_type",
    "src_vlan_id": "source_vlan_id",
    "src_os_fingerprint_uuid": "source_os_fingerprint",
    "src_criticality": "source_criticality",
    "src_port": "source_port",
    "src_service_id": "source_server_id",
    "dest_ip_addr": "destination_ip",
    "dest_host_type": "destination_host_type",
    "dest_vlan_id": "destination_vlan_id",
    "dest_os_fingerprint_uuid": "destination_os_fingerprint",
    "dest_criticality": "destination_criticality",
    "dest_port": "destination_port",
    "dest_service_id": "destination_server_id",
}


def _made(kind: type[Any], block_type: int, data: Any, names: Mapping[str, str]) -> Any:
    values: dict[str, Any] = {}
    for field in layout_of(kind).fields(block_type):
        value = getattr(data, names.get(field.name, field.name), UNSET)
        if isinstance(field.kind, NestedKind):
            value = StringBlock(block_type=0, data="" if value is UNSET else value)
        values[field.name] = value
    return kind(block_type=block_type, **values)


def connection(data: Any, block_type: int, release: Release | None) -> ConnectionStatisticsOldest:
    """Block 18, 32 or 43."""
    made: ConnectionStatisticsOldest = _made(ConnectionStatisticsOldest, block_type, data, _CONNECTION)
    return made


def correlation(data: Any, block_type: int, release: Release | None) -> CorrelationEventLegacy:
    """Block 33 or 52. The addresses must be in the IPv4 fields, as in the forms before 5.1."""
    made: CorrelationEventLegacy = _made(CorrelationEventLegacy, block_type, data, _CORRELATION)
    return made


def policy_violation(data: Any, block_type: int, release: Release | None) -> PolicyViolationEvent:
    """Block 19; as `correlation`."""
    made: PolicyViolationEvent = _made(PolicyViolationEvent, block_type, data, {})
    return made
