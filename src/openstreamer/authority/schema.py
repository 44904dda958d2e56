"""The tables of the client registry, as the steps that made them what they are.

A step, once released, is never changed: a newer program appends one.
"""

from __future__ import annotations

from openstreamer.database import Schema

_FIRST: tuple[str, ...] = (
    # Always one row. The revision grows with every change that a running service must heed.
    "CREATE TABLE state (one INTEGER PRIMARY KEY CHECK (one = 1), revision INTEGER NOT NULL)",
    "INSERT INTO state VALUES (1, 0)",
    """
    CREATE TABLE client (
        id           INTEGER PRIMARY KEY,
        host         TEXT NOT NULL UNIQUE,
        hostcheck    INTEGER NOT NULL,
        added        INTEGER NOT NULL,
        revoked      INTEGER,
        last_seen    INTEGER,
        last_address TEXT NOT NULL DEFAULT '',
        position     INTEGER
    )
    """,
    """
    CREATE TABLE client_name (
        client INTEGER NOT NULL REFERENCES client,
        kind   TEXT NOT NULL CHECK (kind IN ('name', 'address', 'network')),
        value  TEXT NOT NULL,
        rank   INTEGER NOT NULL,
        PRIMARY KEY (client, kind, value)
    ) WITHOUT ROWID
    """,
    # What is unticked is kept, not what is ticked: a class that a later version brings starts ticked.
    """
    CREATE TABLE client_unticked (
        client INTEGER NOT NULL REFERENCES client,
        event  TEXT NOT NULL,
        PRIMARY KEY (client, event)
    ) WITHOUT ROWID
    """,
    "CREATE TABLE server_unticked (event TEXT PRIMARY KEY) WITHOUT ROWID",
    # A client may have several: old ones that were revoked, and two valid ones while it changes over.
    """
    CREATE TABLE certificate (
        serial      TEXT PRIMARY KEY,
        client      INTEGER NOT NULL REFERENCES client,
        fingerprint TEXT NOT NULL,
        issued      INTEGER NOT NULL,
        expires     INTEGER NOT NULL,
        revoked     INTEGER,
        reason      TEXT NOT NULL DEFAULT '',
        pkcs12      BLOB  -- as it was handed out; deleted when revoked
    )
    """,
    "CREATE INDEX certificate_by_client ON certificate (client)",
)

SCHEMA = Schema(what="client registry", application_id=0x4F534372, migrations=(_FIRST,))
