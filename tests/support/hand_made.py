"""Records and messages put together by hand, field by field, without the program's own encoder.

So a mistake of the encoder cannot hide one of the decoder. Sizes and orders are those of the protocol
reference; the values are made up. Used by the tests of the client and by its benchmark.
"""

from __future__ import annotations

import struct
from ipaddress import ip_address

SECOND = 1_700_000_000


def header(message_type: int, body: bytes) -> bytes:
    """A whole message: header version 1, type, length, body."""
    return struct.pack(">HHI", 1, message_type, len(body)) + body


def null() -> bytes:
    return header(0, b"")


def error(code: int, text: str) -> bytes:
    raw = text.encode()
    return header(1, struct.pack(">iH", code, len(raw)) + raw)


def streaming_information(services: tuple[int, ...] = (6667,)) -> bytes:
    return header(2051, b"".join(struct.pack(">IIII", service, 8, 0, 0) for service in services))


def record(record_type: int, data: bytes, archive_time: int | None = SECOND) -> bytes:
    """Body of an event data message: record header (long form with an archive time) and data."""
    if archive_time is None:
        return struct.pack(">II", record_type, len(data)) + data
    return struct.pack(">IIII", record_type, len(data), archive_time, 0) + data


def event_data(record_type: int, data: bytes, archive_time: int | None = SECOND) -> bytes:
    return header(4, record(record_type, data, archive_time))


def bundle(sequence: int, records: list[bytes], *, version: int = 0) -> bytes:
    """A message bundle of bodies made by `record`."""
    items = b"".join(struct.pack(">HHI", version, 4, len(body)) + body for body in records)
    return header(4002, struct.pack(">II", 1, sequence) + items)


def address(text: str) -> bytes:
    """The 16 bytes of an address, IPv4 in mapped form."""
    parsed = ip_address(text)
    return parsed.packed if parsed.version == 6 else b"\0" * 10 + b"\xff\xff" + parsed.packed


def string_block(text: str, *, nul: bool = True) -> bytes:
    raw = text.encode() + (b"\0" if nul and text else b"")
    return struct.pack(">II", 0, 8 + len(raw)) + raw


def block(block_type: int, content: bytes) -> bytes:
    return struct.pack(">II", block_type, 8 + len(content)) + content


def packet(
    event_id: int = 1, data: bytes = b"\xde\xad\xbe\xef", *, link_type: int = 1, second: int = SECOND
) -> bytes:
    """Record 2."""
    return struct.pack(">IIIIIII", 1, event_id, second, second, 250_000, link_type, len(data)) + data


def intrusion_85(
    event_id: int = 1,
    *,
    source: str = "192.0.2.1",
    destination: str = "198.51.100.7",
    signature_id: int = 2001219,
    second: int = SECOND,
) -> bytes:
    """Record 400 with series 2 block 85."""
    content = struct.pack(">IIIIIIIII", 1, event_id, second, 123_456, signature_id, 1, 20, 4, 2)
    content += address(source) + address(destination)
    content += struct.pack(">HHBBBBBIHH", 51_515, 22, 6, 0, 2, 0, 0, 0, 6, 0)
    content += bytes(16)
    content += struct.pack(">IIIII", 0, 0, 0, 846, 0)
    content += bytes(16 * 5)
    content += struct.pack(">IHHHHH", second, 1, 77, 840, 276, 0)
    content += bytes(16) + bytes(20) + struct.pack(">HH", 0, 0) + bytes(16) + struct.pack(">I", 0)
    content += string_block("") + string_block("") + b"\x03" + address("::")
    content += string_block("example.com") + string_block("/index") + string_block("") * 4
    return block(85, content)


def intrusion_7(event_id: int = 1, second: int = SECOND) -> bytes:
    """Record 7: an alert of the first years, without a block."""
    data = struct.pack(">IIIIIIIII", 1, event_id, second, 5, 1000, 1, 3, 4, 2)
    return data + bytes([192, 0, 2, 9]) + bytes([192, 0, 2, 10]) + struct.pack(">HHBBH", 1025, 80, 6, 1, 0)


def rule_message(generator: int, rule: int, revision: int, message: str) -> bytes:
    """Metadata record 66: four numbers, 16-bit length, two UUIDs, text."""
    raw = message.encode()
    return struct.pack(">IIIIH", generator, rule, revision, rule, len(raw)) + bytes(32) + raw


def classification(number: int, name: str, description: str) -> bytes:
    """Metadata record 67: number, name and description with 16-bit lengths, two UUIDs."""
    first, second = name.encode(), description.encode()
    content = struct.pack(">IH", number, len(first)) + first + struct.pack(">H", len(second)) + second
    return content + bytes(32)


def priority(number: int, name: str) -> bytes:
    """Metadata record 4: number, 16-bit length, name."""
    raw = name.encode()
    return struct.pack(">IH", number, len(raw)) + raw


def id_name(number: int, name: str) -> bytes:
    """Metadata of the most common form: number, 32-bit length, name."""
    raw = name.encode()
    return struct.pack(">II", number, len(raw)) + raw


def discovery_header(
    event_type: int, subtype: int, *, host: str = "192.0.2.1", second: int = SECOND
) -> bytes:
    """The 56-byte form."""
    head = struct.pack(">I4s6sBBIIIIII", 1, bytes(4), bytes(6), 1, 0, second, 0, event_type, subtype, 0, 0)
    return head + address(host)


def connection_174(number: int = 1, *, text: int = 0, second: int = SECOND) -> bytes:
    """Record 71 with series 1 block 174, behind its discovery event header; `text` bytes more in the URL."""
    zone = bytes(15) + b"\x01"
    source, destination = (
        address(f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"),
        address("198.51.100.7"),
    )
    content = struct.pack(">I", 1) + zone + zone + zone + zone + source + destination + address("::") + zone
    content += struct.pack(">IIHIHHHB", 268_435_456 + number % 20, 0, 2, 0, 1024 + number % 60_000, 443, 0, 6)
    content += address("::") + struct.pack(">HHII", 1, number & 0xFFFF, second - 3, second)
    content += struct.pack(">QQQQQQQQ", 10 + number % 90, 12, 1500 + number, 90_000 + number, 0, 0, 0, 0)
    content += bytes(16) + struct.pack(">IIIIIII", 0, 9_999_997, 1122, 0, 0, 1296, 0)
    content += (
        string_block("https://www.example.com/" + "x" * text) + string_block("") + string_block("HTTP/2")
    )
    content += struct.pack(">IIIIIIII", *[0] * 8)
    content += struct.pack(">BBHHHHHHIIHHBBBB", 0, 0, 0, 0, 840, 276, 0, 0, 64_500, 64_501, 0, 0, 0, 0, 0, 0)
    content += bytes(16) + struct.pack(">H", 0)
    content += string_block("") + string_block("curl/8.1.2") + string_block("")
    content += bytes(20) + bytes(16) + struct.pack(">IHBIHHHIIQ", 0, 0x1301, 4, 0, 0, 0, 0, 0, 0, 0)
    content += string_block("www.example.com") + struct.pack(">I", 0) + bytes(32) + b"\0" + bytes(20) + b"\0"
    content += bytes(16) + struct.pack(">IIHBHB", 0, 0, 0, 0, 0, 0) + address("::") + struct.pack(">I", 200)
    content += string_block("") + struct.pack(">HHI", 0, 0, 0) + bytes(16) + struct.pack(">III", 0, 0, 0)
    content += string_block("firefox") + struct.pack(">BBBB", 90, 0, 0, 0) + struct.pack(">HH", 0, 0)
    content += (
        address("::")
        + address("::")
        + string_block("")
        + string_block("")
        + string_block("")
        + string_block("")
    )
    return discovery_header(1003, 1, host="0.0.0.0", second=second) + block(174, content)
