"""The published revocation lists: openssl (Debian: openssl) finds them, and believes them."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, pkcs12

from openstreamer.authority import Authority, rotation
from openstreamer.authority.revocation import name_of
from openstreamer.server.settings import CertificateSettings, Settings
from support.live_service import LiveService, Start, start, template
from support.programs import program
from support.web_client import WebClient, start_with_pages

__all__ = ["start", "template"]


def published(start: Start) -> LiveService:
    """A service that publishes its lists; the port is known only once it listens."""
    live = start_with_pages(start)
    base = f"http://localhost:{WebClient(live).port}/"
    certificates = CertificateSettings(revocation_list_url=base)
    live.call(lambda: live.service.reload(Settings(certificates=certificates)))
    return live


def issued(authority: Authority, host: str) -> x509.Certificate:
    certificate = pkcs12.load_pkcs12(authority.issue(host), None).cert
    assert certificate is not None
    return certificate.certificate


def address_in(certificate: x509.Certificate) -> str:
    points = certificate.extensions.get_extension_for_class(x509.CRLDistributionPoints).value
    (point,) = points
    assert point.full_name is not None
    return str(point.full_name[0].value)


def verify(certificate: x509.Certificate, live: LiveService, folder: Path, *options: str) -> str:
    """What `openssl verify` says; it downloads the list itself, or takes one with -CRLfile."""
    file = folder / "certificate.pem"
    file.write_bytes(certificate.public_bytes(Encoding.PEM))
    trusted = live.service.authority.server_context_files().trusted
    done = subprocess.run(
        [program("openssl"), "verify", "-crl_check", *options, "-CAfile", str(trusted), str(file)],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    return done.stdout + done.stderr


def test_openssl_finds_the_list_by_the_certificate(start: Start, tmp_path: Path) -> None:
    live = published(start)
    authority = live.service.authority
    good, bad = issued(authority, "good.invalid"), issued(authority, "bad.invalid")
    name = name_of(authority.files.ca().fingerprint)
    assert address_in(good) == f"http://localhost:{WebClient(live).port}/crl/{name}"
    assert verify(bad, live, tmp_path, "-crl_download").rstrip().endswith(": OK")

    authority.revoke("bad.invalid")

    assert "certificate revoked" in verify(bad, live, tmp_path, "-crl_download")
    assert verify(good, live, tmp_path, "-crl_download").rstrip().endswith(": OK")
    downloaded = tmp_path / "list.crl"
    downloaded.write_bytes(WebClient(live).get(f"/crl/{name}").body)
    assert "certificate revoked" in verify(bad, live, tmp_path, "-CRLfile", str(downloaded))


def test_the_server_certificate_names_it_once_renewed(start: Start) -> None:
    live = published(start)
    authority = live.service.authority
    with pytest.raises(x509.ExtensionNotFound):
        address_in(authority.files.server().certificate)
    authority.renew_server(within_days=None)
    assert address_in(authority.files.server().certificate).endswith(".crl")


def test_both_lists_while_the_ca_changes(start: Start, tmp_path: Path) -> None:
    live = published(start)
    authority = live.service.authority
    old, old_client = authority.files.ca(), issued(authority, "old.invalid")
    rotation.rotate(authority)
    authority.revoke("old.invalid")
    new_client = issued(authority, "new.invalid")
    browser = WebClient(live)
    names = {address_in(entry).rpartition("/")[2] for entry in (old_client, new_client)}
    assert names == {name_of(old.fingerprint), name_of(authority.files.ca().fingerprint)}
    for name in names:
        found = x509.load_der_x509_crl(browser.get(f"/crl/{name}").body)
        ca = old if name == name_of(old.fingerprint) else authority.files.ca()
        assert found.is_signature_valid(ca.key.public_key())
        assert len(list(found)) == (1 if ca is old else 0)
    assert "certificate revoked" in verify(old_client, live, tmp_path, "-crl_download")
    assert verify(new_client, live, tmp_path, "-crl_download").rstrip().endswith(": OK")

    rotation.finish(authority)

    assert browser.get(f"/crl/{name_of(old.fingerprint)}").status == 404


def test_headers_and_whoever_has_it_gets_it_no_more(start: Start) -> None:
    live = start_with_pages(start)  # lists are there whether or not certificates name them
    path = f"/crl/{name_of(live.service.authority.files.ca().fingerprint)}"
    browser = WebClient(live)
    answer = browser.get(path)
    assert answer.status == 200
    assert answer.headers["content-type"] == "application/pkix-crl"
    assert answer.headers["cache-control"] == "public, max-age=300"
    assert answer.headers["last-modified"].endswith(" GMT")
    again = browser.get(path, if_none_match=f'"other", {answer.headers["etag"]}')
    assert (again.status, again.body) == (304, b"")
    live.service.authority.issue("gone.invalid")
    live.service.authority.revoke("gone.invalid")
    assert browser.get(path, if_none_match=answer.headers["etag"]).status == 200
    for wrong in ("/crl/0123456789abcdef.crl", "/crl/", "/crl/../ca.pem"):
        assert browser.get(wrong).status == 404


def test_a_damaged_list_is_a_fault_and_no_empty_list(start: Start) -> None:
    live = start_with_pages(start)
    authority = live.service.authority
    authority.files.revoked_file.write_bytes(b"-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n")
    answer = WebClient(live).get(f"/crl/{name_of(authority.files.ca().fingerprint)}")
    assert answer.status == 503
