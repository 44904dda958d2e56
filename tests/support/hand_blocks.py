"""Blocks written down by hand, and what they say: bytes that owe nothing to the program.

Per module of layouts, entries of series, type, bytes and the values in JSON form. Every field has a value of
its own where its width allows. Blocks that records carry as a whole are in hand_records.py too; contested
layouts are tried in the tests of each module.
"""

from __future__ import annotations

from struct import pack
from typing import Any

from support.hand_records import UUIDS, block, ipv4, text, uuid

Entry = tuple[int, int, bytes, dict[str, Any]]

MAC = b"\x02\x00\x5e\x10\x00\x01"
IPV6 = bytes.fromhex("20010db8000000000000000000000007")


def integer(value: int) -> bytes:
    return block(7, pack(">I", value))


def integers(*values: int) -> list[dict[str, int]]:
    return [{"block_type": 7, "value": value} for value in values]


def string(content: str) -> dict[str, Any]:
    return {"block_type": 0, "data": content}


PRIMITIVES: list[Entry] = [
    (1, 0, b"\0\0\0\0" + b"\0\0\0\x0d" + b"oaks\0", {"block_type": 0, "data": "oaks"}),
    (1, 0, b"\0\0\0\0" + b"\0\0\0\x08", {"block_type": 0, "data": ""}),
    (1, 7, b"\0\0\0\x07" + b"\0\0\0\x0c" + b"\0\0\x12\x34", {"block_type": 7, "value": 0x1234}),
    (1, 10, b"\0\0\0\x0a" + b"\0\0\0\x0b" + b"\0\1\2", {"block_type": 10, "data": "AAEC"}),
    (1, 11, block(11, integer(1) + text("b")), {"block_type": 11, "items": [*integers(1), string("b")]}),
    (
        1,
        31,
        block(31, block(11, integer(1)) + block(9999, b"?")),
        {
            "block_type": 31,
            "items": [
                {"block_type": 11, "items": integers(1)},
                {"block_type": 9999, "bytes": "Pw=="},
            ],
        },
    ),
    (1, 35, block(35, text("WORKGROUP")), {"block_type": 35, "value": "WORKGROUP"}),
    (2, 0, b"\0\0\0\0" + b"\0\0\0\x0d" + b"oaks\0", {"block_type": 0, "data": "oaks"}),
    (2, 1, block(1, b"\0\1\2"), {"block_type": 1, "data": "AAEC"}),
    (
        2,
        2,
        block(2, text("a") + block(1, b"b")),
        {"block_type": 2, "items": [string("a"), {"block_type": 1, "data": "Yg=="}]},
    ),
    (2, 3, block(3, b""), {"block_type": 3, "items": []}),
]

ATTRIBUTE_38 = block(38, pack(">I", 7) + b"\xc0\x00\x02\x40" + pack(">I", 26))
ATTRIBUTE_146 = block(146, pack(">I", 7) + ipv4(192, 0, 2, 64) + pack(">I", 122))
CHOICE = block(39, pack(">I", 1) + text("gold"))
CHOICE_VALUES = {"block_type": 39, "attribute_id": 1, "name": "gold"}
ATTRIBUTES: list[Entry] = [
    (1, 38, ATTRIBUTE_38, {"block_type": 38, "attribute_id": 7, "ip_address": "192.0.2.64", "bits": 26}),
    (1, 146, ATTRIBUTE_146, {"block_type": 146, "attribute_id": 7, "ip_address": "192.0.2.64", "bits": 122}),
    (1, 39, CHOICE, CHOICE_VALUES),
    (
        1,
        55,
        block(
            55,
            pack(">I", 3)
            + uuid(1)
            + pack(">I", 7)
            + text("service level")
            + pack(">IIIII", 2, 5, 10, 20, 1)
            + block(11, CHOICE)
            + block(11, ATTRIBUTE_146),
        ),
        {
            "block_type": 55,
            "source_id": 3,
            "uuid": UUIDS[1],
            "attribute_id": 7,
            "name": "service level",
            "attribute_type": 2,
            "attribute_category": 5,
            "range_start": 10,
            "range_end": 20,
            "auto_ip": 1,
            "list_items": [CHOICE_VALUES],
            "address_list": [{"block_type": 146, "attribute_id": 7, "ip_address": "192.0.2.64", "bits": 122}],
        },
    ),
    (
        1,
        48,
        block(48, pack(">III", 7, 2, 9) + text("gold")),
        {"block_type": 48, "attribute_id": 7, "attribute_type": 2, "int_value": 9, "text_value": "gold"},
    ),
    (1, 62, block(62, text("level") + text("gold")), {"block_type": 62, "name": "level", "value": "gold"}),
]

MAC_95 = block(95, b"\x03" + MAC + b"\x01" + pack(">I", 1_700_000_000))
MAC_95_VALUES = {
    "block_type": 95,
    "ttl": 3,
    "mac": "02:00:5e:10:00:01",
    "primary": 1,
    "last_seen": 1_700_000_000,
}
FINGERPRINT = block(
    130,
    uuid(2)
    + pack(">IIIIB", 4, 1, 5, 1_700_000_001, 6)
    + block(31, block(131, text("telephone") + pack(">III", 1_700_000_002, 1, 0))),
)
FINGERPRINT_VALUES = {
    "block_type": 130,
    "fingerprint_uuid": UUIDS[2],
    "fingerprint_type": 4,
    "source_type": 1,
    "source_id": 5,
    "last_seen": 1_700_000_001,
    "ttl_difference": 6,
    "mobile_devices": [
        {
            "block_type": 131,
            "device": "telephone",
            "last_seen": 1_700_000_002,
            "mobile": 1,
            "jailbroken": 0,
        }
    ],
}
VULNERABILITY = block(85, pack(">IBI", 12_345, 1, 2))
VULNERABILITY_VALUES = {
    "block_type": 85,
    "vulnerability_id": 12_345,
    "invalid_flags": 1,
    "vulnerability_type": 2,
}
RANGE = block(141, ipv4(10, 0, 0, 1) + ipv4(10, 0, 0, 9))
RANGE_VALUES = {"block_type": 141, "start": "10.0.0.1", "end": "10.0.0.9"}
HOSTS: list[Entry] = [
    (1, 4, block(4, b"\x08\x00"), {"block_type": 4, "protocol": 2048}),
    (1, 95, MAC_95, MAC_95_VALUES),
    (
        1,
        14,
        block(14, b"\0\x2a\x01\x05"),
        {"block_type": 14, "vlan_id": 42, "vlan_type": 1, "vlan_priority": 5},
    ),
    (1, 49, block(49, b"\0\0\x30\x39\x01"), {"block_type": 49, "vulnerability_id": 12_345, "invalid": 1}),
    (1, 85, VULNERABILITY, VULNERABILITY_VALUES),
    (1, 61, block(61, b"\x0a\0\0\1\x0a\0\0\x09"), {"block_type": 61, "start": "10.0.0.1", "end": "10.0.0.9"}),
    (1, 141, RANGE, RANGE_VALUES),
    (
        1,
        143,
        block(143, IPV6 + pack(">I", 5)),
        {"block_type": 143, "ip_address": "2001:db8::7", "last_seen": 5},
    ),
    (1, 16, block(16, pack(">II", 90, 77)), {"block_type": 16, "confidence": 90, "legacy_fpid": 77}),
    (
        1,
        53,
        block(53, pack(">I", 90) + uuid(3)),
        {"block_type": 53, "confidence": 90, "fingerprint_uuid": UUIDS[3]},
    ),
    (1, 130, FINGERPRINT, FINGERPRINT_VALUES),
    (
        1,
        94,
        block(94, pack(">II", 1, 5) + uuid(3) + pack(">HHI", 80, 6, 9)),
        {
            "block_type": 94,
            "source_type": 1,
            "source_id": 5,
            "uuid": UUIDS[3],
            "port": 80,
            "protocol": 6,
            "server_map_id": 9,
        },
    ),
    (
        1,
        96,
        block(96, b"\xc0\x00\x02\x07" + block(11, MAC_95)),
        {"block_type": 96, "ip_address": "192.0.2.7", "macs": [MAC_95_VALUES]},
    ),
]

SUB_SERVER = block(1, text("mod_ssl") + text("") + text("2.4"))
SUB_SERVER_VALUES = {"block_type": 1, "name": "mod_ssl", "vendor": "", "version": "2.4"}
FULL_SUB_SERVER = block(
    51, text("mod_ssl") + text("") + text("2.4") + block(31, VULNERABILITY) + block(31, b"")
)
FULL_SUB_SERVER_VALUES = {
    **SUB_SERVER_VALUES,
    "block_type": 51,
    "vdb_vulnerabilities": [VULNERABILITY_VALUES],
    "scan_vulnerabilities": [],
}
INFORMATION = block(
    117,
    pack(">I", 676)
    + text("Apache")
    + text("2.4.1")
    + pack(">III", 1_700_000_003, 0, 8)
    + block(11, SUB_SERVER),
)
INFORMATION_VALUES = {
    "block_type": 117,
    "application_id": 676,
    "vendor": "Apache",
    "version": "2.4.1",
    "last_used": 1_700_000_003,
    "source_type": 0,
    "source_id": 8,
    "sub_servers": [SUB_SERVER_VALUES],
}
FULL_INFORMATION = block(106, INFORMATION[8 : -len(block(11, SUB_SERVER))] + block(11, FULL_SUB_SERVER))
FULL_INFORMATION_VALUES = {**INFORMATION_VALUES, "block_type": 106, "sub_servers": [FULL_SUB_SERVER_VALUES]}
WEB = block(123, pack(">I", 1122))
WEB_VALUES = {"block_type": 123, "application_id": 1122}
SERVER = block(
    103,
    pack(">HII", 8080, 21, 1_700_000_004) + block(31, INFORMATION) + pack(">I", 95) + block(31, WEB),
)
SERVER_VALUES = {
    "block_type": 103,
    "port": 8080,
    "hits": 21,
    "last_used": 1_700_000_004,
    "server_information": [INFORMATION_VALUES],
    "confidence": 95,
    "web_applications": [WEB_VALUES],
}
FULL_SERVER = block(
    104,
    pack(">HI", 8080, 21)
    + block(31, FULL_INFORMATION)
    + block(31, b"") * 3
    + pack(">I", 95)
    + block(10, b"HTTP/1.1")
    + block(31, VULNERABILITY)
    + block(31, b"") * 2
    + block(31, WEB),
)
FULL_SERVER_VALUES = {
    "block_type": 104,
    "port": 8080,
    "hits": 21,
    "detected_identities": [FULL_INFORMATION_VALUES],
    "user_identities": [],
    "scanner_identities": [],
    "application_identities": [],
    "confidence": 95,
    "banner": "SFRUUC8xLjE=",
    "vdb_vulnerabilities": [VULNERABILITY_VALUES],
    "third_party_vulnerabilities": [],
    "third_party_scan_vulnerabilities": [],
    "web_applications": [WEB_VALUES],
}
CLIENT = block(122, pack(">IIII", 4, 1_700_000_005, 638, 676) + text("7.81") + block(31, WEB))
CLIENT_VALUES = {
    "block_type": 122,
    "hits": 4,
    "last_used": 1_700_000_005,
    "application_id": 638,
    "application_protocol_id": 676,
    "version": "7.81",
    "web_applications": [WEB_VALUES],
}
FULL_CLIENT = block(
    112,
    pack(">III", 4, 1_700_000_005, 638) + text("7.81") + block(31, WEB) + block(31, VULNERABILITY),
)
FULL_CLIENT_VALUES = {
    "block_type": 112,
    "hits": 4,
    "last_used": 1_700_000_005,
    "application_id": 638,
    "version": "7.81",
    "web_applications": [WEB_VALUES],
    "vulnerabilities": [VULNERABILITY_VALUES],
}
SERVERS: list[Entry] = [
    (1, 1, SUB_SERVER, SUB_SERVER_VALUES),
    (1, 51, FULL_SUB_SERVER, FULL_SUB_SERVER_VALUES),
    (1, 117, INFORMATION, INFORMATION_VALUES),
    (1, 106, FULL_INFORMATION, FULL_INFORMATION_VALUES),
    (1, 123, WEB, WEB_VALUES),
    (1, 97, block(97, pack(">II", 5, 6)), {"block_type": 97, "payload_type": 5, "payload_id": 6}),
    (1, 103, SERVER, SERVER_VALUES),
    (1, 104, FULL_SERVER, FULL_SERVER_VALUES),
    (
        1,
        37,
        block(37, b"\x00\x50\x06" + block(10, b"SSH-2.0")),
        {"block_type": 37, "port": 80, "protocol": 6, "banner": "U1NILTIuMA=="},
    ),
    (1, 122, CLIENT, CLIENT_VALUES),
    (1, 112, FULL_CLIENT, FULL_CLIENT_VALUES),
]

EXTRA_DATA: list[Entry] = [
    (
        2,
        4,
        block(4, pack(">IIII", 3, 77, 1_700_000_001, 9) + block(1, b"/index")),
        {
            "block_type": 4,
            "device_id": 3,
            "event_id": 77,
            "event_second": 1_700_000_001,
            "type": 9,
            "data": "L2luZGV4",
        },
    ),
]
METADATA_BLOCKS: list[Entry] = [
    (2, 14, block(14, uuid(5) + text("inside")), {"block_type": 14, "uuid": UUIDS[5], "name": "inside"}),
    (
        2,
        15,
        block(15, uuid(5) + pack(">I", 7) + text("allow web")),
        {"block_type": 15, "revision": UUIDS[5], "rule_id": 7, "name": "allow web"},
    ),
    (
        2,
        21,
        block(21, b"\0\x10" + text("File Block")),
        {"block_type": 21, "reason": 16, "description": "File Block"},
    ),
    (
        2,
        59,
        block(59, b"\0\1\0\x10" + text("File Block")),
        {"block_type": 59, "reason": 0x10010, "description": "File Block"},
    ),
    (
        2,
        28,
        block(28, b"\1\x14" + text("germany")),
        {"block_type": 28, "country_code": 276, "name": "germany"},
    ),
    (
        2,
        39,
        block(39, pack(">I", 21) + text("CnC Connected") + text("Intrusion Event")),
        {"block_type": 39, "ioc_id": 21, "category": "CnC Connected", "event_type": "Intrusion Event"},
    ),
    (
        2,
        57,
        block(57, pack(">II", 9, 710) + text("alice")),
        {"block_type": 57, "user_id": 9, "protocol": 710, "username": "alice"},
    ),
]
