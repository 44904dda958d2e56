"""What a running service does about certificates as time goes by.

The server's certificate is renewed before it ends; a change to a new CA is ended when its overlap is over;
the revocation list is kept fresh; what people have to do (about a CA, a client or an imported certificate
that ends) is said once a day. Time is an argument. `openstreamer.authority.lifetime` decides what is due.
Rules: `docs/certificates.md`. Not here: making the listener take new certificates (`service`).
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from openstreamer.authority import Authority
from openstreamer.authority.lifetime import CA_DAYS_LEFT, DAY, ends_within, in_words
from openstreamer.errors import OpenStreamerError
from openstreamer.server.settings import CertificateSettings

log = logging.getLogger("openstreamer.server")

Note = Callable[[str, dict[str, Any]], None]
"""Takes an action and its details, for the audit log."""


FORGOTTEN_DAYS = 60
"""So long after its end a client's certificate is spoken of no more."""


class Warned(NamedTuple):
    """Something that people have to do. `about` is the same for the same matter, day after day."""

    about: str
    sentence: str


class CertificateWatch:
    """Looks after the certificates of one authority. Used by one thread at a time.

    `note` is told of each change that was made here.
    """

    def __init__(self, note: Note) -> None:
        self._note = note
        self._warned: dict[str, float] = {}

    def look(self, authority: Authority, settings: CertificateSettings, *, now: float) -> None:
        """Do what is due at this moment (epoch seconds), and say what people have to do.

        What fails is logged and tried again at the next look.
        """
        for step in (self._end_rotation, self._renew_server, self._refresh_revocation_list):
            try:
                step(authority, settings, now)
            except OpenStreamerError as error:
                log.error("certificates: %s", error)
        try:
            self._warn(warnings(authority, settings, now=now), now)
        except OpenStreamerError as error:
            log.error("certificates: %s", error)

    def _end_rotation(self, authority: Authority, settings: CertificateSettings, now: float) -> None:
        from openstreamer.authority import rotation

        begun = rotation.under_way(authority)
        if begun is not None and begun.until <= now:
            left = rotation.show(authority).not_renewed
            rotation.finish(authority, now=now)
            log.warning(
                "the change to the new CA is complete%s",
                f"; refused from now on: {', '.join(left)} ('openstreamer clients renew')" if left else "",
            )
            self._note("change of CA completed", {"not renewed": list(left)})

    def _renew_server(self, authority: Authority, settings: CertificateSettings, now: float) -> None:
        if not settings.renew_days:
            return
        if authority.renew_server(within_days=settings.renew_days, now=now):
            end = authority.files.server().expires
            log.info("the server's certificate was renewed: it now %s", in_words(now, end))
            self._note("server certificate renewed", {"expires": end})

    def _refresh_revocation_list(
        self, authority: Authority, settings: CertificateSettings, now: float
    ) -> None:
        from openstreamer.authority import revocation

        if revocation.refresh(authority, now=int(now)):
            log.debug("the revocation list was written anew")

    def _warn(self, found: Iterator[Warned], now: float) -> None:
        for warned in found:
            if now - self._warned.get(warned.about, now - DAY) >= DAY:
                self._warned[warned.about] = now
                log.warning("%s", warned.sentence)


def warnings(authority: Authority, settings: CertificateSettings, *, now: float) -> Iterator[Warned]:
    """What people have to do about certificates at this moment."""
    from openstreamer.authority import rotation

    state = rotation.show(authority)
    server = state.server
    if server.begins > now:
        yield Warned(
            "server begins", "the server's certificate is not valid yet: is the clock of this machine right?"
        )
    issuing = state.authorities[0]
    if ends_within(now, server.expires, days=settings.warn_days):
        words = f"the server's certificate {in_words(now, server.expires)}"
        if not server.ours:
            yield Warned("server", f"{words}, and was made by others: 'openstreamer authority import-server'")
        elif not settings.renew_days:
            yield Warned("server", f"{words}: 'openstreamer authority renew-server'")
        elif state.rotation is None and server.expires > issuing.expires - DAY:
            yield Warned("server", f"{words} with its CA: 'openstreamer authority rotate'")
    if ends_within(now, issuing.expires, days=CA_DAYS_LEFT):
        yield Warned("ca", f"the CA {in_words(now, issuing.expires)}: 'openstreamer authority rotate'")
    if state.rotation is not None and state.not_renewed:
        yield Warned(
            "rotation",
            f"{len(state.not_renewed)} clients have no certificate of the new CA yet, and the old one "
            f"{in_words(now, state.rotation.until)}: 'openstreamer authority show'",
        )
    for entry in authority.registry.newest_certificates():
        # Nobody misses one that ended long ago.
        if ends_within(now, entry.ends, days=settings.warn_days) and now - entry.ends < FORGOTTEN_DAYS * DAY:
            yield Warned(
                f"client {entry.host}",
                f"the certificate of client {entry.host} {in_words(now, entry.ends)}: "
                f"'openstreamer clients renew {entry.host}'",
            )
