"""The parts of docs/protocol that are made from the program: the tables of states."""

from __future__ import annotations

import re
from pathlib import Path

from openstreamer.protocol.states import client_markdown, server_markdown

SESSIONS = Path(__file__).parents[1] / "docs" / "protocol" / "sessions.md"


def sessions_page() -> str:
    """The page as it stands, with the tables between its markers made anew."""
    page = SESSIONS.read_text(encoding="utf-8")
    for name, table in (("server", server_markdown()), ("client", client_markdown())):
        begin, end = f"<!-- made from the program: {name} -->", f"<!-- end of {name} -->"
        pattern = re.compile(f"{re.escape(begin)}.*?{re.escape(end)}", re.DOTALL)
        page = pattern.sub(lambda _, text=f"{begin}\n\n{table}\n{end}": text, page)
    return page
