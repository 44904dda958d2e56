"""Every declaration against the catalogue of the format: names, order and kinds, for all versions."""

from __future__ import annotations

import re
from typing import Any

import pytest

from openstreamer.layouts import hosts, metadata, requests
from openstreamer.layouts.records import CLASS_OF_KIND, EVENT_CLASSES, RECORDS, UNKNOWN_LAYOUTS, WHY_UNKNOWN
from openstreamer.wire import Block, PlanField, blocks, layout_of
from openstreamer.wire.kinds import ListKind, NestedKind, RestListKind
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
    "u32le": "u32le",
    "ipv4le": "ipv4le",
    "rest_string": "bytes[block_length-8]",
    "rest_text": "bytes[block_length-8]",
    "rest_bytes": "bytes[block_length-8]",
}
SECOND_CHOICE = {
    hosts.MacChange,
    metadata.IdString,
    metadata.VulnerabilityOld,
}
"""Declarations of forms that the catalogue only tells of in notes."""
COLLECTIONS = {"internal", "primitive", "metadata", "extra_data"}
"""Families of the catalogue that hold blocks of different concepts."""
OTHER_NAME = {(2, 59)}
"""Declared as a later version of the concept of 21."""


def declared_blocks() -> list[tuple[tuple[int, int], type]]:
    return [item for item in blocks().items() if item[1].__module__.startswith("openstreamer.layouts.")]


def kind_name(field: PlanField) -> Any:
    """The kind of a field as the catalogue writes it; of blocks inside, how they stand and their classes."""
    if isinstance(field.kind, NestedKind | ListKind):
        shape = field.kind.name if isinstance(field.kind, ListKind) else "nested"
        return shape, frozenset(field.kind.items or ())
    if isinstance(field.kind, RestListKind):
        return "items", frozenset(field.kind.items or ())
    return f"bytes[{field.length}]" if field.length else KINDS[field.kind.name]


def declared_fields(cls: type, number: int, alternative: int = 0) -> list[tuple[str, Any]]:
    return [(field.name, kind_name(field)) for field in layout_of(cls).fields(number, alternative)]


def catalogue_fields(fields: list[dict[str, Any]]) -> list[tuple[str, Any]]:
    return [(field["name"], catalogue_kind(field["type"])) for field in fields]


def catalogue_kind(text: str) -> Any:
    shape = re.fullmatch(r"(list|generic_list|nested)<(.+)>", text)
    if shape is None:
        return text
    if shape[2] == "any":
        return shape[1], frozenset()
    if text == "nested<s1:11>":
        return "list", frozenset()
    numbers = re.findall(r"s(\d+):(\d+)", shape[2])
    return shape[1], frozenset(blocks()[int(series), int(number)] for series, number in numbers)


@pytest.fixture(autouse=True)
def _catalogue() -> None:
    if not catalogue_records():
        pytest.skip("not in this checkout: the catalogue of the format")


def test_every_block_of_the_catalogue_is_declared_or_says_why_not() -> None:
    known = {key for key, block in catalogue_blocks().items() if block["fields"] is not None}
    assert {key for key, _ in declared_blocks()} == known
    assert set(UNKNOWN_LAYOUTS) == set(catalogue_blocks()) - known
    assert set(WHY_UNKNOWN) == set(UNKNOWN_LAYOUTS)


def test_blocks_have_the_fields_of_the_catalogue() -> None:
    for (series, block_type), cls in declared_blocks():
        expected = catalogue_fields(catalogue_blocks()[series, block_type]["fields"])
        found = declared_fields(cls, block_type)
        if found == [("items", ("items", frozenset()))]:  # the list blocks themselves
            assert [kind[0] for _, kind in expected] in (["list"], ["generic_list"])
            continue
        assert [name for name, _ in found] == [name for name, _ in expected], (series, block_type)
        for (name, kind), (_, wanted) in zip(found, expected, strict=True):
            if isinstance(wanted, tuple) and wanted[1]:
                # a declaration may take more blocks than the catalogue lists
                assert kind[0] == wanted[0], (series, block_type, name)
                assert kind[1] >= wanted[1], (series, block_type, name)
            else:
                assert kind == wanted, (series, block_type, name)


def test_blocks_are_called_as_in_the_catalogue() -> None:
    for (series, block_type), cls in declared_blocks():
        family = catalogue_blocks()[series, block_type]["family"]
        if family not in COLLECTIONS and (series, block_type) not in OTHER_NAME:
            assert layout_of(cls).id == family, (series, block_type)


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
                assert layout_of(body).series == row.series
                assert set(layout_of(body).types) & {*row.blocks} or body.__module__.endswith("hosts_legacy")
            elif body is not row.bodies[0] and body in SECOND_CHOICE:
                assert row.number in layout_of(body).types


def test_every_record_can_be_decoded() -> None:
    for row in RECORDS.values():
        assert row.bodies, row.number
        known = {number for body in row.bodies if issubclass(body, Block) for number in layout_of(body).types}
        missing = {*row.blocks} - known
        assert {(row.series, number) for number in missing} <= set(UNKNOWN_LAYOUTS), row.number


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
