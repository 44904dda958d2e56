"""Every declared layout and version: bytes built from the catalogue are read to the expected values, by the
reference and by the generated code, and written back to the same bytes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from openstreamer.layouts.connection import ConnectionStatistics
from openstreamer.layouts.discovery_header import DiscoveryHeader
from openstreamer.layouts.hosts import MacChange
from openstreamer.layouts.records import RECORDS
from openstreamer.wire import Block, blocks, decoder, encoder, interpreter
from openstreamer.wire.json_form import from_json_form
from support.catalogue_bytes import Builder, catalogue_blocks, catalogue_records, discovery_header, overridden

Decode = Callable[[type, int, bytes], Any]
Encode = Callable[[Any, int, type], bytes]


def _generated_decode(cls: type, number: int, data: bytes) -> Any:
    return decoder(cls, number)(data, 0, len(data))


def _generated_encode(value: Any, number: int, cls: type) -> bytes:
    return encoder(cls, number)(value)


def _reference_decode(cls: type, number: int, data: bytes) -> Any:
    return interpreter.decode(cls, number, data, 0, len(data))


BACKENDS = {
    "generated": (_generated_decode, _generated_encode),
    "reference": (_reference_decode, interpreter.encode),
}
BLOCKS = sorted(key for key, cls in blocks().items() if cls.__module__.startswith("openstreamer.layouts."))
PLAIN = [
    (number, next(body for body in row.bodies if not issubclass(body, Block)))
    for number, row in RECORDS.items()
    if any(not issubclass(body, Block) and body is not MacChange for body in row.bodies)
]


@pytest.fixture(params=BACKENDS)
def backend(request: pytest.FixtureRequest) -> tuple[Decode, Encode]:
    return BACKENDS[request.param]


def as_json(value: Any) -> Any:
    return msgspec.json.decode(msgspec.json.encode(value))


def check(backend: tuple[Decode, Encode], cls: type, number: int, data: bytes, expected: Any) -> None:
    decode, encode = backend
    value = decode(cls, number, data)
    assert as_json(value) == expected
    assert encode(value, number, cls) == data
    again = from_json_form(cls, as_json(value), number)
    assert again == value
    assert encode(again, number, cls) == data


@pytest.mark.parametrize(("series", "block_type"), BLOCKS)
def test_block(series: int, block_type: int, backend: tuple[Decode, Encode]) -> None:
    if not catalogue_blocks():
        pytest.skip("not in this checkout: the catalogue of the format")
    data, expected = Builder(series).block(series, block_type)
    check(backend, blocks()[series, block_type], block_type, data, expected)


@pytest.mark.parametrize(("number", "body"), PLAIN, ids=[str(number) for number, _ in PLAIN])
def test_plain_record(number: int, body: type, backend: tuple[Decode, Encode]) -> None:
    if not catalogue_records():
        pytest.skip("not in this checkout: the catalogue of the format")
    fields = catalogue_records()[number]["body"].get("fields", [])
    data, expected = Builder(RECORDS[number].series or 1).fields(fields, 1)
    check(backend, body, number, data, expected)


@pytest.mark.parametrize("ipv6", [False, True])
def test_discovery_header(ipv6: bool, backend: tuple[Decode, Encode]) -> None:
    data, expected = discovery_header(Builder(1), ipv6=ipv6)
    assert len(data) == (56 if ipv6 else 40)
    check(backend, DiscoveryHeader, 56 if ipv6 else 40, data, expected)


def test_contested_widths_of_connection_block_155(backend: tuple[Decode, Encode]) -> None:
    if not catalogue_blocks():
        pytest.skip("not in this checkout: the catalogue of the format")
    wide = {"rule_reason": "u32", "tls_server_certificate_status": "u32"}
    fields = overridden(catalogue_blocks()[1, 155]["fields"], wide)
    data, expected = Builder(1).block(1, 155, fields)
    check(backend, ConnectionStatistics, 155, data, {**expected, "alternative": 1})
