"""IP protocols by name and from packets; classes of rules."""

from __future__ import annotations

import pytest

from openstreamer.inputs.classifications import CLASSES, FIRST_FREE, find_class
from openstreamer.inputs.protocols import protocol_number, protocol_of_packet

IPV4_GRE = bytes.fromhex("4500001400000000402f00000a0000010a000002")
IPV6 = bytes.fromhex("6000000000003a40") + bytes(32)
IPV6_FRAGMENT = bytes.fromhex("6000000000102c40") + bytes(32) + bytes.fromhex("1100000100000001") + bytes(8)
IPV6_OPTIONS = (
    bytes.fromhex("6000000000180040")
    + bytes(32)
    + bytes.fromhex("3c00000000000000")
    + bytes.fromhex("06000000")
    + bytes(12)
)
MACS = bytes(12)


@pytest.mark.parametrize(
    ("name", "number"),
    [
        ("TCP", 6),
        ("UDP", 17),
        ("ICMP", 1),
        ("IPv6-ICMP", 58),
        ("icmpv6", 58),
        ("GRE", 47),
        ("SCTP", 132),
        ("IGMP", 2),
        ("IPv6-Frag", 44),
        ("IP-in-IP", 4),
        ("DDX", 116),
        ("HOPOPT", 0),
        ("ESP", 50),
        ("OSPF", 89),
        ("PIM", 103),
        ("L2TP", 115),
        ("IS-IS", 124),
        ("UDPLite", 136),
        ("Ethernet", 143),
        ("254", 254),
        ("061", 61),
        ("Any", None),
        ("256", None),
        ("", None),
        ("no such", None),
    ],
)
def test_names(name: str, number: int | None) -> None:
    assert protocol_number(name) == number


@pytest.mark.parametrize(
    ("link_type", "packet", "expected"),
    [
        (1, MACS + b"\x08\x00" + IPV4_GRE, 47),
        (1, MACS + b"\x81\x00\x00\x06\x08\x00" + IPV4_GRE, 47),
        (1, MACS + b"\x88\xa8\x00\x06\x81\x00\x00\x07\x86\xdd" + IPV6, 58),
        (1, MACS + b"\x08\x06" + bytes(28), None),
        (12, IPV4_GRE, 47),
        (101, IPV6, 58),
        (228, IPV4_GRE, 47),
        (0, b"\x02\0\0\0" + IPV4_GRE, 47),
        (104, b"\x0f\x00\x08\x00" + IPV4_GRE, 47),
        (113, bytes(14) + b"\x08\x00" + IPV4_GRE, 47),
        (276, b"\x08\x00" + bytes(18) + IPV4_GRE, 47),
        (12, IPV6_FRAGMENT, 17),
        (12, IPV6_OPTIONS, 6),
        (12, b"\x00", None),
        (12, IPV4_GRE[:9], None),
        (12, b"", None),
        (999, IPV4_GRE, None),
    ],
)
def test_packets(link_type: int, packet: bytes, expected: int | None) -> None:
    assert protocol_of_packet(link_type, packet) == expected


def test_classes_are_numbered_in_order_and_found_by_name_and_description() -> None:
    assert [entry.number for entry in CLASSES] == list(range(1, len(CLASSES) + 1))
    assert len({entry.name for entry in CLASSES}) == len(CLASSES) < FIRST_FREE
    attack = find_class("Web Application Attack")
    assert attack is not None
    assert (attack.number, attack.name, attack.priority) == (28, "web-application-attack", 1)
    assert find_class("web-application-attack") is attack
    assert find_class("Executable Code was Detected") == find_class("shellcode-detect")
    assert find_class("A class of my own") is None
