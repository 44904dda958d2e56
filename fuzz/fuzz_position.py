"""Fuzz target: position files, damaged in any way.

    python fuzz/fuzz_position.py [-runs=200000] [corpus folder] [other options of libFuzzer]

What is read must be what was written, or a problem that `PositionFile.load` knows; never another position.
Needs the package `atheris`.
"""

from __future__ import annotations

import sys

try:
    import atheris
except ImportError:
    sys.exit("this target needs atheris: pip install atheris")

with atheris.instrument_imports(include=["openstreamer.client"]):
    import msgspec

    from openstreamer.client.position import Position, SavedState, decode_state, encode_state

STATE = SavedState(
    server="fmc1:8302",
    position=Position(second=1_700_000_000, digests=bytes(range(64)), start=3),
    outputs={"json:/x": {"length": 77, "tail": "00ff"}, "print:-": None},
    saved=1_700_000_009,
)
GOOD = encode_state(STATE)
assert decode_state(GOOD) == STATE


def one_input(raw: bytes) -> None:
    """Noise as it is, or a good file with some bytes changed, cut out or put in."""
    provider = atheris.FuzzedDataProvider(raw)
    content = bytearray(GOOD)
    if provider.ConsumeBool():
        for _ in range(provider.ConsumeIntInRange(0, 4)):
            place = provider.ConsumeIntInRange(0, len(content))
            length = provider.ConsumeIntInRange(0, 8)
            content[place : place + length] = provider.ConsumeBytes(provider.ConsumeIntInRange(0, 8))
    else:
        content = bytearray(provider.ConsumeBytes(provider.remaining_bytes()))
    try:
        state = decode_state(bytes(content))
    except (ValueError, KeyError, TypeError, msgspec.MsgspecError):
        return
    assert bytes(content) == GOOD
    assert state == STATE


def main() -> None:
    atheris.Setup(sys.argv, one_input)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
