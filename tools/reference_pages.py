"""The reference of the protocol as this program knows it: pages made from the declarations and tables.

Used by write_docs.py. Here: how declarations read as tables. What they say is in `openstreamer.layouts`.
"""

from __future__ import annotations

from openstreamer import wire
from openstreamer.layouts import records, requests
from openstreamer.wire.layout import Layout, PlanField

RECORDS_HEAD = """\
# Records and blocks

Every record type that the program knows, and the layout of everything it can decode and encode. An unknown
record or block is no error: it comes out as itself, with its bytes.

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


def cell(text: object) -> str:
    """Text as it may stand in a table."""
    return " ".join(str(text).split()).replace("|", "\\|")


def declared() -> dict[str, list[Layout]]:
    """Layouts of all declarations that records and their blocks use, by name."""
    classes = {body for record in records.RECORDS.values() for body in record.bodies}
    classes |= {cls for cls in wire.blocks().values() if cls.__module__.startswith("openstreamer.layouts.")}
    found: dict[str, list[Layout]] = {}
    for cls in classes:
        layout = wire.layout_of(cls)
        found.setdefault(layout.id, []).append(layout)
    for layouts in found.values():
        layouts.sort(key=lambda layout: (layout.series or 0, list(layout.types)))
    return dict(sorted(found.items()))


def presence(layout: Layout, name: str) -> str:
    """In which types a field is, in words."""
    types = list(layout.types)
    having = [type_ for type_ in types if any(row.name == name for row in layout.fields(type_))]
    if having == types:
        return ""
    return ", ".join(map(str, having))


def kind(layout: Layout, name: str) -> str:
    """The kind of a field, with the types that have another one."""
    forms: dict[str, list[int]] = {}
    for type_ in layout.types:
        for row in layout.fields(type_):
            if row.name == name:
                forms.setdefault(row.kind.name, []).append(type_)
    if len(forms) == 1:
        return f"`{next(iter(forms))}`"
    return ", ".join(f"`{form}` ({', '.join(map(str, types))})" for form, types in forms.items())


def fields_of(layout: Layout) -> list[PlanField]:
    """Every field that any type has, in the order of the wire."""
    rows: dict[str, PlanField] = {}
    for type_ in layout.types:
        for row in layout.fields(type_):
            rows.setdefault(row.name, row)
    return [rows[name] for name in layout.specs if name in rows]


def layout_section(layout: Layout) -> list[str]:
    """One declaration as a table."""
    what = f"series {layout.series} block" if layout.series is not None else "record"
    types = ", ".join(f"{type_} ({versions})" for type_, versions in layout.types.items())
    lines = [
        f"### {layout.id}: {what} {', '.join(map(str, layout.types))}",
        "",
        layout.doc,
        "",
        f"Types: {types}",
    ]
    for type_, note in layout.notes.items():
        lines.append(f"\n{type_}: {note}")
    for type_ in layout.types:
        if layout.alternatives(type_) > 1:
            lines.append(f"\n{type_}: contested, {layout.alternatives(type_)} layouts are tried.")
    rows = [
        f"| `{row.name}` | {kind(layout, row.name)} | {presence(layout, row.name)} | {cell(row.doc)} |"
        for row in fields_of(layout)
    ]
    if rows:
        lines += ["", "| field | kind | only in types | meaning |", "| --- | --- | --- | --- |", *rows]
    return [*lines, ""]


def records_page() -> str:
    """Reference of records and blocks."""
    lines = [RECORDS_HEAD, "## Record types", ""]
    lines += [
        "| record | id | name | event type | versions | confidence |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for number, record in sorted(records.RECORDS.items()):
        event_class = f"`{record.event_class}`" if record.event_class else record.kind
        lines.append(
            f"| {number} | `{record.id}` | {cell(record.name)} | {event_class} | {cell(record.versions)} "
            f"| {record.confidence} |"
        )
    lines += ["", "## Layouts", ""]
    for layouts in declared().values():
        for layout in layouts:
            lines += layout_section(layout)
    return "\n".join(lines).rstrip() + "\n"


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
