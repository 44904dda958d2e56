"""IP protocol numbers: by the names that sensors write, and by looking into a packet.

The numbers are those of the IANA registry "Assigned Internet Protocol Numbers". Not here: anything above IP.
"""

from __future__ import annotations

_NAMES = (  # noqa: SIM905
    "HOPOPT ICMP IGMP GGP IP-in-IP ST TCP CBT EGP IGP BBN-RCC-MON NVP-II PUP ARGUS EMCON XNET "
    "CHAOS UDP MUX DCN-MEAS HMP PRM XNS-IDP TRUNK-1 TRUNK-2 LEAF-1 LEAF-2 RDP IRTP ISO-TP4 NETBLT MFE-NSP "
    "MERIT-INP DCCP 3PC IDPR XTP DDP IDPR-CMTP TP++ IL IPv6 SDRP IPv6-Route IPv6-Frag IDRP RSVP GRE "
    "DSR BNA ESP AH I-NLSP SWIPE NARP MOBILE TLSP SKIP IPv6-ICMP IPv6-NoNxt IPv6-Opts - CFTP - "
    "SAT-EXPAK KRYPTOLAN RVD IPPC - SAT-MON VISA IPCV CPNX CPHB WSN PVP BR-SAT-MON SUN-ND WB-MON WB-EXPAK "
    "ISO-IP VMTP SECURE-VMTP VINES TTP NSFNET-IGP DGP TCF EIGRP OSPF Sprite-RPC LARP MTP AX.25 IPIP MICP "
    "SCC-SP ETHERIP ENCAP - GMTP IFMP PNNI PIM ARIS SCPS QNX A/N IPComp SNP Compaq-Peer IPX-in-IP "
    "VRRP PGM - L2TP DDX IATP STP SRP UTI SMP SM PTP ISIS FIRE CRTP CRUDP "
    "SSCOPMCE IPLT SPS PIPE SCTP FC RSVP-E2E-IGNORE Mobility UDPLite MPLS-in-IP manet HIP Shim6 WESP ROHC "
    "Ethernet AGGFRAG NSH"
).split()
"""Keywords in the order of their numbers; "-" is a number without a keyword of its own."""

_OTHER_SPELLINGS = {
    "ip": 4,
    "ipencap": 4,
    "ipv4": 4,
    "icmpv6": 58,
    "icmp6": 58,
    "ipcu": 71,
    "ospfigp": 89,
    "os": 94,
    "is-is": 124,
    "minimal-ipv4": 55,
    "mobility header": 135,
    "mobility-header": 135,
    "idpr cmtp": 38,
}

PROTOCOLS: dict[str, int] = {
    **{name.lower(): number for number, name in enumerate(_NAMES) if name != "-"},
    **_OTHER_SPELLINGS,
}
"""Lower-case keyword -> protocol number. Numbers in text ("143", "061") are understood beside it."""

_VLAN_TAGS = frozenset({0x8100, 0x88A8, 0x9100, 0x9200, 0x9300})
_EXTENSION_HEADERS = frozenset({0, 43, 60, 135})
_FRAGMENT_HEADER = 44
_ETHERTYPE_IPV4 = 0x0800
_ETHERTYPE_IPV6 = 0x86DD


def protocol_number(name: str) -> int | None:
    """The number of a protocol by its keyword, or None if it is not known."""
    number = PROTOCOLS.get(name.lower())
    if number is None and name.isascii() and name.isdigit() and int(name) < 256:
        return int(name)
    return number


def protocol_of_packet(link_type: int, packet: bytes) -> int | None:
    """The IP protocol of a captured packet, or None if none can be read off it.

    `link_type` is a link layer number as in capture files: 0 and 108 (loopback), 1 (Ethernet), 12, 14, 101
    (raw IP), 104 (Cisco HDLC), 113 and 276 (Linux cooked), 228, 229 (raw IPv4, IPv6).
    """
    try:
        return _read(link_type, packet)
    except IndexError:
        return None


def _read(link_type: int, packet: bytes) -> int | None:
    if link_type == 1:
        at, ethertype = 14, _word(packet, 12)
        while ethertype in _VLAN_TAGS:
            at, ethertype = at + 4, _word(packet, at + 2)
        return _ip(packet, at) if ethertype in (_ETHERTYPE_IPV4, _ETHERTYPE_IPV6) else None
    if link_type in (12, 14, 101, 228, 229):
        return _ip(packet, 0)
    if link_type in (0, 108):
        return _ip(packet, 4)
    if link_type == 104:
        return _ip(packet, 4) if _word(packet, 2) in (_ETHERTYPE_IPV4, _ETHERTYPE_IPV6) else None
    if link_type == 113:
        return _ip(packet, 16) if _word(packet, 14) in (_ETHERTYPE_IPV4, _ETHERTYPE_IPV6) else None
    if link_type == 276:
        return _ip(packet, 20) if _word(packet, 0) in (_ETHERTYPE_IPV4, _ETHERTYPE_IPV6) else None
    return None


def _word(packet: bytes, at: int) -> int:
    return packet[at] << 8 | packet[at + 1]


def _ip(packet: bytes, at: int) -> int | None:
    version = packet[at] >> 4
    if version == 4:
        return packet[at + 9]
    if version != 6:
        return None
    header, at = packet[at + 6], at + 40
    for _ in range(16):
        if header in _EXTENSION_HEADERS:
            header, at = packet[at], at + 8 * (packet[at + 1] + 1)
        elif header == _FRAGMENT_HEADER:
            if (_word(packet, at + 2) & 0xFFF8) != 0:
                return packet[at]
            header, at = packet[at], at + 8
        else:
            return header
    return header
