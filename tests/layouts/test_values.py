"""Enumerations and bit masks: their words, and that declarations name only those there are."""

from __future__ import annotations

import pytest

import openstreamer.layouts.messages
import openstreamer.layouts.records  # noqa: F401  (declares all layouts)
from openstreamer.layouts.requests import FLAG_BITS
from openstreamer.layouts.values import VALUES, impact_level
from openstreamer.wire import declared, layout_of
from support.catalogue_bytes import catalogue_values


def test_words_of_a_number() -> None:
    assert VALUES["file_disposition"].words(3) == "malware"
    assert VALUES["file_disposition"].words(77) is None


def test_words_of_a_mask() -> None:
    assert VALUES["impact_flags"].words(0x05) == "monitored_network | server_on_port"
    assert VALUES["rule_reason"].words(0x10001) == "ip_block | 0x10000"
    assert VALUES["impact_flags"].words(0) is None
    assert VALUES["tls_certificate_status"].words(0) == "not_checked"


@pytest.mark.parametrize(
    ("flags", "level"),
    [
        (0x00, 0),
        (0x20, 0),
        (0x01, 4),
        (0x02, 3),
        (0x03, 3),
        (0x06, 2),
        (0x07, 2),
        (0x08, 1),
        (0x17, 1),
        (0xC0, 1),
    ],
)
def test_impact_level(flags: int, level: int) -> None:
    assert impact_level(flags) == level


def test_flag_bits_have_one_name() -> None:
    entries = VALUES["request_flags"].entries
    assert {flag.mask: flag.name for flag in FLAG_BITS.values()} == entries


def test_declarations_name_only_tables_that_exist() -> None:
    for cls in declared():
        if not cls.__module__.startswith("openstreamer.layouts."):
            continue
        for type_ in layout_of(cls).types:
            for field in layout_of(cls).fields(type_):
                assert field.values is None or field.values in VALUES, (cls, field.name)


def test_tables_are_those_of_the_catalogue() -> None:
    for table in catalogue_values():
        if table["kind"] == "rules":
            continue
        found = VALUES[table["id"]]
        assert found.mask == (table["kind"] == "bitmask")
        assert found.confidence == table["confidence"]
        assert found.entries == {entry["value"]: entry["name"] for entry in table["values"]}
