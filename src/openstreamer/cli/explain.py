"""`openstreamer explain`: what flags, records, blocks and error codes mean, and what this program knows.

Everything is read from the tables and declarations in `openstreamer.layouts`; `--source` prints the decoder
that is generated from a declaration, `--schema` the JSON Schema of its lines. `explain events --json` prints
what capabilities.py gathers.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import click

from openstreamer.cli.capabilities import NO_LAYOUT, NOT_DECLARED, capabilities
from openstreamer.cli.common import examples
from openstreamer.errors import UsageError

if TYPE_CHECKING:
    from openstreamer.layouts.records import RecordType
    from openstreamer.wire.layout import Layout


def number(text: str) -> int:
    """A number in decimal, or in hex with 0x. Raises UsageError."""
    try:
        return int(text, 0)
    except ValueError:
        raise UsageError(f"{text!r} is no number (decimal, or hex with 0x)") from None


@click.group(
    "explain",
    short_help="Explain flags, records, blocks and error codes.",
    epilog=examples(
        "openstreamer explain flags 0x48900061",
        "openstreamer explain record 400",
        "openstreamer explain block 1 174 --source",
        "openstreamer explain events --json",
    ),
)
def command() -> None:
    """Explain request flags, record types, data blocks and error codes, and list what is known."""


# --- flags ------------------------------------------------------------------------------------------------


@command.command(
    "flags",
    short_help="Say what a request flag word asks for.",
    epilog=examples("openstreamer explain flags 0x48900061"),
)
@click.argument("word", metavar="0x…", type=number)
def explain_flags(word: int) -> None:
    """Say in words what a request flag word asks for, and which records and blocks it yields."""
    from openstreamer.cli.flag_words import bit_rows, notes, record_rows
    from openstreamer.cli.tables import show_table

    if not 0 <= word <= 0xFFFF_FFFF:
        raise UsageError(f"a flag word has 32 bits; {word:#x} does not fit")
    title = f"Request flags {word:#010x}"
    rows = bit_rows(word)
    if not rows:
        print(f"{title}: nothing is asked for")
        return
    show_table(["bit", "mask", "name", "meaning", "yields (record/block)"], rows, title=title)
    records = record_rows(word)
    if records:
        print()
        columns = ["event type", "version", "release", "record", "block", "name"]
        show_table(columns, records, title="Events that come, in their newest form")
    print()
    for note in notes(word):
        print(note)


# --- records ----------------------------------------------------------------------------------------------


@command.command(
    "record",
    short_help="Say what a record type is, and its fields.",
    epilog=examples("openstreamer explain record 400", "openstreamer explain record 400 --schema"),
)
@click.argument("number", metavar="N", type=number)
@click.option("--source", is_flag=True, help="Print the generated decoder of the newest layout.")
@click.option("--schema", is_flag=True, help="Print the JSON Schema of its JSON lines.")
def explain_record(number: int, source: bool, schema: bool) -> None:
    """Say what a record type is, who asks for it, and which fields it has."""
    from openstreamer.layouts.records import RECORDS
    from openstreamer.wire import Block, layout_of

    row = RECORDS.get(number)
    if row is None:
        raise UsageError(f"record type {number} is not known; 'openstreamer explain events' lists the others")
    if schema:
        from openstreamer.protocol.json_schema import line_schema

        print(json.dumps(line_schema(row), indent=2))
        return
    if source:
        if not row.bodies:
            raise UsageError(f"record {number} has no decoder: {NOT_DECLARED}")
        body = row.bodies[0]
        _print_source(body, layout_of(body).newest if issubclass(body, Block) else number)
        return
    _print_pairs(
        [
            ("record", f"{number} {row.name}"),
            ("event", row.id),
            ("event type", row.event_class or "metadata"),
            ("releases", row.versions),
            ("confidence", row.confidence),
            ("flag bits", _bits_for(number)),
            ("event types", _pairs_for(number)),
            ("data", _data_in_words(row)),
            ("refers to", _references_in_words(number)),
        ]
    )
    for body in row.bodies:
        layout = layout_of(body)
        _print_layout(body, layout.newest if issubclass(body, Block) else number)


def _bits_for(number: int) -> str:
    from openstreamer.layouts.requests import FLAG_BITS, forms_of

    bits = [bit for bit in FLAG_BITS if any(form.record_type == number for form in forms_of(bit))]
    return ", ".join(f"{bit} ({FLAG_BITS[bit].name})" for bit in bits)


def _pairs_for(number: int) -> str:
    from openstreamer.layouts.requests import EXTENDED

    found: dict[int, list[int]] = {}
    for (event_type, version), row in EXTENDED.items():
        if any(form.record_type == number for form in row.forms):
            found.setdefault(event_type, []).append(version)
    return ", ".join(f"{event_type} version {_ranges(versions)}" for event_type, versions in found.items())


def _ranges(numbers: list[int]) -> str:
    if len(numbers) > 1 and numbers == [*range(numbers[0], numbers[-1] + 1)]:
        return f"{numbers[0]} to {numbers[-1]}"
    return ", ".join(map(str, numbers))


def _data_in_words(row: RecordType) -> str:
    parts = ["discovery event header"] if row.discovery_header else []
    if row.blocks:
        parts.append(f"series {row.series} block {', '.join(map(str, row.blocks))}")
    elif row.bodies:
        parts.append("plain fields")
    if not row.bodies:
        parts.append(NOT_DECLARED)
    return "; ".join(parts)


def _references_in_words(number: int) -> str:
    from openstreamer.layouts.references import REFERENCES

    return ", ".join(f"{item.name} ({item.record_type})" for item in REFERENCES.get(number, ()))


# --- blocks -----------------------------------------------------------------------------------------------


@command.command(
    "block",
    epilog=examples("openstreamer explain block 1 174", "openstreamer explain block 2 85 5.2 --source"),
)
@click.argument("series", type=click.IntRange(1, 2))
@click.argument("number", metavar="N", type=number)
@click.argument("version", required=False)
@click.option("--source", is_flag=True, help="Print the generated decoder.")
def explain_block(series: int, number: int, version: str | None, source: bool) -> None:
    """Say what a data block is and which fields it has.

    SERIES is 1 or 2, N the block type. VERSION names another version of the same block: its block type,
    or a product release such as 6.1.
    """
    from openstreamer.layouts.records import RECORDS, UNKNOWN_LAYOUTS
    from openstreamer.wire import block_class, layout_of

    cls = block_class(series, number)
    if cls is None:
        if (series, number) in UNKNOWN_LAYOUTS:
            family, releases, _ = UNKNOWN_LAYOUTS[series, number]
            print(f"block {number} of series {series}: {family} of release {releases}; {NO_LAYOUT}")
            return
        raise UsageError(f"block {number} of series {series} is not known")
    layout = layout_of(cls)
    if version is not None:
        number = _version_of(cls, version)
    if source:
        _print_source(cls, number)
        return
    records = [row for row in RECORDS.values() if cls in row.bodies and number in row.blocks]
    _print_pairs(
        [
            ("block", f"{number} of series {series}"),
            ("name", layout.id),
            ("meaning", layout.doc),
            ("versions", ", ".join(f"{type_} ({releases})" for type_, releases in layout.types.items())),
            ("records", ", ".join(f"{row.number} {row.id}" for row in records)),
        ]
    )
    _print_layout(cls, number)


def _version_of(cls: type[Any], version: str) -> int:
    from openstreamer.wire import layout_of

    types = layout_of(cls).types
    if version.isdecimal() and int(version) in types:
        return int(version)
    for number, releases in reversed([*types.items()]):
        if releases.startswith(version) or f"-{version}" in releases:
            return number
    known = ", ".join(f"{number} ({releases})" for number, releases in types.items())
    raise UsageError(f"no version {version} of this block; there are {known}")


def _print_layout(cls: type[Any], number: int) -> None:
    from openstreamer.cli.tables import show_table
    from openstreamer.wire import Block, layout_of

    layout = layout_of(cls)
    for alternative in range(layout.alternatives(number)):
        rows = []
        offset: int | None = 8 if issubclass(cls, Block) else 0
        for field in layout.fields(number, alternative):
            kind = f"bytes[{field.length}]" if field.length else field.kind.name
            rows.append(["-" if offset is None else str(offset), field.name, kind, field.doc])
            offset = None if offset is None or field.size is None else offset + field.size
        title = f"{layout.id} {number}, release {layout.types[number]} ({layout.confidence[number]})"
        if alternative:
            title += f", alternative {alternative}"
        print()
        show_table(["offset", "field", "kind", "meaning"], rows, title=title)
    if number in layout.notes:
        print(f"Note: {layout.notes[number]}")
    _print_values(layout, number)


def _print_values(layout: Layout, number: int) -> None:
    """What the numbers in the fields of one version mean, where a table says so."""
    from openstreamer.cli.tables import show_table
    from openstreamer.layouts.values import VALUES

    rows = []
    for field in layout.fields(number):
        table = VALUES.get(layout.specs[field.name].values or "")
        if table is not None and table.entries:
            words = ", ".join(
                f"{f'{value:#x}' if table.mask else value} {word}" for value, word in table.entries.items()
            )
            rows.append([field.name, "bits" if table.mask else "numbers", words])
    if rows:
        print()
        show_table(["field", "holds", "values"], rows)


def _print_source(cls: type[Any], number: int) -> None:
    from openstreamer.wire import decoder, source_of

    sys.stdout.write(source_of(decoder(cls, number)).rstrip("\n") + "\n")


def _print_pairs(pairs: Iterable[tuple[str, str]]) -> None:
    for name, text in pairs:
        if text:
            print(f"{name + ':':<13} {text}")


# --- errors and events ------------------------------------------------------------------------------------


@command.command(
    "error",
    context_settings={"ignore_unknown_options": True},
    epilog=examples("openstreamer explain error -3"),
)
@click.argument("code", metavar="N", type=number)
def explain_error(code: int) -> None:
    """Say what the code of an Error message means."""
    from openstreamer.layouts.messages import ERROR_CODES

    if code > 0x7FFF_FFFF:
        code -= 1 << 32
    found = ERROR_CODES.get(code)
    if found is None:
        print(f"error {code}: no public source says what it means; the text in the message may")
        return
    print(f"error {code}: {found[0]}. {found[1]}")


@command.command(
    "events",
    short_help="List the record types that are known.",
    epilog=examples("openstreamer explain events --json"),
)
@click.option("--json", "as_json", is_flag=True, help="Print all record and block types as JSON.")
@click.option("--source", is_flag=True, help="Print the generated decoders of all events.")
def explain_events(as_json: bool, source: bool) -> None:
    """List the record types that are known, and with --json the blocks too: what this program can do."""
    if source:
        _print_sources()
        return
    found = capabilities()
    if as_json:
        print(json.dumps(found, separators=(",", ":")))
        return
    from openstreamer.cli.tables import show_table

    rows = [
        [
            str(row["record_type"]),
            row["id"],
            row["event_type"] or "metadata",
            row["versions"],
            "yes" if row["decode"] else "bytes",
            row["confidence"],
        ]
        for row in found["records"]
    ]
    show_table(["record", "event", "event type", "releases", "decoded", "confidence"], rows)


def _print_sources() -> None:
    from openstreamer.layouts.records import RECORDS
    from openstreamer.wire import Block, layout_of

    seen = set()
    for row in RECORDS.values():
        if row.kind == "metadata":
            continue
        for body in row.bodies:
            for number in layout_of(body).types if issubclass(body, Block) else (row.number,):
                if (body, number) not in seen:
                    seen.add((body, number))
                    print(f"# {layout_of(body).label(number)}")
                    _print_source(body, number)
                    print()
