"""Versions of the event log: an older file is brought up to date, a newer one is refused with advice."""

from __future__ import annotations

import dataclasses
import sqlite3
from pathlib import Path

import pytest

from openstreamer.errors import StateError, StoreError
from openstreamer.store import open_store
from openstreamer.store.schema import SCHEMA
from support.store_batches import Batch


def test_each_migration_is_a_version() -> None:
    assert SCHEMA.version == len(SCHEMA.migrations) == 3


def test_the_first_release_gets_a_host_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "events.db"
    first = dataclasses.replace(SCHEMA, migrations=SCHEMA.migrations[:1])
    monkeypatch.setattr("openstreamer.store.sqlite.SCHEMA", first)
    with open_store(path) as store:
        store.append(Batch(b"kept"), now=5)
    monkeypatch.undo()
    with open_store(path) as store:
        assert [chunk.data for chunk in store.read(0)] == [b"kept"]
        assert store.host_count() == 0
        store.put_hosts([([bytes(16)], b"profile")])
        assert store.host_count() == 1


def test_a_newer_file_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "events.db"
    open_store(path).close()
    connection = sqlite3.connect(path)
    connection.execute(f"PRAGMA user_version = {SCHEMA.version + 1}")
    connection.close()
    before = path.read_bytes()
    with pytest.raises(StateError, match=rf"schema version {SCHEMA.version + 1}.*use the newer program"):
        open_store(path)
    assert path.read_bytes() == before


@pytest.mark.parametrize("what", ["database", "text", "directory"])
def test_another_kind_of_file_is_refused_and_left_alone(tmp_path: Path, what: str) -> None:
    path = tmp_path / "events.db"
    if what == "database":
        connection = sqlite3.connect(path)
        connection.execute("CREATE TABLE mine (value)")
        connection.close()
    elif what == "text":
        path.write_text("something else " * 100)
    else:
        path.mkdir()
    before = path.read_bytes() if path.is_file() else b""
    with pytest.raises((StateError, StoreError), match=r"events\.db"):
        open_store(path)
    assert (path.read_bytes() if path.is_file() else b"") == before


def test_a_place_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StateError, match="cannot make the event log"):
        open_store(tmp_path / "file" / "events.db")


def test_an_empty_file_becomes_a_log(tmp_path: Path) -> None:
    path = tmp_path / "events.db"
    path.touch(mode=0o600)
    with open_store(path) as store:
        assert store.append(Batch(), now=1).number == 1


def test_a_wrong_synchronous_setting_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StateError, match="FULL or NORMAL"):
        open_store(tmp_path / "events.db", synchronous="SOMETIMES")


def test_an_older_event_log_keeps_its_events(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the next release will do to the logs of this one."""
    path = tmp_path / "events.db"
    with open_store(path) as store:
        store.append(Batch(b"kept"), now=5, places={"file": b"9"})
    newer = dataclasses.replace(
        SCHEMA, migrations=(*SCHEMA.migrations, ("ALTER TABLE place ADD COLUMN note TEXT",))
    )
    monkeypatch.setattr("openstreamer.store.sqlite.SCHEMA", newer)
    with open_store(path) as store:
        assert [chunk.data for chunk in store.read(0)] == [b"kept"]
        assert store.place("file") == b"9"
    monkeypatch.undo()
    with pytest.raises(StateError, match="newer program"):
        open_store(path)
