"""Packets as a classic capture file, which every network tool reads.

Takes packet records (record 2); everything else passes by. Written is the byte order-independent form with
microseconds (magic a1b2c3d4, big-endian), each packet with its own time, its bytes as they came.

A capture file has one link type. The first packet decides that of the target; packets of another link type
go to a file of their own beside it, `NAME.linktypeN.pcap`. Standard output has no "beside": there they are
counted and the count is told. Use pcapng where one file must hold all.
"""

from __future__ import annotations

import os
import re
import struct

import msgspec

from openstreamer.errors import OutputError
from openstreamer.outputs.batch import Batch
from openstreamer.outputs.files import GrowingFile, OpenStream, notices_of
from openstreamer.outputs.interface import FILE, PIPE, Guarantee, Output, Place
from openstreamer.outputs.one_file import file_guarantee
from openstreamer.outputs.packets import PACKET_RECORD, RawPacket, packets_of
from openstreamer.outputs.rotation import RotationConfig, open_rotating

_MAGIC = 0xA1B2C3D4
_FILE_HEADER = struct.Struct(">IHHiIII")
_PACKET_HEADER = struct.Struct(">IIII")
_SNAPLEN = 262_144


class PcapConfig(RotationConfig, frozen=True, forbid_unknown_fields=True):
    """Settings of the pcap output."""


def file_header(link_type: int) -> bytes:
    """The 24 bytes at the head of a capture file."""
    return _FILE_HEADER.pack(_MAGIC, 2, 4, 0, 0, _SNAPLEN, link_type)


def link_type_of(head: bytes, path: str) -> int:
    """The link type that the head of an existing file states.

    Raises:
        OutputError: it is not a capture file of the form that this output writes.
    """
    if len(head) < _FILE_HEADER.size:
        raise OutputError("is no capture file; choose another target", target=path)
    magic, major, _minor, _zone, _accuracy, _snaplen, link_type = _FILE_HEADER.unpack(head)
    if magic != _MAGIC or major != 2:
        raise OutputError(
            "is not a capture file of the form written here; choose another target", target=path
        )
    return int(link_type)


class PcapOutput(Output):
    """`-o pcap`."""

    Config = PcapConfig
    title = "packets, as a capture file for tcpdump, Wireshark, Suricata"
    record_types = frozenset({PACKET_RECORD})
    example = "openstreamer stream SERVER --events packet -o pcap -f packets.pcap"
    guarantees = (FILE, PIPE)

    def __init__(self, config: msgspec.Struct, target: str) -> None:
        super().__init__(config, target)
        assert isinstance(config, PcapConfig)
        self._settings = config
        self._main: GrowingFile | OpenStream | None = None
        self._link_type: int | None = None
        self._others: dict[int, GrowingFile | OpenStream] = {}
        self._written: set[int] = set()
        self.left_out = 0

    def guarantee(self) -> Guarantee:
        return file_guarantee(self.target)

    def open(self, place: Place | None) -> None:
        saved = place or {}
        self._main = open_rotating(self.target, saved.get("main"), self._settings)
        if self._main.length:
            self._link_type = link_type_of(self._main.head(_FILE_HEADER.size), self.target)
        else:
            self._link_type = saved.get("link_type")  # that of the files before this one
        beside = saved.get("beside", {})
        for number, part in beside.items():
            self._open_beside(int(number), part)
        self._open_existing(set(map(int, beside)), begun_since=place is not None)

    def _beside_path(self, link_type: int) -> str:
        stem, suffix = os.path.splitext(self.target)
        return f"{stem}.linktype{link_type}{suffix or '.pcap'}"

    def _open_beside(self, link_type: int, part: Place | None) -> GrowingFile | OpenStream:
        path = self._beside_path(link_type)
        file = open_rotating(path, part, self._settings)
        if file.length and link_type_of(file.head(_FILE_HEADER.size), path) != link_type:
            raise OutputError(f"has another link type than {link_type}; move it away", target=path)
        self._others[link_type] = file
        return file

    def _open_existing(self, known: set[int], *, begun_since: bool) -> None:
        """Take up the files beside that are there already, so that the first saved place knows them.

        Files that a saved place does not know were begun after it (`begun_since`), and are emptied.
        """
        if isinstance(self._main, OpenStream):
            return
        directory = os.path.dirname(self.target) or "."
        stem, suffix = os.path.splitext(os.path.basename(self.target))
        name = re.compile(
            re.escape(f"{stem}.linktype") + r"(\d{1,10})" + re.escape(suffix or ".pcap") + r"(\.\d{6,})?"
        )
        found = {int(match[1]) for other in os.listdir(directory) if (match := name.fullmatch(other))}
        for number in sorted(found - known):
            self._open_beside(number, {"length": 0, "number": 1} if begun_since else None)

    def write(self, batch: Batch) -> None:
        by_type: dict[int, list[RawPacket]] = {}
        for packet in packets_of(batch):
            by_type.setdefault(packet.link_type, []).append(packet)
        if not by_type:
            return
        assert self._main is not None
        if self._link_type is None:
            self._link_type = next(iter(by_type))
        for link_type, packets in by_type.items():
            if link_type in self._written:
                continue
            file = self._file_for(link_type)
            if file is None:
                self.left_out += len(packets)
            else:
                parts = []
                for packet in packets:
                    size = len(packet.data)
                    header = _PACKET_HEADER.pack(
                        packet.second, packet.microsecond, size, packet.original_length
                    )
                    parts.append(header)
                    parts.append(packet.data)
                file.append(b"".join(parts), head=file_header(link_type))
            self._written.add(link_type)
        self._written.clear()

    def _file_for(self, link_type: int) -> GrowingFile | OpenStream | None:
        if link_type == self._link_type:
            return self._main
        if link_type in self._others:
            return self._others[link_type]
        if isinstance(self._main, OpenStream):
            return None
        return self._open_beside(link_type, None)

    def sync(self) -> None:
        for file in (self._main, *self._others.values()):
            if file is not None:
                file.sync()

    def place(self) -> Place | None:
        main = self._main.place() if self._main is not None else None
        if main is None:
            return None
        return {
            "main": main,
            "link_type": self._link_type,
            "beside": {str(number): file.place() for number, file in self._others.items()},
        }

    def notices(self) -> list[str]:
        told = notices_of(self._main, *self._others.values())
        if not self.left_out:
            return told
        left_out, self.left_out = self.left_out, 0
        sentence = (
            f"{left_out} packets have another link type than the first and do not fit into one capture;"
            " use -f FILE or -o pcapng"
        )
        return [*told, sentence]

    def close(self) -> None:
        for file in (self._main, *self._others.values()):
            if file is not None:
                file.close()
