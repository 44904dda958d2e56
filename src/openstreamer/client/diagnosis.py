"""The check behind `openstreamer test`: one step after the other, each with what was found and what to do.

`diagnose` is a generator, so that a screen can show each finding as it comes. A step that fails ends what
builds upon it and nothing else: with an unusable PKCS#12 file the server is still looked up, connected to and
asked for its certificate. The parts:

    diagnosis_finding.py   what is checked, and one line of the report
    diagnosis_identity.py  the client's own files, certificates, the name check
    diagnosis_network.py   names, ports, the TLS handshake
    diagnosis_events.py    what arrives of what is asked for

Rules: messages, sections 1.1, 1.2 and 10 (connection, name check, certificates). Not here: mending anything;
nothing is written, no position is moved.
"""

from __future__ import annotations

import ssl
from collections.abc import Generator, Iterator

from openstreamer.client.connection import Connection, LostConnection
from openstreamer.client.credentials import KnownServers, fingerprint, make_context
from openstreamer.client.diagnosis_finding import DiagnosisSettings, Finding, Mark
from openstreamer.client.diagnosis_identity import (
    CertificateFacts,
    Identity,
    facts_of,
    name_check,
    read_identity,
    validity,
)
from openstreamer.client.diagnosis_network import Probe, attempts, describe_answer, lookup, old_tls, probe
from openstreamer.errors import OpenStreamerError, RefusedError, RemoteProtocolError, UsageError


def diagnose(settings: DiagnosisSettings, known: KnownServers | None = None) -> Iterator[Finding]:
    """Take the steps; gives each finding as soon as there is one."""
    identity = Identity()
    yield from read_identity(settings.credentials, identity)
    addresses = yield from lookup(settings.host, settings.port, ipv6=settings.ipv6)
    if not addresses:
        return
    reached = yield from attempts(addresses, settings.port, settings.timeout)
    if reached is None:
        return
    with reached.socket as raw:
        seen = probe(raw, identity, settings.timeout)
    yield from _tls(settings, seen)
    if not seen.spoke_tls:
        return
    shown = facts_of(seen.certificates[0]) if seen.certificates else None
    if shown is not None:
        yield _shown(shown)
    if not identity.usable or settings.credentials is None:
        yield Finding(
            step="admission",
            mark="note",
            text="nothing more can be tried without a certificate that can be used: see the step 'client'",
        )
        return
    connection = yield from _trust(settings, identity, shown, seen, known)
    if connection is None:
        return
    yield from _session(settings, identity, connection, reached.local, shown)


def _tls(settings: DiagnosisSettings, seen: Probe) -> Iterator[Finding]:
    if seen.version:
        mark: Mark = "ok"
        yield Finding(
            step="tls",
            mark=mark,
            text=f"{seen.version}, {seen.cipher}",
            details={"version": seen.version, "cipher": seen.cipher},
        )
        return
    if seen.certificates:
        yield Finding(
            step="tls",
            mark="note",
            text="the handshake went as far as the server's certificate, then the server ended it"
            + (f" ({seen.words})" if seen.words else ""),
        )
        return
    if seen.silent:
        yield Finding(
            step="tls",
            mark="failed",
            status=1,
            text=f"{settings.server} accepts the connection and then says nothing",
            cause="no TLS server answers there; a proxy, a firewall or a service that hangs accepts instead",
            advice="check host and port; on the server, restart the service that streams events",
        )
        return
    if seen.no_common_version:
        found = old_tls(settings.host, settings.port, settings.ipv6, settings.timeout)
        yield Finding(
            step="tls",
            mark="failed",
            status=3,
            text=f"{settings.server} speaks TLS, but no version or cipher that this client accepts"
            + (f": only {found}" if found else ""),
            cause=seen.words,
            advice="let the server allow TLS 1.2 or newer; older versions are no longer safe, and this client"
            " does not speak them",
        )
        return
    if seen.answer:
        what, advice = describe_answer(seen.answer)
        yield Finding(
            step="tls",
            mark="failed",
            status=4,
            text=f"{settings.server} does not speak TLS: {what}",
            cause="another service listens at this port",
            advice=advice,
            details={"answer": seen.answer[:200].decode("latin-1")},
        )
        return
    yield Finding(
        step="tls",
        mark="failed",
        status=1,
        text=f"{settings.server} breaks off the TLS handshake"
        + (f" ({seen.words})" if seen.words else " without a word"),
        cause="another service listens there, a firewall interferes, or the server takes no more connections",
        advice="check host and port, and look into the server's log",
    )


def _shown(shown: CertificateFacts) -> Finding:
    problem, advice = validity(shown, "server")
    return Finding(
        step="certificate",
        mark="failed" if problem and shown.unusable else "warning" if problem else "ok",
        status=3 if problem and shown.unusable else 0,
        text=shown.subject,
        more=shown.lines(),
        cause=problem,
        advice=advice,
        details=shown.for_programs(),
    )


def _trust(
    settings: DiagnosisSettings,
    identity: Identity,
    shown: CertificateFacts | None,
    seen: Probe,
    known: KnownServers | None,
) -> Generator[Finding, None, Connection | None]:
    """Connect as a client would; gives the connection, or None if one side refuses the other."""
    assert settings.credentials is not None
    context = make_context(settings.credentials)
    try:
        connection = Connection.open(
            settings.host, settings.port, context, ipv6=settings.ipv6, timeout=settings.timeout
        )
    except RefusedError as error:
        if isinstance(error.__cause__, ssl.SSLCertVerificationError):
            cause, advice = identity.explain_distrust(error.__cause__.verify_code, shown)
            yield Finding(
                step="trust",
                mark="failed",
                status=3,
                text=f"the server's certificate is not to be trusted: {error.__cause__.verify_message}",
                cause=cause,
                advice=advice,
            )
            return None
        if identity.authorities:
            yield _trusted(identity)
        yield from _refused(identity, error)
        return None
    except OpenStreamerError as error:
        yield Finding(
            step="admission",
            mark="failed",
            status=error.exit_status,
            text=str(error),
            cause="the handshake with the client's certificate fails where the server could not say why",
            advice="look into the server's log",
        )
        return None
    if context.verify_mode is ssl.CERT_REQUIRED:
        yield _trusted(identity)
        return connection
    finding = _pinned(settings, connection.peer_certificate(), known)
    yield finding
    if finding.mark == "failed":
        connection.close()
        return None
    return connection


def _trusted(identity: Identity) -> Finding:
    names = ", ".join(facts.subject for facts in identity.authorities)
    return Finding(step="trust", mark="ok", text=f"the server's certificate comes from {names}, as it should")


def _pinned(settings: DiagnosisSettings, certificate: bytes, known: KnownServers | None) -> Finding:
    pinned = known.pinned(settings.server) if known is not None else None
    found = fingerprint(certificate)
    if pinned is None:
        return Finding(
            step="trust",
            mark="warning",
            text="no authority is known: the server's certificate would be trusted now and pinned",
            cause="there is no certificate of an authority in the client's file, and no --ca",
            advice=f"compare the fingerprint with the server's operator: {found}",
        )
    if pinned == found:
        return Finding(step="trust", mark="ok", text="the server's certificate is the one that was pinned")
    assert known is not None
    return Finding(
        step="trust",
        mark="failed",
        status=3,
        text=f"the server shows another certificate than before (now {found})",
        cause="it was renewed, or somebody else answers in the server's place",
        advice=f"ask its operator; if it was renewed, remove the line of {settings.server} in {known.path}",
    )


def _refused(identity: Identity, error: OpenStreamerError) -> Iterator[Finding]:
    yield Finding(
        step="admission",
        mark="failed",
        status=3,
        text=str(error).partition(";")[0],
        cause=identity.explain_refusal(str(error)),
        advice="let the server's operator add this client (anew), and use the new PKCS#12 file:"
        " 'openstreamer clients add' here, System > Integration > eStreamer on a management center",
    )


def _session(
    settings: DiagnosisSettings,
    identity: Identity,
    connection: Connection,
    local: str,
    shown: CertificateFacts | None,
) -> Iterator[Finding]:
    from openstreamer.client.diagnosis_events import EventCheck

    check = EventCheck(settings, connection)
    for attempt in range(2):
        try:
            for finding in check.begin():
                if finding.step == "admission":
                    yield finding
                    yield from name_check(identity, local, let_in=True)
                else:
                    yield finding
            break
        except RefusedError as error:
            check.close()
            yield from _refused(identity, error)
            return
        except LostConnection as error:
            check.close()
            if attempt:
                yield _silent_close(error, identity, shown)
                yield from name_check(identity, local, let_in=False)
                return
            try:
                check.reconnect()
            except OpenStreamerError as again:
                yield Finding(step="admission", mark="failed", status=again.exit_status, text=str(again))
                return
        except (RemoteProtocolError, UsageError) as error:
            check.close()
            yield Finding(
                step="request",
                mark="failed",
                status=error.exit_status,
                text=str(error),
                cause="it speaks TLS, but not this protocol",
                advice="check host and port",
            )
            return
    if check.over:
        return
    try:
        yield from check.classes()
    finally:
        check.close()


def _silent_close(error: LostConnection, identity: Identity, shown: CertificateFacts | None) -> Finding:
    own = identity.certificate
    foreign = ""
    if own is not None and shown is not None and own.issuer != shown.issuer:
        foreign = (
            f"; and the client's certificate comes from {own.issuer}, the server's from {shown.issuer}: a"
            " server that makes both itself does not know the client's"
        )
    return Finding(
        step="admission",
        mark="failed",
        status=3,
        text="the server shakes hands and then closes the connection without a word",
        cause="it does not let this client in: the client is revoked or unknown there, its address is not the"
        " one in its certificate, or it has too many connections"
        + ("" if error.on_purpose else " (or the server crashes)")
        + foreign,
        advice="see the name check below; the server's log has the cause ('openstreamer clients list' shows"
        " who is revoked)",
    )
