"""The authority: what it makes, whom it lets in, and that it is careful with its files."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from openstreamer.authority import EVENT_CLASSES, Authority, read_pkcs12
from openstreamer.authority.certificates import CA_DAYS, CLIENT_DAYS, SERVER_DAYS
from openstreamer.errors import AuthorityError, RefusedError, StateError, UsageError
from support.peers import NOW, der, openssl

DAY = 86400


def load(pem: bytes) -> x509.Certificate:
    return x509.load_pem_x509_certificate(pem)


def issue(authority: Authority, host: str, *also: str, **more: object) -> bytes:
    """Issue a client; return its certificate as a peer shows it."""
    content = authority.issue(host, also, now=NOW, **more)  # type: ignore[arg-type]
    return der(read_pkcs12(content).certificate_pem)


# Making


def test_the_files_are_private_from_the_start(tmp_path: Path) -> None:
    previous = os.umask(0)
    try:
        authority = Authority(tmp_path / "some" / "state")
        authority.create()
        authority.issue("client.example")
        authority.revoke("client.example")
    finally:
        os.umask(previous)
    for directory in ("some", "some/state", "some/state/authority"):
        assert stat.S_IMODE((tmp_path / directory).stat().st_mode) == 0o700
    files = list((tmp_path / "some" / "state" / "authority").iterdir())
    assert {"ca.pem", "server.pem", "trusted.pem", "revoked.pem", "clients.db"} <= {
        file.name for file in files
    }
    assert {
        file.name: stat.S_IMODE(file.stat().st_mode) for file in files if file.stat().st_mode & 0o177
    } == {}
    authority.close()


def test_a_ca_is_never_overwritten(authority: Authority) -> None:
    before = {file.name: file.read_bytes() for file in authority.directory.glob("*.pem")}
    with pytest.raises(AuthorityError, match="never overwritten"):
        authority.create()
    assert {file.name: file.read_bytes() for file in authority.directory.glob("*.pem")} == before


def test_two_programs_making_one_at_once_make_one(tmp_path: Path) -> None:
    outcomes: list[str] = []

    def make() -> None:
        try:
            Authority(tmp_path).create()
            outcomes.append("made")
        except AuthorityError:
            outcomes.append("refused")

    threads = [threading.Thread(target=make) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["made", "refused", "refused"]
    ca = load((tmp_path / "authority" / "ca.pem").read_bytes())
    load((tmp_path / "authority" / "server.pem").read_bytes()).verify_directly_issued_by(ca)
    assert load((tmp_path / "authority" / "trusted.pem").read_bytes()) == ca


def test_what_is_missing_is_told(tmp_path: Path, authority: Authority) -> None:
    empty = Authority(tmp_path / "empty")
    assert empty.exists is False
    for action in (empty.load, lambda: empty.registry, lambda: empty.issue("a.example")):
        with pytest.raises(StateError, match="openstreamer init"):
            action()
    assert not (tmp_path / "empty").exists()
    (authority.directory / "server.pem").unlink()
    with pytest.raises(StateError, match=r"server\.pem is missing"):
        authority.load()


def test_what_is_missing_beside_the_ca_is_made_of_it(authority: Authority) -> None:
    trusted = (authority.directory / "trusted.pem").read_bytes()
    assert authority.complete() == []
    for name in ("server.pem", "trusted.pem"):
        (authority.directory / name).unlink()
    made = authority.complete(names=["new.example"], now=NOW)
    assert [file.name for file in made] == ["trusted.pem", "server.pem"]
    assert (authority.directory / "trusted.pem").read_bytes() == trusted
    load((authority.directory / "server.pem").read_bytes()).verify_directly_issued_by(load(trusted))
    authority.load()


def test_a_name_that_is_none_makes_nothing(tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        Authority(tmp_path / "state").create(names=["no name"])
    assert not (tmp_path / "state").exists()


def test_damaged_files_are_named(authority: Authority) -> None:
    file = authority.directory / "ca.pem"
    certificate, key = file.read_bytes().split(b"-----END CERTIFICATE-----\n")
    for content in (certificate + b"-----END CERTIFICATE-----\n", key, b"", b"rubbish"):
        file.write_bytes(content)
        with pytest.raises(AuthorityError, match=r"ca\.pem"):
            Authority(authority.directory.parent).issue("a.example")
    file.write_bytes(certificate + b"-----END CERTIFICATE-----\n" + _other_key(authority))
    with pytest.raises(AuthorityError, match="does not belong"):
        Authority(authority.directory.parent).issue("a.example")


def _other_key(authority: Authority) -> bytes:
    return (authority.directory / "server.pem").read_bytes().split(b"-----END CERTIFICATE-----\n")[1]


def test_the_cas_certificate(made: Path) -> None:
    ca = load((made / "authority" / "trusted.pem").read_bytes())
    assert ca.subject == ca.issuer
    assert ca.subject.rfc4514_string().startswith("CN=OpenStreamer CA ")
    assert ca.public_key().key_size == 3072  # type: ignore[union-attr]
    assert (ca.not_valid_after_utc.timestamp(), ca.not_valid_before_utc.timestamp()) == (
        NOW + CA_DAYS * DAY,
        NOW - DAY,
    )
    basic = ca.extensions.get_extension_for_class(x509.BasicConstraints)
    assert basic.critical
    assert (basic.value.ca, basic.value.path_length) == (True, 0)
    usage = ca.extensions.get_extension_for_class(x509.KeyUsage)
    assert usage.value.key_cert_sign
    assert usage.value.crl_sign


def test_the_servers_certificate(made: Path) -> None:
    server = load((made / "authority" / "server.pem").read_bytes())
    ca = load((made / "authority" / "trusted.pem").read_bytes())
    server.verify_directly_issued_by(ca)
    assert server.not_valid_after_utc.timestamp() == NOW + SERVER_DAYS * DAY
    names = server.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert {"server.example", "localhost"} <= set(names.get_values_for_type(x509.DNSName))
    addresses = {str(address) for address in names.get_values_for_type(x509.IPAddress)}
    assert {"192.0.2.10", "127.0.0.1", "::1"} <= addresses
    usage = server.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(usage) == [ExtendedKeyUsageOID.SERVER_AUTH]


def test_a_clients_certificate(authority: Authority) -> None:
    certificate = x509.load_der_x509_certificate(
        issue(authority, "SIEM.Example.", "192.0.2.1", "siem2.example", "2001:db8::1", "10.0.0.0/8")
    )
    assert certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value == "siem.example"
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["siem.example", "siem2.example"]
    assert [str(address) for address in names.get_values_for_type(x509.IPAddress)] == [
        "192.0.2.1",
        "2001:db8::1",
    ]
    usage = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(usage) == [ExtendedKeyUsageOID.CLIENT_AUTH]
    assert certificate.not_valid_after_utc.timestamp() == NOW + CLIENT_DAYS * DAY
    client = authority.registry.get("siem.example")
    assert client.networks == ("10.0.0.0/8",)
    assert client.serial == f"{certificate.serial_number:x}"
    assert client.expires == NOW + CLIENT_DAYS * DAY


def test_a_client_by_address_and_one_with_a_long_name(authority: Authority) -> None:
    address = x509.load_der_x509_certificate(issue(authority, "::FFFF:192.0.2.1"))
    assert address.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value == "192.0.2.1"
    long = ".".join(["a" * 60, "b" * 60, "example"])
    certificate = x509.load_der_x509_certificate(issue(authority, long))
    assert certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value == long[:64]
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == [long]


def test_no_certificate_outlives_the_ca(authority: Authority) -> None:
    late = NOW + (CA_DAYS - 10) * DAY
    content = authority.issue("late.example", now=late)
    certificate = load(read_pkcs12(content).certificate_pem)
    assert certificate.not_valid_after_utc.timestamp() == NOW + CA_DAYS * DAY
    with pytest.raises(AuthorityError, match="CA has expired"):
        authority.issue("later.example", now=NOW + (CA_DAYS + 10) * DAY)
    assert [client.host for client in authority.registry.list()] == ["late.example"]


def test_openssl_verifies_what_we_make(authority: Authority, tmp_path: Path) -> None:
    trusted = authority.directory / "trusted.pem"
    at = ("-attime", str(NOW), "-x509_strict", "-CAfile", trusted)
    server = openssl("verify", *at, "-purpose", "sslserver", authority.directory / "server.pem")
    assert server.returncode == 0, server.stderr
    client = tmp_path / "client.pem"
    client.write_bytes(read_pkcs12(authority.issue("client.example", now=NOW)).certificate_pem)
    assert openssl("verify", *at, "-purpose", "sslclient", client).returncode == 0
    assert openssl("verify", *at, "-purpose", "sslserver", client).returncode != 0
    late = ("-attime", str(NOW + (CLIENT_DAYS + 1) * DAY), "-CAfile", trusted)
    assert b"expired" in openssl("verify", *late, client).stderr
    # Revoked: the list says so to whoever asks it.
    crl = ("-crl_check", "-CRLfile", authority.write_revocation_list(now=NOW))
    assert openssl("verify", *at, *crl, client).returncode == 0
    authority.revoke("client.example", now=NOW)
    assert b"revoked" in openssl("verify", *at, *crl, client).stderr


def test_the_revocation_list(authority: Authority) -> None:
    issue(authority, "one.example")
    issue(authority, "two.example")
    first = authority.revoke("one.example", now=NOW + 5)
    path = authority.directory / "revoked.pem"
    crl = x509.load_pem_x509_crl(path.read_bytes())
    number = crl.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number
    assert [entry.serial_number for entry in crl] == [int(first.serial, 16)]
    assert [entry.revocation_date_utc.timestamp() for entry in crl] == [NOW + 5]
    authority.revoke("two.example", now=NOW + 6)
    crl = x509.load_pem_x509_crl(path.read_bytes())
    assert len(list(crl)) == 2
    assert crl.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number > number
    ca = load((authority.directory / "trusted.pem").read_bytes())
    assert crl.is_signature_valid(ca.public_key())  # type: ignore[arg-type]


def test_the_servers_certificate_is_renewed_in_time(authority: Authority) -> None:
    file = authority.directory / "server.pem"
    old = load(file.read_bytes())
    assert authority.renew_server(now=NOW + (SERVER_DAYS - 31) * DAY) is False
    assert load(file.read_bytes()) == old
    assert authority.renew_server(now=NOW + (SERVER_DAYS - 29) * DAY, names=["new.example"]) is True
    new = load(file.read_bytes())
    new.verify_directly_issued_by(load((authority.directory / "trusted.pem").read_bytes()))
    assert new.not_valid_after_utc > old.not_valid_after_utc
    names = new.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert {"server.example", "new.example"} <= set(names.get_values_for_type(x509.DNSName))


# Clients


def test_a_client_exists_once_and_anew_after_it_was_revoked(authority: Authority) -> None:
    old = issue(authority, "client.example", "127.0.0.1")
    with pytest.raises(AuthorityError, match="already"):
        issue(authority, "Client.Example")
    authority.revoke("client.example", now=NOW)
    new = issue(authority, "client.example", "127.0.0.1")
    assert authority.check_peer(new, "127.0.0.1", now=NOW).host == "client.example"
    with pytest.raises(RefusedError) as caught:
        authority.check_peer(old, "127.0.0.1", now=NOW)
    assert caught.value.cause == "revoked"


def test_download_gives_the_same_file(authority: Authority) -> None:
    content = authority.issue("client.example", password="secret", now=NOW)
    assert authority.download("client.example") == content
    authority.revoke("client.example", now=NOW)
    with pytest.raises(AuthorityError, match="is revoked: add it again"):
        authority.download("client.example")
    with pytest.raises(AuthorityError, match="no client"):
        authority.download("other.example")


def test_what_cannot_be_a_client(authority: Authority) -> None:
    with pytest.raises(UsageError, match="is a network"):
        authority.issue("10.0.0.0/8")
    with pytest.raises(UsageError, match="neither"):
        authority.issue("client.example", ["no name"])
    with pytest.raises(UsageError, match="no event type"):
        authority.issue("client.example", events=["nothing"])
    assert authority.registry.list() == []


def test_switches_are_stored_with_the_client(authority: Authority) -> None:
    authority.issue("client.example", events=["packet", "intrusion"], hostcheck=False)
    client = authority.registry.get("client.example")
    assert client.events == {"packet", "intrusion"}
    assert client.hostcheck is False
    assert authority.registry.server_events() == frozenset(EVENT_CLASSES)


# The decision


def refused(
    authority: Authority, certificate: bytes | str | None, peer: str = "192.0.2.1", **more: object
) -> str:
    with pytest.raises(RefusedError) as caught:
        authority.check_peer(certificate, peer, **{"now": NOW, **more})  # type: ignore[arg-type]
    assert len(str(caught.value)) > 20
    return caught.value.cause


def test_a_client_is_let_in(authority: Authority) -> None:
    certificate = issue(authority, "client.example", "192.0.2.1")
    client = authority.check_peer(certificate, "::ffff:192.0.2.1", now=NOW)
    assert client == authority.registry.get("client.example")
    assert authority.check_peer(client.serial, "192.0.2.1", now=NOW) == client
    assert authority.check_peer(client.serial.upper().zfill(60), "192.0.2.1", now=NOW) == client


def test_every_cause_of_a_refusal(authority: Authority, tmp_path: Path) -> None:
    certificate = issue(authority, "client.example")

    def at(address: str) -> object:
        return lambda name: {address} if address else set()

    assert authority.check_peer(certificate, "192.0.2.1", resolve=at("192.0.2.1"), now=NOW)  # type: ignore[arg-type]
    assert refused(authority, certificate, resolve=at("192.0.2.2")) == "name does not match peer"
    assert refused(authority, certificate, resolve=at("")) == "name does not resolve"
    assert authority.check_peer(certificate, "192.0.2.1", hostcheck=False, now=NOW)
    assert refused(authority, None) == refused(authority, b"") == "no certificate"
    assert refused(authority, b"rubbish") == refused(authority, b"0\x03\x02\x01\x05") == "unknown CA"
    assert refused(authority, "abcdef") == "no such client"
    server = der((authority.directory / "server.pem").read_bytes())
    assert refused(authority, server) == "no such client"
    ca = der((authority.directory / "trusted.pem").read_bytes())
    assert refused(authority, ca) == "no such client"
    assert refused(authority, certificate, now=NOW + (CLIENT_DAYS + 1) * DAY) == "expired"
    authority.revoke("client.example", now=NOW)
    assert refused(authority, certificate) == refused(authority, certificate, hostcheck=False) == "revoked"


def test_another_authoritys_certificate_is_refused(authority: Authority, tmp_path: Path) -> None:
    with Authority(tmp_path / "other") as other:
        other.create(now=NOW)
        certificate = issue(other, "client.example", "192.0.2.1")
    issue(authority, "client.example", "192.0.2.1")
    assert refused(authority, certificate) == "unknown CA"


def test_a_serial_number_alone_does_not_make_a_client(authority: Authority) -> None:
    """A certificate of this CA with a client's serial number but another content is nobody's."""
    from openstreamer.authority.certificates import load_signed, make_client

    real = x509.load_der_x509_certificate(issue(authority, "client.example", "192.0.2.1"))
    ca = load_signed((authority.directory / "ca.pem").read_bytes(), "ca.pem")
    forged = make_client(ca, "client.example", ["client.example"], [], NOW)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(x509, "random_serial_number", lambda: real.serial_number)
        forged = make_client(ca, "client.example", ["client.example"], [], NOW)
    assert forged.certificate.serial_number == real.serial_number
    from cryptography.hazmat.primitives.serialization import Encoding

    assert refused(authority, forged.certificate.public_bytes(Encoding.DER)) == "no such client"


REVOKE = """
import sys
from openstreamer.authority import Authority
Authority(sys.argv[1]).load().revoke("client.example")
"""


def test_revoking_in_another_process_shows_at_once(authority: Authority) -> None:
    certificate = issue(authority, "client.example", "192.0.2.1")
    authority.changed()
    assert authority.changed() is False
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            REVOKE,
            authority.directory.parent,
        ],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert authority.changed() is True
    assert refused(authority, certificate) == "revoked"


def test_a_copied_state_directory_works(authority: Authority, tmp_path: Path) -> None:
    certificate = issue(authority, "client.example", "192.0.2.1")
    authority.close()
    shutil.copytree(authority.directory.parent, tmp_path / "copy")
    with Authority(tmp_path / "copy").load() as copy:
        assert copy.check_peer(certificate, "192.0.2.1", now=NOW).host == "client.example"


def test_importing_the_package_loads_neither_cryptography_nor_ssl() -> None:
    code = (
        "import sys, openstreamer.authority\n"
        "assert not {'cryptography', 'ssl', '_ssl', 'asyncio'} & set(sys.modules), sorted(sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
