"""Fuzz target: a stream of bytes cut into messages, and every message decoded.

    python fuzz/fuzz_frames.py [-runs=20000] [corpus folder] [other options of libFuzzer]

The reader of frames may not raise at all, and gives the same messages however the bytes are split; decoding a
body may raise RemoteProtocolError and nothing else, and what was decoded is written and read again alike.
Needs the package `atheris`.
"""

from __future__ import annotations

import sys

try:
    import atheris
except ImportError:
    sys.exit("this target needs atheris: pip install atheris")

with atheris.instrument_imports(include=["openstreamer.protocol"]):
    from openstreamer.errors import RemoteProtocolError
    from openstreamer.protocol.framing import FrameReader
    from openstreamer.protocol.messages import MessageType, decode_message, encode_message

LIMIT = 1000
TYPES = (*MessageType, 3, 2052)


def one_input(raw: bytes) -> None:
    """The first byte chooses between any bytes and a true header before them."""
    provider = atheris.FuzzedDataProvider(raw)
    if provider.ConsumeBool():
        body = provider.ConsumeBytes(LIMIT)
        message_type = TYPES[provider.ConsumeIntInRange(0, len(TYPES) - 1)]
        check_message(message_type, body)
        stream = b"\0\1" + message_type.to_bytes(2, "big") + len(body).to_bytes(4, "big") + body
    else:
        stream = provider.ConsumeBytes(provider.remaining_bytes())
    check_splits(stream, max(1, len(raw) % 7))


def check_message(message_type: int, body: bytes) -> None:
    try:
        message = decode_message(message_type, body)
    except RemoteProtocolError:
        return
    again = encode_message(message)
    if decode_message(message_type, again[8:]) != message:
        raise AssertionError(f"{message} is not read as it was written")


def check_splits(stream: bytes, step: int) -> None:
    whole, pieces = FrameReader(LIMIT), FrameReader(LIMIT)
    expected = whole.receive(stream)
    found = []
    for at in range(0, len(stream), step):
        found += pieces.receive(stream[at : at + step])
        if pieces.pending > LIMIT + 8:
            raise AssertionError(f"{pieces.pending} bytes are kept")
    if found != expected or str(pieces.error) != str(whole.error):
        raise AssertionError("the split changes the messages")
    for message_type, body in expected:
        check_message(message_type, body)


def main() -> None:
    atheris.Setup(sys.argv, one_input)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
