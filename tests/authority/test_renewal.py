"""A client gets a new certificate, and changes over in its own time."""

from __future__ import annotations

from pathlib import Path

import pytest
from cryptography import x509

from openstreamer.authority import Authority, read_pkcs12
from openstreamer.authority.certificates import CA_DAYS, CLIENT_DAYS, SERVER_DAYS
from openstreamer.authority.lifetime import Renewal
from openstreamer.errors import AuthorityError, RefusedError
from support.peers import NOW, der

DAY = 86400


def shown(content: bytes, password: str | None = None) -> bytes:
    """The certificate in a PKCS#12 file as a peer shows it."""
    return der(read_pkcs12(content, password).certificate_pem)


def cause(authority: Authority, certificate: bytes, now: int) -> str:
    with pytest.raises(RefusedError) as caught:
        authority.identify(certificate, now=now)
    return caught.value.cause


def test_both_certificates_are_good_for_the_overlap_and_then_the_new_one(authority: Authority) -> None:
    old = shown(authority.issue("siem.example", ["192.0.2.1", "10.0.0.0/8"], now=NOW))
    later = NOW + 1000 * DAY
    new = shown(authority.renew("192.0.2.1", overlap_days=14, now=later))
    for certificate in (old, new):
        assert authority.authenticate(certificate, now=later).host == "siem.example"
        assert authority.authenticate(certificate, now=later + 14 * DAY - 1).host == "siem.example"
    assert cause(authority, old, later + 14 * DAY) == "replaced"
    admitted = authority.identify(new, now=later + 14 * DAY)
    assert admitted.ends == later + CLIENT_DAYS * DAY
    assert authority.identify(old, now=later).ends == later + 14 * DAY


def test_the_client_stays_as_it_is(authority: Authority) -> None:
    authority.issue("siem.example", ["10.0.0.0/8"], events=["intrusion"], hostcheck=False, now=NOW)
    authority.registry.seen("siem.example", now=NOW + 5, address="192.0.2.8", position=77)
    before = authority.registry.get("siem.example")
    revision = authority.registry.revision()
    certificate = x509.load_der_x509_certificate(shown(authority.renew("siem.example", now=NOW + DAY)))
    after = authority.registry.get("siem.example")
    assert authority.registry.revision() > revision
    assert after.serial == f"{certificate.serial_number:x}" != before.serial
    assert after.expires == NOW + DAY + CLIENT_DAYS * DAY
    for name in ("names", "networks", "events", "hostcheck", "added", "last_seen", "position", "revoked"):
        assert getattr(after, name) == getattr(before, name)


def test_download_gives_the_new_file_and_the_old_one_is_forgotten(authority: Authority) -> None:
    authority.issue("siem.example", now=NOW)
    new = authority.renew("siem.example", password="secret", compat=True, now=NOW + 1)
    assert authority.download("siem.example") == new
    shown(new, "secret")


def test_without_an_overlap_the_old_one_ends_at_once(authority: Authority) -> None:
    old = shown(authority.issue("siem.example", now=NOW))
    authority.renew("siem.example", overlap_days=0, now=NOW + 9)
    assert cause(authority, old, NOW + 9) == "replaced"


def test_a_second_renewal_does_not_lengthen_the_first_overlap(authority: Authority) -> None:
    first = shown(authority.issue("siem.example", now=NOW))
    second = shown(authority.renew("siem.example", overlap_days=5, now=NOW))
    authority.renew("siem.example", overlap_days=30, now=NOW)
    assert cause(authority, first, NOW + 5 * DAY) == "replaced"
    assert authority.identify(second, now=NOW + 5 * DAY).ends == NOW + 30 * DAY


def test_an_expired_client_is_renewed_and_a_revoked_one_is_not(authority: Authority) -> None:
    old = shown(authority.issue("siem.example", now=NOW))
    late = NOW + (CLIENT_DAYS + 5) * DAY
    assert cause(authority, old, late) == "expired"
    new = shown(authority.renew("siem.example", now=late))
    assert authority.authenticate(new, now=late).host == "siem.example"
    assert cause(authority, old, late) == "expired"
    authority.revoke("siem.example", now=late)
    assert cause(authority, old, late) == cause(authority, new, late) == "revoked"
    with pytest.raises(AuthorityError, match="add it again"):
        authority.renew("siem.example", now=late)
    with pytest.raises(AuthorityError, match="no client"):
        authority.renew("other.example", now=late)


def test_the_server_is_renewed_once_and_not_in_vain(authority: Authority) -> None:
    due = NOW + (SERVER_DAYS - 30) * DAY
    assert authority.server_renewal(within_days=30, now=due - 60) is Renewal.NOTHING
    revision = authority.registry.revision()
    assert authority.renew_server(within_days=30, now=due) is True
    assert authority.registry.revision() > revision, "a running service must notice"
    assert authority.renew_server(within_days=30, now=due) is False
    # The last years of the CA: each certificate ends with it, and then nothing can be gained any more.
    life = (SERVER_DAYS - 30) * DAY
    for number in (1, 2, 3):
        assert authority.renew_server(within_days=30, now=due + number * life - 60) is False
        assert authority.renew_server(within_days=30, now=due + number * life) is True
    for left in (30, 10, 1):
        assert authority.renew_server(within_days=30, now=NOW + (CA_DAYS - left) * DAY) is False
    assert authority.files.server().expires == NOW + CA_DAYS * DAY
    assert authority.server_renewal(within_days=30, now=NOW + (CA_DAYS - 1) * DAY) is Renewal.IN_VAIN


def test_files_replaced_by_another_process_are_noticed(authority: Authority) -> None:
    assert authority.replaced() is False
    with Authority(authority.directory.parent).load() as other:
        other.renew_server(within_days=None, names=["further.example"], now=NOW)
    assert authority.changed() is True
    assert authority.replaced() is True
    assert authority.replaced() is False


def test_root_leaves_files_to_the_services_user(
    authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[tuple[int, int]] = []
    monkeypatch.setattr("os.geteuid", lambda: 0)
    monkeypatch.setattr("os.fchown", lambda descriptor, user, group: given.append((user, group)))
    authority.renew_server(within_days=None, now=NOW)
    owner = Path(authority.directory).stat()
    assert given == [(owner.st_uid, owner.st_gid)]
