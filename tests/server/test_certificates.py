"""What a running service does about certificates. Time is an argument: no test waits for it."""

from __future__ import annotations

import logging
import shutil
import socket
import ssl
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from openstreamer.authority import Authority, imports, read_pkcs12, rotation
from openstreamer.authority.certificates import CA_DAYS, CLIENT_DAYS, SERVER_DAYS, load_certificates
from openstreamer.client.credentials import ClientCredentials, make_context
from openstreamer.server.audit import AuditLog
from openstreamer.server.certificates import CertificateWatch, warnings
from openstreamer.server.settings import CertificateSettings
from openstreamer.server.snapshot import take
from support.hand_authorities import make
from support.live_service import HOST, LiveService, Start, append, event_number, intrusion, wait_until
from support.raw_client import RawClient, request, streaming_request
from support.tls_talk import client_context

DAY = 86400
FLAGS = 0x48900061
NOW = 1_800_000_000


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A state directory of `NOW` with one client, for tests without a service."""
    state = tmp_path_factory.mktemp("made")
    with Authority(state) as authority:
        authority.create(names=["server.example"], now=NOW)
        authority.issue("siem.example", now=NOW)
    return state


@pytest.fixture
def authority(made: Path, tmp_path: Path) -> Iterator[Authority]:
    shutil.copytree(made / "authority", tmp_path / "state" / "authority")
    with Authority(tmp_path / "state").load() as opened:
        yield opened


class Watched:
    """A watch and what it noted."""

    def __init__(self, authority: Authority, **settings: float) -> None:
        self.authority = authority
        self.settings = CertificateSettings(**settings)
        self.noted: list[str] = []
        self.watch = CertificateWatch(lambda action, details: self.noted.append(action))

    def look(self, now: float) -> list[str]:
        self.noted.clear()
        self.watch.look(self.authority, self.settings, now=now)
        return list(self.noted)

    def warned(self, now: float) -> list[str]:
        return [entry.sentence for entry in warnings(self.authority, self.settings, now=now)]


# --- the watch, without a service -------------------------------------------------------------------------


def test_the_server_is_renewed_in_time_and_once(authority: Authority) -> None:
    watched = Watched(authority)
    end = authority.files.server().expires
    assert end == NOW + SERVER_DAYS * DAY
    assert watched.look(end - 30 * DAY - 1) == []
    assert watched.look(end - 30 * DAY) == ["server certificate renewed"]
    assert authority.files.server().expires == end - 30 * DAY + SERVER_DAYS * DAY
    assert watched.look(end - 30 * DAY + 600) == []


@pytest.mark.parametrize(("days", "renewed"), [(90.0, True), (0.0, False)])
def test_renew_days_are_a_setting(authority: Authority, days: float, renewed: bool) -> None:
    watched = Watched(authority, renew_days=days)
    end = authority.files.server().expires
    assert bool(watched.look(end - 80 * DAY)) is renewed
    if not renewed:
        assert watched.look(end + DAY) == []
        assert any("renew-server" in sentence for sentence in watched.warned(end - DAY))


def test_one_that_has_expired_is_renewed(authority: Authority) -> None:
    end = authority.files.server().expires
    assert Watched(authority).look(end + 100 * DAY) == ["server certificate renewed"]


def test_a_ca_that_ends_is_told_of_once_a_day(authority: Authority, caplog: pytest.LogCaptureFixture) -> None:
    logging.getLogger("openstreamer").propagate = True
    watched = Watched(authority)
    near = NOW + (CA_DAYS - 20) * DAY
    watched.look(near)
    caplog.clear()
    watched.look(near + 600)
    watched.look(near + DAY - 1)
    assert "rotate" not in caplog.text
    watched.look(near + DAY)
    assert caplog.text.count("the CA ends in 19 days: 'openstreamer authority rotate'") == 1
    assert "the server's certificate ends in 19 days with its CA" in caplog.text


def test_clients_that_end_soon_are_told_of(authority: Authority) -> None:
    watched = Watched(authority, warn_days=20)
    end = NOW + CLIENT_DAYS * DAY
    assert watched.warned(end - 20 * DAY - 1) == []
    assert watched.warned(end - 20 * DAY) == [
        "the certificate of client siem.example ends in 20 days: 'openstreamer clients renew siem.example'"
    ]
    assert "has expired" in watched.warned(end + 1)[0]
    authority.renew("siem.example", now=end)
    assert watched.warned(end) == []


def test_a_change_of_ca_is_ended_at_its_time(authority: Authority, caplog: pytest.LogCaptureFixture) -> None:
    logging.getLogger("openstreamer").propagate = True
    watched = Watched(authority)
    begun = rotation.rotate(authority, overlap_days=30, now=NOW)
    assert begun is not None
    assert watched.look(begun.until - 1) == []
    assert any("1 clients have no certificate of the new CA" in sentence for sentence in watched.warned(NOW))
    assert watched.look(begun.until) == ["change of CA completed"]
    assert "refused from now on: siem.example" in caplog.text
    authority.files.server().certificate.verify_directly_issued_by(authority.files.ca().certificate)
    assert watched.look(begun.until + 600) == []


def test_an_imported_certificate_is_only_told_of(authority: Authority, tmp_path: Path) -> None:
    root = make("Company", NOW)
    server = make("web.example", NOW, issuer=root, ca=False, names=["web.example"], ends=100 * DAY)
    signed = imports.read_server(*server.write(tmp_path, "server", root), now=NOW)
    imports.import_server(authority, signed)
    watched = Watched(authority)
    assert watched.look(NOW + 90 * DAY) == watched.look(NOW + 110 * DAY) == []
    assert authority.files.server().certificate == server.certificate
    assert "ends in 10 days, and was made by others" in watched.warned(NOW + 90 * DAY)[0]


def test_what_fails_is_told_and_stops_nothing_else(
    authority: Authority, caplog: pytest.LogCaptureFixture
) -> None:
    logging.getLogger("openstreamer").propagate = True
    authority.files.server_file.write_bytes(b"rubbish")
    Watched(authority).look(NOW)
    assert "server.pem" in caplog.text
    assert authority.files.revoked_file.exists()


# --- a running service ------------------------------------------------------------------------------------


class Clock:
    """A clock that tests set."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def __call__(self) -> float:
        return time.time() + self.ahead


def shown(live: LiveService) -> bytes:
    """The certificate that the service shows to a client."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.load_cert_chain(live.certificates["one"])
    with (
        socket.create_connection((HOST, live.port), 10) as plain,
        context.wrap_socket(plain, server_hostname="x") as secured,
    ):
        found = secured.getpeercert(binary_form=True)
        assert found is not None
        return found


def stream(client: RawClient) -> None:
    client.send(request(0, FLAGS))
    assert client.message()[0] == 2051
    client.send(streaming_request(0, FLAGS, [(12, 11)]))


def pem_of(path: Path, content: bytes) -> Path:
    credentials = read_pkcs12(content)
    path.write_bytes(credentials.certificate_pem + credentials.private_key_pem)
    return path


def test_a_renewal_reaches_new_connections_and_leaves_sessions_alone(start: Start) -> None:
    clock = Clock()
    live = start(clock=clock)
    first = shown(live)
    append(live.store, [(400, intrusion(1))])
    with live.client() as client:
        stream(client)
        assert event_number(client.records(1)[0].data) == 1
        clock.ahead = (SERVER_DAYS - 10) * DAY
        live.call(live.service.look_after_certificates)
        second = shown(live)
        assert second != first
        append(live.store, [(400, intrusion(2))])
        assert event_number(client.records(1)[0].data) == 2
    (change, *_) = AuditLog(live.state.audit).newest(1)
    assert (change.action, change.who) == ("server certificate renewed", "by the service")
    snapshot = live.call(lambda: take(live.service))
    assert snapshot.certificate_expires == live.service.authority.files.server().expires


def test_an_expired_certificate_is_renewed_at_the_start(start: Start) -> None:
    clock = Clock()
    clock.ahead = (SERVER_DAYS + 10) * DAY
    live = start(clock=clock)
    end = live.service.authority.files.server().expires
    assert abs(end - clock() - SERVER_DAYS * DAY) < 3600
    (certificate,) = load_certificates(ssl.DER_cert_to_PEM_cert(shown(live)).encode(), "")
    assert int(certificate.not_valid_after_utc.timestamp()) == end


def test_files_that_another_process_replaces_count_without_a_reload(start: Start) -> None:
    live = start()
    first = shown(live)
    with Authority(live.state.path).load() as other:
        other.renew_server(within_days=None)
    wait_until(lambda: shown(live) != first, 5, "the new certificate")


def test_bad_files_leave_the_former_ones_in_use(start: Start, caplog: pytest.LogCaptureFixture) -> None:
    logging.getLogger("openstreamer").propagate = True
    live = start()
    first = shown(live)
    (live.state.authority / "server.pem").write_bytes(b"rubbish")
    with Authority(live.state.path) as other:
        other.registry.touch()
    wait_until(lambda: "the former ones stay in use" in caplog.text)
    assert shown(live) == first


def test_a_session_of_a_replaced_certificate_ends_with_its_overlap(start: Start, tmp_path: Path) -> None:
    clock = Clock()
    live = start(clock=clock)
    with Authority(live.state.path) as other:  # as another process does
        live.certificates = {
            **live.certificates,
            "new": pem_of(tmp_path / "new.pem", other.renew("one.invalid")),
        }
    with live.client() as old, live.client("new") as new, live.client("two") as third:
        for client in (old, new, third):
            stream(client)
        wait_until(lambda: len(live.service.sessions) == 3)
        clock.ahead = 13 * DAY
        append(live.store, [(400, intrusion(1))])
        for client in (old, new, third):
            assert event_number(client.records(1)[0].data) == 1
        clock.ahead = 14 * DAY
        old.closed(timeout=5)
        wait_until(lambda: live.service.statistics.ended["replaced"] == 1)
        append(live.store, [(400, intrusion(2))])
        for client in (new, third):
            assert event_number(client.records(1)[0].data) == 2
        with live.client() as again:
            assert again.closed() == []
        wait_until(lambda: live.service.statistics.refused["replaced"] == 1)


def test_without_overlap_live_sessions_end_at_once(start: Start) -> None:
    live = start()
    with live.client() as client, live.client("two") as other:
        stream(client)
        stream(other)
        wait_until(lambda: len(live.service.sessions) == 2)
        with Authority(live.state.path) as another_process:
            another_process.renew("one.invalid", overlap_days=0)
        client.closed(timeout=5)
        wait_until(lambda: live.service.statistics.ended["replaced"] == 1)
        assert len(live.service.sessions) == 1


def test_a_change_of_ca_under_a_running_service(start: Start, tmp_path: Path) -> None:
    clock = Clock()
    live = start(clock=clock)
    append(live.store, [(400, intrusion(1))])
    with Authority(live.state.path).load() as other:
        before = read_pkcs12(other.download("two.invalid"))
        with live.client() as early:
            stream(early)
            early.records(1)
            assert live.call(lambda: take(live.service)).authority_rotation is None
            rotation.rotate(other, overlap_days=0.5)
            wait_until(lambda: live.call(lambda: take(live.service)).authority_rotation is not None)
            change = live.call(lambda: take(live.service)).authority_rotation
            assert change is not None
            assert "two.invalid" in change.not_renewed
            content = other.issue("new.invalid", [HOST])
            (tmp_path / "new.p12").write_bytes(content)
            live.certificates = {**live.certificates, "new": pem_of(tmp_path / "new.pem", content)}
            wait_until(lambda: len(live.service.authority.files.trusted()) == 2)
            for name in ("new", "two"):
                with live.client(name) as client:
                    stream(client)
                    client.records(1)
            # The session that was there before goes on, until the overlap is over.
            append(live.store, [(400, intrusion(2))])
            assert event_number(early.records(1)[0].data) == 2
            clock.ahead = DAY / 2 + 1
            early.closed(timeout=5)
            wait_until(lambda: live.service.statistics.ended["former CA"] == 1)
        live.call(live.service.look_after_certificates)
    with live.client("new") as client:
        stream(client)
        client.records(2)
    with live.client("two") as client:
        assert client.closed() == []
    wait_until(lambda: live.service.statistics.refused["former CA"] == 1)
    own = make_context(ClientCredentials(pkcs12=str(tmp_path / "new.p12")))
    with (
        socket.create_connection((HOST, live.port), 10) as plain,
        own.wrap_socket(plain, server_hostname="localhost") as secured,
    ):
        assert secured.version()
    with socket.create_connection((HOST, live.port), 10) as plain, pytest.raises(ssl.SSLError):
        client_context(before).wrap_socket(plain, server_hostname="localhost")


def test_positions_of_many_sessions_are_noted_in_one_transaction(start: Start) -> None:
    live = start()
    calls: list[int] = []
    registry = live.service.authority.registry
    seen_all = registry.seen_all

    def counted(rows: list[tuple[str, int, str, int | None]]) -> None:
        calls.append(len(rows))
        seen_all(rows)

    registry.seen_all = counted  # type: ignore[method-assign, assignment]
    with live.client() as one, live.client("two") as two, live.client("anywhere") as three:
        for client in (one, two, three):
            stream(client)
        wait_until(lambda: len(live.service.sessions) == 3)
        live.call(live.service._note_seen)
        assert calls == [3]
        for host in ("one.invalid", "two.invalid", "anywhere.invalid"):
            assert registry.get(host).last_address == HOST
