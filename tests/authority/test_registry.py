"""The client registry."""

from __future__ import annotations

import sqlite3
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from openstreamer.authority import EVENT_CLASSES, Client, Registry
from openstreamer.authority.clients import parse_names
from openstreamer.errors import AuthorityError, StateError, UsageError

ALL = frozenset(EVENT_CLASSES)


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[Registry]:
    opened = Registry(tmp_path / "clients.db")
    yield opened
    opened.close()


def add(registry: Registry, *names: str, serial: str = "a1", issued: int = 100, **more: Any) -> Client:
    return registry.add(
        names[0],
        parse_names(names),
        serial=serial,
        fingerprint=serial * 8,
        issued=issued,
        expires=issued + 1000,
        pkcs12=serial.encode(),
        **more,
    )


def test_a_client_is_added_and_found(registry: Registry) -> None:
    client = add(registry, "siem.example", "192.0.2.1", "outer.example", "10.0.0.0/8", serial="0A:B1")
    assert client.host == "siem.example"
    assert client.names == ("siem.example", "outer.example")
    assert client.addresses == ("192.0.2.1",)
    assert client.networks == ("10.0.0.0/8",)
    assert (client.hostcheck, client.events, client.revoked, client.added) == (True, ALL, None, 100)
    assert (client.serial, client.expires) == ("ab1", 1100)
    assert registry.list() == [client]
    for name in (
        "siem.example",
        "SIEM.example.",
        "outer.example",
        "192.0.2.1",
        "::ffff:192.0.2.1",
        "10.0.0.0/8",
    ):
        assert registry.get(name) == client
    found = registry.find("AB1")
    assert found is not None
    assert found[0] == client
    assert (found[1].serial, found[1].host, found[1].revoked) == ("ab1", "siem.example", None)
    assert registry.find("ab2") is None
    assert registry.pkcs12("outer.example") == b"0A:B1"


@pytest.mark.parametrize("host", ["other.example", "192.0.2.9", "not a name", ""])
def test_a_client_that_is_not_there(registry: Registry, host: str) -> None:
    add(registry, "siem.example")
    with pytest.raises(AuthorityError, match="there is no client"):
        registry.get(host)


def test_a_client_cannot_be_added_twice(registry: Registry) -> None:
    add(registry, "siem.example")
    with pytest.raises(AuthorityError, match="already"):
        add(registry, "siem.example", serial="b2")
    assert len(registry.list()) == 1
    assert registry.find("b2") is None


def test_clients_behind_one_address_are_told_apart_by_host(registry: Registry) -> None:
    add(registry, "one.example", "192.0.2.1", serial="1")
    add(registry, "two.example", "192.0.2.1", serial="2")
    with pytest.raises(AuthorityError, match=r"several clients \(one\.example, two\.example\)"):
        registry.get("192.0.2.1")
    registry.revoke("one.example", now=5)
    assert registry.get("192.0.2.1").host == "two.example"


def test_revoking(registry: Registry) -> None:
    add(registry, "siem.example")
    client = registry.revoke("siem.example", now=200, reason="lost")
    assert client.revoked == 200
    assert registry.list() == []
    assert registry.list(revoked=True) == [client]
    assert registry.get("siem.example") == client
    found = registry.find("a1")
    assert found is not None
    assert (found[1].revoked, found[1].reason) == (200, "lost")
    assert registry.pkcs12("siem.example") is None
    with pytest.raises(AuthorityError, match="revoked already"):
        registry.revoke("siem.example", now=300)


def test_a_revoked_client_added_again_starts_anew(registry: Registry) -> None:
    add(registry, "siem.example", "192.0.2.1", events=["file"], hostcheck=False)
    registry.seen("siem.example", now=150, address="192.0.2.1", position=9)
    registry.revoke("siem.example", now=200)
    client = add(registry, "siem.example", "192.0.2.2", serial="b2", issued=300)
    assert (client.addresses, client.hostcheck, client.events, client.revoked) == (
        ("192.0.2.2",),
        True,
        ALL,
        None,
    )
    assert (client.serial, client.added, client.last_seen, client.position) == ("b2", 300, None, None)
    old, new = registry.certificates("siem.example")
    assert (old.serial, old.revoked) == ("a1", 200)
    assert (new.serial, new.revoked) == ("b2", None)
    assert registry.pkcs12("siem.example") == b"b2"


def test_event_switches(registry: Registry) -> None:
    assert registry.server_events() == ALL
    assert registry.set_server_events(disable=["connection", "file"]) == ALL - {"connection", "file"}
    assert registry.set_server_events(enable=["file", "user"]) == ALL - {"connection"}
    client = add(registry, "siem.example", events=["intrusion", "connection"])
    assert client.events == {"intrusion", "connection"}
    assert registry.allowed_events(client) == {"intrusion"}
    client = registry.set_events("siem.example", enable=["packet"], disable=["intrusion", "file"])
    assert client.events == {"packet", "connection"}
    for change in (
        registry.set_server_events,
        lambda **values: registry.set_events("siem.example", **values),
    ):
        with pytest.raises(UsageError, match="no event type"):
            change(disable=["nothing"])
    with pytest.raises(UsageError):
        add(registry, "other.example", events=["nothing"], serial="b")


def test_names_and_exemption_change_later(registry: Registry) -> None:
    add(registry, "siem.example", "192.0.2.1")
    client = registry.change_names(
        "siem.example", add=["192.0.2.2", "192.0.2.1", "nat.example", "10.0.0.0/8"]
    )
    assert client.addresses == ("192.0.2.1", "192.0.2.2")
    assert client.names == ("siem.example", "nat.example")
    assert client.networks == ("10.0.0.0/8",)
    assert registry.set_hostcheck("siem.example", False).hostcheck is False
    assert registry.get("siem.example").hostcheck is False


def test_names_can_be_taken_away_but_not_the_last_one(registry: Registry) -> None:
    add(registry, "siem.example", "192.0.2.1")
    registry.change_names("siem.example", add=["10.0.0.0/8", "2001:db8::1"])
    client = registry.change_names("siem.example", remove=["10.0.0.0/8", "2001:DB8:0::1"])
    assert (client.names, client.addresses, client.networks) == (("siem.example",), ("192.0.2.1",), ())
    with pytest.raises(AuthorityError, match=r"does not come from 192\.0\.2\.9"):
        registry.change_names("siem.example", add=["192.0.2.2"], remove=["192.0.2.1", "192.0.2.9"])
    with pytest.raises(AuthorityError, match="from nowhere"):
        registry.change_names("siem.example", remove=["192.0.2.1", "siem.example"])
    assert registry.get("siem.example").addresses == ("192.0.2.1",)
    assert registry.change_names("siem.example", remove=["siem.example"]).names == ()
    assert registry.get("siem.example").host == "siem.example"


def test_what_was_seen_of_clients(registry: Registry) -> None:
    add(registry, "one.example", serial="1")
    add(registry, "two.example", serial="2")
    registry.seen("one.example", now=5, address="192.0.2.1", position=7)
    registry.seen("one.example", now=6)
    registry.seen_all([("two.example", 8, "::1", None), ("nobody.example", 8, "", None)])
    registry.seen_all([])
    one, two = registry.list()
    assert (one.last_seen, one.last_address, one.position) == (6, "192.0.2.1", 7)
    assert (two.last_seen, two.last_address, two.position) == (8, "::1", None)


def test_changes_show_to_every_opening_of_the_file(registry: Registry, tmp_path: Path) -> None:
    other = Registry(tmp_path / "clients.db")

    def both() -> tuple[bool, bool]:
        return registry.changed(), other.changed()

    assert both() == (False, False)
    add(registry, "siem.example")
    assert both() == (True, True)
    assert both() == (False, False)
    for change in (
        lambda: other.set_events("siem.example", disable=["file"]),
        lambda: other.set_server_events(disable=["file"]),
        lambda: other.set_hostcheck("siem.example", False),
        lambda: other.change_names("siem.example", add=["192.0.2.5"]),
        lambda: other.change_names("siem.example", remove=["192.0.2.5"]),
        lambda: other.revoke("siem.example", now=5),
    ):
        change()
        assert both() == (True, True)
    registry.seen("siem.example", now=9)
    with pytest.raises(AuthorityError):
        other.revoke("siem.example", now=5)
    assert both() == (False, False)
    other.close()


def test_a_failed_change_leaves_nothing(registry: Registry) -> None:
    add(registry, "one.example", serial="1")
    revision = registry.revision()
    with pytest.raises(AuthorityError):
        add(registry, "two.example", serial="1")
    assert registry.revision() == revision
    assert [client.host for client in registry.list()] == ["one.example"]


def test_the_file_is_private_and_has_a_version(registry: Registry, tmp_path: Path) -> None:
    path = tmp_path / "clients.db"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    registry.close()
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(StateError, match=r"client registry .* schema version 99"):
        Registry(path)
