"""Host profiles and indications of compromise written down by hand, as in hand_blocks.py."""

from __future__ import annotations

from struct import pack

from support.hand_blocks import (
    CLIENT,
    CLIENT_VALUES,
    FINGERPRINT,
    FINGERPRINT_VALUES,
    FULL_CLIENT,
    FULL_CLIENT_VALUES,
    FULL_SERVER,
    FULL_SERVER_VALUES,
    IPV6,
    MAC_95,
    MAC_95_VALUES,
    RANGE,
    RANGE_VALUES,
    SERVER,
    SERVER_VALUES,
    VULNERABILITY,
    VULNERABILITY_VALUES,
    Entry,
)
from support.hand_records import block, ipv4, text

NOTHING = block(31, b"")
PROTOCOLS = block(11, block(4, b"\x08\x00")) + block(11, block(4, b"\x00\x06") + block(4, b"\x00\x11"))
PROTOCOL_VALUES = {
    "network_protocols": [{"block_type": 4, "protocol": 2048}],
    "transport_protocols": [{"block_type": 4, "protocol": 6}, {"block_type": 4, "protocol": 17}],
}
FINGERPRINT_KINDS = (
    *("server", "client", "smb", "dhcp", "user", "scan", "application", "conflict", "mobile"),
    *("ipv6_server", "ipv6_client", "ipv6_dhcp", "user_agent"),
)
IOC_FIRST = pack(">IBIIIHIH", 21, 0, 1_700_000_010, 31, 3, 1, 1_700_000_011, 41)
IOC = block(150, IOC_FIRST + pack(">IIIHIH", 1_700_000_012, 32, 4, 2, 1_700_000_013, 42))
IOC_VALUES = {
    "block_type": 150,
    "ioc_id": 21,
    "disabled": 0,
    "first_seen": 1_700_000_010,
    "first_event_id": 31,
    "first_device_id": 3,
    "first_instance_id": 1,
    "first_connection_time": 1_700_000_011,
    "first_counter": 41,
    "last_seen": 1_700_000_012,
    "last_event_id": 32,
    "last_device_id": 4,
    "last_instance_id": 2,
    "last_connection_time": 1_700_000_013,
    "last_counter": 42,
}
INDICATION_OF_COMPROMISE: list[Entry] = [
    (1, 150, IOC, IOC_VALUES),
    (
        1,
        148,
        block(148, pack(">II", 5, 1) + block(31, RANGE) + pack(">I", 21)),
        {"block_type": 148, "source_id": 5, "source_type": 1, "ip_ranges": [RANGE_VALUES], "ioc_id": 21},
    ),
]

PROFILE = block(
    139,
    ipv4(192, 0, 2, 7)
    + b"\x02\x01"
    + block(31, FINGERPRINT)
    + NOTHING * 8
    + block(11, SERVER)
    + block(11, b"")
    + PROTOCOLS
    + block(11, MAC_95)
    + pack(">IIBBBHBB", 1_700_000_006, 4, 1, 0, 0, 42, 2, 5)
    + block(31, FULL_CLIENT + CLIENT)
    + text("DESK7"),
)
HOST_PROFILE: list[Entry] = [
    (
        1,
        139,
        PROFILE,
        {
            "block_type": 139,
            "ip_address": "192.0.2.7",
            "hops": 2,
            "primary_secondary": 1,
            "server_fingerprints": [FINGERPRINT_VALUES],
            "client_fingerprints": [],
            "smb_fingerprints": [],
            "dhcp_fingerprints": [],
            "mobile_fingerprints": [],
            "ipv6_server_fingerprints": [],
            "ipv6_client_fingerprints": [],
            "ipv6_dhcp_fingerprints": [],
            "user_agent_fingerprints": [],
            "tcp_servers": [SERVER_VALUES],
            "udp_servers": [],
            **PROTOCOL_VALUES,
            "macs": [MAC_95_VALUES],
            "last_seen": 1_700_000_006,
            "host_type": 4,
            "mobile": 1,
            "jailbroken": 0,
            "vlan_presence": 0,
            "vlan_id": 42,
            "vlan_type": 2,
            "vlan_priority": 5,
            "client_applications": [FULL_CLIENT_VALUES, CLIENT_VALUES],
            "netbios_name": "DESK7",
        },
    ),
    (
        1,
        149,
        block(
            149,
            bytes(range(16))
            + block(11, block(143, IPV6 + pack(">I", 1_700_000_007)))
            + b"\x02"
            + block(31, FINGERPRINT)
            + NOTHING * 13
            + block(11, FULL_SERVER)
            + block(11, b"")
            + PROTOCOLS
            + block(11, MAC_95)
            + pack(">IIHHBB", 1_700_000_006, 4, 3, 42, 2, 5)
            + block(31, FULL_CLIENT)
            + text("DESK7")
            + text("by the window")
            + block(31, VULNERABILITY)
            + NOTHING * 2
            + block(11, block(48, pack(">III", 7, 2, 9) + text("gold")))
            + b"\x01\x00"
            + block(31, IOC),
        ),
        {
            "block_type": 149,
            "host_id": "000102030405060708090a0b0c0d0e0f",
            "ip_addresses": [{"block_type": 143, "ip_address": "2001:db8::7", "last_seen": 1_700_000_007}],
            "hops": 2,
            "derived_fingerprints": [FINGERPRINT_VALUES],
            **{f"{kind}_fingerprints": [] for kind in FINGERPRINT_KINDS},
            "tcp_servers": [FULL_SERVER_VALUES],
            "udp_servers": [],
            **PROTOCOL_VALUES,
            "macs": [MAC_95_VALUES],
            "last_seen": 1_700_000_006,
            "host_type": 4,
            "criticality": 3,
            "vlan_id": 42,
            "vlan_type": 2,
            "vlan_priority": 5,
            "client_applications": [FULL_CLIENT_VALUES],
            "netbios_name": "DESK7",
            "notes": "by the window",
            "vdb_vulnerabilities": [VULNERABILITY_VALUES],
            "third_party_vulnerabilities": [],
            "third_party_scan_vulnerabilities": [],
            "attributes": [
                {
                    "block_type": 48,
                    "attribute_id": 7,
                    "attribute_type": 2,
                    "int_value": 9,
                    "text_value": "gold",
                }
            ],
            "mobile": 1,
            "jailbroken": 0,
            "ioc_state": [IOC_VALUES],
        },
    ),
]
