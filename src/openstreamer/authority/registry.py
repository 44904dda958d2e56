"""The client registry: who may connect, kept in `clients.db`. Several processes may change it at once."""

from __future__ import annotations

from collections.abc import Iterable
from os import PathLike

from .clients import Client


class Registry:
    """Clients, their certificates and switches, and the server's own event switches.

    Raises AuthorityError for clients that are not there or that are there already, StateError for a file that a
    newer program made.
    """

    def __init__(self, path: str | PathLike[str]) -> None:
        raise NotImplementedError

    def list(self, *, revoked: bool = False) -> list[Client]:
        """All clients by host, with `revoked` also those that may not connect any more."""
        raise NotImplementedError

    def get(self, host: str) -> Client:
        """The client added under this name or address, or that has it among its names; AuthorityError if none."""
        raise NotImplementedError

    def find(self, serial: str) -> Client | None:
        """The client to whom a certificate was issued."""
        raise NotImplementedError

    def set_events(self, host: str, *, enable: Iterable[str] = (), disable: Iterable[str] = ()) -> Client:
        """Tick and untick event classes of a client."""
        raise NotImplementedError

    def set_hostcheck(self, host: str, enabled: bool) -> Client:
        """Exempt a client from the host check, or end the exemption."""
        raise NotImplementedError

    def add_names(self, host: str, names: Iterable[str]) -> Client:
        """Let a client also come from these names, addresses or networks, without a new certificate."""
        raise NotImplementedError

    def seen(self, host: str, *, now: int, address: str = "", position: int | None = None) -> None:
        """Note that a client was there. Does not count as a change of the registry."""
        raise NotImplementedError

    def server_events(self) -> frozenset[str]:
        """Event classes that are ticked for the whole server; all of them after `init`."""
        raise NotImplementedError

    def set_server_events(self, *, enable: Iterable[str] = (), disable: Iterable[str] = ()) -> frozenset[str]:
        """Tick and untick event classes of the server; returns those ticked afterwards."""
        raise NotImplementedError

    def allowed_events(self, client: Client) -> frozenset[str]:
        """Classes that may be sent to this client: ticked for it and for the server."""
        raise NotImplementedError

    def revision(self) -> int:
        """A number that grows with every change of clients or switches, by whatever process. Cheap."""
        raise NotImplementedError

    def changed(self) -> bool:
        """Whether `revision` grew since this object was last asked. Cheap: poll it several times a second."""
        raise NotImplementedError

    def close(self) -> None:
        """Let go of the file."""
        raise NotImplementedError
