"""What an authority rests on: its CA, the server's certificate, and the registry, in `STATE/authority/`.

Making them, completing them, opening them, renewing the server's certificate. Clients are in `authority`.
"""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from openstreamer.errors import AuthorityError, StateError, UsageError

from .clients import Names, parse_names
from .keys import KeyFiles
from .lifetime import Renewal, renewal
from .registry import Registry

if TYPE_CHECKING:
    from .certificates import Signed

_Self = TypeVar("_Self", bound="Foundation")


@dataclass(frozen=True, slots=True)
class ServerFiles:
    """PEM files for a TLS listener; pass it to `tls.server_context`."""

    certificate: Path
    private_key: Path
    """May be the same file as `certificate`."""
    trusted: Path
    """Certificates of the CAs whose clients are let in."""
    former: Path | None = None
    """Certificates of CAs that have left: the handshake passes, and `Authority.identify` says why no more."""


class Foundation:
    """CA, server certificate and registry of one state directory.

    `now` is epoch seconds everywhere, by default the clock's.
    """

    def __init__(self, state_dir: str | PathLike[str]) -> None:
        self.directory = Path(state_dir) / "authority"
        self.files = KeyFiles(self.directory)
        self._registry: Registry | None = None
        self._signature: tuple[object, ...] = ()
        self.revocation_list_url: Callable[[], str] = str
        """Where the revocation lists are published (`revocation.address`), asked when something is issued;
        empty: nowhere, and certificates say nothing of it."""

    # Set-up

    @property
    def exists(self) -> bool:
        """Whether a CA has been made here."""
        return self.files.ca_file.exists()

    @property
    def registry(self) -> Registry:
        """The client registry; opened at first use."""
        if self._registry is None:
            if not self.exists:
                raise StateError(f"there is no CA in {self.directory}: make one with `openstreamer init`")
            self._registry = Registry(self.files.registry_file)
        return self._registry

    def create(
        self, *, names: Iterable[str] = (), ca: Signed | None = None, now: float | None = None
    ) -> None:
        """Make CA, server certificate and an empty registry.

        Args:
            names: names and addresses of this server, beside those found by `local_names`.
            ca: a CA from elsewhere (`imports.read_ca`) instead of one of its own.

        Raises:
            AuthorityError: there is a CA already: it is never overwritten.
            UsageError: one of the names is none.
        """
        from .certificates import make_ca

        given = parse_names([*names, *local_names()])
        self._refuse_existing()
        moment = seconds(now)
        signer = make_ca(moment) if ca is None else ca
        registry = Registry(self.files.registry_file)
        with contextlib.ExitStack() as stack:
            stack.callback(registry.close)
            # Two programs may do this at once: only one gets the lock while there is no CA.
            stack.enter_context(registry.locked())
            self._refuse_existing()
            self.write_server(signer, given, moment)
            self.files.write_trusted([signer.certificate])
            # Last, because its presence says that all is there.
            self.files.write_ca(signer, replace=False)

    def complete(self, *, names: Iterable[str] = (), now: float | None = None) -> list[Path]:
        """Make what is missing beside the CA, from the CA; return the files made.

        Raises:
            StateError: the CA itself is missing.
            AuthorityError: it cannot be used.
        """
        made = []
        given = parse_names([*names, *local_names()])
        with self.registry.locked():
            if not self.files.trusted_file.exists():
                old = self.files.old_ca()
                cas = [self.files.ca()] if old is None else [self.files.ca(), old]
                self.files.write_trusted(ca.certificate for ca in cas)
                made.append(self.files.trusted_file)
            if not self.files.server_file.exists():
                self.write_server(self.server_signer(), given, seconds(now))
                made.append(self.files.server_file)
        return made

    def load(self: _Self) -> _Self:
        """Check that the files are there and open the registry; return itself.

        Called again, it forgets the certificates read before, so that replaced files count.

        Raises:
            StateError: names what is missing and what to do about it.
        """
        for file in (self.files.ca_file, self.files.server_file, self.files.trusted_file):
            if not file.exists():
                how = "openstreamer init --force" if self.exists else "openstreamer init"
                raise StateError(f"{file} is missing: make it with `{how}`, or restore a backup")
        _ = self.registry
        self.files.forget()
        self._signature = self.files.signature()
        return self

    def replaced(self) -> bool:
        """Say whether certificate files were replaced since last asked, or since `load`; they count then."""
        signature = self.files.signature()
        if signature == self._signature:
            return False
        self._signature = signature
        self.files.forget()
        return True

    def server_context_files(self) -> ServerFiles:
        """Return the paths for `tls.server_context`."""
        files = self.files
        return ServerFiles(files.server_file, files.server_file, files.trusted_file, files.former_file)

    # The server's certificate

    def server_signer(self) -> Signed:
        """The CA that signs for the server: the one that leaves, while one takes over from another.

        Clients that were not renewed yet know no other, and those that were know both.
        """
        return self.files.old_ca() or self.files.ca()

    def server_is_ours(self) -> bool:
        """Whether a CA of this authority made the server's certificate, so that we may renew it."""
        from .certificates import is_issued_by

        cas = [self.files.ca(), self.files.old_ca()]
        issuers = [ca.certificate for ca in cas if ca is not None]
        return is_issued_by(self.files.server().certificate, [*issuers, *self.files.former()])

    def server_renewal(self, *, within_days: float = 30, now: float | None = None) -> Renewal:
        """Whether the server's certificate is to be renewed; NOTHING too where others made it."""
        from .certificates import server_end

        present, moment = self.files.server(), seconds(now)
        found = renewal(
            moment,
            present.begins,
            present.expires,
            server_end(self.server_signer(), moment),
            days=within_days,
        )
        return found if found is Renewal.NOTHING or self.server_is_ours() else Renewal.NOTHING

    def renew_server(
        self,
        *,
        within_days: float | None = 30,
        names: Iterable[str] = (),
        replace_imported: bool = False,
        now: float | None = None,
    ) -> bool:
        """Make a new server certificate if the present one ends within so many days; say whether it did.

        It keeps the names and addresses and takes on those given. Listeners go on with the old one until they
        make a new context.

        Args:
            within_days: None: make one in any case.
            replace_imported: also if others made the present one (only with None).

        Raises:
            AuthorityError: the present one is not ours (with None), or cannot be read; the CA has expired.
        """
        from .certificates import subject_names

        if within_days is None:
            if not replace_imported and not self.server_is_ours():
                raise AuthorityError(
                    "the server's certificate was made by others: import its successor with "
                    "`openstreamer authority import-server`, or replace it with `renew-server --own`"
                )
        elif self.server_renewal(within_days=within_days, now=now) is not Renewal.RENEW:
            return False
        present = self.files.server()
        kept = parse_names([*subject_names(present.certificate), *names])
        with self.registry.locked():
            self.write_server(self.server_signer(), kept, seconds(now))
            if replace_imported:
                self.files.write_server_ca(())
        self.registry.touch()
        return True

    def write_server(self, ca: Signed, names: Names, moment: int) -> None:
        """Make and write a server certificate."""
        from .certificates import make_server

        list_url = self.list_url(ca)
        self.files.write_server(make_server(ca, names.names, names.addresses, moment, list_url=list_url))

    def list_url(self, ca: Signed) -> str:
        """Where the revocation list of a CA is published; empty if nowhere."""
        from .revocation import address

        base = self.revocation_list_url()
        return address(base, ca.fingerprint) if base else ""

    def changed(self) -> bool:
        """Say whether clients or switches changed since last asked; see `Registry.changed`."""
        return self.registry.changed()

    def close(self) -> None:
        """Let go of the files."""
        if self._registry is not None:
            self._registry.close()
            self._registry = None

    def __enter__(self: _Self) -> _Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _refuse_existing(self) -> None:
        if self.exists:
            raise AuthorityError(f"there is a CA in {self.directory} already: it is never overwritten")


def local_names() -> list[str]:
    """Return names and addresses of this machine that are known without asking a name server."""
    name = socket.gethostname()
    found = [name] if _is_name(name) else []
    found += ["localhost", "127.0.0.1", "::1"]
    # Connecting a datagram socket sends nothing; it only chooses the address that faces outwards.
    for family, outside in ((socket.AF_INET, "192.0.2.1"), (socket.AF_INET6, "2001:db8::1")):
        with contextlib.suppress(OSError), socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect((outside, 9))
            found.append(str(probe.getsockname()[0]))
    return found


def _is_name(name: str) -> bool:
    try:
        return bool(parse_names([name]).names)
    except UsageError:
        return False


def seconds(now: float | None) -> int:
    """Epoch seconds: those given, else the clock's."""
    return int(time.time() if now is None else now)
