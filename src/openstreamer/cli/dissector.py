"""`openstreamer dissector`: a Wireshark dissector in Lua, on standard output.

What it knows is what the declarations say; see `openstreamer.dissector`.
"""

from __future__ import annotations

import sys

import click

from openstreamer.cli.common import examples


@click.command(
    "dissector",
    short_help="Print a Wireshark dissector in Lua.",
    epilog=examples(
        "openstreamer dissector > estreamer.lua",
        "tshark -X lua_script:estreamer.lua -r capture.pcapng -V",
    ),
)
def command() -> None:
    """Print a Wireshark dissector in Lua: every message, record and block that this program knows.

    Put the file into Wireshark's folder of personal plugins (Help, About, Folders). docs/dissector.md tells
    how TLS is decrypted.
    """
    from openstreamer.dissector import source

    sys.stdout.write(source())
