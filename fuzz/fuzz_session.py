"""Fuzz target: both sessions, hearing anything in any order.

    python fuzz/fuzz_session.py [-runs=20000] [corpus folder] [other options of libFuzzer]

A server's session never raises on what it hears; it answers with well-formed messages, of which an Error is
the last. A client's session raises only what it says, after its end. Neither keeps more than the limit.
Needs the package `atheris`.
"""

from __future__ import annotations

import sys

try:
    import atheris
except ImportError:
    sys.exit("this target needs atheris: pip install atheris")

with atheris.instrument_imports(include=["openstreamer.protocol"]):
    from openstreamer.errors import OpenStreamerError
    from openstreamer.protocol.framing import FrameReader
    from openstreamer.protocol.host_profiles import host_form
    from openstreamer.protocol.items import PendingChunk
    from openstreamer.protocol.messages import decode_message
    from openstreamer.protocol.records import Record
    from openstreamer.protocol.session_client import ClientSession
    from openstreamer.protocol.session_server import ServerOptions, ServerSession
    from openstreamer.protocol.transcode import render, render_records

LIMIT = 2000
FROM_CLIENT = tuple(
    bytes.fromhex(text)
    for text in (
        "0001000000000000",
        "00010002000000080000000000000041",
        "000100020000000800000000c8900061",
        "000108010000001c00001a0b0000001c4890006100000000000b000c0004001500000000",
        "00010005000000100000000400000000c0000201c0000201",
        "0001000100000006000000000000",
    )
)
FROM_SERVER = tuple(
    bytes.fromhex(text)
    for text in (
        "0001000000000000",
        "000108030000001000001a0b000000080000000000000000",
        "0001000400000012000000040000000a00000001000468696768",
        "00010fa20000002200000007000000020001000400000012000000040000000a00000001000468696768",
        "0001000600000000",
    )
)


class Chunk:
    """A few stored records."""

    def __init__(self) -> None:
        pending = PendingChunk([(2, 0, b"abc"), (400, 3, b"defg"), (9999, 0, b"")])
        self.data = pending.seal(7)
        self.record_types = pending.record_types


CHUNK = Chunk()


def pieces(provider: atheris.FuzzedDataProvider, known: tuple[bytes, ...]) -> list[bytes]:
    """Well-formed messages, changed ones, and noise."""
    found = []
    for _ in range(20):
        if not provider.remaining_bytes():
            break
        way = provider.ConsumeIntInRange(0, 2)
        if way == 0:
            found.append(provider.ConsumeBytes(provider.ConsumeIntInRange(0, 40)))
            continue
        message = bytearray(known[provider.ConsumeIntInRange(0, len(known) - 1)])
        if way == 2:
            message[provider.ConsumeIntInRange(0, len(message) - 1)] = provider.ConsumeIntInRange(0, 255)
        found.append(bytes(message))
    return found


def one_input(raw: bytes) -> None:
    provider = atheris.FuzzedDataProvider(raw)
    if provider.ConsumeBool():
        hear_client(provider)
    else:
        hear_server(provider)


def hear_client(provider: atheris.FuzzedDataProvider) -> None:
    options = ServerOptions(
        message_limit=LIMIT, window_messages=2, window_bundles=1, strict=provider.ConsumeBool()
    )
    session = ServerSession(0.0, options=options)
    said = b""
    for number, data in enumerate(pieces(provider, FROM_CLIENT)):
        session.receive(data, float(number))
        said += session.data_to_send()
        session.handle_timer(float(number))
        if session.host_question is not None:
            host_form(session.host_question.request, session.host_question.selection)
            said += session.answer_hosts([data], float(number), last=bool(number % 2))
        if session.streaming and session.selection is not None:
            said += session.send_items(render(CHUNK, session.selection), float(number))
            said += session.send_items(render_records([Record(66, data)], session.selection), float(number))
    reader = FrameReader()
    messages = reader.receive(said)
    if reader.error is not None or reader.pending:
        raise AssertionError("the server said something that is no message")
    for message_type, body in messages:
        decode_message(message_type, body)
    if any(message_type == 1 for message_type, _ in messages[:-1]):
        raise AssertionError("the server went on after an Error")


def hear_server(provider: atheris.FuzzedDataProvider) -> None:
    flags = 0x48900061 if provider.ConsumeBool() else 0x41
    session = ClientSession(0, flags, ((12, 11),), message_limit=LIMIT)
    said = session.start(0.0)
    for number, data in enumerate(pieces(provider, FROM_SERVER)):
        try:
            session.receive(data, float(number))
        except OpenStreamerError:
            if not session.closed:
                raise
            break
        said += session.acknowledge()
    reader = FrameReader()
    for message_type, body in reader.receive(said):
        decode_message(message_type, body)
    if reader.error is not None or reader.pending:
        raise AssertionError("the client said something that is no message")


def main() -> None:
    atheris.Setup(sys.argv, one_input)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
