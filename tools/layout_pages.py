"""The layouts of records and blocks as pages: a page a family, and one of enumerations and bit masks.

Used by write_docs.py. Here: how declarations read as tables. What they say is in `openstreamer.layouts`.
"""

from __future__ import annotations

import re
import sys
from typing import NamedTuple

from openstreamer import wire
from openstreamer.layouts.discovery_types import DISCOVERY_EVENTS
from openstreamer.layouts.records import RECORDS
from openstreamer.layouts.values import VALUES, Values
from openstreamer.wire.kinds import ListKind
from openstreamer.wire.layout import Layout, PlanField


class Family(NamedTuple):
    """One page: its title, a line about it, and the modules whose declarations it shows."""

    title: str
    summary: str
    modules: tuple[str, ...]


FAMILIES: dict[str, Family] = {
    "intrusion": Family(
        "Intrusion events",
        "intrusion events, their packets and extra data, impact alerts",
        ("intrusion", "packet", "extra_data", "impact_alert"),
    ),
    "connections": Family("Connections", "connections and chunks of connections", ("connection",)),
    "files-and-malware": Family(
        "Files and malware", "files seen in traffic, malware found there or on endpoints", ("file", "malware")
    ),
    "discovery": Family(
        "Discovery",
        "the header before discovery, connection and user events; hosts, servers, indications of compromise",
        ("discovery_header", "discovery", "hosts", "servers", "attributes", "indication_of_compromise"),
    ),
    "host-profiles": Family(
        "Host profiles", "hosts as first seen, and all that is known of them", ("host_profile",)
    ),
    "host-input": Family(
        "Host input and scan results",
        "what users, other programs and scanners say of hosts",
        ("host_input", "scan"),
    ),
    "users": Family("Users", "logins, VPN sessions, what is known of users", ("users",)),
    "correlation": Family("Correlation", "correlation rules and allow lists", ("correlation",)),
    "metadata": Family("Metadata", "what the numbers in events are called", ("metadata", "metadata_blocks")),
    "primitives": Family("Primitives", "the blocks that other blocks are made of", ("primitives",)),
    "legacy": Family(
        "Hosts and host input of old releases",
        "forms before 4.9 and 4.7, which no published guide has",
        ("hosts_legacy", "host_input_legacy"),
    ),
    "internal": Family(
        "Internal blocks",
        "what only the product's own processes exchange",
        ("internal", "internal_users"),
    ),
}
"""The pages of docs/reference/ by file name, without `values`."""

ORDINALS = ("first", "second", "third", "fourth")

VALUES_HEAD = """\
# Values

What single numbers in records mean. A field's description says which of these tables its numbers come from.
Where metadata names the same numbers, the metadata is right, and these words are what is shown without it.
`confidence` is as in [Records and blocks](../records.md).
"""


def cell(text: object) -> str:
    """Text as it may stand in a table."""
    return " ".join(str(text).split()).replace("|", "\\|")


def _module(cls: type) -> str:
    return cls.__module__.removeprefix("openstreamer.layouts.")


def page_of(cls: type) -> str:
    """Name of the page that shows a declaration."""
    return next(name for name, family in FAMILIES.items() if _module(cls) in family.modules)


def declarations() -> list[type]:
    """All declarations of records and blocks that this program ships, in the order of their declaration."""
    modules = {module for family in FAMILIES.values() for module in family.modules}
    return [cls for cls in wire.declared() if _module(cls) in modules]


def presence(layout: Layout, name: str) -> str:
    """In which types a field is, in words."""
    types = list(layout.types)
    having = [type_ for type_ in types if any(row.name == name for row in layout.fields(type_))]
    if having == types:
        return ""
    return ", ".join(map(str, having)) or "none, see above"


def kind_name(row: PlanField) -> str:
    """A kind with the blocks it holds."""
    if row.nested is None:
        return f"`{row.kind.name}`"
    items = ", ".join(dict.fromkeys(f"`{wire.layout_of(cls).id}`" for cls in row.nested))
    return f"`{row.kind.name}` of {items}" if isinstance(row.kind, ListKind) else items


def kind(layout: Layout, name: str) -> str:
    """The kind of a field, with the types that have another one."""
    forms: dict[str, list[int]] = {}
    for type_ in layout.types:
        for row in layout.fields(type_):
            if row.name == name:
                forms.setdefault(kind_name(row), []).append(type_)
    if len(forms) == 1:
        return next(iter(forms))
    return ", ".join(f"{form} ({', '.join(map(str, types))})" for form, types in forms.items())


def fields_of(layout: Layout) -> list[PlanField]:
    """Every field that any type has, in any of its forms, in the order of the wire."""
    rows: dict[str, PlanField] = {}
    for type_ in layout.types:
        for alternative in range(layout.alternatives(type_)):
            for row in layout.fields(type_, alternative):
                rows.setdefault(row.name, row)
    return [rows[name] for name in layout.specs if name in rows]


def difference(layout: Layout, type_: int, alternative: int) -> str:
    """How a contested layout differs from the first of them."""
    first = {row.name: row for row in layout.fields(type_)}
    other = {row.name: row for row in layout.fields(type_, alternative)}
    words = [f"without `{name}`" for name in first if name not in other]
    if len(words) > 4:
        words = (
            ["without any field"] if not other else [f"with only {', '.join(f'`{name}`' for name in other)}"]
        )
    words += [f"with `{name}` as {kind_name(row)}" for name, row in other.items() if name not in first]
    words += [
        f"with `{name}` as {kind_name(row)}"
        for name, row in other.items()
        if name in first and row.kind != first[name].kind
    ]
    return f"The {ORDINALS[alternative]} form that is tried is {', '.join(words)}."


def meaning(row: PlanField) -> str:
    """What a field means, with the table its numbers come from."""
    link = f" See [{row.values}](values.md#{row.values})." if row.values is not None else ""
    return cell(row.doc) + link


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
    unsure = [
        f"{type_} {confidence}"
        for type_, confidence in layout.confidence.items()
        if confidence != "verified-with-guide"
    ]
    if unsure:
        rest = ", the others verified-with-guide" if len(unsure) < len(layout.types) else ""
        lines += ["", f"Confidence: {', '.join(unsure)}{rest}"]
    carried = sorted(row.number for row in RECORDS.values() if layout.cls in row.bodies)
    if carried and layout.series is not None:
        lines += ["", f"Records: {', '.join(map(str, carried))}"]
    for type_ in layout.types:
        sentences = [layout.notes[type_]] if type_ in layout.notes else []
        sentences += [difference(layout, type_, other) for other in range(1, layout.alternatives(type_))]
        if sentences:
            lines += ["", f"{type_}: {' '.join(sentences)}"]
    rows = [
        f"| `{row.name}` | {kind(layout, row.name) if _has(layout, row.name) else kind_name(row)} "
        f"| {presence(layout, row.name)} | {meaning(row)} |"
        for row in fields_of(layout)
    ]
    if rows:
        lines += ["", "| field | kind | only in types | meaning |", "| --- | --- | --- | --- |", *rows]
    return [*lines, ""]


def _has(layout: Layout, name: str) -> bool:
    return any(row.name == name for type_ in layout.types for row in layout.fields(type_))


def discovery_events() -> list[str]:
    """Types and subtypes of discovery events, as a table."""
    lines = [
        "## Types and subtypes",
        "",
        "What the discovery event header says, and the record that carries it.",
        "",
    ]
    lines += ["| type | subtype | event | record |", "| --- | --- | --- | --- |"]
    for (event_type, subtype), event in DISCOVERY_EVENTS.items():
        record = event.record if event.record is not None else "none is known"
        lines.append(f"| {event_type} | {subtype} | {event.name} | {record} |")
    return [*lines, ""]


def about(module: str) -> str:
    """What the head of a module says of its declarations, without what it says of other modules."""
    text = (sys.modules[f"openstreamer.layouts.{module}"].__doc__ or "").partition("Not here:")[0]
    return re.sub(r" \(\w+\.py\)", "", text).strip()


def family_page(name: str) -> str:
    """The layouts of one family."""
    family = FAMILIES[name]
    lines = [f"# {family.title}", ""]
    for module in family.modules:
        lines += [f"## {module}", "", about(module), ""]
        for cls in declarations():
            if _module(cls) == module:
                lines += layout_section(wire.layout_of(cls))
    if name == "discovery":
        lines += discovery_events()
    return "\n".join(lines).rstrip() + "\n"


def _value(table: Values, number: int) -> str:
    return f"`0x{number:x}`" if table.mask else str(number)


def values_page() -> str:
    """Enumerations and bit masks."""
    users: dict[str, dict[str, None]] = {}
    for cls in declarations():
        for row in fields_of(wire.layout_of(cls)):
            if row.values is not None:
                users.setdefault(row.values, {})[f"`{wire.layout_of(cls).id}.{row.name}`"] = None
    lines = [VALUES_HEAD]
    for name, table in sorted(VALUES.items()):
        what = "Bit mask" if table.mask else "Enumeration"
        lines += [f"## {name}", "", f"{what}, {table.confidence}. {table.note}".strip(), ""]
        if name in users:
            lines += [f"Used by {', '.join(sorted(users[name]))}.", ""]
        if table.entries:
            lines += ["| value | means |", "| --- | --- |"]
            lines += [f"| {_value(table, number)} | {cell(word)} |" for number, word in table.entries.items()]
            lines.append("")
    return "\n".join(lines).rstrip() + "\n"
