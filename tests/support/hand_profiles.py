"""Host profiles, and requests for them, put together by hand, as hand_made.py does it with records."""

from __future__ import annotations

import struct
from ipaddress import ip_address

from support.hand_made import SECOND, address, block, string_block

EMPTY_LIST = block(11, b"")
EMPTY_GENERIC = block(31, b"")
BANNER = b"SSH-2.0-OpenSSH_9.2\r\n"


def server_104(port: int = 22, banner: bytes = BANNER) -> bytes:
    """A full server block of 4.10 and later, of which nothing is known but its banner."""
    content = struct.pack(">HI", port, 7) + EMPTY_GENERIC * 4 + struct.pack(">I", 90)
    content += block(10, banner) + EMPTY_GENERIC * 3 + EMPTY_GENERIC
    return block(104, content)


def _middle(notes: str, banner: bytes) -> bytes:
    """What all blocks from 92 on have in common: servers to attributes."""
    content = block(11, server_104(banner=banner)) + EMPTY_LIST * 4
    content += struct.pack(">IIHHBB", SECOND, 0, 2, 0, 0, 0)
    content += EMPTY_GENERIC + string_block("PC") + string_block(notes) + EMPTY_GENERIC * 3 + EMPTY_LIST
    return content


def profile_149(*addresses: str, hops: int = 3, notes: str = "mine", banner: bytes = BANNER) -> bytes:
    """Block 149."""
    hosts = b"".join(block(143, address(text) + struct.pack(">I", SECOND)) for text in addresses)
    content = bytes(16) + block(11, hosts) + bytes([hops]) + EMPTY_GENERIC * 14
    content += _middle(notes, banner) + b"\0\0" + EMPTY_GENERIC
    return block(149, content)


def profile_140(*addresses: str, hops: int = 3, notes: str = "mine", banner: bytes = BANNER) -> bytes:
    """Block 140: as 149, without indications of compromise."""
    newest = profile_149(*addresses, hops=hops, notes=notes, banner=banner)
    return block(140, newest[8 : -len(EMPTY_GENERIC)])


def profile_ipv4(
    block_type: int, text: str, *, hops: int = 3, notes: str = "mine", banner: bytes = BANNER
) -> bytes:
    """Block 92, 111 or 135: one IPv4 address."""
    content = ip_address(text).packed + bytes([hops]) + EMPTY_GENERIC * 9 + _middle(notes, banner)
    return block(block_type, content + (bytes(3) if block_type == 135 else b""))


def profile_47(text: str, *, hops: int = 3, notes: str = "mine", banner: bytes = BANNER) -> bytes:
    """Block 47 with a server of 4.7: everything is a block of its own."""
    server = struct.pack(">HII", 22, 7, 0) + string_block("") * 3 + struct.pack(">IIII", 90, 0, 0, 0)
    server += block(10, banner) + EMPTY_LIST * 3
    content = ip_address(text).packed + bytes([hops]) + bytes(4) + bytes(16)
    content += block(11, block(69, server)) + EMPTY_LIST * 4
    content += struct.pack(">IIHHBB", SECOND, 0, 2, 0, 0, 0)
    content += EMPTY_LIST + string_block("PC") + string_block(notes) + EMPTY_LIST * 3
    return block(47, content)


def host_request(data_type: int, flags: int, start: str, end: str | None = None) -> bytes:
    """A host data request in the form of 40 bytes."""
    body = struct.pack(">II", data_type, flags) + address(start) + address(end or start)
    return struct.pack(">HHI", 1, 5, len(body)) + body


def legacy_host_request(data_type: int, flags: int, start: str, end: str | None = None) -> bytes:
    """A host data request in the form of 16 bytes, IPv4 only."""
    body = struct.pack(">II", data_type, flags) + ip_address(start).packed + ip_address(end or start).packed
    return struct.pack(">HHI", 1, 5, len(body)) + body
