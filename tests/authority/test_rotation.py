"""One CA takes over from another: who is let in when, what clients trust, and steps that were cut short."""

from __future__ import annotations

import ssl
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from cryptography import x509

from openstreamer.authority import Authority, Credentials, read_pkcs12, rotation
from openstreamer.authority.certificates import CA_DAYS, load_certificates
from openstreamer.authority.tls import server_context
from openstreamer.client.credentials import ClientCredentials, make_context
from openstreamer.errors import AuthorityError, RefusedError
from support.peers import NOW, der, openssl
from support.tls_talk import Talk, client_context

DAY = 86400


@pytest.fixture(autouse=True)
def quick_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """Many CAs are made here, and large keys take long."""
    monkeypatch.setattr("openstreamer.authority.certificates._CA_BITS", 2048)


def issue(authority: Authority, host: str, now: int = NOW) -> Credentials:
    return read_pkcs12(authority.issue(host, now=now))


def cause(authority: Authority, credentials: Credentials, now: int) -> str:
    """Why a client is refused; empty if it is not."""
    try:
        authority.authenticate(der(credentials.certificate_pem), now=now)
    except RefusedError as error:
        return error.cause
    return ""


def test_the_whole_way(authority: Authority) -> None:
    old = issue(authority, "old.example")
    begun = rotation.rotate(authority, overlap_days=30, now=NOW)
    assert begun is not None
    assert begun.until == NOW + 30 * DAY
    new = issue(authority, "new.example")
    renewed = read_pkcs12(authority.renew("old.example", now=NOW))

    overview = rotation.show(authority)
    assert [entry.role for entry in overview.authorities] == ["issues", "leaves"]
    assert overview.rotation == begun
    assert overview.not_renewed == ()
    assert overview.server.ours
    assert overview.server.issuer == overview.authorities[1].name, "clients that know the old CA alone go on"

    assert len(load_certificates(old.ca_pem, "")) == 1
    assert len(load_certificates(new.ca_pem, "")) == len(load_certificates(renewed.ca_pem, "")) == 2
    for credentials in (old, new, renewed):
        assert cause(authority, credentials, NOW) == ""
    assert authority.identify(der(old.certificate_pem), now=NOW).ends == NOW + 14 * DAY
    assert authority.identify(der(new.certificate_pem), now=NOW).ends > begun.until

    # The overlap is over: so says the clock, whether or not a service was there to end it.
    assert cause(authority, new, begun.until) == cause(authority, renewed, begun.until) == ""
    assert cause(authority, old, begun.until) == "replaced"

    assert rotation.finish(authority, now=begun.until)
    overview = rotation.show(authority)
    assert [entry.role for entry in overview.authorities] == ["issues", "has left"]
    assert overview.rotation is None
    assert overview.server.issuer == overview.authorities[0].name
    assert not authority.files.old_ca_file.exists(), "the key of the old CA is deleted"
    assert cause(authority, new, begun.until) == cause(authority, renewed, begun.until) == ""
    assert cause(authority, old, begun.until) == "former CA"
    assert not rotation.finish(authority, now=begun.until)


def test_clients_that_were_not_renewed_are_listed_and_then_refused_by_name(authority: Authority) -> None:
    late = issue(authority, "late.example")
    issue(authority, "gone.example")
    authority.revoke("gone.example", now=NOW)
    rotation.rotate(authority, overlap_days=10, now=NOW)
    issue(authority, "new.example")
    assert rotation.show(authority).not_renewed == ("late.example",)
    assert authority.identify(der(late.certificate_pem), now=NOW).ends == NOW + 10 * DAY
    for finished in (False, True):
        if finished:
            rotation.finish(authority, now=NOW + 10 * DAY)
        with pytest.raises(RefusedError, match=r"client late\.example .* clients renew") as caught:
            authority.authenticate(der(late.certificate_pem), now=NOW + 10 * DAY)
        assert caught.value.cause == "former CA"
    assert rotation.show(authority).not_renewed == ("late.example",)
    back = read_pkcs12(authority.renew("late.example", now=NOW + 11 * DAY))
    assert cause(authority, back, NOW + 11 * DAY) == ""
    assert rotation.show(authority).not_renewed == ()
    assert len(load_certificates(back.ca_pem, "")) == 1, "the CA that left is handed out no more"


def test_without_overlap_all_is_new_at_once(authority: Authority) -> None:
    old = issue(authority, "old.example")
    assert rotation.rotate(authority, overlap_days=0, now=NOW) is None
    assert cause(authority, old, NOW) == "former CA"
    authority.files.server().certificate.verify_directly_issued_by(authority.files.ca().certificate)
    # And once more: only CAs whose certificates still last are remembered.
    rotation.rotate(authority, overlap_days=0, now=NOW + 1)
    assert len(authority.files.former()) == 2
    assert cause(authority, old, NOW + 1) == "former CA"


def test_one_at_a_time_and_never_longer_than_the_old_ca(authority: Authority) -> None:
    late = NOW + (CA_DAYS - 5) * DAY
    begun = rotation.rotate(authority, overlap_days=30, now=late)
    assert begun is not None
    assert begun.until == NOW + CA_DAYS * DAY
    with pytest.raises(AuthorityError, match="under way"):
        rotation.rotate(authority, now=late)
    # What is made meanwhile for the server is of the old CA.
    authority.renew_server(within_days=None, now=late)
    old = authority.files.old_ca()
    assert old is not None
    authority.files.server().certificate.verify_directly_issued_by(old.certificate)


def test_of_several_at_once_one_begins_and_the_others_are_told(authority: Authority) -> None:
    start = threading.Barrier(4)

    def begin() -> str:
        with Authority(authority.directory.parent).load() as own:
            start.wait(30)
            try:
                rotation.rotate(own, now=NOW)
            except AuthorityError as error:
                return str(error)
            return own.files.ca().fingerprint

    with ThreadPoolExecutor(4) as threads:
        told = [done.result(60) for done in [threads.submit(begin) for _ in range(4)]]
    authority.files.forget()
    assert told.count(authority.files.ca().fingerprint) == 1
    assert sum("under way" in sentence for sentence in told) == 3


def test_an_expired_ca_is_replaced_at_once(authority: Authority) -> None:
    assert rotation.rotate(authority, now=NOW + (CA_DAYS + 1) * DAY) is None
    assert authority.files.ca().expires > NOW + 2 * CA_DAYS * DAY - DAY


def test_a_former_ca_does_not_come_back(authority: Authority) -> None:
    first = authority.files.ca()
    with pytest.raises(AuthorityError, match="issues already"):
        rotation.rotate(authority, ca=first, now=NOW)
    rotation.rotate(authority, overlap_days=0, now=NOW)
    with pytest.raises(AuthorityError, match="has left this server"):
        rotation.rotate(authority, ca=first, now=NOW)


@pytest.mark.parametrize("step", ["write_old_ca", "write_trusted", "write_ca"])
def test_a_beginning_that_was_cut_short_is_begun_again(
    authority: Authority, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = issue(authority, "old.example")
    with monkeypatch.context() as patch:
        patch.setattr(authority.files, step, lambda *_, **__: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            rotation.rotate(authority, now=NOW)
    with Authority(authority.directory.parent).load() as again:
        # As before, for the clients and for whoever issues.
        assert rotation.under_way(again) is None
        between = issue(again, "between.example")
        assert cause(again, old, NOW + 60 * DAY) == cause(again, between, NOW + 60 * DAY) == ""
        assert rotation.rotate(again, now=NOW) is not None
        assert rotation.show(again).not_renewed == ("between.example", "old.example")
        assert cause(again, between, NOW) == cause(again, issue(again, "new.example"), NOW) == ""


@pytest.mark.parametrize("step", ["write_former", "write_server", "write_trusted", "delete_old_ca"])
def test_an_end_that_was_cut_short_is_done_again(
    authority: Authority, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = issue(authority, "old.example")
    rotation.rotate(authority, now=NOW)
    new = issue(authority, "new.example")
    with monkeypatch.context() as patch:
        patch.setattr(authority.files, step, lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            rotation.finish(authority, now=NOW + 30 * DAY)
    with Authority(authority.directory.parent).load() as again:
        server_context(again.server_context_files())
        assert cause(again, new, NOW + 30 * DAY) == ""
        assert rotation.finish(again, now=NOW + 30 * DAY)
        again.files.server().certificate.verify_directly_issued_by(again.files.ca().certificate)
        assert cause(again, old, NOW + 30 * DAY) == "former CA"
        assert not again.files.old_ca_file.exists()
        assert len(again.files.former()) == 1


# The handshake


@pytest.fixture
def today(tmp_path: Path) -> Authority:
    """An authority of today: TLS looks at the real clock."""
    authority = Authority(tmp_path / "today")
    authority.create()
    return authority.load()


def test_both_kinds_of_clients_shake_hands_all_the_way(today: Authority, tmp_path: Path) -> None:
    old = read_pkcs12(today.issue("old.example"))
    (tmp_path / "old.p12").write_bytes(today.download("old.example"))
    rotation.rotate(today)
    new = read_pkcs12(today.issue("new.example"))
    (tmp_path / "new.p12").write_bytes(today.download("new.example"))
    server = server_context(today.server_context_files())
    for credentials in (old, new):
        shown = Talk(client_context(credentials), server).server.getpeercert(binary_form=True)
        today.authenticate(shown)
    for name in ("old", "new"):  # our own client, by its own settings
        Talk(make_context(ClientCredentials(pkcs12=str(tmp_path / f"{name}.p12"))), server)
    rotation.finish(today)
    server = server_context(today.server_context_files())
    Talk(make_context(ClientCredentials(pkcs12=str(tmp_path / "new.p12"))), server)
    with pytest.raises(ssl.SSLError, match="certificate verify failed"):
        Talk(client_context(old), server)
    # One that does not verify the server gets far enough to be told apart.
    careless = client_context(old)
    careless.verify_mode = ssl.CERT_NONE
    shown = Talk(careless, server).server.getpeercert(binary_form=True)
    with pytest.raises(RefusedError) as caught:
        today.authenticate(shown)
    assert caught.value.cause == "former CA"
    today.close()


def test_openssl_verifies_both_ends_before_and_after(authority: Authority, tmp_path: Path) -> None:
    def write(name: str, content: bytes) -> Path:
        (tmp_path / name).write_bytes(content)
        return tmp_path / name

    def verified(by: bytes, certificate: Path, purpose: str) -> bool:
        trust = write("trust.pem", by)
        done = openssl(
            "verify", "-attime", str(NOW), "-x509_strict", "-CAfile", trust, "-purpose", purpose, certificate
        )
        return done.returncode == 0

    server, trusted = authority.files.server_file, authority.files.trusted_file
    old = issue(authority, "old.example")
    rotation.rotate(authority, now=NOW)
    new = issue(authority, "new.example")
    certificates = [write(f"{n}.pem", item.certificate_pem) for n, item in enumerate((old, new))]
    assert [verified(item.ca_pem, server, "sslserver") for item in (old, new)] == [True, True]
    assert [verified(trusted.read_bytes(), item, "sslclient") for item in certificates] == [True, True]
    revoked = authority.files.revoked_file
    crl = ("-attime", str(NOW), "-crl_check", "-CRLfile", revoked, "-CAfile", trusted)
    assert [openssl("verify", *crl, item).returncode for item in certificates] == [0, 0]
    authority.revoke("old.example", now=NOW)
    assert b"revoked" in openssl("verify", *crl, certificates[0]).stderr
    assert openssl("verify", *crl, certificates[1]).returncode == 0
    # A program that reads the PKCS#12 file finds both CAs in it.
    bundle = write("new.p12", authority.download("new.example"))
    listed = openssl("pkcs12", "-in", bundle, "-passin", "pass:", "-cacerts", "-nokeys")
    assert listed.stdout.count(b"BEGIN CERTIFICATE") == 2, listed.stderr
    rotation.finish(authority, now=NOW)
    assert [verified(item.ca_pem, server, "sslserver") for item in (old, new)] == [False, True]
    assert [verified(trusted.read_bytes(), item, "sslclient") for item in certificates] == [False, True]


def test_revocation_lists_one_for_each_ca(authority: Authority) -> None:
    def lists() -> dict[str, set[int]]:
        content = authority.files.revoked_file.read_bytes()
        end = b"-----END X509 CRL-----\n"
        found = [x509.load_pem_x509_crl(part + end) for part in content.split(end) if part]
        return {entry.issuer.rfc4514_string(): {item.serial_number for item in entry} for entry in found}

    old = authority.files.ca().certificate.subject.rfc4514_string()
    issue(authority, "one.example")
    issue(authority, "two.example")
    one = int(authority.revoke("one.example", now=NOW).serial, 16)
    assert lists() == {old: {one}}
    rotation.rotate(authority, now=NOW)
    new = authority.files.ca().certificate.subject.rfc4514_string()
    assert lists() == {new: set(), old: {one}}
    issue(authority, "three.example")
    two = int(authority.revoke("two.example", now=NOW).serial, 16)
    three = int(authority.revoke("three.example", now=NOW).serial, 16)
    assert lists() == {new: {three}, old: {one, two}}
    rotation.finish(authority, now=NOW)
    assert lists() == {new: {three}}
