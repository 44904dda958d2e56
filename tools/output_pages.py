"""The page that shows which fields of which events go where: `output-fields.md`, made from the mappings.

Here: the look of the page. What it says comes from `openstreamer.outputs.mappings`.
"""

from __future__ import annotations

from pathlib import Path

from openstreamer.layouts.records import EVENT_CLASSES, RECORDS
from openstreamer.outputs.interface import Guarantee
from openstreamer.outputs.mappings.describe import places_of
from openstreamer.outputs.mappings.events import (
    GENERIC,
    MAPPINGS,
    OTHERWISE,
    SEVERITIES,
    SYSLOG_SEVERITY,
    EventMapping,
    mapping_for,
)
from openstreamer.outputs.mappings.traps import ARC, OBJECTS
from openstreamer.outputs.registry import BUILT_IN, find

HEAD = """\
# Which fields of which events go where

What the outputs `syslog`, `cef` and `snmp` make of each event class; [outputs.md](outputs.md) has their
settings. `json` has every field as it is, `csv` the columns that were asked for, `pcap` and `pcapng` packets
alone.

A place is `data.FIELD`, `header.FIELD` of the discovery event header, or `names.NAME`, what metadata says of
a number; the first that has a value is taken. A field without a value is left out: absent, empty text,
addresses and identifiers that are all zero, and zero at places with a question mark. Words for numbers are
those of [values](reference/values.md).
"""

COMMON = """\
## In every line

| | syslog, `plain` | CEF |
| --- | --- | --- |
| stable id | `id` (and `id` in the structured data) | `externalId` |
| event class | `class` in the structured data | `cat` |
| family | `event` (and the message id) | the signature id, where nothing else stands there |
| server | `server` | `OpenStreamerServer` |
| severity, 0 to 10 | `severity` | the severity |
| how many events it stands for | `count` (only if more than one) | `cnt` |

The stable id is a digest of the record's type and data, 24 hexadecimal digits. The same event has the same
id in every output, in every run, from both servers of a pair. An IPv6 address does not fit CEF's `src` and
`dst`: it stands in `c6a2` (Source IPv6 Address) and `c6a3` (Destination IPv6 Address).
"""


TRAPS = f"""\
Every event becomes one notification `sfEvent` ({ARC}.0.1) with these objects; what an event does
not have is zero, 0.0.0.0 or empty. The last column is the number under which management centers send the same
(1.3.6.1.4.1.14223.1.1.N, with `objects=appliance`; observed, not documented)."""


def severity_rows() -> list[str]:
    """How severities follow from events, as rows."""
    rows = ["## Severity", "", "| by | number → severity (0 to 10) | else |", "| --- | --- | --- |"]
    words = {
        "priority": "priority of an intrusion rule",
        "correlation": "priority of a correlation rule",
        "impact": "impact level",
        "disposition": "disposition of a file",
    }
    for name, table in SEVERITIES.items():
        steps = ", ".join(f"{number} → {severity}" for number, severity in table.items())
        rows.append(f"| {words[name]} (`{name}`) | {steps} | {OTHERWISE[name]} |")
    levels = ", ".join(f"{least} and more: {word} ({number})" for least, number, word in SYSLOG_SEVERITY)
    return [*rows, "", f"Syslog's severity follows: {levels}.", ""]


def mapping_rows(mapping: EventMapping) -> list[str]:
    """One mapping as a section."""
    numbers = [
        number
        for number, row in RECORDS.items()
        if row.event_class is not None and mapping_for(number) is mapping
    ]
    title = mapping.title or ("all other events" if mapping is GENERIC else mapping.event_class)
    if mapping.families and not mapping.title:
        title = ", ".join(mapping.families)
    rows = [f"## {title[:1].upper() + title[1:]}", ""]
    classes = [
        name for name in EVENT_CLASSES if any(RECORDS[number].event_class == name for number in numbers)
    ]
    rows.append(
        f"Event class {', '.join(f'`{name}`' for name in classes)}; records {', '.join(map(str, numbers))}"
        + (", and every record of an unknown type." if mapping is GENERIC else ".")
    )
    words = mapping.title_source or mapping.title or "the family, in words"
    by = mapping.severity if isinstance(mapping.severity, int) else f"by {mapping.severity}"
    rows += [
        f"Title: {words}. Signature: {mapping.signature or 'the family'}. Severity: {by}.",
        "",
        "| field | CEF | place | shown as |",
        "| --- | --- | --- | --- |",
    ]
    for item in mapping.items:
        key = f"`{item.key}`" if item.key else "–"
        if item.label:
            key += f" ({item.label})"
        places = ", ".join(f"`{place}`" for place in places_of(item.source))
        rows.append(f"| `{item.name}` | {key} | {places} | {item.form} |")
    return [*rows, ""]


def output_fields_page() -> str:
    """The whole page."""
    rows = [HEAD, COMMON, *severity_rows()]
    for mapping in (*MAPPINGS, GENERIC):
        rows += mapping_rows(mapping)
    rows += [
        "## SNMP",
        "",
        TRAPS,
        "",
        "| number | object | type | meaning | appliance |",
        "| --- | --- | --- | --- | --- |",
    ]
    for row in OBJECTS:
        rows.append(
            f"| {ARC}.1.{row.number} | `{row.name}` | {row.syntax} | {row.meaning} | {row.appliance or ''} |"
        )
    return "\n".join(rows) + "\n"


def guarantee_rows() -> list[str]:
    """What each output promises; outputs that promise the same share their rows."""
    same: dict[tuple[Guarantee, ...], list[str]] = {}
    for name in BUILT_IN:
        same.setdefault(find(name).guarantees, []).append(name)
    rows = [
        "| output | an event is taken when | after a crash or a lost connection | may lose | may repeat |",
        "| --- | --- | --- | --- | --- |",
    ]
    for guarantees, names in same.items():
        listed = ", ".join(f"`{name}`" for name in names)
        for row in guarantees:
            cells = (f"{listed} {row.where}".rstrip(), row.taken, row.after)
            rows.append(f"| {' | '.join(cells)} | {_yes(row.may_lose)} | {_yes(row.may_repeat)} |")
    return rows


def _yes(value: bool) -> str:
    return "yes" if value else "no"


def class_rows() -> list[str]:
    """Which output takes which event class."""
    takes = {name: find(name).record_types for name in BUILT_IN}
    rows = [f"| class | {' | '.join(f'`{name}`' for name in takes)} |", "| --- " * (len(takes) + 1) + "|"]
    for event_class in EVENT_CLASSES:
        numbers = {
            number
            for number, row in RECORDS.items()
            if row.event_class == event_class and row.kind != "metadata"
        }
        cells = ["yes" if types is None or types & numbers else "–" for types in takes.values()]
        rows.append(f"| {event_class} | {' | '.join(cells)} |")
    cells = ["yes" if types is None else "–" for types in takes.values()]
    rows.append(f"| records of unknown types | {' | '.join(cells)} |")
    return rows


def outputs_page(path: Path) -> str:
    """The page that stands there, with the tables between its marks made anew."""
    text = path.read_text("utf-8")
    for mark, rows in (("guarantees", guarantee_rows()), ("classes", class_rows())):
        before, begin, rest = text.partition(f"<!-- {mark}: made by tools/write_docs.py -->\n")
        _, end, after = rest.partition(f"<!-- end of {mark} -->")
        assert begin, mark
        assert end, mark
        text = before + begin + "\n" + "\n".join(rows) + "\n\n" + end + after
    return text
