"""The list of record types as this program knows them.

Used by write_docs.py. What it says is in `openstreamer.layouts`. Not here: the layouts (layout_pages.py), and
what can be asked for (request_pages.py).
"""

from __future__ import annotations

from layout_pages import FAMILIES, cell, page_of
from openstreamer.layouts import records

RECORDS_HEAD = """\
# Records and blocks

Every record type that the program knows, and where the layouts of its records and blocks are described. An
unknown record or block is no error: it comes out as itself, with its bytes. [Coverage](coverage.md) says of
each how well it is known and tested.

`versions` are releases of the product that sends the record. `confidence` says how well a layout is known;
anything but `verified-with-guide` was put together from other programs. `openstreamer explain record N` and
`openstreamer explain block SERIES N` show the same in a terminal.
"""


def records_page() -> str:
    """Record types, and where their layouts are described."""
    lines = [RECORDS_HEAD, "## Layouts", "", "| page | |", "| --- | --- |"]
    lines += [f"| [{name}](reference/{name}.md) | {cell(page.summary)} |" for name, page in FAMILIES.items()]
    lines += ["| [values](reference/values.md) | what single numbers mean: enumerations and bit masks |", ""]
    lines += [
        "## Record types",
        "",
        "| record | id | name | event type | versions | confidence | layout |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for number, record in sorted(records.RECORDS.items()):
        event_class = f"`{record.event_class}`" if record.event_class else record.kind
        pages = dict.fromkeys(page_of(body) for body in record.bodies)
        links = ", ".join(f"[{name}](reference/{name}.md)" for name in pages)
        lines.append(
            f"| {number} | `{record.id}` | {cell(record.name)} | {event_class} | {cell(record.versions)} "
            f"| {record.confidence} | {links} |"
        )
    return "\n".join(lines) + "\n"
