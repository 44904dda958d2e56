"""Records without a block header written down by hand: (record type, bytes, values of `data` in JSON form).

Discovery events stand here without their header; the tests put one before them.
"""

from __future__ import annotations

from struct import pack
from typing import Any

from support.hand_records import UUIDS, ipv4, uuid


def short(content: str) -> bytes:
    """A text after a length of 16 bits."""
    return pack(">H", len(content)) + content.encode()


def long(content: str) -> bytes:
    """A text after a length of 32 bits."""
    return pack(">I", len(content)) + content.encode()


VULNERABILITY_TEXTS = (
    *("entry_date", "published_date", "modified_date", "title"),
    *("short_description", "description", "technical_description", "solution"),
)
PLAIN_NAMES = (
    *(55, 56, 58, 59, 60, 61, 62, 63, 64, 90, 91, 96, 108, 109, 120, 121, 122, 123, 128, 129, 130, 131, 281),
    *(300, 302, 350, 510, 515, 516, 517, 518, 519, 602, 604, 605, 606, 607, 608, 613),
)
POLICY = pack(">I", 7) + short("web") + short("of the web")
POLICY_VALUES: dict[str, Any] = {
    "id": 7,
    "name_length": 3,
    "name": "web",
    "description_length": 10,
    "description": "of the web",
}

HAND_PLAIN: tuple[tuple[int, bytes, dict[str, Any]], ...] = (
    (
        2,
        pack(">IIIIIII", 3, 77, 1_700_000_001, 1_700_000_002, 250_000, 1, 4) + b"\xde\xad\xbe\xef",
        {
            "device_id": 3,
            "event_id": 77,
            "event_second": 1_700_000_001,
            "packet_second": 1_700_000_002,
            "packet_microsecond": 250_000,
            "link_type": 1,
            "packet_length": 4,
            "packet_data": "3q2+7w==",
        },
    ),
    (3, POLICY, POLICY_VALUES),
    (67, POLICY + uuid(1) + uuid(2), {**POLICY_VALUES, "uuid": UUIDS[1], "revision_uuid": UUIDS[2]}),
    (68, POLICY + uuid(1), {**POLICY_VALUES, "uuid": UUIDS[1]}),
    (69, POLICY + uuid(1) + uuid(2), {**POLICY_VALUES, "uuid": UUIDS[1], "revision_uuid": UUIDS[2]}),
    (
        70,
        POLICY + short("flow") + uuid(1) + uuid(2) + uuid(3),
        {
            **POLICY_VALUES,
            "event_type_length": 4,
            "event_type": "flow",
            "rule_uuid": UUIDS[1],
            "revision_uuid": UUIDS[2],
            "white_list_uuid": UUIDS[3],
        },
    ),
    (4, pack(">I", 1) + short("high"), {"id": 1, "name_length": 4, "name": "high"}),
    (
        5,
        pack(">III", 1, 498, 7) + short("ATTACK"),
        {"generator_id": 1, "rule_id": 498, "rule_revision": 7, "message_length": 6, "message": "ATTACK"},
    ),
    (
        66,
        pack(">IIIIH", 1, 498, 7, 499, 6) + uuid(1) + uuid(2) + b"ATTACK",
        {
            "generator_id": 1,
            "rule_id": 498,
            "rule_revision": 7,
            "signature_id": 499,
            "message_length": 6,
            "rule_uuid": UUIDS[1],
            "rule_revision_uuid": UUIDS[2],
            "message": "ATTACK",
        },
    ),
    (
        54,
        uuid(1) + long("Linux") + long("various") + long("6.1"),
        {
            "uuid": UUIDS[1],
            "os_name_length": 5,
            "os_name": "Linux",
            "os_vendor_length": 7,
            "os_vendor": "various",
            "os_version_length": 3,
            "os_version": "6.1",
        },
    ),
    (
        57,
        pack(">IIBB", 12_345, 9, 1, 0) + b"".join(long(name) for name in VULNERABILITY_TEXTS),
        {
            "id": 12_345,
            "impact": 9,
            "exploits": 1,
            "remote": 0,
            **{
                key: value
                for name in VULNERABILITY_TEXTS
                for key, value in ((f"{name}_length", len(name)), (name, name))
            },
        },
    ),
    (
        98,
        pack(">II", 9, 710) + long("alice"),
        {"id": 9, "protocol": 710, "name_length": 5, "name": "alice"},
    ),
    (
        106,
        pack(">II", 5, 2) + long("overflow") + long("of a buffer") + long("CVE-1") + long("77"),
        {
            "id": 5,
            "scanner_type": 2,
            "title_length": 8,
            "title": "overflow",
            "description_length": 11,
            "description": "of a buffer",
            "cve_id_length": 5,
            "cve_id": "CVE-1",
            "bugtraq_id_length": 2,
            "bugtraq_id": "77",
        },
    ),
    *(
        (number, pack(">I", 7) + long("web"), {"id": 7, "name_length": 3, "name": "web"})
        for number in PLAIN_NAMES
    ),
    *(
        (number, uuid(1) + b"\0\0\0\0\0\0\0\x0cweb\0", {"uuid": UUIDS[1], "name": "web"})
        for number in (132, 282, 600)
    ),
    *(
        (
            number,
            pack(">II", 14, 36) + uuid(1) + b"\0\0\0\0\0\0\0\x0cweb\0",
            {"block_type": 14, "block_length": 36, "uuid": UUIDS[1], "name": "web"},
        )
        for number in (530, 700)
    ),
    (
        601,
        uuid(1) + pack(">I", 7) + b"\0\0\0\0\0\0\0\x0cweb\0",
        {"revision": UUIDS[1], "id": 7, "name": "web"},
    ),
    *((number, b"", {}) for number in (6, 19, 20, 21, 44, 114)),
    (13, b"\x08\x00", {"network_protocol": 2048}),
    (14, b"\x06", {"transport_protocol": 6}),
    (22, b"\x05", {"hops": 5}),
    *((number, b"\x1f\x90", {"port": 8080}) for number in (23, 24, 25, 26)),
    (29, ipv4(192, 0, 2, 7), {"ip_address": "192.0.2.7"}),
    (31, b"\0\0\0\1", {"host_type": 1}),
)
