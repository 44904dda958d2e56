"""The host table: one profile a host, found by each of its addresses, in order of address, in portions."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from ipaddress import ip_address
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openstreamer.errors import StoreError
from openstreamer.store import SqliteStore, open_store


def key(text: str) -> bytes:
    parsed = ip_address(text)
    return parsed.packed if parsed.version == 6 else bytes(10) + b"\xff\xff" + parsed.packed


LOWEST, HIGHEST = bytes(16), b"\xff" * 16


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    with open_store(tmp_path / "events.db", synchronous="OFF") as opened:
        yield opened


def put(store: SqliteStore, *hosts: tuple[str, bytes]) -> None:
    store.put_hosts([([key(address) for address in addresses.split()], data) for addresses, data in hosts])


def found(store: SqliteStore, start: str, end: str | None = None) -> list[bytes]:
    return [host.data for host in store.hosts(key(start), key(end or start))]


def test_a_host_is_found_by_each_of_its_addresses(store: SqliteStore) -> None:
    put(store, ("192.0.2.1 2001:db8::1 10.0.0.1", b"one"), ("192.0.2.2", b"two"))
    for address in ("192.0.2.1", "2001:db8::1", "10.0.0.1"):
        assert found(store, address) == [b"one"]
    assert found(store, "192.0.2.2") == [b"two"]
    assert found(store, "192.0.2.3") == []
    assert store.host_count() == 2


def test_ranges_are_ordered_by_address_and_give_each_host_once(store: SqliteStore) -> None:
    put(
        store,
        ("2001:db8::5", b"six"),
        ("192.0.2.200", b"last"),
        ("192.0.2.9 192.0.2.2 2001:db8::1", b"both"),
        ("192.0.2.5", b"between"),
    )
    assert found(store, "192.0.2.0", "192.0.2.255") == [b"both", b"between", b"last"]
    assert found(store, "192.0.2.3", "192.0.2.255") == [b"between", b"both", b"last"]
    assert found(store, "2001:db8::", "2001:db8::ffff") == [b"both", b"six"]
    assert found(store, "192.0.2.255", "192.0.2.0") == []
    everything = store.hosts(LOWEST, HIGHEST)
    assert [host.data for host in everything] == [b"both", b"between", b"last", b"six"]
    assert everything[0].address == key("192.0.2.2")


def test_the_newest_profile_counts(store: SqliteStore) -> None:
    put(store, ("192.0.2.1", b"old"), ("192.0.2.1", b"new"))
    assert found(store, "192.0.2.1") == [b"new"]
    put(store, ("192.0.2.1 192.0.2.7", b"newest"))
    assert found(store, "192.0.2.7") == [b"newest"]
    assert store.host_count() == 1


def test_an_address_belongs_to_whom_it_was_given_last(store: SqliteStore) -> None:
    put(store, ("192.0.2.1 192.0.2.2", b"first"))
    put(store, ("192.0.2.2 192.0.2.3", b"second"))
    assert found(store, "192.0.2.1") == [b"first"]
    assert found(store, "192.0.2.2") == [b"second"]
    put(store, ("192.0.2.1", b"third"))
    assert store.host_count() == 2
    assert all(host.sound for host in store.hosts(LOWEST, HIGHEST))
    assert store.check().problems == ()


def test_the_lowest_and_the_highest_address(store: SqliteStore) -> None:
    store.put_hosts([([LOWEST], b"none"), ([HIGHEST], b"all")])
    assert [host.data for host in store.hosts(LOWEST, HIGHEST)] == [b"none", b"all"]
    assert [host.data for host in store.hosts(LOWEST, LOWEST)] == [b"none"]
    assert [host.data for host in store.hosts(LOWEST, HIGHEST, after=LOWEST)] == [b"all"]


@pytest.mark.parametrize("limits", [{"limit": 3}, {"limit_bytes": 30}, {"limit": 1}])
def test_portions(store: SqliteStore, limits: dict[str, int]) -> None:
    put(store, *[(f"192.0.2.{number} 2001:db8::{number:x}", b"%010d" % number) for number in range(20)])
    collected: list[bytes] = []
    after = None
    for _ in range(30):
        page = store.hosts(key("192.0.2.4"), key("2001:db8::ffff"), after=after, **limits)
        if not page:
            break
        assert len(page) <= 3
        collected += [host.data for host in page]
        after = page[-1].address
    expected = [*range(4, 20), *range(4)]
    assert collected == [b"%010d" % number for number in expected]


@pytest.mark.parametrize("addresses", [[], [b"short"], [bytes(16), bytes(4)]])
def test_hosts_without_a_proper_address_are_refused(store: SqliteStore, addresses: list[bytes]) -> None:
    with pytest.raises(StoreError, match="address"):
        store.put_hosts([([key("192.0.2.1")], b"good"), (addresses, b"bad")])
    assert store.host_count() == 0


def test_hosts_survive(tmp_path: Path) -> None:
    path = tmp_path / "events.db"
    with open_store(path) as store:
        put(store, ("192.0.2.1", b"kept"))
        store.trim(max_bytes=0)
    with open_store(path) as store:
        assert found(store, "192.0.2.1") == [b"kept"]


def test_damage_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "events.db"
    with open_store(path) as store:
        put(store, ("192.0.2.1", b"sound"), ("192.0.2.2", b"broken"))
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE host SET data = 'text' WHERE data = ?", (b"broken",))
    with open_store(path) as store:
        assert [host.sound for host in store.hosts(LOWEST, HIGHEST)] == [True, False]
        assert store.check().problems == ("1 host profiles fail their checksum",)


_ADDRESSES = st.sampled_from([f"192.0.2.{number}" for number in range(5)] + ["2001:db8::1", "2001:db8::2"])


@given(st.lists(st.sets(_ADDRESSES, min_size=1, max_size=4), max_size=12))
def test_any_history(tmp_path_factory: pytest.TempPathFactory, history: list[set[str]]) -> None:
    owner: dict[bytes, bytes] = {}
    with open_store(tmp_path_factory.mktemp("hosts") / "events.db", synchronous="OFF") as store:
        for number, addresses in enumerate(history):
            put(store, (" ".join(addresses), b"%d" % number))
            owner |= {key(address): b"%d" % number for address in addresses}
        for address, data in owner.items():
            assert [host.data for host in store.hosts(address, address)] == [data]
        assert store.host_count() == len(set(owner.values()))
        assert store.check().problems == ()
