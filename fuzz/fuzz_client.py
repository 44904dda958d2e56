"""Fuzz target: the client, from the bytes of a server to the bytes of every output.

    python fuzz/fuzz_client.py [-runs=20000] [corpus folder] [other options of libFuzzer]

The input is cut into records of known and unknown types, some of them metadata, with content that is noise
or nearly right, and put into bundles. Only PeerError and RemoteProtocolError may be raised; a record may
cost itself, never more. Needs the package `atheris`.
"""

from __future__ import annotations

import socket
import struct
import sys

try:
    import atheris
except ImportError:
    sys.exit("this target needs atheris: pip install atheris")

with atheris.instrument_imports(include=["openstreamer.client", "openstreamer.outputs"]):
    from openstreamer.client.names import NameCache
    from openstreamer.client.position import Position, PositionTracker, SavedState, decode_state, encode_state
    from openstreamer.client.receiver import Counts, Receiver, Wanted
    from openstreamer.client.request import make_request
    from openstreamer.errors import PeerError, RemoteProtocolError
    from openstreamer.layouts.records import RECORDS
    from openstreamer.outputs.registry import OutputSpec, create

TYPES = [*RECORDS, 31_000]
FORMATS = ("json", "csv", "csv:columns=data.data,packet_data,header.mac,names.rule,spreadsheet=yes", "pcapng",
           "print", "print:long=yes,colour=always", "pcap", "cef")  # fmt: skip
MESSAGES = ("syslog", "syslog:format=rfc3164,content=json", "syslog:content=cef", "syslog:content=reference")

NOBODY = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)  # takes messages, and never reads them
NOBODY.bind(("127.0.0.1", 0))
LOG_SERVER = f"udp://127.0.0.1:{NOBODY.getsockname()[1]}"

OUTPUTS = [create(OutputSpec(*text.partition(":")[::2], "/dev/null")) for text in FORMATS]
OUTPUTS += [create(OutputSpec(*text.partition(":")[::2], LOG_SERVER)) for text in MESSAGES]
for each in OUTPUTS:
    each.open(None)


def one_input(raw: bytes) -> None:
    """A session of a few bundles, then everything about its position."""
    provider = atheris.FuzzedDataProvider(raw)
    tracker = PositionTracker(Position(second=provider.ConsumeIntInRange(0, 3), digests=b"12345678" * 2))
    metadata = provider.ConsumeBool()
    receiver = Receiver(
        make_request(), tracker, NameCache(), Counts(), Wanted(metadata=metadata, domain=None), "h:1"
    )
    receiver.start()
    data = struct.pack(">HHIIIII", 1, 2051, 16, 6667, 8, 0, 0)
    for number in range(provider.ConsumeIntInRange(1, 3)):
        items = []
        for _ in range(provider.ConsumeIntInRange(0, 4)):
            record_type = TYPES[provider.ConsumeIntInRange(0, len(TYPES) - 1)]
            row = RECORDS.get(record_type)
            content = provider.ConsumeBytes(provider.ConsumeIntInRange(0, 1000))
            if row is not None and row.blocks and provider.ConsumeBool():
                block = row.blocks[provider.ConsumeIntInRange(0, len(row.blocks) - 1)]
                content = struct.pack(">II", block, 8 + len(content)) + content
                if row.discovery_header:
                    content = bytes(14) + b"\x01" + bytes(41) + content
            head = struct.pack(">IIII", record_type, len(content), provider.ConsumeIntInRange(0, 4), 0)
            items.append(struct.pack(">II", 4, 16 + len(content)) + head + content)
        body = struct.pack(">II", 1, number) + b"".join(items)
        data += struct.pack(">HHI", 1, 4002, len(body)) + body
    data += provider.ConsumeBytes(provider.remaining_bytes())
    try:
        for delivery in receiver.receive(data, 0.0):
            for output in OUTPUTS:
                output.write(delivery.batch)
            tracker.taken(delivery.taken)
        receiver.outgoing()
    except (PeerError, RemoteProtocolError):
        receiver.last_words()
    state = SavedState(server="h:1", position=tracker.position)
    assert decode_state(encode_state(state)) == state


def main() -> None:
    atheris.Setup(sys.argv, one_input)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
