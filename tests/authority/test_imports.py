"""CAs and server certificates that others made: what is taken, and what is wrong with what is not."""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa

from openstreamer.authority import Authority, imports, read_pkcs12, rotation
from openstreamer.authority.certificates import Signed, load_certificates, load_signed
from openstreamer.authority.tls import server_context
from openstreamer.client.credentials import ClientCredentials, make_context
from openstreamer.errors import AuthorityError, RefusedError
from support.hand_authorities import Made, make
from support.peers import NOW, der, openssl
from support.tls_talk import Talk, client_context

DAY = 86400


@pytest.fixture(scope="module")
def root() -> Made:
    return make("Company Root", NOW, ends=4000 * DAY)


@pytest.fixture(scope="module")
def below(root: Made) -> Made:
    """A CA of the company below its root."""
    return make("Company CA for Streams", NOW, issuer=root, path_length=0)


# A CA


def test_a_ca_below_a_root_issues_and_openssl_agrees(root: Made, below: Made, tmp_path: Path) -> None:
    files = below.write(tmp_path, "ca", root, password="deep")
    ca = imports.read_ca(*files, password="deep", now=NOW)
    with Authority(tmp_path / "state") as authority:
        authority.create(ca=ca, names=["server.example"], now=NOW)
        authority.load()
        credentials = read_pkcs12(authority.issue("siem.example", now=NOW))
        assert authority.authenticate(der(credentials.certificate_pem), now=NOW).host == "siem.example"
        handed = load_certificates(credentials.ca_pem, "")
        assert handed == [below.certificate, root.certificate]
        server = load_signed(authority.files.server_file.read_bytes(), "")
        assert server.chain == (below.certificate,), "a peer needs all but the root"
        assert server.expires == NOW + 400 * DAY
        overview = rotation.show(authority)
        assert overview.authorities[0].above == ("Company Root",)

        # A client that knows the root alone, as old programs do.
        (tmp_path / "root.pem").write_bytes(root.pem)
        (tmp_path / "below.pem").write_bytes(below.pem)
        (tmp_path / "client.pem").write_bytes(credentials.certificate_pem)
        at = ("verify", "-attime", str(NOW), "-x509_strict", "-CAfile", tmp_path / "root.pem")
        at = (*at, "-untrusted", tmp_path / "below.pem")
        assert openssl(*at, "-purpose", "sslserver", authority.files.server_file).returncode == 0
        assert openssl(*at, "-purpose", "sslclient", tmp_path / "client.pem").returncode == 0
        authority.revoke("siem.example", now=NOW)
        partial = ("-partial_chain", "-CAfile", authority.files.trusted_file, "-crl_check")
        done = openssl(
            *("verify", "-attime", str(NOW), *partial, "-CRLfile", authority.files.revoked_file),
            tmp_path / "client.pem",
        )
        assert b"revoked" in done.stderr


def test_others_below_the_same_root_are_strangers(root: Made, tmp_path: Path) -> None:
    now = int(time.time())
    real_root = make("Real Root", now)
    ours = make("Ours", now, issuer=real_root)
    theirs = make("Theirs", now, issuer=real_root)
    authority = Authority(tmp_path / "state")
    authority.create(ca=imports.read_ca(*ours.write(tmp_path, "ca", real_root)))
    authority.load()
    (tmp_path / "siem.p12").write_bytes(authority.issue("siem.example"))
    server = server_context(authority.server_context_files())
    own = make_context(ClientCredentials(pkcs12=str(tmp_path / "siem.p12")))
    shown = Talk(own, server).server.getpeercert(binary_form=True)
    assert authority.authenticate(shown).host == "siem.example"
    for issuer in (theirs, real_root):
        stranger = make("siem.example", now, issuer=issuer, ca=False, purposes=["clientAuth"])
        chain = () if issuer is real_root else (theirs,)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.load_verify_locations(cadata=(ours.pem + real_root.pem).decode())
        context.load_cert_chain(*stranger.write(tmp_path, "stranger", *chain))
        with pytest.raises(ssl.SSLError, match=r"(?i)verify failed|unknown ca"):
            Talk(context, server)
        with pytest.raises(RefusedError) as caught:
            authority.authenticate(der(stranger.pem))
        assert caught.value.cause == "unknown CA"
    authority.close()


def test_the_order_of_a_file_does_not_matter(root: Made, below: Made, tmp_path: Path) -> None:
    certificate, key = tmp_path / "all.pem", tmp_path / "ca.key"
    certificate.write_bytes(root.pem + below.pem)
    key.write_bytes(below.key_pem())
    ca = imports.read_ca(certificate, key, now=NOW)
    assert ca.certificate == below.certificate
    assert ca.chain == (root.certificate,)


def rsa_key(bits: int) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=bits)


WRONG: dict[str, tuple[Callable[[Made], list[Made]], str]] = {
    "no CA": (lambda root: [make("x", NOW, ca=False)], "CA:TRUE is missing"),
    "expired": (lambda root: [make("x", NOW, ends=-1)], "expired on"),
    "not yet": (lambda root: [make("x", NOW, begins=DAY)], "not valid before"),
    "may not sign": (lambda root: [make("x", NOW, signs=["lists"])], "keyCertSign"),
    "may not revoke": (lambda root: [make("x", NOW, signs=["certificates"])], "cRLSign"),
    "for servers only": (lambda root: [make("x", NOW, purposes=["serverAuth"])], "clientAuth"),
    "no root": (lambda root: [make("x", NOW, issuer=root)], "Company Root, is not there"),
    "root expired": (
        lambda root: [make("x", NOW, issuer=(old := make("Old Root", NOW, ends=-5))), old],
        "Old Root",
    ),
    "root is no CA": (
        lambda root: [make("x", NOW, issuer=(odd := make("Odd Root", NOW, ca=False))), odd],
        "Odd Root.* is not a CA",
    ),
    "too deep": (
        lambda root: [make("x", NOW, issuer=(top := make("Top", NOW, path_length=0))), top],
        "Top.* does not allow so many",
    ),
    "Ed25519": (lambda root: [make("x", NOW, key=ed25519.Ed25519PrivateKey.generate())], "neither RSA nor"),
    "short": (lambda root: [make("x", NOW, key=rsa_key(1024))], "1024 bits"),
}


@pytest.mark.parametrize("what", WRONG)
def test_what_is_wrong_with_a_ca_is_said(what: str, root: Made, tmp_path: Path) -> None:
    build, sentence = WRONG[what]
    ca, *above = build(root)
    with pytest.raises(AuthorityError, match=sentence) as caught:
        imports.read_ca(*ca.write(tmp_path, "ca", *above), now=NOW)
    assert "ca." in str(caught.value), "names the file"


def test_keys_that_do_not_fit_or_open(root: Made, below: Made, tmp_path: Path) -> None:
    certificate, key = below.write(tmp_path, "ca", root, password="deep")
    with pytest.raises(AuthorityError, match="needs its password"):
        imports.read_ca(certificate, key, now=NOW)
    with pytest.raises(AuthorityError, match="with this password"):
        imports.read_ca(certificate, key, password="wrong", now=NOW)
    _, other = make("Other", NOW).write(tmp_path, "other")
    with pytest.raises(AuthorityError, match=r"other\.key does not belong"):
        imports.read_ca(certificate, other, now=NOW)
    # A password where none is needed does no harm.
    _, plain = below.write(tmp_path, "plain")
    assert imports.read_ca(certificate, plain, password="any", now=NOW).certificate == below.certificate
    for content in (b"", b"rubbish", below.pem):
        plain.write_bytes(content)
        with pytest.raises(AuthorityError, match="cannot be read as PEM"):
            imports.read_ca(certificate, plain, now=NOW)
    for path in (tmp_path / "missing.pem", key):
        with pytest.raises(AuthorityError, match=path.name):
            imports.read_ca(path, key, password="deep", now=NOW)


def test_a_running_authority_changes_to_an_imported_ca(
    authority: Authority, root: Made, below: Made, tmp_path: Path
) -> None:
    old = read_pkcs12(authority.issue("old.example", now=NOW))
    ca = imports.read_ca(*below.write(tmp_path, "ca", root), now=NOW)
    rotation.rotate(authority, ca=ca, now=NOW)
    new = read_pkcs12(authority.issue("new.example", now=NOW))
    assert len(load_certificates(new.ca_pem, "")) == 3
    for credentials in (old, new):
        authority.authenticate(der(credentials.certificate_pem), now=NOW)
    rotation.finish(authority, now=NOW)
    server = authority.files.server()
    server.certificate.verify_directly_issued_by(below.certificate)
    assert server.chain == (below.certificate,)


def test_clients_of_an_imported_ca_keep_their_certificates(root: Made, below: Made, tmp_path: Path) -> None:
    with Authority(tmp_path / "state") as authority:
        authority.create(ca=imports.read_ca(*below.write(tmp_path, "ca", root), now=NOW), now=NOW)
        authority.load()
        made = make("siem.example", NOW, issuer=below, ca=False, purposes=["clientAuth"])
        with pytest.raises(RefusedError, match="belongs to no client"):
            authority.authenticate(der(made.pem), now=NOW)
        read = imports.read_client(made.write(tmp_path, "siem")[0])
        client = authority.adopt("siem.example", ["10.0.0.0/8"], certificate=read, events=["file"], now=NOW)
        assert (client.networks, client.events) == (("10.0.0.0/8",), {"file"})
        assert authority.authenticate(der(made.pem), now=NOW) == client
        assert rotation.show(authority).not_renewed == ()
        with pytest.raises(AuthorityError, match="from elsewhere"):
            authority.download("siem.example")
        with pytest.raises(AuthorityError, match="already"):
            authority.adopt("siem.example", certificate=read, now=NOW)
        with pytest.raises(AuthorityError, match="serial number"):
            authority.adopt("other.example", certificate=read, now=NOW)
        for options, sentence in (
            ({"issuer": root}, "not issued by this server's CA"),
            ({"ends": -1}, "expired"),
            ({"purposes": ["serverAuth"]}, "clientAuth"),
            ({"ca": True}, "of a CA"),
        ):
            wrong = make("x.example", NOW, **{"issuer": below, "ca": False, **options})
            with pytest.raises(AuthorityError, match=sentence):
                authority.adopt("x.example", certificate=wrong.certificate, now=NOW)
        read_pkcs12(authority.renew("siem.example", now=NOW))
        assert authority.download("siem.example")
        authority.revoke("siem.example", now=NOW)
        with pytest.raises(RefusedError, match="revoked"):
            authority.authenticate(der(made.pem), now=NOW)


# A server's certificate


@pytest.fixture
def server_files(root: Made, below: Made, tmp_path: Path) -> tuple[Path, Path, Path]:
    """Certificate, key, chain."""
    server = make("web.example", NOW, issuer=below, ca=False, names=["web.example", "192.0.2.10"])
    chain = tmp_path / "chain.pem"
    chain.write_bytes(root.pem + below.pem)
    return *server.write(tmp_path, "server"), chain


def read(files: tuple[Path, Path, Path]) -> Signed:
    certificate, key, chain = files
    return imports.read_server(certificate, key, chain=chain, now=NOW)


def test_a_servers_certificate_is_taken_with_its_chain(
    authority: Authority, server_files: tuple[Path, Path, Path], root: Made, below: Made
) -> None:
    signed = read(server_files)
    about = imports.examine_server(authority, signed)
    assert (about.names, about.ours, about.strangers) == (("web.example", "192.0.2.10"), False, ())
    imports.import_server(authority, signed)
    shown = authority.files.server()
    assert (shown.certificate, shown.chain) == (signed.certificate, (below.certificate,))
    server_context(authority.server_context_files())
    credentials = read_pkcs12(authority.issue("siem.example", now=NOW))
    assert {below.certificate, root.certificate} < set(load_certificates(credentials.ca_pem, ""))
    assert rotation.show(authority).server.ours is False
    # It is not ours to renew, nor to replace when the CA changes.
    late = NOW + 399 * DAY
    assert authority.renew_server(within_days=30, now=late) is False
    with pytest.raises(AuthorityError, match="import-server"):
        authority.renew_server(within_days=None, now=late)
    rotation.rotate(authority, overlap_days=0, now=NOW)
    assert authority.files.server().certificate == signed.certificate


def test_clients_that_could_not_verify_it_are_named_until_they_are_renewed(
    authority: Authority, server_files: tuple[Path, Path, Path]
) -> None:
    authority.issue("old.example", now=NOW)
    signed = read(server_files)
    assert imports.examine_server(authority, signed).strangers == ("old.example",)
    before = authority.files.server_file.read_bytes()
    imports.announce_server(authority, signed)
    assert authority.files.server_file.read_bytes() == before
    assert imports.examine_server(authority, signed).strangers == ("old.example",)
    authority.renew("old.example", now=NOW)
    assert imports.examine_server(authority, signed).strangers == ()


def test_one_of_our_own_ca_needs_no_chain_and_is_renewed_here(
    root: Made, below: Made, tmp_path: Path
) -> None:
    with Authority(tmp_path / "state") as authority:
        authority.create(ca=imports.read_ca(*below.write(tmp_path, "ca", root), now=NOW), now=NOW)
        authority.load()
        authority.issue("siem.example", now=NOW)
        server = make("web.example", NOW, issuer=below, ca=False, names=["web.example"], ends=60 * DAY)
        signed = imports.read_server(
            *server.write(tmp_path, "server"), own=authority.files.handed_out(), now=NOW
        )
        about = imports.examine_server(authority, signed)
        assert (about.ours, about.strangers) == (True, ())
        imports.import_server(authority, signed)
        assert not authority.files.server_ca_file.exists()
        assert authority.renew_server(within_days=30, now=NOW + 50 * DAY) is True
        assert authority.files.server().expires > NOW + 60 * DAY


WRONG_SERVERS: dict[str, tuple[dict[str, object], str]] = {
    "a CA": ({"ca": True}, "of a CA, not of a server"),
    "expired": ({"ends": -1}, "expired on"),
    "for clients": ({"purposes": ["clientAuth"]}, "serverAuth"),
    "may not sign": ({"signs": ["x"]}, "digitalSignature"),
}


@pytest.mark.parametrize("what", WRONG_SERVERS)
def test_what_is_wrong_with_a_servers_certificate_is_said(what: str, root: Made, tmp_path: Path) -> None:
    options, sentence = WRONG_SERVERS[what]
    made = make("web.example", NOW, **{"issuer": root, "ca": False, **options})  # type: ignore[arg-type]
    certificate, key = made.write(tmp_path, "server", root)
    with pytest.raises(AuthorityError, match=sentence):
        imports.read_server(certificate, key, now=NOW)


def test_a_chain_without_its_root_is_told(server_files: tuple[Path, Path, Path], below: Made) -> None:
    certificate, key, chain = server_files
    chain.write_bytes(below.pem)
    with pytest.raises(AuthorityError, match=r"Company Root, is not there.*--chain"):
        imports.read_server(certificate, key, chain=chain, now=NOW)
    with pytest.raises(AuthorityError, match="Company CA for Streams, is not there"):
        imports.read_server(certificate, key, now=NOW)


def test_our_client_and_openssl_verify_an_imported_certificate(tmp_path: Path) -> None:
    now = int(time.time())
    root = make("Root of Today", now)
    middle = make("Middle", now, issuer=root)
    server = make("web.example", now, issuer=middle, ca=False, names=["web.example"], purposes=["serverAuth"])
    (tmp_path / "chain.pem").write_bytes(middle.pem + root.pem)
    with Authority(tmp_path / "state") as authority:
        authority.create()
        authority.load()
        old = read_pkcs12(authority.issue("old.example"))
        signed = imports.read_server(*server.write(tmp_path, "server"), chain=tmp_path / "chain.pem")
        imports.import_server(authority, signed)
        context = server_context(authority.server_context_files())
        (tmp_path / "new.p12").write_bytes(authority.issue("new.example"))
        Talk(make_context(ClientCredentials(pkcs12=str(tmp_path / "new.p12"))), context)
        with pytest.raises(ssl.SSLError, match="certificate verify failed"):
            Talk(client_context(old), context)
        done = openssl(
            "verify",
            "-CAfile",
            _write_root(tmp_path, root),
            "-untrusted",
            authority.files.server_file,
            authority.files.server_file,
        )
        assert done.returncode == 0, done.stderr


def _write_root(folder: Path, root: Made) -> Path:
    path = folder / "root.pem"
    path.write_bytes(root.pem)
    return path
