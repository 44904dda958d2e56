"""Fuzz target: PKCS#12 files from anywhere.

    python fuzz/fuzz_pkcs12.py [-runs=20000] [corpus folder] [other options of libFuzzer]

Only AuthorityError may be raised. Noise hardly ever looks like such a file, so most inputs are true files,
made at the start, with changes that the input names. Needs the package `atheris`.
"""

from __future__ import annotations

import sys
import tempfile

try:
    import atheris
except ImportError:
    sys.exit("this target needs atheris: pip install atheris")

with atheris.instrument_imports(include=["openstreamer.authority"]):
    from openstreamer.authority import Authority, read_pkcs12
    from openstreamer.authority.pkcs12 import _replace_mac
    from openstreamer.errors import AuthorityError


def true_files() -> list[bytes]:
    """One file of each form that the authority makes."""
    with tempfile.TemporaryDirectory() as state, Authority(state) as authority:
        authority.create()
        return [
            authority.issue("a.example"),
            authority.issue("b.example", password="x"),
            authority.issue("c.example", compat=True),
            authority.issue("d.example", compat=True, password="x"),
        ]


FILES = true_files()


def one_input(raw: bytes) -> None:
    """Noise as it is, or a true file with some bytes changed, cut out or put in."""
    provider = atheris.FuzzedDataProvider(raw)
    which = provider.ConsumeIntInRange(0, len(FILES) * 2)
    password = (None, "x", "", b"\xff")[provider.ConsumeIntInRange(0, 3)]
    if which >= len(FILES):
        content = bytearray(provider.ConsumeBytes(provider.remaining_bytes()))
    else:
        content = bytearray(FILES[which])
        for _ in range(provider.ConsumeIntInRange(0, 4)):
            place = provider.ConsumeIntInRange(0, len(content))
            length = provider.ConsumeIntInRange(0, 8)
            content[place : place + length] = provider.ConsumeBytes(provider.ConsumeIntInRange(0, 8))
            if provider.ConsumeBool():
                # A right checksum, so that what comes after it is reached.
                try:
                    content = bytearray(_replace_mac(bytes(content)))
                except IndexError:
                    pass
    try:
        read_pkcs12(bytes(content), password)
    except AuthorityError:
        pass


def main() -> None:
    atheris.Setup(sys.argv, one_input)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
