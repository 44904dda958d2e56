"""Fuzz target: the body of a host data message, as a client reads it and as a server would send it on.

    python fuzz/fuzz_host_profile.py [-runs=20000] [corpus folder] [other options of libFuzzer]

Reading raises DecodeError only. What was read comes back from its line of JSON, and in every form that a
request may ask for it is a profile of no newer block, or is refused with one of the errors that are counted.
Needs the package `atheris`.
"""

from __future__ import annotations

import sys

try:
    import atheris
except ImportError:
    sys.exit("this target needs atheris: pip install atheris")

with atheris.instrument_imports(include=["openstreamer.protocol", "openstreamer.wire"]):
    from openstreamer.errors import CodecError, DecodeError
    from openstreamer.layouts.host_profile import FullHostProfile
    from openstreamer.layouts.host_requests import HOST_DATA_TYPES, PROFILE_BLOCKS
    from openstreamer.layouts.hosts import HostAddress
    from openstreamer.protocol.host_profiles import (
        HostForm,
        decode_profile,
        encode_profile,
        profile_from_json,
        profile_line,
        render_profile,
    )
    from openstreamer.protocol.inner_blocks import Inexpressible
    from openstreamer.wire import UnknownBlock, encoder

ADDRESS = bytes(10) + b"\xff\xff\xc0\x00\x02\x01"
HOST = HostAddress(block_type=143, ip_address="192.0.2.1")
NEWEST = encoder(FullHostProfile, 149)(FullHostProfile(block_type=149, ip_addresses=[HOST], notes="note"))


def one_input(raw: bytes) -> None:
    """Noise behind a block header, or a profile with some bytes changed."""
    provider = atheris.FuzzedDataProvider(raw)
    data = bytearray(NEWEST)
    if provider.ConsumeBool():
        block_type = PROFILE_BLOCKS[provider.ConsumeIntInRange(0, len(PROFILE_BLOCKS) - 1)]
        content = provider.ConsumeBytes(400)
        data = bytearray(block_type.to_bytes(4, "big") + (8 + len(content)).to_bytes(4, "big") + content)
    while provider.remaining_bytes():
        data[provider.ConsumeIntInRange(0, len(data) - 1)] = provider.ConsumeIntInRange(0, 255)
    check(bytes(data))


def check(data: bytes) -> None:
    try:
        profile = decode_profile(data)
    except DecodeError:
        return
    written = encode_profile(profile)
    again = profile_line(decode_profile(written))
    if isinstance(profile.data, UnknownBlock):
        return
    assert encode_profile(profile_from_json(again)) == encode_profile(decode_profile(written))
    for row in HOST_DATA_TYPES.values():
        for filled in (False, True):
            try:
                found = render_profile(written, HostForm(row.block_type, row.inner, filled, filled), ADDRESS)
            except (Inexpressible, CodecError):
                continue
            number = int.from_bytes(found[:4], "big")
            newest = PROFILE_BLOCKS.index(row.block_type)
            assert PROFILE_BLOCKS.index(number) <= newest, "a newer block than the one asked for"
            decode_profile(found)


def main() -> None:
    atheris.Setup(sys.argv, one_input)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
