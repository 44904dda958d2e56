"""Names, addresses and the host check."""

from __future__ import annotations

import dataclasses

import pytest

from openstreamer.authority import EVENT_CLASSES, Client
from openstreamer.authority.clients import (
    check_host,
    normalise_address,
    normalise_name,
    parse_events,
    parse_names,
    resolve_host,
)
from openstreamer.errors import RefusedError, UsageError


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("::ffff:c000:201", "192.0.2.1"),
        ("[2001:DB8::1]", "2001:db8::1"),
        ("2001:db8:0:0:0:0:0:1", "2001:db8::1"),
        ("fe80::1%eth0", "fe80::1"),
        ("fe80::1%25", "fe80::1"),
        (" ::1 ", "::1"),
        ("192.0.2.256", None),
        ("192.0.2", None),
        ("host", None),
        ("", None),
    ],
)
def test_addresses_have_one_form(text: str, address: str | None) -> None:
    assert normalise_address(text) == address


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Sensor1.Example.ORG.", "sensor1.example.org"),
        ("siem_1", "siem_1"),
        ("localhost", "localhost"),
        ("bücher.example", "xn--bcher-kva.example"),
        ("a" * 63, "a" * 63),
        ("a" * 64, None),
        (".".join(["a" * 60] * 5), None),
        ("-a.example", None),
        ("a-.example", None),
        ("a..example", None),
        ("", None),
        (".", None),
        ("*.example", None),
        ("two words", None),
        ("1.2.3", None),
        ("300.1.1.1", None),
        ("a/b", None),
        ("ä" * 70, None),
    ],
)
def test_names_have_one_form(text: str, name: str | None) -> None:
    assert normalise_name(text) == name


def test_names_are_sorted_by_kind() -> None:
    names = parse_names(
        ["B.example", "a.example", "192.0.2.1", "::ffff:192.0.2.1", "10.1.2.3/8", "b.example"]
    )
    assert names.names == ("b.example", "a.example")
    assert names.addresses == ("192.0.2.1",)
    assert names.networks == ("10.0.0.0/8",)


@pytest.mark.parametrize("value", ["", "no name", "10.0.0.0/33", "x/8", "*.example"])
def test_what_is_no_name_is_refused(value: str) -> None:
    with pytest.raises(UsageError, match="neither a host name nor an address"):
        parse_names(["fine.example", value])


def test_event_classes_are_checked() -> None:
    assert parse_events(["file", "file", "packet"]) == {"file", "packet"}
    with pytest.raises(UsageError, match="no event type 'fil': choose from intrusion, packet"):
        parse_events(["fil"])


def test_event_classes_are_those_of_the_layouts() -> None:
    from openstreamer.layouts.records import EVENT_CLASSES as DECLARED

    assert EVENT_CLASSES == DECLARED


CLIENT = Client(
    host="siem.example",
    names=("siem.example", "siem2.example"),
    addresses=("192.0.2.1", "2001:db8::1"),
    networks=("10.0.0.0/8",),
    hostcheck=True,
    events=frozenset(EVENT_CLASSES),
    added=0,
    revoked=None,
    expires=0,
    serial="1",
    fingerprint="",
)


def nowhere(name: str) -> set[str]:
    return set()


def somewhere(name: str) -> set[str]:
    return {"siem.example": {"192.0.2.7"}, "siem2.example": {"192.0.2.8", "2001:DB8::8"}}[name]


@pytest.mark.parametrize(
    "peer", ["192.0.2.1", "::ffff:192.0.2.1", "2001:db8::1", "10.255.0.1", "::ffff:10.0.0.1"]
)
def test_an_address_needs_no_name_service(peer: str) -> None:
    def resolve(name: str) -> set[str]:
        raise AssertionError(name)

    check_host(CLIENT, peer, resolve)


@pytest.mark.parametrize("peer", ["192.0.2.7", "192.0.2.8", "::ffff:192.0.2.8", "2001:db8::8"])
def test_each_of_the_names_will_do(peer: str) -> None:
    check_host(CLIENT, peer, somewhere)


def test_another_address_is_refused() -> None:
    with pytest.raises(RefusedError, match=r"siem\.example came from 192\.0\.2\.9") as caught:
        check_host(CLIENT, "::ffff:192.0.2.9", somewhere)
    assert caught.value.cause == "name does not match peer"


def test_a_name_that_does_not_resolve_is_told() -> None:
    with pytest.raises(RefusedError, match=r"siem\.example and siem2\.example does not resolve") as caught:
        check_host(CLIENT, "192.0.2.9", nowhere)
    assert caught.value.cause == "name does not resolve"


def test_a_peer_without_an_address_is_refused() -> None:
    with pytest.raises(RefusedError):
        check_host(CLIENT, "unix socket", somewhere)


def test_a_client_without_names_is_refused_by_address_alone() -> None:
    client = dataclasses.replace(CLIENT, names=())
    with pytest.raises(RefusedError) as caught:
        check_host(client, "192.0.2.9", nowhere)
    assert caught.value.cause == "name does not match peer"


def test_an_exempt_client_may_come_from_anywhere() -> None:
    check_host(dataclasses.replace(CLIENT, hostcheck=False), "198.51.100.1", nowhere)


def test_the_systems_resolver_knows_this_machine() -> None:
    assert resolve_host("localhost") & {"127.0.0.1", "::1"}
    assert resolve_host("127.0.0.1") == {"127.0.0.1"}
    assert resolve_host("x" * 300) == set()
