"""The revocation list names what is no longer good, and is kept fresh."""

from __future__ import annotations

from cryptography import x509

from openstreamer.authority import Authority, revocation
from openstreamer.authority.certificates import REVOCATION_LIST_DAYS
from support.peers import NOW

DAY = 86400


def present(authority: Authority) -> x509.CertificateRevocationList:
    return x509.load_pem_x509_crl(authority.files.revoked_file.read_bytes())


def test_a_renewed_certificate_is_on_it_once_its_overlap_is_over(authority: Authority) -> None:
    authority.issue("siem.example", now=NOW)
    serial = int(authority.registry.get("siem.example").serial, 16)
    authority.renew("siem.example", overlap_days=3, now=NOW)
    assert revocation.refresh(authority, now=NOW) is True
    assert list(present(authority)) == []
    assert revocation.refresh(authority, now=NOW + 3 * DAY - 1) is False
    assert revocation.refresh(authority, now=NOW + 3 * DAY) is True
    (entry,) = present(authority)
    assert entry.serial_number == serial
    assert entry.revocation_date_utc.timestamp() == NOW + 3 * DAY
    assert (
        entry.extensions.get_extension_for_class(x509.CRLReason).value.reason is x509.ReasonFlags.superseded
    )
    assert revocation.refresh(authority, now=NOW + 3 * DAY + 60) is False


def test_it_is_made_anew_before_it_is_too_old(authority: Authority) -> None:
    assert revocation.refresh(authority, now=NOW) is True
    half = NOW + (REVOCATION_LIST_DAYS - revocation.RENEW_DAYS) * DAY
    assert revocation.refresh(authority, now=half - 1) is False
    assert revocation.refresh(authority, now=half) is True
    following = present(authority).next_update_utc
    assert following is not None
    assert following.timestamp() == half + REVOCATION_LIST_DAYS * DAY
