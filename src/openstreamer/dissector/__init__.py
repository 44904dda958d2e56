"""A Wireshark dissector of the protocol, in Lua, made from the declarations.

    tables.py       the declarations, record types and values as Lua tables
    dissector.lua   what reads messages with the help of those tables

`source()` puts the two together into one file. Nothing in the tables is written by hand, so every layout that
is declared is covered; nothing in the Lua part knows a record or block. No input or output but reading the
Lua part from the package; the command is in cli/dissector.py.
"""

from __future__ import annotations

from importlib.resources import files

from openstreamer.dissector.tables import tables
from openstreamer.version import __version__

HEAD = f"""\
-- Wireshark dissector of the eStreamer protocol, made by OpenStreamer {__version__} from its declarations:
--     openstreamer dissector > estreamer.lua
-- First the tables that the declarations give, then the code that reads messages by them. To change a layout,
-- change its declaration and make this file anew.

"""


def source() -> str:
    """The whole dissector as the text of one Lua file."""
    code = files(__name__).joinpath("dissector.lua").read_text(encoding="utf-8")
    return f"{HEAD}{tables()}\n{code}"
