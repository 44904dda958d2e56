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

_LIFE_OF_CERTIFICATES: tuple[str, ...] = (
    # The SHA-256 of the issuing CA's certificate. Empty: the only CA there has ever been (it is filled in
    # before there is a second one).
    "ALTER TABLE certificate ADD COLUMN issuer TEXT NOT NULL DEFAULT ''",
    # A certificate that was renewed is good until then; NULL: as long as it says.
    "ALTER TABLE certificate ADD COLUMN until INTEGER",
    # SHA-256 of each CA certificate that was handed out with it, by which the client knows the server;
    # separated by blanks. Empty: that of the issuer alone.
    "ALTER TABLE certificate ADD COLUMN handed TEXT NOT NULL DEFAULT ''",
    # One row while one CA takes over from another. Written before the files are, so that a change-over that
    # was cut short is found: the CA that leaves is then still the one that issues.
    """
    CREATE TABLE rotation (
        one     INTEGER PRIMARY KEY CHECK (one = 1),
        leaving TEXT NOT NULL,
        began   INTEGER NOT NULL,
        until   INTEGER NOT NULL
    )
    """,
)

SCHEMA = Schema(what="client registry", application_id=0x4F534372, migrations=(_FIRST, _LIFE_OF_CERTIFICATES))
