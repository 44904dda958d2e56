"""Builds records and blocks from the catalogue of the format, with a different value in every field.

Independent of the package: it reads the catalogue's JSON files and packs bytes by hand, so that an error in a
declaration cannot hide in the tests. The catalogue lies beside the repository (shared_data.py); without it
the tables are empty.
"""

from __future__ import annotations

import base64
import ipaddress
import json
import re
import uuid
from functools import cache
from itertools import count
from typing import Any

from shared_data import ROOT

Field = dict[str, str]
Item = tuple[int, int]
LISTS = {("list", 1): 11, ("list", 2): 2, ("generic_list", 1): 31, ("generic_list", 2): 3}
BYTES_FIELDS = {"packet_data"}


@cache
def _read(name: str) -> Any:
    path = ROOT / "protocol" / "catalogue" / name
    return json.loads(path.read_text()) if path.exists() else None


@cache
def catalogue_blocks() -> dict[tuple[int, int], dict[str, Any]]:
    """All blocks of the catalogue by (series, type)."""
    found = {}
    for series in (1, 2):
        file = _read(f"blocks-series{series}.json") or {"blocks": []}
        found.update({(series, block["type"]): block for block in file["blocks"]})
    return found


@cache
def catalogue_records() -> dict[int, dict[str, Any]]:
    """All records of the catalogue by number."""
    file = _read("records.json") or {"records": []}
    return {record["number"]: record for record in file["records"]}


@cache
def catalogue_requests() -> list[dict[str, Any]]:
    """All pairs of event type and version of the catalogue."""
    file = _read("extended-requests.json") or {"requests": []}
    return [row for row in file["requests"] if row["type"]]


@cache
def catalogue_values() -> list[dict[str, Any]]:
    """All enumerations and bit masks of the catalogue."""
    return list((_read("values.json") or {"values": []})["values"])


def overridden(fields: list[Field], changes: dict[str, str]) -> list[Field]:
    """The same fields with other types for some: contested layouts."""
    return [{**field, "type": changes.get(field["name"], field["type"])} for field in fields]


class Builder:
    """Packs fields one after the other; `values` are what JSON says of them."""

    def __init__(self, series: int, start: int = 1) -> None:
        self.series = series
        self.numbers = count(start)

    def block(self, series: int, block_type: int, fields: list[Field] | None = None) -> tuple[bytes, Any]:
        """One block with its header, and the object it should be read as."""
        described = fields if fields is not None else catalogue_blocks()[series, block_type]["fields"]
        if [field["type"] for field in described] in _PLAIN_LISTS:
            content, items = self.items([_ANY[series]])
            values: dict[str, Any] = {"items": items}
        else:
            content, values = self.fields(described, series, text_block=block_type == 0)
        return (
            block_type.to_bytes(4, "big") + (8 + len(content)).to_bytes(4, "big") + content,
            {"block_type": block_type, **values},
        )

    def fields(
        self, fields: list[Field], series: int, *, text_block: bool = False
    ) -> tuple[bytes, dict[str, Any]]:
        """Fields without a header, and the object they should be read as."""
        lengths: dict[str, bytes] = {}
        for field in fields:
            counted = re.fullmatch(r"bytes\[([a-z_]+)\]", field["type"])
            if counted:
                lengths[counted[1]] = f"{field['name']} {next(self.numbers)}".encode()
        packed = b""
        values: dict[str, Any] = {}
        for field in fields:
            name, kind = field["name"], field["type"]
            if name in lengths:
                size = {"u8": 1, "u16": 2, "u32": 4}[kind]
                packed += len(lengths[name]).to_bytes(size, "big")
                values[name] = len(lengths[name])
                continue
            counted = re.fullmatch(r"bytes\[([a-z_]+)\]", kind)
            if counted:
                content = lengths[counted[1]]
                packed += content
                as_bytes = name in BYTES_FIELDS
                values[name] = base64.b64encode(content).decode() if as_bytes else content.decode()
                continue
            content, value = self.value(kind, name, series, text_block=text_block)
            packed += content
            values[name] = value
        return packed, values

    def value(self, kind: str, name: str, series: int, *, text_block: bool = False) -> tuple[bytes, Any]:
        """Bytes of one field, and its value."""
        n = next(self.numbers)
        if kind in ("u8", "u16", "u32", "u64"):
            size = int(kind[1:]) // 8
            number = {1: n * 7 % 251 + 1, 2: 1000 + n, 4: 0x81000000 + n * 65_537, 8: (1 << 63) + n}[size]
            return number.to_bytes(size, "big"), number
        if kind == "u32le":
            return (0x01020300 + n).to_bytes(4, "little"), 0x01020300 + n
        if kind in ("ipv4", "ipv4le"):
            address = ipaddress.IPv4Address(0xC6330000 + n)
            return (address.packed if kind == "ipv4" else address.packed[::-1]), str(address)
        if kind == "ipv6_16":
            if n % 2:
                mapped = ipaddress.IPv4Address(0xC0000000 + n)
                return bytes(10) + b"\xff\xff" + mapped.packed, str(mapped)
            address6 = ipaddress.IPv6Address((0x20010DB8 << 96) + n)
            return address6.packed, str(address6)
        if kind == "mac6":
            octets = bytes([2, 0, 0, 0, n >> 8 & 255, n & 255])
            return octets, octets.hex(":")
        if kind == "uuid16":
            return uuid.UUID(int=(n << 96) + n).bytes, str(uuid.UUID(int=(n << 96) + n))
        if kind == "string_block":
            text = f"{name} {n}".encode()
            return bytes(4) + (9 + len(text)).to_bytes(4, "big") + text + b"\0", text.decode()
        if kind == "blob_block":
            content = f"{name} {n}".encode()
            number = 10 if series == 1 else 1
            header = number.to_bytes(4, "big") + (8 + len(content)).to_bytes(4, "big")
            return header + content, base64.b64encode(content).decode()
        if kind == "bytes[block_length-8]":
            content = f"{name} {n}".encode()
            if text_block:
                return content + b"\0", content.decode()
            return content, base64.b64encode(content).decode()
        fixed = re.fullmatch(r"bytes\[(\d+)\]", kind)
        if fixed:
            digest = (n * 0x0101010101).to_bytes(int(fixed[1]), "big")
            return digest, digest.hex()
        return self.nested(kind, series)

    def nested(self, kind: str, series: int) -> tuple[bytes, Any]:
        """Blocks inside: two for each kind of item in a list, one where it stands alone."""
        shape = re.fullmatch(r"(list|generic_list|nested)<(.+)>", kind)
        assert shape is not None, kind
        items = shape[2].split("|")
        wanted = [_ANY[series]] if items == ["any"] else [_item(item) for item in items]
        if shape[1] == "nested" and wanted != [(1, 11)]:
            return self.block(*wanted[0])
        # A list may stand in a field as a nested block; its items then tell themselves what they are.
        number = LISTS[shape[1], series] if shape[1] != "nested" else 11
        content, values = self.items([_ANY[series]] if shape[1] == "nested" else wanted)
        header = number.to_bytes(4, "big") + (8 + len(content)).to_bytes(4, "big")
        return header + content, values

    def items(self, wanted: list[Item]) -> tuple[bytes, list[Any]]:
        """Two blocks of each kind, end to end."""
        built = [self.block(*item) for item in wanted for _ in range(2)]
        return b"".join(block for block, _ in built), [value for _, value in built]


_ANY: dict[int, Item] = {1: (1, 7), 2: (2, 6)}
"""What stands where the catalogue does not say which block: a number."""
_PLAIN_LISTS = (["list<any>"], ["generic_list<any>"])
"""Fields of the list blocks themselves: the catalogue writes their content like a list."""


def _item(text: str) -> tuple[int, int]:
    found = re.fullmatch(r"s([12]):(\d+)", text.strip())
    assert found is not None, text
    return int(found[1]), int(found[2])


HEADER_FIELDS = [
    {"name": "device_id", "type": "u32"},
    {"name": "legacy_ip", "type": "ipv4"},
    {"name": "mac", "type": "mac6"},
]


def discovery_header(builder: Builder, *, ipv6: bool) -> tuple[bytes, dict[str, Any]]:
    """A discovery event header of 40 or 56 bytes."""
    packed, values = builder.fields(HEADER_FIELDS, 1)
    packed += bytes([1 if ipv6 else 0, 0])
    values |= {"has_ipv6": int(ipv6), "reserved": 0}
    names = (
        "event_second",
        "event_microsecond",
        "event_type",
        "event_subtype",
        "file_number",
        "file_position",
    )
    rest, more = builder.fields([{"name": name, "type": "u32"} for name in names], 1)
    packed, values = packed + rest, values | more
    if ipv6:
        rest, more = builder.fields([{"name": "ipv6", "type": "ipv6_16"}], 1)
        packed, values = packed + rest, values | more
    return packed, values
