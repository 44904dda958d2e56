"""Whole records written down by hand, and what they say: bytes that owe nothing to the program.

Each entry is (record type, data, values of `data` in JSON form). The values follow the field tables of the
format; every field that matters has a value of its own. The texts of String blocks end in one NUL, as real
servers write them.
"""

from __future__ import annotations

from struct import pack
from typing import Any

UUIDS = [f"{n:08x}-0000-4000-8000-00000000000{n}" for n in range(10)]


def uuid(n: int) -> bytes:
    return bytes.fromhex(UUIDS[n].replace("-", ""))


def ipv4(*octets: int) -> bytes:
    return bytes(10) + b"\xff\xff" + bytes(octets)


def text(content: str) -> bytes:
    raw = content.encode() + b"\0" if content else b""
    return pack(">II", 0, 8 + len(raw)) + raw


def block(block_type: int, content: bytes) -> bytes:
    return pack(">II", block_type, 8 + len(content)) + content


OLD_START = pack(">9I", 3, 77, 1_700_000_001, 250_000, 2_100_498, 1, 7, 21, 2)
OLD_START_VALUES: dict[str, Any] = {
    "device_id": 3,
    "event_id": 77,
    "event_second": 1_700_000_001,
    "event_microsecond": 250_000,
    "signature_id": 2_100_498,
    "generator_id": 1,
    "signature_revision": 7,
    "classification_id": 21,
    "priority_id": 2,
}
PORTS = pack(">HHBBBB", 49_152, 80, 6, 0x0F, 2, 1)
PORTS_VALUES: dict[str, Any] = {
    "source_port_or_icmp_type": 49_152,
    "destination_port_or_icmp_code": 80,
    "ip_protocol": 6,
    "impact_flags": 15,
    "impact": 2,
    "blocked": 1,
}
TAGS = pack(">IHH", 1000, 42, 0)
TAGS_VALUES: dict[str, Any] = {"mpls_label": 1000, "vlan_id": 42, "pad": 0}
POLICIES = (
    uuid(1)
    + pack(">5I", 9_999_997, 1122, 638, 676, 268_435_456)
    + uuid(2)
    + uuid(3)
    + uuid(4)
    + uuid(5)
    + uuid(6)
)
POLICIES_VALUES: dict[str, Any] = {
    "policy_uuid": UUIDS[1],
    "user_id": 9_999_997,
    "web_application_id": 1122,
    "client_application_id": 638,
    "application_protocol_id": 676,
    "access_control_rule_id": 268_435_456,
    "access_control_policy_uuid": UUIDS[2],
    "ingress_interface_uuid": UUIDS[3],
    "egress_interface_uuid": UUIDS[4],
    "ingress_zone_uuid": UUIDS[5],
    "egress_zone_uuid": UUIDS[6],
}
V4 = bytes([192, 0, 2, 1, 198, 51, 100, 2])
V4_VALUES = {"source_ip": "192.0.2.1", "destination_ip": "198.51.100.2"}
V6 = bytes.fromhex("20010db8000000000000000000000001") + bytes.fromhex("20010db8000000000000000000000002")
V6_VALUES = {"source_ip": "2001:db8::1", "destination_ip": "2001:db8::2"}

INTRUSION_85 = block(
    85,
    OLD_START
    + ipv4(192, 0, 2, 1)
    + bytes.fromhex("20010db8000000000000000000000002")
    + PORTS
    + b"\x03"
    + TAGS
    + POLICIES
    + pack(">IHHHHH", 1_700_000_000, 4, 5, 840, 276, 1)
    + uuid(7)
    + bytes(range(20))
    + pack(">HH", 3, 2)
    + uuid(8)
    + pack(">I", 404)
    + text("vrf-in")
    + text("")
    + b"\x03"
    + ipv4(203, 0, 113, 9)
    + text("www.example.com")
    + text("/index.html?q=ä")
    + text("a.zip")
    + text("from@example.com")
    + text("Subject: x")
    + text("to@example.com"),
)
INTRUSION_85_VALUES: dict[str, Any] = {
    "block_type": 85,
    **OLD_START_VALUES,
    "source_ip": "192.0.2.1",
    "destination_ip": "2001:db8::2",
    **PORTS_VALUES,
    "blocked_reason_id": 3,
    **TAGS_VALUES,
    **POLICIES_VALUES,
    "connection_second": 1_700_000_000,
    "connection_instance_id": 4,
    "connection_counter": 5,
    "source_country": 840,
    "destination_country": 276,
    "ioc_number": 1,
    "security_context_uuid": UUIDS[7],
    "tls_certificate_fingerprint": "000102030405060708090a0b0c0d0e0f10111213",
    "tls_actual_action": 3,
    "tls_flow_status": 2,
    "network_analysis_policy_uuid": UUIDS[8],
    "http_response": 404,
    "ingress_vrf": "vrf-in",
    "egress_vrf": "",
    "snort_version": 3,
    "original_source_ip": "203.0.113.9",
    "http_hostname": "www.example.com",
    "http_uri": "/index.html?q=ä",
    "smtp_attachments": "a.zip",
    "smtp_from": "from@example.com",
    "smtp_headers": "Subject: x",
    "smtp_to": "to@example.com",
}

CONNECTION_HEADER = (
    pack(">I", 3)
    + bytes(4)
    + bytes.fromhex("020000000102")
    + b"\x01\x00"
    + pack(">6I", 1_700_000_060, 123, 1003, 1, 0, 0)
    + ipv4(192, 0, 2, 1)
)
CONNECTION_HEADER_VALUES: dict[str, Any] = {
    "device_id": 3,
    "legacy_ip": "0.0.0.0",
    "mac": "02:00:00:00:01:02",
    "has_ipv6": 1,
    "reserved": 0,
    "event_second": 1_700_000_060,
    "event_microsecond": 123,
    "event_type": 1003,
    "event_subtype": 1,
    "file_number": 0,
    "file_position": 0,
    "ipv6": "192.0.2.1",
}
CONNECTION_174 = block(
    174,
    pack(">I", 3)
    + uuid(1)
    + uuid(2)
    + uuid(3)
    + uuid(4)
    + ipv4(192, 0, 2, 1)
    + ipv4(198, 51, 100, 2)
    + bytes(16)
    + uuid(5)
    + pack(">IIHIHHHB", 268_435_457, 11, 2, 0x10008, 49_153, 443, 0x1B, 6)
    + bytes(16)
    + pack(">HHII", 1, 2, 1_700_000_000, 1_700_000_060)
    + pack(">8Q", 10, 12, 1500, 90_000, 1, 2, 3, 4)
    + uuid(6)
    + pack(">7I", 13, 9_999_997, 1122, 55, 2, 1296, 14)
    + text("https://www.example.com/")
    + text("HOST1")
    + text("121.0")
    + pack(">8I", *range(101, 109))
    + pack(">BB", 1, 2)
    + pack(">6H", 3, 4, 840, 276, 380, 5)
    + pack(">IIHHBBBB", 64_500, 64_501, 6, 7, 8, 9, 24, 16)
    + uuid(7)
    + pack(">H", 42)
    + text("www.example.com")
    + text("Mozilla/5.0")
    + text("https://ref.example/")
    + bytes(range(20))
    + uuid(8)
    + pack(">IHBIHHHIIQ", 15, 0x1301, 5, 2, 1, 6, 2, 0, 0x18, 3)
    + text("www.example.com")
    + pack(">I", 56)
    + bytes(range(32))
    + b"\x20"
    + bytes(range(20, 40))
    + b"\x14"
    + uuid(9)
    + pack(">IIHBHB", 16, 17, 18, 1, 19, 2)
    + ipv4(203, 0, 113, 7)
    + pack(">I", 200)
    + text("www.example.com")
    + pack(">HHI", 1, 3, 300)
    + uuid(1)
    + pack(">III", 21, 22, 23)
    + text("firefox")
    + pack(">BBBBHH", 90, 5, 1, 7, 50_000, 8443)
    + ipv4(203, 0, 113, 1)
    + ipv4(203, 0, 113, 2)
    + text("in")
    + text("out")
    + text("attr-a")
    + text(""),
)
CONNECTION_174_VALUES: dict[str, Any] = {
    "block_type": 174,
    "device_id": 3,
    "ingress_zone": UUIDS[1],
    "egress_zone": UUIDS[2],
    "ingress_interface": UUIDS[3],
    "egress_interface": UUIDS[4],
    "initiator_ip": "192.0.2.1",
    "responder_ip": "198.51.100.2",
    "original_client_ip": "::",
    "policy_revision": UUIDS[5],
    "rule_id": 268_435_457,
    "tunnel_rule_id": 11,
    "rule_action": 2,
    "rule_reason": 0x10008,
    "initiator_port": 49_153,
    "responder_port": 443,
    "tcp_flags": 0x1B,
    "protocol": 6,
    "netflow_source": "::",
    "instance_id": 1,
    "connection_counter": 2,
    "first_packet_time": 1_700_000_000,
    "last_packet_time": 1_700_000_060,
    "initiator_packets": 10,
    "responder_packets": 12,
    "initiator_bytes": 1500,
    "responder_bytes": 90_000,
    "initiator_packets_dropped": 1,
    "responder_packets_dropped": 2,
    "initiator_bytes_dropped": 3,
    "responder_bytes_dropped": 4,
    "qos_interface_uuid": UUIDS[6],
    "qos_rule_id": 13,
    "user_id": 9_999_997,
    "application_protocol_id": 1122,
    "url_category": 55,
    "url_reputation": 2,
    "client_application_id": 1296,
    "web_application_id": 14,
    "client_url": "https://www.example.com/",
    "netbios_name": "HOST1",
    "client_version": "121.0",
    **{f"monitor_rule_{n}": 100 + n for n in range(1, 9)},
    "si_source_destination": 1,
    "si_layer": 2,
    "file_event_count": 3,
    "intrusion_event_count": 4,
    "initiator_country": 840,
    "responder_country": 276,
    "original_client_country": 380,
    "ioc_number": 5,
    "source_as": 64_500,
    "destination_as": 64_501,
    "snmp_input": 6,
    "snmp_output": 7,
    "source_tos": 8,
    "destination_tos": 9,
    "source_mask": 24,
    "destination_mask": 16,
    "security_context_uuid": UUIDS[7],
    "vlan_id": 42,
    "referenced_host": "www.example.com",
    "user_agent": "Mozilla/5.0",
    "http_referrer": "https://ref.example/",
    "tls_certificate_fingerprint": bytes(range(20)).hex(),
    "tls_policy_uuid": UUIDS[8],
    "tls_rule_id": 15,
    "tls_cipher_suite": 0x1301,
    "tls_version": 5,
    "tls_server_certificate_status": 2,
    "tls_actual_action": 1,
    "tls_expected_action": 6,
    "tls_flow_status": 2,
    "tls_flow_error": 0,
    "tls_flow_messages": 0x18,
    "tls_flow_flags": 3,
    "tls_server_name": "www.example.com",
    "tls_url_category": 56,
    "tls_session_id": bytes(range(32)).hex(),
    "tls_session_id_length": 32,
    "tls_ticket_id": bytes(range(20, 40)).hex(),
    "tls_ticket_id_length": 20,
    "network_analysis_policy_revision": UUIDS[9],
    "endpoint_profile_id": 16,
    "security_group_id": 17,
    "source_sgt": 18,
    "source_sgt_type": 1,
    "destination_sgt": 19,
    "destination_sgt_type": 2,
    "location_ip": "203.0.113.7",
    "http_response": 200,
    "dns_query": "www.example.com",
    "dns_record_type": 1,
    "dns_response_type": 3,
    "dns_ttl": 300,
    "sinkhole_uuid": UUIDS[1],
    "si_list_1": 21,
    "si_list_2": 22,
    "threat_intelligence_category": 23,
    "eve_process": "firefox",
    "eve_process_confidence": 90,
    "eve_threat_confidence": 5,
    "eve_threat_confidence_index": 1,
    "client_app_detector_id": 7,
    "nat_initiator_port": 50_000,
    "nat_responder_port": 8443,
    "nat_initiator_ip": "203.0.113.1",
    "nat_responder_ip": "203.0.113.2",
    "ingress_vrf": "in",
    "egress_vrf": "out",
    "source_dynamic_attributes": "attr-a",
    "destination_dynamic_attributes": "",
}

FILE_79 = block(
    79,
    pack(">IHHII", 3, 1, 2, 1_700_000_000, 1_700_000_005)
    + ipv4(198, 51, 100, 2)
    + ipv4(192, 0, 2, 1)
    + bytes([3, 1, 2, 12, 1, 0, 97, 4])
    + bytes(range(32))
    + pack(">I", 21)
    + text("evil.exe")
    + pack(">QBII", 5_000_000_000, 1, 676, 9_999_997)
    + text("/evil.exe")
    + text("00ff")
    + pack(">HHB", 80, 49_152, 6)
    + uuid(1)
    + pack(">HHII", 276, 840, 1122, 638)
    + uuid(2)
    + bytes(range(20))
    + pack(">HH", 1, 2)
    + text("")
    + text("outer.zip")
    + pack(">BI", 1, 200)
    + text("in")
    + text("out"),
)
FILE_79_VALUES: dict[str, Any] = {
    "block_type": 79,
    "device_id": 3,
    "connection_instance": 1,
    "connection_counter": 2,
    "connection_time": 1_700_000_000,
    "file_event_time": 1_700_000_005,
    "source_ip": "198.51.100.2",
    "destination_ip": "192.0.2.1",
    "disposition": 3,
    "spero_disposition": 1,
    "file_storage_status": 2,
    "file_analysis_status": 12,
    "local_malware_analysis_status": 1,
    "archive_file_status": 0,
    "threat_score": 97,
    "action": 4,
    "sha256": bytes(range(32)).hex(),
    "file_type_id": 21,
    "file_name": "evil.exe",
    "file_size": 5_000_000_000,
    "direction": 1,
    "application_protocol_id": 676,
    "user_id": 9_999_997,
    "uri": "/evil.exe",
    "signature": "00ff",
    "source_port": 80,
    "destination_port": 49_152,
    "protocol": 6,
    "access_control_policy_uuid": UUIDS[1],
    "source_country": 276,
    "destination_country": 840,
    "web_application_id": 1122,
    "client_application_id": 638,
    "security_context_uuid": UUIDS[2],
    "tls_certificate_fingerprint": bytes(range(20)).hex(),
    "tls_actual_action": 1,
    "tls_flow_status": 2,
    "archive_sha256": "",
    "archive_name": "outer.zip",
    "archive_depth": 1,
    "http_response": 200,
    "ingress_vrf": "in",
    "egress_vrf": "out",
}

HAND_MADE: dict[str, tuple[int, bytes, dict[str, Any]]] = {
    "7": (7, OLD_START + V4 + PORTS, {**OLD_START_VALUES, **V4_VALUES, **PORTS_VALUES}),
    "72": (72, OLD_START + V6 + PORTS, {**OLD_START_VALUES, **V6_VALUES, **PORTS_VALUES}),
    "104": (
        104,
        OLD_START + V4 + PORTS + TAGS,
        {**OLD_START_VALUES, **V4_VALUES, **PORTS_VALUES, **TAGS_VALUES},
    ),
    "207": (
        207,
        OLD_START + V4 + PORTS + TAGS + POLICIES,
        {**OLD_START_VALUES, **V4_VALUES, **PORTS_VALUES, **TAGS_VALUES, **POLICIES_VALUES},
    ),
    "400 block 85": (400, INTRUSION_85, INTRUSION_85_VALUES),
    "71 block 174": (71, CONNECTION_HEADER + CONNECTION_174, CONNECTION_174_VALUES),
    "500 block 79": (500, FILE_79, FILE_79_VALUES),
}
