"""The client registry: who may connect, kept in `clients.db`. Several processes may change it at once.

It keeps what it is told and knows no cryptography: `authority` makes the certificates and the decisions.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from typing import TypeAlias

from openstreamer.errors import AuthorityError, UsageError

from .clients import EVENT_CLASSES, Certificate, Client, Names, parse_events, parse_names
from .register import Certificates, Register, normalise_serial, read_certificates, write_certificate

__all__ = ["Registry", "normalise_serial"]

Clients: TypeAlias = list[Client]


class Registry(Register):
    """Clients, their certificates and switches, and the server's own event switches.

    May be used by many threads at once, and not across a fork. Methods raise AuthorityError for clients that
    are not there or that are there already, UsageError for malformed names.

    Raises:
        StateError: the file is something else, or a newer program made it.
    """

    # Reading

    def list(self, *, revoked: bool = False) -> Clients:
        """Return all clients by host; with `revoked` also those that may not connect any more."""
        with self._database.reading() as connection:
            identifiers = connection.execute(
                "SELECT id FROM client WHERE ? OR revoked IS NULL ORDER BY host", (revoked,)
            ).fetchall()
            return [_client(connection, identifier) for (identifier,) in identifiers]

    def get(self, host: str) -> Client:
        """Return the client added under this name or address, or the only one that has it among its names.

        A revoked client is found too, if no other answers to the name.
        """
        with self._database.reading() as connection:
            return _client(connection, _identifier(connection, host))

    def find(self, serial: str) -> tuple[Client, Certificate] | None:
        """Return the certificate of this serial number (hex) and the client to whom it was issued."""
        serial = normalise_serial(serial)
        with self._database.reading() as connection:
            row = connection.execute("SELECT client FROM certificate WHERE serial = ?", (serial,)).fetchone()
            if row is None:
                return None
            certificates = read_certificates(connection, "serial = ?", (serial,))
            return _client(connection, row[0]), certificates[0]

    def certificates(self, host: str) -> Certificates:
        """Return all certificates a client ever got, oldest first."""
        with self._database.reading() as connection:
            return read_certificates(connection, "client = ?", (_identifier(connection, host),))

    def pkcs12(self, host: str) -> bytes | None:
        """Return a client's newest PKCS#12 file as it was handed out.

        None once the client is revoked, and where its certificate was not made here.
        """
        with self._database.reading() as connection:
            row = connection.execute(
                "SELECT pkcs12 FROM certificate WHERE client = ? AND revoked IS NULL "
                "ORDER BY issued DESC, rowid DESC",
                (_identifier(connection, host),),
            ).fetchone()
        return None if row is None else row[0]

    def server_events(self) -> frozenset[str]:
        """Return the event classes that are ticked for the whole server; all of them after `init`."""
        with self._database.single() as connection:
            unticked = {event for (event,) in connection.execute("SELECT event FROM server_unticked")}
        return frozenset(EVENT_CLASSES) - unticked

    def allowed_events(self, client: Client) -> frozenset[str]:
        """Return the classes that may be sent to a client: ticked for it and for the server."""
        return client.events & self.server_events()

    # Changing

    def add(
        self,
        host: str,
        names: Names,
        *,
        serial: str,
        fingerprint: str,
        issued: int,
        expires: int,
        pkcs12: bytes | None = None,
        events: Iterable[str] | None = None,
        hostcheck: bool = True,
        issuer: str = "",
        handed: Iterable[str] = (),
    ) -> Client:
        """Add a client with its certificate. A revoked one starts anew, with what is given here.

        Args:
            host: one of the names or addresses, in its one form.
            names: all of them.
            events: classes that are ticked; None for all.
            issuer, handed: see `Certificate`.
        """
        ticked = frozenset(EVENT_CLASSES) if events is None else parse_events(events)
        unticked = frozenset(EVENT_CLASSES) - ticked
        with self._changing() as connection:
            row = connection.execute("SELECT id, revoked FROM client WHERE host = ?", (host,)).fetchone()
            if row is None:
                cursor = connection.execute(
                    "INSERT INTO client (host, hostcheck, added) VALUES (?, ?, ?)", (host, hostcheck, issued)
                )
                identifier = cursor.lastrowid or 0
            elif row[1] is None:
                raise AuthorityError(
                    f"there is a client {host} already: renew it for a new file, or revoke it first"
                )
            else:
                identifier = row[0]
                connection.execute(
                    "UPDATE client SET hostcheck = ?, added = ?, revoked = NULL, last_seen = NULL, "
                    "last_address = '', position = NULL WHERE id = ?",
                    (hostcheck, issued, identifier),
                )
                connection.execute("DELETE FROM client_name WHERE client = ?", (identifier,))
                connection.execute("DELETE FROM client_unticked WHERE client = ?", (identifier,))
            _add_names(connection, identifier, names)
            connection.executemany(
                "INSERT INTO client_unticked VALUES (?, ?)", [(identifier, event) for event in unticked]
            )
            issue = (serial, identifier, fingerprint, issued, expires, pkcs12, issuer, handed)
            write_certificate(connection, *issue)
            return _client(connection, identifier)

    def renew(
        self,
        host: str,
        *,
        serial: str,
        fingerprint: str,
        issued: int,
        expires: int,
        until: int,
        pkcs12: bytes | None = None,
        issuer: str = "",
        handed: Iterable[str] = (),
    ) -> Client:
        """Give a client a further certificate; those it has are good until `until`, their file is forgotten.

        All else stays: switches, position, when it was seen last.
        """
        with self._changing() as connection:
            identifier = _identifier(connection, host)
            client = _client(connection, identifier)
            if client.revoked is not None:
                raise AuthorityError(f"client {client.host} is revoked: add it again")
            connection.execute(
                "UPDATE certificate SET pkcs12 = NULL, until = min(coalesce(until, ?1), ?1) "
                "WHERE client = ?2 AND revoked IS NULL",
                (until, identifier),
            )
            issue = (serial, identifier, fingerprint, issued, expires, pkcs12, issuer, handed)
            write_certificate(connection, *issue)
            return _client(connection, identifier)

    def revoke(self, host: str, *, now: int, reason: str = "") -> Client:
        """Revoke a client and every certificate it has; its PKCS#12 file is forgotten."""
        with self._changing() as connection:
            identifier = _identifier(connection, host)
            client = _client(connection, identifier)
            if client.revoked is not None:
                raise AuthorityError(f"client {client.host} is revoked already")
            connection.execute("UPDATE client SET revoked = ? WHERE id = ?", (now, identifier))
            connection.execute(
                "UPDATE certificate SET revoked = ?, reason = ? WHERE client = ? AND revoked IS NULL",
                (now, reason, identifier),
            )
            connection.execute("UPDATE certificate SET pkcs12 = NULL WHERE client = ?", (identifier,))
            return _client(connection, identifier)

    def set_events(self, host: str, *, enable: Iterable[str] = (), disable: Iterable[str] = ()) -> Client:
        """Tick and untick event classes of a client."""
        enable, disable = parse_events(enable), parse_events(disable)
        with self._changing() as connection:
            identifier = _identifier(connection, host)
            connection.executemany(
                "DELETE FROM client_unticked WHERE client = ? AND event = ?",
                [(identifier, event) for event in enable],
            )
            connection.executemany(
                "INSERT OR IGNORE INTO client_unticked VALUES (?, ?)",
                [(identifier, event) for event in disable],
            )
            return _client(connection, identifier)

    def set_hostcheck(self, host: str, enabled: bool) -> Client:
        """Exempt a client from the host check, or end the exemption."""
        with self._changing() as connection:
            identifier = _identifier(connection, host)
            connection.execute("UPDATE client SET hostcheck = ? WHERE id = ?", (enabled, identifier))
            return _client(connection, identifier)

    def change_names(self, host: str, *, add: Iterable[str] = (), remove: Iterable[str] = ()) -> Client:
        """Change the names, addresses and networks from which a client may come; its certificate stays.

        Raises:
            AuthorityError: one to remove is none of its, or none would be left; nothing is changed then.
        """
        added, removed = parse_names(add), parse_names(remove)
        with self._changing() as connection:
            identifier = _identifier(connection, host)
            _add_names(connection, identifier, added)
            for value in (*removed.names, *removed.addresses, *removed.networks):
                if not connection.execute(
                    "DELETE FROM client_name WHERE client = ? AND value = ?", (identifier, value)
                ).rowcount:
                    raise AuthorityError(f"client {host} does not come from {value}")
            client = _client(connection, identifier)
            if not (client.names or client.addresses or client.networks):
                raise AuthorityError(
                    f"client {host} could come from nowhere then: `openstreamer clients revoke` ends it"
                )
            return client

    def set_server_events(self, *, enable: Iterable[str] = (), disable: Iterable[str] = ()) -> frozenset[str]:
        """Tick and untick event classes of the server; returns those ticked afterwards."""
        enable, disable = parse_events(enable), parse_events(disable)
        with self._changing() as connection:
            connection.executemany(
                "DELETE FROM server_unticked WHERE event = ?", [(event,) for event in enable]
            )
            connection.executemany(
                "INSERT OR IGNORE INTO server_unticked VALUES (?)", [(event,) for event in disable]
            )
        return self.server_events()

    def seen(self, host: str, *, now: int, address: str = "", position: int | None = None) -> None:
        """Note that a client was there; what is not given stays. No change that `changed` would tell of."""
        self.seen_all([(host, now, address, position)])

    def seen_all(self, seen: Iterable[tuple[str, int, str, int | None]]) -> None:
        """Note several clients at once: (host, now, address, position) each, as for `seen`."""
        rows = [(now, position, address, host) for host, now, address, position in seen]
        if rows:
            with self._database.writing() as connection:
                connection.executemany(
                    "UPDATE client SET last_seen = ?, position = coalesce(?, position), "
                    "last_address = coalesce(nullif(?, ''), last_address) WHERE host = ?",
                    rows,
                )


def _identifier(connection: sqlite3.Connection, host: str) -> int:
    """Find a client by host, else by one of its names, those that may connect first."""
    try:
        names = parse_names([host])
        wanted = (names.names + names.addresses + names.networks)[0]
    except UsageError:
        wanted = host
    row = connection.execute("SELECT id FROM client WHERE host = ?", (wanted,)).fetchone()
    if row is not None:
        return int(row[0])
    rows = connection.execute(
        "SELECT id, host, revoked FROM client WHERE id IN (SELECT client FROM client_name WHERE value = ?)",
        (wanted,),
    ).fetchall()
    rows = [row for row in rows if row[2] is None] or rows
    if not rows:
        raise AuthorityError(f"there is no client {host}: `openstreamer clients list` shows them")
    if len(rows) > 1:
        hosts = ", ".join(sorted(row[1] for row in rows))
        raise AuthorityError(f"{host} belongs to several clients ({hosts}): name one of these")
    return int(rows[0][0])


def _client(connection: sqlite3.Connection, identifier: int) -> Client:
    host, hostcheck, added, revoked, last_seen, last_address, position = connection.execute(
        "SELECT host, hostcheck, added, revoked, last_seen, last_address, position FROM client WHERE id = ?",
        (identifier,),
    ).fetchone()
    values: dict[str, list[str]] = {"name": [], "address": [], "network": []}
    for kind, value in connection.execute(
        "SELECT kind, value FROM client_name WHERE client = ? ORDER BY rank", (identifier,)
    ):
        values[kind].append(value)
    unticked = {
        event
        for (event,) in connection.execute(
            "SELECT event FROM client_unticked WHERE client = ?", (identifier,)
        )
    }
    newest = read_certificates(connection, "client = ?", (identifier,))[-1]
    return Client(
        host=host,
        names=tuple(values["name"]),
        addresses=tuple(values["address"]),
        networks=tuple(values["network"]),
        hostcheck=bool(hostcheck),
        events=frozenset(EVENT_CLASSES) - unticked,
        added=added,
        revoked=revoked,
        expires=newest.expires,
        serial=newest.serial,
        fingerprint=newest.fingerprint,
        last_seen=last_seen,
        last_address=last_address,
        position=position,
        issuer=newest.issuer,
    )


def _add_names(connection: sqlite3.Connection, identifier: int, names: Names) -> None:
    (rank,) = connection.execute(
        "SELECT coalesce(max(rank), 0) FROM client_name WHERE client = ?", (identifier,)
    ).fetchone()
    entries = [("name", value) for value in names.names]
    entries += [("address", value) for value in names.addresses]
    entries += [("network", value) for value in names.networks]
    connection.executemany(
        "INSERT OR IGNORE INTO client_name VALUES (?, ?, ?, ?)",
        [(identifier, kind, value, rank + number) for number, (kind, value) in enumerate(entries, 1)],
    )
