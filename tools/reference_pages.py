"""The lists of the protocol as this program knows them: record types, request flags, event types.

Used by write_docs.py. What they say is in `openstreamer.layouts`. Not here: the layouts (layout_pages.py).
"""

from __future__ import annotations

from layout_pages import FAMILIES, cell, page_of
from openstreamer.layouts import records, requests

RECORDS_HEAD = """\
# Records and blocks

Every record type that the program knows, and where the layouts of its records and blocks are described. An
unknown record or block is no error: it comes out as itself, with its bytes. [Coverage](coverage.md) says of
each how well it is known and tested.

`versions` are releases of the product that sends the record. `confidence` says how well a layout is known;
anything but `verified-with-guide` was put together from other programs. `openstreamer explain record N` and
`openstreamer explain block SERIES N` show the same in a terminal.
"""

REQUESTS_HEAD = """\
# Requests

What a client can ask for: bits of the request flags, and pairs of event type and version in an extended
request. `openstreamer explain flags 0x48900061` says what a client's flag word means. A version asked for is
an upper bound: a record stored in a newer layout is encoded down to it, one stored in an older layout leaves
as it is. Rows marked *guess* are not settled by any source.
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


def form(row: requests.Form) -> str:
    """A record form in words."""
    return f"{row.record_type}/{row.block_type}" if row.block_type is not None else str(row.record_type)


def requests_page() -> str:
    """Reference of request flags and extended requests."""
    lines = [REQUESTS_HEAD, "## Request flags", ""]
    lines += ["| bit | mask | name | meaning |", "| --- | --- | --- | --- |"]
    for bit, row in sorted(requests.FLAG_BITS.items()):
        lines.append(f"| {bit} | `0x{row.mask:08x}` | {cell(row.name)} | {cell(row.meaning)} |")
    lines += ["", "## Event types and versions of extended requests", ""]
    lines += ["Answers are record types, with the block type after a slash.", ""]
    lines += ["| type | version | asks for | release | answers | |", "| --- | --- | --- | --- | --- | --- |"]
    for (number, version), asked in sorted(requests.EXTENDED.items()):
        answers = [form(row) for row in asked.forms]
        shown = ", ".join(answers[:8]) + (f", … ({len(answers)} in all)" if len(answers) > 8 else "")
        lines.append(
            f"| {number} | {version} | {requests.EVENT_TYPES[number]} | {cell(asked.release)} | {shown} "
            f"| {'*guess*' if asked.guess else ''} |"
        )
    return "\n".join(lines) + "\n"
