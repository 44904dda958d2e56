"""Malware events, old connections and chunks written down by hand; as hand_blocks.py.

Connections, files and intrusion events of today are in hand_records.py.
"""

from __future__ import annotations

from struct import pack
from typing import Any

from support.hand_blocks import IPV6, Entry, string
from support.hand_records import UUIDS, block, ipv4, text, uuid

SHA = "ab" * 32
MALWARE_START = uuid(1) + uuid(2) + pack(">I", 1_700_000_040)
MALWARE_TEXTS = text("W32.Evil") + text("alice") + text("evil.exe") + text("C:\\Temp") + text(SHA)
MALWARE_MIDDLE = pack(">I", 1_700_000_000) + text("winword.exe") + text("cd" * 32) + text("blocked")
MALWARE_NETWORK = (
    pack(">IHHIB", 3, 1, 41, 1_700_000_039, 1)
    + ipv4(192, 0, 2, 7)
    + IPV6
    + pack(">II", 676, 9)
    + uuid(3)
    + b"\x03\x01"
    + text("/evil.exe")
    + pack(">HHHHIIBBBH", 50_000, 80, 276, 840, 1122, 638, 4, 6, 99, 21)
    + uuid(4)
    + bytes(range(20))
    + pack(">HH", 2, 3)
    + text("ef" * 32)
    + text("evil.zip")
    + b"\x01"
)
MALWARE_VALUES: dict[str, Any] = {
    "agent_uuid": UUIDS[1],
    "cloud_uuid": UUIDS[2],
    "malware_event_time": 1_700_000_040,
    "event_type_id": 1_090_519_054,
    "event_subtype_id": 2,
    "detector_id": 4,
    "detection_name": "W32.Evil",
    "user": "alice",
    "file_name": "evil.exe",
    "file_path": "C:\\Temp",
    "file_sha256": SHA,
    "file_size": 4096,
    "file_type": 21,
    "file_time": 1_700_000_000,
    "parent_file_name": "winword.exe",
    "parent_sha256": "cd" * 32,
    "event_description": "blocked",
    "device_id": 3,
    "connection_instance": 1,
    "connection_counter": 41,
    "connection_time": 1_700_000_039,
    "direction": 1,
    "source_ip": "192.0.2.7",
    "destination_ip": "2001:db8::7",
    "application_protocol_id": 676,
    "user_id": 9,
    "access_control_policy_uuid": UUIDS[3],
    "disposition": 3,
    "retrospective_disposition": 1,
    "uri": "/evil.exe",
    "source_port": 50_000,
    "destination_port": 80,
    "source_country": 276,
    "destination_country": 840,
    "web_application_id": 1122,
    "client_application_id": 638,
    "action": 4,
    "protocol": 6,
    "threat_score": 99,
    "ioc_number": 21,
    "security_context_uuid": UUIDS[4],
    "tls_certificate_fingerprint": bytes(range(20)).hex(),
    "tls_actual_action": 2,
    "tls_flow_status": 3,
    "archive_sha256": "ef" * 32,
    "archive_name": "evil.zip",
    "archive_depth": 1,
    "http_response": 200,
    "ingress_vrf": "red",
    "egress_vrf": "blue",
}
MALWARE: list[Entry] = [
    (
        2,
        16,
        block(
            16,
            MALWARE_START
            + pack(">IB", 1_090_519_054, 2)
            + b"\xc0\x00\x02\x07\x04"
            + MALWARE_TEXTS
            + pack(">IB", 4096, 21)
            + MALWARE_MIDDLE,
        ),
        {
            "block_type": 16,
            **{name: MALWARE_VALUES[name] for name in list(MALWARE_VALUES)[:5]},
            "host_ip": "192.0.2.7",
            **{name: MALWARE_VALUES[name] for name in list(MALWARE_VALUES)[5:17]},
        },
    ),
    (
        2,
        80,
        block(
            80,
            MALWARE_START
            + pack(">IIB", 1_090_519_054, 2, 4)
            + MALWARE_TEXTS
            + pack(">II", 4096, 21)
            + MALWARE_MIDDLE
            + MALWARE_NETWORK
            + pack(">I", 200)
            + text("red")
            + text("blue"),
        ),
        {"block_type": 80, **MALWARE_VALUES},
    ),
]

PAIR = b"\xc0\x00\x02\x07\xc6\x33\x64\x09"
PAIR_LE = b"\x07\x02\x00\xc0\x09\x64\x33\xc6"
OLD_TRAFFIC = pack(">HHIIIIIIB", 50_000, 80, 5, 6, 7, 8, 9, 10, 6)
OLD_TRAFFIC_VALUES: dict[str, Any] = {
    "initiator_ip": "192.0.2.7",
    "responder_ip": "198.51.100.9",
    "initiator_port": 50_000,
    "responder_port": 80,
    "first_packet": 5,
    "last_packet": 6,
    "packets_sent": 7,
    "packets_received": 8,
    "bytes_sent": 9,
    "bytes_received": 10,
    "protocol": 6,
}
CONNECTION: list[Entry] = [
    (
        1,
        9,
        block(9, PAIR_LE + OLD_TRAFFIC),
        {"block_type": 9, **OLD_TRAFFIC_VALUES},
    ),
    (
        1,
        43,
        block(
            43,
            PAIR_LE + OLD_TRAFFIC + pack(">HII", 676, 2, 638) + text("1.5") + text("/index") + text("DESK7"),
        ),
        {
            "block_type": 43,
            **OLD_TRAFFIC_VALUES,
            "server_id": 676,
            "client_application_type_id": 2,
            "clnt_app_id": 638,
            "version": string("1.5"),
            "info": string("/index"),
            "domain": string("DESK7"),
        },
    ),
    (
        1,
        136,
        block(
            136,
            PAIR
            + pack(">IIHBB", 1_700_000_000, 676, 80, 6, 1)
            + b"\x0a\0\0\1"
            + pack(">QQQQI", 7, 8, 1 << 33, 1 << 34, 12),
        ),
        {
            "block_type": 136,
            "initiator_ip": "192.0.2.7",
            "responder_ip": "198.51.100.9",
            "start_time": 1_700_000_000,
            "application_protocol_id": 676,
            "responder_port": 80,
            "protocol": 6,
            "connection_type": 1,
            "source_device_ip": "10.0.0.1",
            "packets_sent": 7,
            "packets_received": 8,
            "bytes_sent": 1 << 33,
            "bytes_received": 1 << 34,
            "connections": 12,
        },
    ),
]
