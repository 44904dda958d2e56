"""The steps of `openstreamer test`, each failure with a real peer that shows it."""

from __future__ import annotations

import contextlib
import datetime
import socket
import ssl
import struct
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import PrivateFormat, pkcs12

from openstreamer.authority import Authority as OwnAuthority
from openstreamer.client.credentials import ClientCredentials, KnownServers
from openstreamer.client.diagnosis import diagnose
from openstreamer.client.diagnosis_finding import STEPS, DiagnosisSettings, Finding, exit_status
from openstreamer.client.diagnosis_identity import facts_of, old_cipher
from openstreamer.client.diagnosis_network import certificates_in, describe_answer
from openstreamer.client.request import NEWEST
from openstreamer.layouts.records import EVENT_CLASSES
from openstreamer.layouts.requests import NUMBER_OF_CLASS
from support import hand_made
from support.certificates import Authority, authority
from support.hand_made import record
from support.live_service import LiveService, Start, append, intrusion, packet, rule_message, start, template
from support.peers import openssl
from support.programs import program
from support.scripted_server import Conversation, serving

__all__ = ["start", "template"]

NOW = int(time.time())
CONNECTIONS = struct.pack(">HH", NEWEST["connection"], NUMBER_OF_CLASS["connection"])
INTRUSIONS = struct.pack(">HH", NEWEST["intrusion"], NUMBER_OF_CLASS["intrusion"])
"""How requests for these events look in the list."""


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Peers on this machine need no such patience."""
    monkeypatch.setattr("openstreamer.client.diagnosis_events.QUIET_SECONDS", 0.8)


class Report:
    """The findings of one check, to be asked by step."""

    def __init__(self, findings: list[Finding]) -> None:
        self.findings = findings
        self.status = exit_status(findings)
        assert {finding.step for finding in findings} <= set(STEPS)

    def __getitem__(self, step: str) -> Finding:
        """The only finding of a step."""
        found = [finding for finding in self.findings if finding.step == step]
        assert len(found) == 1, self.words()
        return found[0]

    def __contains__(self, step: str) -> bool:
        return any(finding.step == step for finding in self.findings)

    def classes(self) -> dict[str, str]:
        return {
            finding.details["class"]: finding.details["state"]
            for finding in self.findings
            if "class" in finding.details
        }

    def words(self) -> str:
        return "\n".join(
            f"{f.step} {f.mark}: {f.text} / {f.cause} / {f.advice} ({f.status})" for f in self.findings
        )


def check(port: int, host: str = "127.0.0.1", **options: Any) -> Report:
    options.setdefault("seconds", 15.0)
    return Report(list(diagnose(DiagnosisSettings(host=host, port=port, **options))))


def own_client(live: LiveService, folder: Path, host: str = "localhost", **options: Any) -> ClientCredentials:
    """A client of the running service, with its PKCS#12 file."""
    with OwnAuthority(live.state.path).load() as own:
        data = own.issue(host, **options)
    path = folder / f"{host.replace(':', '_')}.pkcs12"
    path.write_bytes(data)
    return ClientCredentials(pkcs12=str(path), password=options.get("password"))


def a_client(folder: Path) -> ClientCredentials:
    return ClientCredentials(pkcs12=str(authority().pkcs12(folder / "client.pkcs12", "client")))


# --- all is well ------------------------------------------------------------------------------------------


def test_a_client_that_is_let_in_hears_what_arrives(start: Start, tmp_path: Path) -> None:
    live = start()
    append(
        live.store,
        [(400, intrusion(1)), (2, packet(1))],
        now=int(time.time()) - 7,
        metadata=[(66, rule_message(1000, "x"))],
    )
    credentials = own_client(live, tmp_path)
    report = check(live.port, "localhost", credentials=credentials)
    assert report.status == 0, report.words()
    assert [finding.step for finding in report.findings if finding.mark in ("failed", "warning")] == []
    assert report["certificate"].details["names"]
    assert "TLSv1.3" in report["tls"].text
    assert "they agree" in report["name-check"].text
    assert "6667" in report["request"].text
    states = report.classes()
    assert tuple(states) == EVENT_CLASSES
    assert {name for name, state in states.items() if state == "arrives"} == {"intrusion", "packet"}
    assert set(states.values()) == {"arrives", "nothing"}
    assert 7 <= report["clock"].details["age_seconds"] < 100


def test_an_event_type_that_is_off_does_not_arrive(start: Start, tmp_path: Path) -> None:
    live = start()
    append(live.store, [(400, intrusion(1)), (2, packet(1))], now=NOW)
    credentials = own_client(live, tmp_path, events=["packet"])
    report = check(live.port, credentials=credentials, events=("intrusion", "packet"))
    assert report.classes() == {"intrusion": "nothing", "packet": "arrives"}
    off = next(f for f in report.findings if f.details.get("class") == "intrusion")
    assert "the event type is off" in off.cause
    assert "openstreamer events" in off.advice
    assert report.status == 0


def test_flag_bits_alone(start: Start, tmp_path: Path) -> None:
    live = start()
    append(live.store, [(400, intrusion(1))], now=NOW)
    report = check(live.port, credentials=own_client(live, tmp_path), extended=False)
    states = report.classes()
    assert states["intrusion"] == "arrives"
    assert states["file"] == states["malware"] == "refused"
    assert report.status == 0, report.words()


def test_where_very_much_is_stored_each_class_is_asked_for(tmp_path: Path) -> None:
    """One class drowns the others; the newest event is looked for from near to far."""
    hour = int(time.time()) - 3600

    def flood(conversation: Conversation) -> None:
        since, _ = conversation.greet()
        asked_for_alone = INTRUSIONS not in conversation.received[-1][1]
        if since >= hour - 10:
            conversation.bundles([record(400, hand_made.intrusion_85(event_id=1), NOW - 100)])
            conversation.wait_for_end()
        if asked_for_alone:
            conversation.bundles([record(71, hand_made.connection_174(1), NOW - 9000)])
            conversation.wait_for_end()
        for number in range(2000):
            body = hand_made.intrusion_85(event_id=number)
            conversation.send(hand_made.bundle(number, [record(400, body, NOW - 9000 + number // 100)]))
            assert conversation.receive() == (0, b"")
            time.sleep(0.02)

    with serving(flood, tmp_path) as server:
        wanted = ("intrusion", "connection")
        report = check(server.port, credentials=a_client(tmp_path), events=wanted, seconds=3.0)
    assert report.classes() == {"intrusion": "arrives", "connection": "arrives"}
    assert report["clock"].details["newest"] == NOW - 100


def test_clocks_that_differ(tmp_path: Path) -> None:
    def ahead(conversation: Conversation) -> None:
        conversation.greet()
        conversation.bundles([record(400, hand_made.intrusion_85(event_id=1), int(time.time()) + 600)])
        conversation.wait_for_end()

    with serving(ahead, tmp_path) as server:
        report = check(server.port, credentials=a_client(tmp_path), events=("intrusion",))
    assert report["clock"].mark == "warning"
    assert "ahead" in report["clock"].cause
    assert report.status == 0


# --- no server --------------------------------------------------------------------------------------------


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def test_no_such_name(tmp_path: Path) -> None:
    report = check(8302, "no-such-host.invalid", credentials=a_client(tmp_path))
    assert report.status == 1
    assert "no address" in report["name"].text
    assert "connect" not in report


def test_only_the_other_family(tmp_path: Path) -> None:
    report = check(8302, "127.0.0.1", credentials=a_client(tmp_path), ipv6=True)
    assert report["name"].advice == "leave out --ipv6"


def test_a_closed_port(tmp_path: Path) -> None:
    report = check(free_port(), credentials=a_client(tmp_path))
    assert report.status == 1
    assert "connection refused" in report["connect"].text
    assert "nothing listens" in report["connect"].cause


class Unreachable(socket.socket):
    """A socket that fails as the system does where packets go nowhere."""

    error: OSError

    def connect(self, address: Any) -> None:
        raise self.error


@pytest.mark.parametrize(
    ("error", "said", "why"),
    [
        (TimeoutError("timed out"), "no answer within", "a firewall drops"),
        (OSError(101, "Network is unreachable"), "no route", "knows no way"),
        (OSError(113, "No route to host"), "no route", "knows no way"),
        (PermissionError(1, "Operation not permitted"), "not permitted", "packet filter"),
    ],
)
def test_no_way_to_the_server(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: OSError, said: str, why: str
) -> None:
    """No address is sure to fail in these ways on every machine, so the system's answer is made up."""
    monkeypatch.setattr(Unreachable, "error", error, raising=False)
    monkeypatch.setattr("openstreamer.client.diagnosis_network.socket.socket", Unreachable)
    report = check(8302, "192.0.2.1", credentials=a_client(tmp_path))
    assert report.status == 1
    assert said in report["connect"].text
    assert why in report["connect"].cause


def test_one_dead_address_of_two_is_a_warning(
    start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    live = start()
    addresses = [(socket.AF_INET6, ("::1", live.port, 0, 0)), (socket.AF_INET, ("127.0.0.1", live.port))]
    monkeypatch.setattr("openstreamer.client.diagnosis_network.resolve", lambda *_, **__: addresses)
    report = check(live.port, credentials=own_client(live, tmp_path), events=("intrusion",), seconds=1.0)
    marks = {f.details["address"]: f.mark for f in report.findings if f.step == "connect"}
    assert marks == {"::1": "warning", "127.0.0.1": "ok"}
    assert report.status == 0, report.words()


# --- no TLS -----------------------------------------------------------------------------------------------


@contextlib.contextmanager
def plain_server(greeting: bytes = b"", answer: bytes = b"", *, hang: bool = False) -> Iterator[int]:
    """A server without TLS: says something at once, or when it was spoken to, or nothing."""
    over = threading.Event()

    def serve(listener: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                peer, _ = listener.accept()
                with peer:
                    peer.settimeout(20)
                    if greeting:
                        peer.sendall(greeting)
                    if hang:
                        over.wait(20)
                    peer.recv(4096)
                    peer.sendall(answer)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, args=(listener,), daemon=True)
        thread.start()
        yield int(listener.getsockname()[1])
        over.set()
        listener.shutdown(socket.SHUT_RDWR)
    thread.join(20)


@pytest.mark.parametrize(
    ("greeting", "answer", "said"),
    [
        (b"SSH-2.0-OpenSSH_9.2\r\n", b"", "an SSH server answers ('SSH-2.0-OpenSSH_9.2')"),
        (b"", b"HTTP/1.1 400 Bad Request\r\n\r\n", "a web server without TLS answers"),
        (b"220 mail.example ESMTP\r\n", b"", "a mail server answers"),
        (b"hello there\n", b"", "it answers 'hello there'"),
    ],
)
def test_another_service_at_the_port(tmp_path: Path, greeting: bytes, answer: bytes, said: str) -> None:
    with plain_server(greeting, answer) as port:
        report = check(port, credentials=a_client(tmp_path))
    assert report.status == 4
    assert "does not speak TLS" in report["tls"].text
    assert said in report["tls"].text
    assert "certificate" not in report


def test_a_port_that_says_nothing(tmp_path: Path) -> None:
    with plain_server(hang=True) as port:
        report = check(port, credentials=a_client(tmp_path), timeout=1.0)
    assert report.status == 1
    assert "then says nothing" in report["tls"].text


def test_a_port_that_closes_at_once(tmp_path: Path) -> None:
    with plain_server() as port:
        report = check(port, credentials=a_client(tmp_path))
    assert report.status == 1
    assert "breaks off the TLS handshake" in report["tls"].text


def test_services_are_known_by_their_first_bytes() -> None:
    assert describe_answer(b"\x00\x01\x00\x01\x00\x00\x00\x08")[0].startswith(
        "an eStreamer server without TLS"
    )
    assert describe_answer(b"* OK IMAP4rev1\r\n")[0].startswith("an IMAP server")
    assert "\\x" not in describe_answer(b"\x00\x01\xff\xfe odd")[0]


@contextlib.contextmanager
def s_server(folder: Path, *arguments: str) -> Iterator[int]:
    """OpenSSL's own server, with a certificate of another authority."""
    certificate, key = Authority("Elsewhere").pem_files(folder, "elsewhere", server=True)
    port = free_port()
    command = [
        program("openssl"), "s_server", "-accept", f"127.0.0.1:{port}", "-cert", str(certificate),
        "-key", str(key), "-quiet", *arguments,
    ]  # fmt: skip
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                break
            time.sleep(0.05)
        yield port
    finally:
        process.kill()
        process.wait(20)


@pytest.mark.parametrize("version", ["-tls1_2", "-tls1_3"])
def test_another_tls_server_is_shown_and_not_trusted(tmp_path: Path, version: str) -> None:
    with s_server(tmp_path, version) as port:
        report = check(port, credentials=a_client(tmp_path))
    assert report.status == 3
    assert report["certificate"].details["issuer"] == "CN=Elsewhere"
    assert "not to be trusted" in report["trust"].text
    assert "it comes from CN=Elsewhere; the client's file knows CN=Test CA" in report["trust"].cause


def test_a_server_of_old_tls_only(tmp_path: Path) -> None:
    with s_server(tmp_path, "-tls1_1", "-cipher", "ALL:@SECLEVEL=0") as port:
        report = check(port, credentials=a_client(tmp_path))
    assert report.status == 3
    assert "only TLSv1.1" in report["tls"].text


def test_a_tls_server_that_speaks_something_else(tmp_path: Path) -> None:
    """With the right certificate, and HTTP behind it."""

    def web(conversation: Conversation) -> None:
        conversation.send(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        conversation.wait_for_end()

    with serving(web, tmp_path) as server:
        report = check(server.port, credentials=a_client(tmp_path))
    assert report.status == 4
    assert report["request"].mark == "failed"
    assert "not this protocol" in report["request"].cause


# --- this client's own files ------------------------------------------------------------------------------


def test_no_file_is_given(start: Start) -> None:
    """The network is looked at all the same."""
    report = check(start().port)
    assert report.status == 2
    assert report["client"].text == "no client certificate is given"
    assert report["certificate"].mark == "ok"
    assert report["admission"].mark == "note"


def files(folder: Path) -> tuple[x509.Certificate, Any, x509.Certificate]:
    own = authority()
    certificate, key = own.issue("client")
    return certificate, key, own.certificate


def write(path: Path, content: bytes) -> ClientCredentials:
    path.write_bytes(content)
    return ClientCredentials(pkcs12=str(path))


def test_files_that_cannot_be_used(tmp_path: Path) -> None:
    certificate, key, ca = files(tmp_path)
    locked = serialization.BestAvailableEncryption(b"right")
    good = pkcs12.serialize_key_and_certificates(b"x", key, certificate, [ca], locked)
    keyless = pkcs12.serialize_key_and_certificates(
        b"x", None, certificate, [ca], serialization.NoEncryption()
    )
    path = tmp_path / "client.pkcs12"
    port = free_port()

    def about(credentials: ClientCredentials) -> Finding:
        report = check(port, credentials=credentials)
        assert report.status == 2, report.words()
        return report["client"]

    missing = about(ClientCredentials(pkcs12=str(tmp_path / "none.pkcs12")))
    assert missing.cause == "there is no such file"
    no_password = about(write(path, good))
    assert no_password.cause == "no password was given"
    assert "--password-file" in no_password.advice
    wrong = about(ClientCredentials(pkcs12=str(path), password="wrong"))
    assert "the password is another one" in wrong.cause
    assert "no private key" in about(write(path, keyless)).text
    assert "is not a PKCS#12 file" in about(write(path, b"what is this?" * 10)).text
    assert "is a PEM file" in about(write(path, ca.public_bytes(serialization.Encoding.PEM))).text
    _, other = authority().issue("other")
    pem = tmp_path / "client.pem"
    pem.write_bytes(
        certificate.public_bytes(serialization.Encoding.PEM)
        + other.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    assert "does not belong to" in about(ClientCredentials(certificate=str(pem))).text


def legacy_file(folder: Path, cipher: str) -> bytes:
    """A PKCS#12 file as OpenSSL 1.0 made it by default: RC2 with 40 bits for the certificates."""
    certificate, key, ca = files(folder)
    encoding = serialization.Encoding.PEM
    pem = key.private_bytes(encoding, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    pem += certificate.public_bytes(encoding) + ca.public_bytes(encoding)
    (folder / "all.pem").write_bytes(pem)
    made = openssl(
        "pkcs12", "-export", "-legacy", "-certpbe", cipher, "-in", folder / "all.pem",
        "-passout", "pass:secret", "-out", folder / "old.pkcs12",
    )  # fmt: skip
    assert made.returncode == 0, made.stderr
    return (folder / "old.pkcs12").read_bytes()


@pytest.mark.parametrize(
    ("cipher", "said"), [("PBE-SHA1-RC2-40", "RC2 with 40 bits"), ("PBE-SHA1-3DES", "3DES")]
)
def test_a_file_in_the_old_form(tmp_path: Path, cipher: str, said: str) -> None:
    content = legacy_file(tmp_path, cipher)
    assert old_cipher(content) == said
    credentials = ClientCredentials(pkcs12=str(tmp_path / "old.pkcs12"), password="secret")
    report = check(free_port(), credentials=credentials)
    old, opened = [finding for finding in report.findings if finding.step == "client"]
    assert old.mark == "warning"
    assert said in old.text
    assert opened.mark == "ok"


def test_a_file_in_todays_form_is_no_old_one(tmp_path: Path) -> None:
    certificate, key, ca = files(tmp_path)
    modern = (
        PrivateFormat.PKCS12.encryption_builder()
        .key_cert_algorithm(pkcs12.PBES.PBESv2SHA256AndAES256CBC)
        .build(b"secret")
    )
    for encryption in (serialization.NoEncryption(), modern):
        assert not old_cipher(pkcs12.serialize_key_and_certificates(b"x", key, certificate, [ca], encryption))


@pytest.mark.parametrize("tls", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_an_expired_client_certificate(tmp_path: Path, tls: ssl.TLSVersion) -> None:
    certificate, key = authority().issue("client", days=-1)
    content = pkcs12.serialize_key_and_certificates(
        b"x", key, certificate, [authority().certificate], serialization.NoEncryption()
    )
    with serving(lambda conversation: conversation.wait_for_end(), tmp_path, tls=tls) as server:
        report = check(server.port, credentials=write(tmp_path / "old.pkcs12", content))
    assert report["client"].mark == "failed"
    assert "it expired on" in report["client"].cause
    assert report.status == 3
    assert "has expired" in report["admission"].text
    assert report["certificate"].mark == "ok", "shown also where the server ends the handshake"
    assert report["trust"].mark == "ok"


def test_certificates_that_are_not_valid_yet_point_at_the_clock(tmp_path: Path) -> None:
    own = authority()
    key = ec.generate_private_key(ec.SECP256R1())
    begin = datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=2)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(own.certificate.subject)
        .issuer_name(own.certificate.subject)
        .public_key(key.public_key())
        .serial_number(7)
        .not_valid_before(begin)
        .not_valid_after(begin + datetime.timedelta(days=2))
        .sign(own.key, hashes.SHA256())
    )
    content = pkcs12.serialize_key_and_certificates(
        b"x", key, certificate, None, serialization.NoEncryption()
    )
    report = check(free_port(), credentials=write(tmp_path / "early.pkcs12", content))
    assert "this machine's clock says" in report["client"].cause
    assert "set the clock" in report["client"].advice


def test_a_key_that_is_too_short_for_tls(tmp_path: Path) -> None:
    own = authority()
    key = rsa.generate_private_key(65537, 1024)
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(own.certificate.subject)
        .issuer_name(own.certificate.subject)
        .public_key(key.public_key())
        .serial_number(8)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .sign(own.key, hashes.SHA256())
    )
    content = pkcs12.serialize_key_and_certificates(
        b"x", key, certificate, None, serialization.NoEncryption()
    )
    report = check(free_port(), credentials=write(tmp_path / "short.pkcs12", content))
    assert "too short" in report["client"].cause


# --- one side refuses the other ---------------------------------------------------------------------------


def test_an_expired_server_certificate(tmp_path: Path) -> None:
    with serving(lambda conversation: conversation.wait_for_end(), tmp_path, days=-1) as server:
        report = check(server.port, credentials=a_client(tmp_path))
    assert report["certificate"].mark == "failed"
    assert "it expired on" in report["certificate"].cause
    assert "expired" in report["trust"].text
    assert report.status == 3


def test_the_same_name_with_another_key(tmp_path: Path) -> None:
    """A server that was set up anew."""
    with serving(lambda c: c.wait_for_end(), tmp_path, own=Authority("Test CA")) as server:
        report = check(server.port, credentials=a_client(tmp_path))
    assert "another key of that name" in report["trust"].cause
    assert "fetch the client's file again" in report["trust"].advice


@pytest.mark.parametrize("tls", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_client_of_another_authority(tmp_path: Path, tls: ssl.TLSVersion) -> None:
    with serving(
        lambda conversation: conversation.wait_for_end(), tmp_path, clients=Authority("Other"), tls=tls
    ) as server:
        report = check(server.port, credentials=a_client(tmp_path))
    assert report.status == 3
    assert report["trust"].mark == "ok"
    assert "does not know the authority" in report["admission"].text
    assert "the server trusts another authority" in report["admission"].cause


def test_our_server_with_a_client_of_another_authority(start: Start, tmp_path: Path) -> None:
    live = start()
    ca = tmp_path / "ca.pem"
    ca.write_bytes((live.state.authority / "trusted.pem").read_bytes())
    foreign = str(live.certificates["foreign"])
    report = check(live.port, credentials=ClientCredentials(certificate=foreign, authority=str(ca)))
    assert report.status == 3
    assert report["trust"].mark == "ok"
    assert "does not know the authority" in report["admission"].text
    assert "name-check" not in report, "that is not why"


def test_a_silent_close_names_the_other_authority(tmp_path: Path) -> None:
    """Where no alert comes, the different authorities of the two certificates are the best guess."""
    elsewhere = Authority("Elsewhere")
    certificate, key = elsewhere.pem_files(tmp_path, "foreign")
    ca = tmp_path / "ca.pem"
    ca.write_bytes(authority().pem)
    credentials = ClientCredentials(certificate=str(certificate), key=str(key), authority=str(ca))
    with serving(lambda conversation: conversation.close(), tmp_path, clients=elsewhere) as server:
        report = check(server.port, credentials=credentials)
    assert report.status == 3
    assert "from CN=Elsewhere, the server's from CN=Test CA" in report["admission"].cause


def test_a_revoked_client(start: Start, tmp_path: Path) -> None:
    live = start()
    credentials = own_client(live, tmp_path)
    with OwnAuthority(live.state.path).load() as own:
        own.revoke("localhost")
    report = check(live.port, credentials=credentials)
    assert report.status == 3
    assert "closes the connection without a word" in report["admission"].text
    assert "revoked" in report["admission"].cause
    assert report["name-check"].mark == "ok"
    assert "revoked is refused in the same way" in report["name-check"].cause


def test_a_name_that_is_not_ours(start: Start, tmp_path: Path) -> None:
    live = start()
    report = check(live.port, credentials=own_client(live, tmp_path, "192.0.2.98"))
    assert report.status == 3
    assert report["admission"].mark == report["name-check"].mark == "failed"
    assert report["name-check"].details == {"names": ["192.0.2.98"], "local": "127.0.0.1"}
    assert "do not agree" in report["name-check"].text
    assert "clients add 127.0.0.1" in report["name-check"].advice


def test_a_name_that_the_server_does_not_check(start: Start, tmp_path: Path) -> None:
    live = start(host_check=False)
    append(live.store, [(400, intrusion(1))], now=NOW)
    credentials = own_client(live, tmp_path, "nowhere-at-all.invalid")
    report = check(live.port, credentials=credentials, events=("intrusion",))
    assert report.status == 0, report.words()
    assert report["name-check"].mark == "note"
    assert "does not resolve here" in report["name-check"].text


def test_a_certificate_that_is_only_pinned(tmp_path: Path) -> None:
    def still(conversation: Conversation) -> None:
        conversation.greet()
        conversation.bundles([record(400, hand_made.intrusion_85(event_id=1), NOW)])
        conversation.wait_for_end()

    path = authority().pkcs12(tmp_path / "client.pkcs12", "client", with_authority=False)
    credentials = ClientCredentials(pkcs12=str(path))
    known = KnownServers(tmp_path / "known-servers")
    with serving(still, tmp_path) as server:
        settings = DiagnosisSettings(
            host="127.0.0.1", port=server.port, credentials=credentials, events=("intrusion",), seconds=10.0
        )
        first = Report(list(diagnose(settings, known)))
        assert first["trust"].mark == "warning"
        assert not (tmp_path / "known-servers").exists(), "a check writes nothing"
        (tmp_path / "known-servers").write_text(f"127.0.0.1:{server.port} sha256 00:11\n")
        other = Report(list(diagnose(settings, known)))
        assert other["trust"].mark == "failed"
        assert other.status == 3
        found = facts_of(ssl.PEM_cert_to_DER_cert((tmp_path / "server.crt").read_text()))
        assert found is not None
        (tmp_path / "known-servers").write_text(f"127.0.0.1:{server.port} sha256 {found.fingerprint}\n")
        assert Report(list(diagnose(settings, known)))["trust"].mark == "ok"


# --- the conversation -------------------------------------------------------------------------------------


def test_a_server_that_does_not_know_extended_requests(tmp_path: Path) -> None:
    def mute(conversation: Conversation) -> None:
        conversation.receive()
        conversation.wait_for_end()

    with serving(mute, tmp_path) as server:
        report = check(server.port, credentials=a_client(tmp_path), seconds=1.0)
    assert report.status == 4
    assert "--no-extended" in report["request"].advice
    assert report["admission"].mark == "ok"


def test_a_class_that_is_refused(tmp_path: Path) -> None:
    """The server answers a request that names connections with an Error message, others with events."""

    def picky(conversation: Conversation) -> None:
        conversation.greet()
        asked = conversation.received[-1][1]
        if CONNECTIONS in asked:
            conversation.send(hand_made.error(4, "no connections here"))
        else:
            conversation.bundles([record(400, hand_made.intrusion_85(event_id=1), NOW)])
        conversation.wait_for_end()

    with serving(picky, tmp_path) as server:
        report = check(server.port, credentials=a_client(tmp_path), events=("intrusion", "connection"))
    assert report.classes() == {"intrusion": "arrives", "connection": "refused"}, report.words()


def test_a_stream_that_breaks_off(tmp_path: Path) -> None:
    def crash(conversation: Conversation) -> None:
        conversation.greet()
        conversation.bundles([record(400, hand_made.intrusion_85(event_id=1), NOW)])
        if conversation.number:
            conversation.reset()

    with serving(crash, tmp_path) as server:
        report = check(server.port, credentials=a_client(tmp_path), events=("connection",))
    assert report.status == 1
    assert any(f.step == "events" and f.mark == "failed" for f in report.findings)
    assert report.classes() == {"connection": "unknown"}, "it may have been about to come"


def test_a_request_that_is_answered_with_an_error(tmp_path: Path) -> None:
    def refuse(conversation: Conversation) -> None:
        conversation.receive()
        conversation.send(hand_made.error(-3, "no"))
        conversation.wait_for_end()

    with serving(refuse, tmp_path) as server:
        report = check(server.port, credentials=a_client(tmp_path))
    assert report.status == 4
    assert "error -3: no" in report["request"].text
    assert report.classes() == {}, "nothing was asked for, so nothing can be said of classes"


def test_certificates_are_found_in_a_handshake_in_the_clear() -> None:
    der = b"\x30\x82\x00\x01x"
    listed = len(der).to_bytes(3) + der
    body = len(listed).to_bytes(3) + listed
    message = b"\x02\x00\x00\x01z" + b"\x0b" + len(body).to_bytes(3) + body
    split = b"".join(
        b"\x16\x03\x03" + len(part).to_bytes(2) + part for part in (message[:7], message[7:12], message[12:])
    )
    assert certificates_in(split) == [der]
    assert certificates_in(split[:-3]) == []
    assert certificates_in(b"") == certificates_in(b"HTTP/1.1 400\r\n") == []
