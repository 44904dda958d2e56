"""Fuzz target: every declared block and record body, read by the interpreter and by generated code.

    python fuzz/fuzz_decode.py [-runs=20000] [corpus folder] [other options of libFuzzer]

Only DecodeError may be raised for any bytes; both backends and all projections must give the same result or
the same error, and what was read must be written and read again alike. Needs the package `atheris`.
"""

from __future__ import annotations

import sys
from pathlib import Path

try:
    import atheris
except ImportError:
    sys.exit("this target needs atheris: pip install atheris")

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

with atheris.instrument_imports(include=["openstreamer.wire"]):
    import openstreamer.layouts.records  # noqa: F401  (declares all layouts)
    from openstreamer.wire import declared, encoder, layout_of
    from support import wire_samples  # noqa: F401  (declarations with every kind of field)
    from support.agreement import check_agreement

CASES = sorted(
    ((layout_of(cls).id, type_, cls) for cls in declared() for type_ in layout_of(cls).types),
    key=lambda case: (case[0], case[1], case[2].__module__),
)
VALID = {(cls, type_): encoder(cls, type_)(cls()) for _, type_, cls in CASES}


def one_input(raw: bytes) -> None:
    """The first bytes choose layout and way, the rest is the data."""
    provider = atheris.FuzzedDataProvider(raw)
    _, type_, cls = CASES[provider.ConsumeIntInRange(0, len(CASES) - 1)]
    way = provider.ConsumeIntInRange(0, 2)
    if way == 0:
        data = provider.ConsumeBytes(provider.remaining_bytes())
    elif way == 1:
        # A true header, so that the rest is looked at.
        content = provider.ConsumeBytes(provider.remaining_bytes())
        has_header = layout_of(cls).series is not None
        header = type_.to_bytes(4, "big") + (len(content) + 8).to_bytes(4, "big") if has_header else b""
        data = header + content
    else:
        # A valid one with a few bytes overwritten or inserted.
        data = VALID[cls, type_]
        while provider.remaining_bytes():
            place = provider.ConsumeIntInRange(0, len(data))
            keep = place if provider.ConsumeBool() else place + 4
            data = data[:place] + provider.ConsumeBytes(4) + data[keep:]
    start = provider.ConsumeIntInRange(0, 3)
    check_agreement(cls, type_, bytes(start) + data, start)


def main() -> None:
    atheris.Setup(sys.argv, one_input)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
