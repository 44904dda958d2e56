"""Host input, scan results and blocks for internal use written down by hand; as hand_blocks.py."""

from __future__ import annotations

from struct import pack

from support.hand_blocks import IPV6, MAC, RANGE, RANGE_VALUES, Entry, integer, integers, string
from support.hand_records import UUIDS, block, text, uuid

MACS = block(31, block(63, MAC))
MACS_VALUES = [{"block_type": 63, "mac": "02:00:5e:10:00:01"}]
PRODUCT_TEXTS = (
    *("custom_vendor", "custom_product", "custom_version"),
    *("major", "minor", "revision", "to_major", "to_minor", "to_revision", "build", "patch", "extension"),
)
PRODUCT = block(
    134,
    pack(">II", 5, 1)
    + block(31, RANGE)
    + pack(">HHI", 80, 6, 0)
    + b"".join(text(name) for name in PRODUCT_TEXTS[:3])
    + pack(">IIII", 1, 2, 3, 4)
    + b"".join(text(name) for name in PRODUCT_TEXTS[3:])
    + uuid(4)
    + text("telephone")
    + b"\x01\x00"
    + block(31, block(67, pack(">I", 99))),
)
PRODUCT_VALUES = {
    "block_type": 134,
    "source_id": 5,
    "source_type": 1,
    "ip_ranges": [RANGE_VALUES],
    "port": 80,
    "protocol": 6,
    "drop_user_product": 0,
    **{name: name for name in PRODUCT_TEXTS[:3]},
    "software_id": 1,
    "server_id": 2,
    "vendor_id": 3,
    "product_id": 4,
    **{name: name for name in PRODUCT_TEXTS[3:]},
    "os_uuid": UUIDS[4],
    "device": "telephone",
    "mobile": 1,
    "jailbroken": 0,
    "fixes": [{"block_type": 67, "fix_id": 99}],
}
SOURCE = {"source_id": 5, "source_type": 1}
USER_VULNERABILITY = block(
    124,
    block(31, RANGE)
    + pack(">HHI", 80, 6, 12_345)
    + uuid(5)
    + text("overflow")
    + pack(">II", 638, 676)
    + text("7.81"),
)
USER_VULNERABILITY_VALUES = {
    "block_type": 124,
    "ip_ranges": [RANGE_VALUES],
    "port": 80,
    "protocol": 6,
    "vulnerability_id": 12_345,
    "uuid": UUIDS[5],
    "name": "overflow",
    "client_application_id": 638,
    "application_protocol_id": 676,
    "version": "7.81",
}
HOST_INPUT: list[Entry] = [
    (
        1,
        64,
        block(64, block(31, RANGE) + MACS),
        {"block_type": 64, "ip_ranges": [RANGE_VALUES], "macs": MACS_VALUES},
    ),
    (
        1,
        78,
        block(78, block(31, RANGE) + MACS + pack(">II", 5, 1)),
        {"block_type": 78, "ip_ranges": [RANGE_VALUES], "macs": MACS_VALUES, **SOURCE},
    ),
    (
        1,
        77,
        block(77, pack(">II", 1, 5) + block(31, block(76, block(31, RANGE) + pack(">HH", 80, 6)))),
        {
            "block_type": 77,
            "source_type": 1,
            "source_id": 5,
            "servers": [{"block_type": 76, "ip_ranges": [RANGE_VALUES], "port": 80, "protocol": 6}],
        },
    ),
    (
        1,
        83,
        block(83, pack(">II", 1, 5) + block(31, block(57, block(31, RANGE) + MACS + b"\x01\x00\x11"))),
        {
            "block_type": 83,
            "source_type": 1,
            "source_id": 5,
            "protocols": [
                {
                    "block_type": 57,
                    "ip_ranges": [RANGE_VALUES],
                    "macs": MACS_VALUES,
                    "protocol_type": 1,
                    "protocol": 17,
                }
            ],
        },
    ),
    (
        1,
        60,
        block(
            60,
            pack(">II", 1, 5)
            + block(
                31,
                block(138, block(31, RANGE) + pack(">II", 676, 638) + text("7.81") + pack(">II", 0, 1122)),
            ),
        ),
        {
            "block_type": 60,
            "source_type": 1,
            "source_id": 5,
            "client_applications": [
                {
                    "block_type": 138,
                    "ip_ranges": [RANGE_VALUES],
                    "application_protocol_id": 676,
                    "client_application_id": 638,
                    "version": "7.81",
                    "payload_type": 0,
                    "web_application_id": 1122,
                }
            ],
        },
    ),
    (1, 134, PRODUCT, PRODUCT_VALUES),
    (
        1,
        80,
        block(80, pack(">III", 5, 1, 2) + block(31, USER_VULNERABILITY)),
        {
            "block_type": 80,
            **SOURCE,
            "change_type": 2,
            "vulnerabilities": [USER_VULNERABILITY_VALUES],
        },
    ),
    (
        1,
        81,
        block(81, block(31, RANGE) + pack(">III", 5, 1, 3)),
        {"block_type": 81, "ip_ranges": [RANGE_VALUES], **SOURCE, "criticality": 3},
    ),
    (
        1,
        82,
        block(82, block(31, RANGE) + pack(">III", 5, 1, 7) + block(10, b"gold")),
        {"block_type": 82, "ip_ranges": [RANGE_VALUES], **SOURCE, "attribute_id": 7, "value": "Z29sZA=="},
    ),
]
MASK = block(24, b"\x0a\x01\x00\x00\xff\xff\x00\x00")
MASK_VALUES = {"block_type": 24, "ip": "10.1.0.0", "mask": 0xFFFF0000}
HOST_INPUT_LEGACY: list[Entry] = [
    (
        1,
        28,
        block(28, pack(">II", 9, 3) + block(11, MASK)),
        {
            "block_type": 28,
            "user_id": 9,
            "criticality": 3,
            "ip_list": {"block_type": 11, "items": [MASK_VALUES]},
        },
    ),
    (
        1,
        41,
        block(41, pack(">II", 9, 7) + block(11, MASK) + text("gold")),
        {
            "block_type": 41,
            "user_id": 9,
            "attr_id": 7,
            "ip_list": {"block_type": 11, "items": [MASK_VALUES]},
            "value": string("gold"),
        },
    ),
]
HOSTS_LEGACY: list[Entry] = [
    (
        1,
        36,
        block(
            36,
            pack(">HIH", 80, 4, 676)
            + text("Apache")
            + text("")
            + text("1.3")
            + block(11, b"")
            + pack(">II", 90, 5),
        ),
        {
            "block_type": 36,
            "port": 80,
            "hits": 4,
            "server_id": 676,
            "vendor": string("Apache"),
            "legacy_product": string(""),
            "version": string("1.3"),
            "sub_servers": {"block_type": 11, "items": []},
            "confidence": 90,
            "last_used": 5,
        },
    ),
    (
        1,
        8,
        block(8, b"\0\x50" + block(4, b"\0\x06") + text("mod_ssl") + block(11, integer(12_345) + integer(6))),
        {
            "block_type": 8,
            "port": 80,
            "protocol": {"block_type": 4, "protocol": 6},
            "sub_service": string("mod_ssl"),
            "vulnerability_list": integers(12_345, 6),
        },
    ),
]
SCAN_TEXTS = ("id", "name", "description", "name_clean", "description_clean")
RESULT_TEXTS = ("sub_server", "value", "sub_server_unformatted", "value_unformatted")
SCAN: list[Entry] = [
    (
        1,
        142,
        block(
            142,
            pack(">II", 9, 4)
            + IPV6
            + pack(">HHH", 443, 6, 0)
            + block(
                11,
                block(
                    109,
                    pack(">HH", 443, 6)
                    + b"".join(text(name) for name in SCAN_TEXTS)
                    + block(11, integer(1024))
                    + block(11, block(35, text("CVE-2014-0160"))),
                ),
            )
            + block(11, block(108, pack(">HH", 443, 6) + b"".join(text(name) for name in RESULT_TEXTS)))
            + block(31, PRODUCT),
        ),
        {
            "block_type": 142,
            "user_id": 9,
            "scan_type": 4,
            "ip_address": "2001:db8::7",
            "port": 443,
            "protocol": 6,
            "flag": 0,
            "vulnerabilities": [
                {
                    "block_type": 109,
                    "port": 443,
                    "protocol": 6,
                    **{name: name for name in SCAN_TEXTS},
                    "bugtraq_ids": integers(1024),
                    "cve_ids": [{"block_type": 35, "value": "CVE-2014-0160"}],
                }
            ],
            "results": [
                {"block_type": 108, "port": 443, "protocol": 6, **{name: name for name in RESULT_TEXTS}}
            ],
            "products": [PRODUCT_VALUES],
        },
    )
]
INTERNAL: list[Entry] = [
    (
        1,
        54,
        block(54, pack(">I", 2) + text("stop")),
        {"block_type": 54, "control_type": 2, "message": "stop"},
    ),
    (
        1,
        21,
        block(21, b"".join(integer(n) for n in range(1, 11))),
        {"block_type": 21, **{f"val{n}": integers(n)[0] for n in range(1, 11)}},
    ),
    (
        1,
        151,
        block(151, block(10, b"\xaa\xbb") + pack(">BI", 75, 21)),
        {"block_type": 151, "sha256": "qrs=", "threat_score": 75, "file_type": 21},
    ),
    (2, 17, block(17, MAC), {"block_type": 17, "mac": "02:00:5e:10:00:01"}),
    (
        2,
        37,
        block(37, pack(">IHIIIQ", 5, 1, 2, 3, 4, 1 << 40)),
        {
            "block_type": 37,
            "timestamp": 5,
            "category": 1,
            "id": 2,
            "number_stored": 3,
            "number_dropped": 4,
            "bytes_written": 1 << 40,
        },
    ),
]
INTERNAL_USERS: list[Entry] = [
    (
        1,
        133,
        block(133, pack(">I", 5) + b"\xc0\x00\x02\x07" + IPV6 + text("DESK7") + text("dc1")),
        {
            "block_type": 133,
            "timestamp": 5,
            "ipv4_address": "192.0.2.7",
            "ipv6_address": "2001:db8::7",
            "netbios_name": "DESK7",
            "reported_by": "dc1",
        },
    ),
    (
        2,
        9,
        block(9, pack(">I", 3) + text("staff") + block(2, block(11, pack(">IB", 9, 1)))),
        {
            "block_type": 9,
            "group_id": 3,
            "group_name": "staff",
            "users": {"block_type": 2, "items": [{"block_type": 11, "id": 9, "flag": 1}]},
        },
    ),
]
