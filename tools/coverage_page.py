"""What can be decoded and encoded, how sure it is, and how it is tested: a page made from the declarations.

Used by write_docs.py. Which blocks and records have bytes written by hand is read from the tests' own tables.
"""

from __future__ import annotations

from collections import Counter

from layout_pages import cell
from openstreamer import wire
from openstreamer.layouts.records import RECORDS, UNKNOWN_LAYOUTS, WHY_UNKNOWN, RecordType
from support.by_hand import FAMILIES
from support.hand_plain import HAND_PLAIN
from support.hand_records import HAND_MADE

HEAD = """\
# Coverage

What the program can decode and encode, how sure its layouts are, and how they are tested. What it cannot
decode is kept as bytes and written again as it was.

- **decoded**, **encoded**: from the declarations. Everything that is declared is both.
- **tested**: *by hand* means against bytes that somebody wrote down field by field; *round trip* means with
  values made up by the tests, read and written by two implementations that must agree. Every layout has the
  second; what is tested by hand has both.
- **confidence**: `verified-with-guide`: read on pages of the published guide; `partly-verified`: number and
  some fields read there; `two-sources`: two independent programs agree; `sdk-only`, `encore-only`: one
  program only, of the 4.x and 5.x era or of the 6.x and 7.x era; `guess`: inferred.
"""

BY_HAND, ROUND_TRIP = "by hand", "round trip"


def blocks_by_hand() -> set[tuple[int, int]]:
    """Series and type of the blocks that the tests have written down."""
    found = {(series, number) for entries in FAMILIES.values() for series, number, _, _ in entries}
    for number, _, values in HAND_MADE.values():
        series = RECORDS[number].series
        if series is not None and "block_type" in values:
            found.add((series, values["block_type"]))
    return found


def shipped() -> dict[tuple[int, int], type]:
    """The declared blocks of the program itself."""
    return {
        key: cls for key, cls in wire.blocks().items() if cls.__module__.startswith("openstreamer.layouts.")
    }


def record_row(row: RecordType, by_hand: set[tuple[int, int]]) -> str:
    """One record type."""
    in_records = {number for number, _, _ in (*HAND_MADE.values(), *HAND_PLAIN)}
    written = row.number in in_records or any((row.series, block) in by_hand for block in row.blocks)
    unknown = [block for block in row.blocks if (row.series, block) in UNKNOWN_LAYOUTS]
    decoded = "yes" if row.bodies else "no"
    remark = f"not block {', '.join(map(str, unknown))}: see there" if unknown else ""
    return (
        f"| {row.number} | `{row.id}` | {cell(row.versions)} | {decoded} | {decoded} "
        f"| {BY_HAND if written else ROUND_TRIP} | {row.confidence} | {remark} |"
    )


def block_rows(by_hand: set[tuple[int, int]]) -> list[str]:
    """All blocks, those without a layout too."""
    rows: dict[tuple[int, int], str] = {}
    for (series, number), cls in shipped().items():
        layout = wire.layout_of(cls)
        forms = layout.alternatives(number)
        remark = layout.notes.get(number, "")
        if forms > 1:
            remark = f"{remark} {forms} forms are read.".strip()
        tested = BY_HAND if (series, number) in by_hand else ROUND_TRIP
        rows[series, number] = (
            f"| {series} | {number} | `{layout.id}` | {cell(layout.types[number])} | yes | yes | {tested} "
            f"| {layout.confidence[number]} | {cell(remark)} |"
        )
    for (series, number), (family, versions, confidence) in UNKNOWN_LAYOUTS.items():
        rows[series, number] = (
            f"| {series} | {number} | `{family}` | {cell(versions)} | no | no | bytes are kept "
            f"| {confidence} | {cell(WHY_UNKNOWN[series, number])} |"
        )
    return [rows[key] for key in sorted(rows)]


def summary(by_hand: set[tuple[int, int]]) -> list[str]:
    """The same in numbers."""
    known = shipped()
    sure = Counter(wire.layout_of(cls).confidence[number] for (_, number), cls in known.items())
    decoded = sum(bool(row.bodies) for row in RECORDS.values())
    written = sum(BY_HAND in record_row(row, by_hand) for row in RECORDS.values())
    lines = [
        "| | known | decoded and encoded | of these tested by hand |",
        "| --- | --- | --- | --- |",
        f"| record types | {len(RECORDS)} | {decoded} | {written} |",
        f"| block types | {len(known) + len(UNKNOWN_LAYOUTS)} | {len(known)} | {len(by_hand & set(known))} |",
        "",
        "| confidence | block types |",
        "| --- | --- |",
    ]
    return [*lines, *(f"| {confidence} | {count} |" for confidence, count in sure.most_common()), ""]


def coverage_page() -> str:
    """The page."""
    by_hand = blocks_by_hand()
    lines = [HEAD, *summary(by_hand), "## Record types", ""]
    lines += ["| record | id | versions | decoded | encoded | tested | confidence | |"]
    lines += ["| --- | --- | --- | --- | --- | --- | --- | --- |"]
    lines += [record_row(row, by_hand) for _, row in sorted(RECORDS.items())]
    lines += ["", "## Block types", ""]
    lines += ["| series | type | id | versions | decoded | encoded | tested | confidence | |"]
    lines += ["| --- | --- | --- | --- | --- | --- | --- | --- | --- |"]
    lines += block_rows(by_hand)
    return "\n".join(lines) + "\n"
