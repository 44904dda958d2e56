"""The structure inside messages 2049 and 2051, with both readings of its length."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openstreamer.protocol.services import (
    EVENT_STREAMING,
    Service,
    read_offered,
    read_requested,
    write_offered,
    write_requested,
)

PAIRS = ((12, 9), (21, 4))


def service(length: int, *, number: int = EVENT_STREAMING, pairs: tuple[tuple[int, int], ...] = ()) -> bytes:
    """A service by hand; pairs as (event type, version), written with the version first."""
    head = struct.pack(">IIII", number, length, 0x40000000, 7)
    return head + b"".join(struct.pack(">HH", version, event_type) for event_type, version in pairs)


@pytest.mark.parametrize("length", [28, 20], ids=["counts its own 8 bytes", "does not"])
def test_a_clients_list_is_found_by_its_end(length: int) -> None:
    body = service(length, pairs=(*PAIRS, (0, 0)))
    assert read_requested(body) == (Service(EVENT_STREAMING, 0x40000000, 7, PAIRS),)


@pytest.mark.parametrize("length", [0, 1, 19, 21, 27, 29, 0xFFFFFFFF])
def test_any_other_length_is_refused(length: int) -> None:
    with pytest.raises(ValueError, match="length"):
        read_requested(service(length, pairs=(*PAIRS, (0, 0))))


def test_a_clients_list_may_end_with_the_message() -> None:
    assert read_requested(service(24, pairs=PAIRS))[0].event_types == PAIRS


def test_two_services_of_a_client() -> None:
    body = service(20, number=5000, pairs=((0, 0),)) + service(28, pairs=(*PAIRS, (0, 0)))
    found = read_requested(body)
    assert [item.type for item in found] == [5000, EVENT_STREAMING]
    assert found[1].event_types == PAIRS


def test_an_empty_list_ends_at_once() -> None:
    assert read_requested(service(20, pairs=((0, 0),)))[0].event_types == ()


@pytest.mark.parametrize("cut", [0, 1, 15, 17, 18, 19, 21, 23, 25, 27])
def test_half_a_request(cut: int) -> None:
    with pytest.raises(ValueError, match=r"need|end|name|length"):
        read_requested(service(28, pairs=(*PAIRS, (0, 0)))[:cut])


@pytest.mark.parametrize("length", [8, 16], ids=["guide's sample", "guide's table"])
def test_two_services_of_a_server(length: int) -> None:
    body = service(length) + service(length, number=5001)
    assert [item.type for item in read_offered(body)] == [EVENT_STREAMING, 5001]


@pytest.mark.parametrize("length", [0, 7, 8, 16, 17, 0xFFFFFFFF])
def test_the_length_of_a_single_service_does_not_matter(length: int) -> None:
    assert read_offered(service(length)) == (Service(EVENT_STREAMING, 0x40000000, 7),)


@pytest.mark.parametrize(
    "body",
    [b"", b"\0" * 15, service(8) + b"\0", service(12) + service(8), service(0xFFFFFFF8) + service(8)],
    ids=["nothing", "half", "one byte more", "wrong step", "4 GiB"],
)
def test_services_of_a_server_that_do_not_fit(body: bytes) -> None:
    with pytest.raises(ValueError, match="end"):
        read_offered(body)


def test_a_server_lists_too() -> None:
    listed = Service(EVENT_STREAMING, 0, 0, PAIRS)
    assert read_offered(write_offered((listed, Service(5)))) == (listed, Service(5))


numbers = st.integers(0, 0xFFFFFFFF)
pairs = st.tuples(st.integers(0, 0xFFFF), st.integers(0, 0xFFFF)).filter(any)
services = st.builds(Service, numbers, numbers, numbers, st.lists(pairs, max_size=5).map(tuple))


@given(st.lists(services, min_size=1, max_size=4).map(tuple))
def test_what_a_client_writes_is_read(written: tuple[Service, ...]) -> None:
    assert read_requested(write_requested(written)) == written


@given(st.lists(services, min_size=1, max_size=4).map(tuple))
def test_what_a_server_writes_is_read(written: tuple[Service, ...]) -> None:
    assert read_offered(write_offered(written)) == written
