"""Every declaration against the catalogue of the format: names, order and kinds, for all versions."""

from __future__ import annotations

from typing import Any

import pytest

from openstreamer.layouts import metadata, requests
from openstreamer.layouts.records import CLASS_OF_KIND, EVENT_CLASSES, RECORDS, UNKNOWN_LAYOUTS
from openstreamer.wire import Block, blocks, layout_of
from support.catalogue_bytes import catalogue_blocks, catalogue_records, catalogue_requests

KINDS = {
    "u8": "u8",
    "u16": "u16",
    "u32": "u32",
    "u64": "u64",
    "ipv4": "ipv4",
    "ip": "ipv6_16",
    "mac": "mac6",
    "uuid": "uuid16",
    "string": "string_block",
    "blob": "blob_block",
    "hex8": "bytes[8]",
    "hex16": "bytes[16]",
    "hex20": "bytes[20]",
    "hex32": "bytes[32]",
    "rest_text": "bytes[block_length-8]",
    "rest_bytes": "bytes[block_length-8]",
}
SECOND_CHOICE = {
    metadata.IdString,
    metadata.VulnerabilityOld,
}
"""Declarations of forms that the catalogue only tells of in notes."""


def declared_blocks() -> list[tuple[tuple[int, int], type]]:
    return [item for item in blocks().items() if item[1].__module__.startswith("openstreamer.layouts.")]


def declared_fields(cls: type, number: int, alternative: int = 0) -> list[tuple[str, str]]:
    found = []
    for field in layout_of(cls).fields(number, alternative):
        kind = f"bytes[{field.length}]" if field.length else KINDS.get(field.kind.name, field.kind.name)
        found.append((field.name, kind))
    return found


def catalogue_fields(fields: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return [(field["name"], field["type"]) for field in fields]


@pytest.fixture(autouse=True)
def _catalogue() -> None:
    if not catalogue_records():
        pytest.skip("not in this checkout: the catalogue of the format")


def test_blocks_have_the_fields_of_the_catalogue() -> None:
    known = catalogue_blocks()
    checked = 0
    for (series, block_type), cls in declared_blocks():
        described = known[series, block_type]
        if any("<" in field["type"] for field in described["fields"]):
            continue
        assert declared_fields(cls, block_type) == catalogue_fields(described["fields"]), (series, block_type)
        checked += 1
    assert checked >= 50


def test_blocks_are_as_sure_as_the_catalogue_says() -> None:
    for (series, block_type), cls in declared_blocks():
        assert layout_of(cls).confidence[block_type] == catalogue_blocks()[series, block_type]["confidence"]


def test_all_records_of_the_catalogue_are_listed_and_no_others() -> None:
    assert set(RECORDS) == set(catalogue_records())
    for number, described in catalogue_records().items():
        row = RECORDS[number]
        assert (row.id, row.kind, row.discovery_header, row.confidence) == (
            described["family"],
            described["kind"],
            described["discovery_header"],
            described["confidence"],
        )


def test_records_list_the_blocks_of_the_catalogue() -> None:
    for number, described in catalogue_records().items():
        listed = list(described["body"].get("blocks", ()))
        for other in described.get("body_alternatives", ()):
            listed += other.get("blocks", ())
        assert set(RECORDS[number].blocks) == {block["type"] for block in listed}, number
        assert {RECORDS[number].series} >= {block["series"] for block in listed}, number


def test_plain_records_have_the_fields_of_the_catalogue() -> None:
    checked = 0
    for number, described in catalogue_records().items():
        if described["body"]["form"] == "block":
            continue
        plain = [body for body in RECORDS[number].bodies if not issubclass(body, Block)]
        expected = catalogue_fields(described["body"].get("fields", []))
        assert declared_fields(plain[0], number) == expected, number
        checked += 1
    assert checked >= 75


def test_every_declared_body_belongs_to_the_catalogue_or_is_a_second_choice() -> None:
    for row in RECORDS.values():
        for body in row.bodies:
            if issubclass(body, Block):
                assert set(layout_of(body).types) <= {*row.blocks}, row.number
                assert layout_of(body).series == row.series
            elif body is not row.bodies[0] and body in SECOND_CHOICE:
                assert row.number in layout_of(body).types


def test_unknown_layouts_are_the_blocks_without_fields() -> None:
    without = {key for key, block in catalogue_blocks().items() if block["fields"] is None}
    assert set(UNKNOWN_LAYOUTS) == without


def test_event_classes_cover_every_kind() -> None:
    assert {row.kind for row in RECORDS.values()} <= set(CLASS_OF_KIND)
    assert {name for name in CLASS_OF_KIND.values() if name} == set(EVENT_CLASSES)


def test_requests_agree_with_the_catalogue() -> None:
    for row in catalogue_requests():
        found = requests.EXTENDED[row["type"], row["version"]]
        assert found.event_class.replace("-", "_") == row["class"]
        wanted = {block["type"] for block in row["blocks"]}
        blocks_found = {form.block_type for form in found.forms if form.block_type is not None}
        if wanted and (row["type"], row["version"]) != (71, 13):  # 157 has no layout: 160 in its place
            assert blocks_found & wanted, row
        if row["records"] and row["type"] != 21:
            assert {form.record_type for form in found.forms} >= set(row["records"]), row
        if row["confidence"] == "guess":
            assert found.guess


def test_a_flag_bit_of_metadata_asks_for_the_records_of_the_catalogue() -> None:
    for bit in (1, 14, 15, 20):
        wanted = {
            number
            for number, record in catalogue_records().items()
            if record["kind"] == "metadata" and bit in record["requested_by"]["flag_bits"]
        }
        assert {form.record_type for form in requests.forms_of(bit)} == wanted, bit
