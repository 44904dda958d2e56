"""The part of the client registry that is about certificates, and what its whole file has in common.

Which certificates there are, who issued them and until when they are good; whether one CA is taking over from
another; the revision by which other processes notice a change. The clients are in `registry`.
"""

from __future__ import annotations

import contextlib
import sqlite3
import threading
from collections.abc import Iterable, Iterator
from os import PathLike
from typing import TypeAlias

from openstreamer.database import Database, Trouble
from openstreamer.errors import AuthorityError

from .clients import Certificate, Rotation
from .schema import SCHEMA

Certificates: TypeAlias = list[Certificate]


class Register:
    """Certificates and the rotation of CAs. May be used by many threads at once, and not across a fork.

    Raises:
        StateError: the file is something else, or a newer program made it.
    """

    def __init__(self, path: str | PathLike[str]) -> None:
        self._database = Database(path, SCHEMA, _failure)
        self._lock = threading.Lock()
        self._last_revision = self.revision()

    def withdrawn_certificates(self, issuer: str, *, now: int) -> Certificates:
        """Return what a CA issued and is not good any more: revoked, or renewed with the overlap over."""
        with self._database.reading() as connection:
            return read_certificates(
                connection,
                "issuer IN (?, '') AND (certificate.revoked IS NOT NULL OR until <= ?)",
                (issuer, now),
            )

    def newest_certificates(self) -> Certificates:
        """Return the newest certificate of each client that may connect, by host."""
        with self._database.reading() as connection:
            newest = {entry.host: entry for entry in read_certificates(connection, "revoked IS NULL", ())}
        return [newest[host] for host in sorted(newest)]

    def replaced_between(self, after: int, until: int) -> bool:
        """Say whether the overlap of a renewed certificate ended in this span, its end included."""
        with self._database.single() as connection:
            row = connection.execute(
                "SELECT 1 FROM certificate WHERE until > ? AND until <= ? LIMIT 1", (after, until)
            ).fetchone()
        return row is not None

    # Rotation

    def rotation(self) -> Rotation | None:
        """Return the change of CAs that is under way."""
        with self._database.single() as connection:
            row = connection.execute("SELECT leaving, began, until FROM rotation").fetchone()
        return None if row is None else Rotation(*row)

    def begin_rotation(self, rotation: Rotation) -> None:
        """Note that a CA leaves. Whatever names no issuer until now is from that one."""
        with self._changing() as connection:
            connection.execute(
                "INSERT OR REPLACE INTO rotation VALUES (1, ?, ?, ?)",
                (rotation.leaving, rotation.began, rotation.until),
            )
            connection.execute(
                "UPDATE certificate SET handed = ? WHERE handed = '' AND issuer = ''", (rotation.leaving,)
            )
            connection.execute("UPDATE certificate SET issuer = ? WHERE issuer = ''", (rotation.leaving,))

    def end_rotation(self) -> None:
        """Note that the CA has left."""
        with self._changing() as connection:
            connection.execute("DELETE FROM rotation")

    # Changes, and other processes

    def revision(self) -> int:
        """Return a number that grows with every change of clients or switches, by whatever process. Cheap."""
        with self._database.single() as connection:
            row: tuple[int] = connection.execute("SELECT revision FROM state").fetchone()
            return row[0]

    def changed(self) -> bool:
        """Say whether `revision` grew since this object was last asked, or made. Cheap: made for polling."""
        revision = self.revision()
        with self._lock:
            changed = revision != self._last_revision
            self._last_revision = revision
        return changed

    def touch(self) -> None:
        """Let other processes notice that something beside the registry changed."""
        with self._changing():
            pass

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other processes from changing the registry meanwhile. Read only through it within."""
        with self._database.writing():
            yield

    def close(self) -> None:
        """Let go of the file. Closing twice does no harm."""
        self._database.close()

    @contextlib.contextmanager
    def _changing(self) -> Iterator[sqlite3.Connection]:
        with self._database.writing() as connection:
            yield connection
            connection.execute("UPDATE state SET revision = revision + 1")


def normalise_serial(serial: str) -> str:
    """Return a serial number in hex in its one form: lower case, no colons, no leading zeros."""
    return serial.replace(":", "").lower().lstrip("0") or "0"


def read_certificates(connection: sqlite3.Connection, where: str, values: tuple[object, ...]) -> Certificates:
    """Return the certificates that meet a condition on their columns, oldest first."""
    rows = connection.execute(
        "SELECT serial, fingerprint, host, issued, expires, certificate.revoked, reason, issuer, until, "
        "handed "
        f"FROM certificate JOIN client ON client.id = certificate.client WHERE certificate.{where} "
        "ORDER BY issued, certificate.rowid",
        values,
    ).fetchall()
    return [
        Certificate(
            serial, fingerprint, host, issued, expires, revoked, reason, issuer, until, tuple(handed.split())
        )
        for serial, fingerprint, host, issued, expires, revoked, reason, issuer, until, handed in rows
    ]


def write_certificate(
    connection: sqlite3.Connection,
    serial: str,
    client: int,
    fingerprint: str,
    issued: int,
    expires: int,
    pkcs12: bytes | None,
    issuer: str,
    handed: Iterable[str],
) -> None:
    """Keep a certificate of a client (its number in the registry).

    Raises:
        AuthorityError: it is there already.
    """
    try:
        connection.execute(
            "INSERT INTO certificate (serial, client, fingerprint, issued, expires, pkcs12, issuer, handed) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (
                normalise_serial(serial),
                client,
                fingerprint,
                issued,
                expires,
                pkcs12,
                issuer,
                " ".join(handed),
            ),
        )
    except sqlite3.IntegrityError as error:
        raise AuthorityError(f"there is a certificate with serial number {serial} already") from error


def _failure(trouble: Trouble, sentence: str) -> AuthorityError:
    return AuthorityError(sentence)
