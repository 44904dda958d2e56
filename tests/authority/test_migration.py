"""The registry of the first release, made here by hand, is taken over; an older program refuses a newer."""

from __future__ import annotations

import dataclasses
import shutil
import sqlite3
from pathlib import Path

import pytest

from openstreamer.authority import Authority, Registry, read_pkcs12, rotation
from openstreamer.authority.schema import SCHEMA
from openstreamer.database import Database
from openstreamer.errors import AuthorityError, StateError
from support.peers import NOW, der

FIRST = """
PRAGMA journal_mode = WAL;
CREATE TABLE state (one INTEGER PRIMARY KEY CHECK (one = 1), revision INTEGER NOT NULL);
CREATE TABLE client (id INTEGER PRIMARY KEY, host TEXT NOT NULL UNIQUE, hostcheck INTEGER NOT NULL,
    added INTEGER NOT NULL, revoked INTEGER, last_seen INTEGER, last_address TEXT NOT NULL DEFAULT '',
    position INTEGER);
CREATE TABLE client_name (client INTEGER NOT NULL REFERENCES client,
    kind TEXT NOT NULL CHECK (kind IN ('name', 'address', 'network')), value TEXT NOT NULL,
    rank INTEGER NOT NULL, PRIMARY KEY (client, kind, value)) WITHOUT ROWID;
CREATE TABLE client_unticked (client INTEGER NOT NULL REFERENCES client, event TEXT NOT NULL,
    PRIMARY KEY (client, event)) WITHOUT ROWID;
CREATE TABLE server_unticked (event TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE certificate (serial TEXT PRIMARY KEY, client INTEGER NOT NULL REFERENCES client,
    fingerprint TEXT NOT NULL, issued INTEGER NOT NULL, expires INTEGER NOT NULL, revoked INTEGER,
    reason TEXT NOT NULL DEFAULT '', pkcs12 BLOB);
CREATE INDEX certificate_by_client ON certificate (client);
PRAGMA application_id = 0x4F534372;
PRAGMA user_version = 1;
"""


@pytest.fixture
def state(made: Path, tmp_path: Path) -> tuple[Path, bytes]:
    """A state directory as the first release left it, and the certificate of its client."""
    state = tmp_path / "old"
    shutil.copytree(made, state)
    with Authority(state).load() as authority:
        content = authority.issue("siem.example", ["192.0.2.1"], now=NOW)
        client = authority.registry.get("siem.example")
    for file in (state / "authority").glob("clients.db*"):
        file.unlink()
    connection = sqlite3.connect(state / "authority" / "clients.db", isolation_level=None)
    connection.executescript(FIRST)
    connection.execute("INSERT INTO state VALUES (1, 41)")
    connection.execute(
        "INSERT INTO client VALUES (1, 'siem.example', 1, ?, NULL, ?, '192.0.2.1', 9)", (NOW, NOW + 60)
    )
    connection.executemany(
        "INSERT INTO client_name VALUES (1, ?, ?, ?)",
        [("name", "siem.example", 1), ("address", "192.0.2.1", 2)],
    )
    connection.execute("INSERT INTO client_unticked VALUES (1, 'file')")
    connection.execute("INSERT INTO server_unticked VALUES ('user')")
    connection.execute(
        "INSERT INTO certificate VALUES ('a1', 1, 'ff', ?, ?, ?, 'lost', NULL)",
        (NOW - 100, NOW + 100, NOW - 50),
    )
    connection.execute(
        "INSERT INTO certificate VALUES (?, 1, ?, ?, ?, NULL, '', ?)",
        (client.serial, client.fingerprint, NOW, client.expires, content),
    )
    connection.close()
    return state, der(read_pkcs12(content).certificate_pem)


def test_nothing_is_lost(state: tuple[Path, bytes]) -> None:
    path, certificate = state
    with Authority(path).load() as authority:
        client = authority.check_peer(certificate, "192.0.2.1", now=NOW)
        assert (client.host, client.position, client.last_seen) == ("siem.example", 9, NOW + 60)
        assert "file" not in client.events
        assert "user" not in authority.registry.server_events()
        assert authority.registry.revision() == 41
        old, new = authority.registry.certificates("siem.example")
        assert (old.serial, old.reason, old.issuer, old.until) == ("a1", "lost", "", None)
        assert (new.until, new.ends, new.handed) == (None, new.expires, ())
        assert authority.download("siem.example")
        lists = authority.write_revocation_list(now=NOW).read_bytes()
        assert lists.count(b"BEGIN X509 CRL") == 1


def test_what_names_no_issuer_is_of_the_ca_that_leaves_first(state: tuple[Path, bytes]) -> None:
    path, certificate = state
    with Authority(path).load() as authority:
        first = authority.files.ca().fingerprint
        rotation.rotate(authority, now=NOW)
        assert {entry.issuer for entry in authority.registry.certificates("siem.example")} == {first}
        assert rotation.show(authority).not_renewed == ("siem.example",)
        assert authority.authenticate(certificate, now=NOW).host == "siem.example"


def test_an_older_program_refuses_it_and_changes_nothing(state: tuple[Path, bytes]) -> None:
    file = state[0] / "authority" / "clients.db"
    Registry(file).close()
    older = dataclasses.replace(SCHEMA, migrations=SCHEMA.migrations[:1])
    before = file.read_bytes()
    with pytest.raises(
        StateError, match=r"client registry .* schema version 2, this program knows versions up to 1"
    ):
        Database(file, older, lambda trouble, sentence: AuthorityError(sentence))
    assert file.read_bytes() == before
