"""Blocks of users, correlation and impact alerts written down by hand; as hand_blocks.py."""

from __future__ import annotations

from struct import pack
from typing import Any

from support.hand_blocks import IPV6, Entry, string
from support.hand_records import UUIDS, block, ipv4, text, uuid

SESSION_FIELDS = (
    pack(">IB", 77, 3)
    + text("staff-policy")
    + text("staff-profile")
    + ipv4(203, 0, 113, 5)
    + pack(">H", 276)
    + text("Linux")
    + text("AnyConnect")
    + pack(">IQQ", 3600, 1 << 33, 1 << 34)
)
SESSION = block(166, SESSION_FIELDS)
SESSION_VALUES: dict[str, Any] = {
    "block_type": 166,
    "index": 77,
    "vpn_type": 3,
    "group_policy": "staff-policy",
    "connection_profile": "staff-profile",
    "client_ip": "203.0.113.5",
    "country_code": 276,
    "client_os": "Linux",
    "client_application": "AnyConnect",
    "connection_duration": 3600,
    "bytes_transmitted": 1 << 33,
    "bytes_received": 1 << 34,
}
LOGIN_START = (
    pack(">I", 1_700_000_020)
    + b"\xc0\x00\x02\x07"
    + text("alice")
    + text("EXAMPLE")
    + pack(">IIII", 9, 2, 58, 12)
)
LOGIN_END = text("alice@example.com") + IPV6 + ipv4(10, 0, 0, 1) + b"\x01\x02" + text("dc1")
PORTS = pack(">HHHH", 50_000, 1024, 2048, 3071)
LOGIN_167 = LOGIN_START + pack(">I", 710) + PORTS + LOGIN_END + text("logged in")
LOGIN_VALUES: dict[str, Any] = {
    "block_type": 159,
    "timestamp": 1_700_000_020,
    "ipv4_address": "192.0.2.7",
    "username": "alice",
    "domain": "EXAMPLE",
    "user_id": 9,
    "realm_id": 2,
    "endpoint_profile_id": 58,
    "security_group_id": 12,
    "application_id": 676,
    "protocol": 710,
    "email": "alice@example.com",
    "ipv6_address": "2001:db8::7",
    "location_ipv6": "10.0.0.1",
    "login_type": 1,
    "auth_type": 2,
    "reported_by": "dc1",
}
PORT_VALUES = {"port": 50_000, "range_start": 1024, "start_port": 2048, "end_port": 3071}
LOGIN_167_VALUES: dict[str, Any] = {
    **{name: value for name, value in LOGIN_VALUES.items() if name != "application_id"},
    **PORT_VALUES,
    "block_type": 167,
    "description": "logged in",
}
PERSON = ("first_name", "last_name", "email", "department", "phone")
USERS: list[Entry] = [
    (1, 166, SESSION, SESSION_VALUES),
    (
        1,
        121,
        block(
            121,
            pack(">I", 5) + b"\xc0\x00\x02\x07" + text("alice") + pack(">II", 9, 710) + text("a@example.com"),
        ),
        {
            "block_type": 121,
            "timestamp": 5,
            "ip_address": "192.0.2.7",
            "username": "alice",
            "user_id": 9,
            "protocol": 710,
            "email": "a@example.com",
        },
    ),
    (
        1,
        127,
        block(
            127,
            pack(">I", 5)
            + b"\xc0\x00\x02\x07"
            + text("alice")
            + pack(">II", 9, 710)
            + text("a@example.com")
            + IPV6
            + b"\x02"
            + text("dc1"),
        ),
        {
            "block_type": 127,
            "timestamp": 5,
            "ipv4_address": "192.0.2.7",
            "username": "alice",
            "user_id": 9,
            "application_id": 710,
            "email": "a@example.com",
            "ipv6_address": "2001:db8::7",
            "login_type": 2,
            "reported_by": "dc1",
        },
    ),
    (1, 159, block(159, LOGIN_START + pack(">II", 676, 710) + LOGIN_END), LOGIN_VALUES),
    (
        1,
        165,
        block(165, LOGIN_START + pack(">II", 676, 710) + PORTS + LOGIN_END),
        {**LOGIN_VALUES, **PORT_VALUES, "block_type": 165},
    ),
    (1, 167, block(167, LOGIN_167 + SESSION), {**LOGIN_167_VALUES, "vpn_session": SESSION_VALUES}),
    (
        1,
        120,
        block(120, pack(">I", 9) + text("alice") + pack(">I", 710) + b"".join(text(name) for name in PERSON)),
        {
            "block_type": 120,
            "user_id": 9,
            "username": "alice",
            "protocol": 710,
            **{name: name for name in PERSON},
        },
    ),
    (
        1,
        158,
        block(
            158,
            pack(">I", 9)
            + text("alice")
            + pack(">II", 2, 710)
            + b"".join(text(name) for name in PERSON)
            + pack(">II", 58, 12)
            + ipv4(10, 0, 0, 1),
        ),
        {
            "block_type": 158,
            "user_id": 9,
            "username": "alice",
            "realm_id": 2,
            "protocol": 710,
            **{name: name for name in PERSON},
            "endpoint_profile_id": 58,
            "security_group_id": 12,
            "location_ipv6": "10.0.0.1",
        },
    ),
]

ALERT_START = pack(">IIII", 77, 3, 1_700_000_001, 0x0F)
ALERT_VALUES: dict[str, Any] = {
    "event_id": 77,
    "device_id": 3,
    "event_second": 1_700_000_001,
    "impact": 15,
    "source_ip": "192.0.2.7",
    "destination_ip": "198.51.100.9",
    "description": '[1:2100498:7] "GPL ATTACK_RESPONSE"',
}
ALERT_TEXT = text(ALERT_VALUES["description"])
IMPACT_ALERT: list[Entry] = [
    (
        1,
        20,
        block(20, ALERT_START + b"\xc0\x00\x02\x07\xc6\x33\x64\x09" + ALERT_TEXT),
        {"block_type": 20, **ALERT_VALUES},
    ),
    (
        1,
        153,
        block(153, ALERT_START + ipv4(192, 0, 2, 7) + ipv4(198, 51, 100, 9) + ALERT_TEXT),
        {"block_type": 153, **ALERT_VALUES},
    ),
]

CORRELATION_START = (
    pack(">IIIIII", 3, 1_700_000_030, 500, 6, 7, 2)
    + text("host talks to list")
    + pack(">BIIIIIII", 1, 4, 2_100_498, 1, 1_700_000_029, 250_000, 77, 0x0000_03FF)
)
CORRELATION_START_VALUES: dict[str, Any] = {
    "device_id": 3,
    "event_second": 1_700_000_030,
    "event_id": 500,
    "policy_id": 6,
    "rule_id": 7,
    "priority": 2,
    "description": "host talks to list",
    "event_type": 1,
    "event_device_id": 4,
    "signature_id": 2_100_498,
    "signature_generator_id": 1,
    "trigger_second": 1_700_000_029,
    "trigger_microsecond": 250_000,
    "trigger_event_id": 77,
    "event_defined_mask": 0x3FF,
}
CORRELATION_SIDES = (
    pack(">BBH", 0x0F, 6, 2048)
    + b"\xc0\x00\x02\x07"
    + pack(">BH", 0, 42)
    + uuid(1)
    + pack(">HIHI", 3, 9, 50_000, 676)
    + b"\xc6\x33\x64\x09"
    + pack(">BH", 1, 43)
    + uuid(2)
    + pack(">HIHI", 2, 10, 443, 1122)
)
CORRELATION_SIDES_VALUES: dict[str, Any] = {
    "impact_flags": 15,
    "ip_protocol": 6,
    "network_protocol": 2048,
    "source_ip": "192.0.2.7",
    "source_host_type": 0,
    "source_vlan_id": 42,
    "source_os_fingerprint": UUIDS[1],
    "source_criticality": 3,
    "source_user_id": 9,
    "source_port": 50_000,
    "source_server_id": 676,
    "destination_ip": "198.51.100.9",
    "destination_host_type": 1,
    "destination_vlan_id": 43,
    "destination_os_fingerprint": UUIDS[2],
    "destination_criticality": 2,
    "destination_user_id": 10,
    "destination_port": 443,
    "destination_server_id": 1122,
}
WHERE = b"".join(uuid(n) for n in (3, 4, 5, 6)) + ipv4(192, 0, 2, 7) + ipv4(198, 51, 100, 9)
WHERE_VALUES = {
    "ingress_interface": UUIDS[3],
    "egress_interface": UUIDS[4],
    "ingress_zone": UUIDS[5],
    "egress_zone": UUIDS[6],
    "source_ipv6": "192.0.2.7",
    "destination_ipv6": "198.51.100.9",
}
CORRELATION_156_BLOCKED = b"\x01"
CORRELATION_156_END = (
    uuid(7)
    + pack(">I", 4)
    + text("DESK7")
    + pack(">II", 55, 66)
    + text("http://example.com/")
    + pack(">I", 638)
    + text("7.81")
    + uuid(8)
    + pack(">I", 268_435_457)
    + WHERE
    + pack(">HH", 276, 840)
    + uuid(9)
    + uuid(1)
    + uuid(2)
    + pack(">III", 5, 2, 3)
    + bytes(range(20))
)
CORRELATION_156_END_VALUES: dict[str, Any] = {
    "blocked": 1,
    "intrusion_policy": UUIDS[7],
    "rule_action": 4,
    "netbios_name": "DESK7",
    "url_category": 55,
    "url_reputation": 66,
    "url": "http://example.com/",
    "client_id": 638,
    "client_version": "7.81",
    "access_policy_revision": UUIDS[8],
    "access_rule_id": 268_435_457,
    **WHERE_VALUES,
    "source_country": 276,
    "destination_country": 840,
    "security_intelligence_uuid": UUIDS[9],
    "security_context": UUIDS[1],
    "ssl_policy_id": UUIDS[2],
    "ssl_rule_id": 5,
    "ssl_actual_action": 2,
    "ssl_flow_status": 3,
    "ssl_certificate_fingerprint": bytes(range(20)).hex(),
}
CORRELATION: list[Entry] = [
    (
        1,
        19,
        block(
            19, pack(">IIIIII", 77, 3, 5, 6, 7, 2) + b"\xc0\x00\x02\x07\xc6\x33\x64\x09" + text("not allowed")
        ),
        {
            "block_type": 19,
            "event_id": 77,
            "device_id": 3,
            "event_second": 5,
            "policy_id": 6,
            "rule_id": 7,
            "priority": 2,
            "source_ip": "192.0.2.7",
            "destination_ip": "198.51.100.9",
            "description": "not allowed",
        },
    ),
    (
        1,
        107,
        block(107, CORRELATION_START + CORRELATION_SIDES + b"\x01"),
        {"block_type": 107, **CORRELATION_START_VALUES, **CORRELATION_SIDES_VALUES, "blocked": 1},
    ),
    (
        1,
        128,
        block(128, CORRELATION_START + CORRELATION_SIDES + b"\x01" + WHERE),
        {
            "block_type": 128,
            **CORRELATION_START_VALUES,
            **CORRELATION_SIDES_VALUES,
            "blocked": 1,
            **WHERE_VALUES,
        },
    ),
    (
        1,
        156,
        block(156, CORRELATION_START + CORRELATION_SIDES + b"\x02\x01" + CORRELATION_156_END),
        {
            "block_type": 156,
            **CORRELATION_START_VALUES,
            **CORRELATION_SIDES_VALUES,
            "impact": 2,
            **CORRELATION_156_END_VALUES,
        },
    ),
    (
        1,
        33,
        block(
            33,
            pack(">BIIIII", 3, 5, 500, 6, 7, 2)
            + text("old")
            + pack(">BBIIIIIII", 1, 4, 2_100_498, 1, 29, 250_000, 77, 0x3FF, 0x0F)
            + pack(">BH", 6, 2048)
            + b"\xc0\x00\x02\x07"
            + pack(">BHIHH", 0, 42, 11, 3, 50_000)
            + text("http")
            + b"\xc6\x33\x64\x09"
            + pack(">BHIHH", 1, 43, 12, 2, 443)
            + text("https"),
        ),
        {
            "block_type": 33,
            "policy_sensor_id": 3,
            "policy_tv_sec": 5,
            "policy_event_id": 500,
            "policy_id": 6,
            "rule_id": 7,
            "priority": 2,
            "description": string("old"),
            "event_type": 1,
            "device_id": 4,
            "sig_id": 2_100_498,
            "sig_gen": 1,
            "tv_sec": 29,
            "tv_usec": 250_000,
            "event_id": 77,
            "defined_mask": 0x3FF,
            "impact_flags": 15,
            "ip_protocol": 6,
            "net_protocol": 2048,
            "src_ip_addr": "192.0.2.7",
            "src_host_type": 0,
            "src_vlan_id": 42,
            "src_os_fingerprint_id": 11,
            "src_criticality": 3,
            "src_port": 50_000,
            "src_service": string("http"),
            "dest_ip_addr": "198.51.100.9",
            "dest_host_type": 1,
            "dest_vlan_id": 43,
            "dest_os_fingerprint_id": 12,
            "dest_criticality": 2,
            "dest_port": 443,
            "dest_service": string("https"),
        },
    ),
]
