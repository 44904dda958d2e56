"""Settings of the server: `openstreamer.toml` in the state directory.

Each section is a struct, each setting a field with its default and, below it, the sentence that the manual
prints. The file that `openstreamer init` writes and the page in the docs are made from these same lines
(`settings_manual`). Reading is strict: a key that is not known or a value of the wrong kind is an error
that names file and key. Nothing here acts on a setting.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct, field

from openstreamer.errors import ConfigurationError

DEFAULT_PORT = 8302
DEFAULT_WEB_ADDRESS = "127.0.0.1:8303"

Seconds = Annotated[float, Meta(gt=0, le=86400)]
Count = Annotated[int, Meta(ge=1, le=1_000_000)]


class Section(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Base of all sections: unknown keys are refused."""


class ServerSettings(Section, frozen=True):
    """Where the service listens and what it reads."""

    listen: list[str] = field(default_factory=lambda: ["[::]:8302"])
    """Addresses to listen on, HOST:PORT. "[::]" takes IPv6 and IPv4; port 0 lets the system choose one."""

    host_check: bool = True
    """Compare the address of a client with the names and addresses in its certificate. Off, any client with
    a valid certificate may connect from anywhere."""

    role: Literal["management-center", "managed-device"] = "management-center"
    """What the server is: a "management-center" has all event types, a "managed-device" intrusion events,
    their packets and extra data only."""

    inputs: list[str] = field(default_factory=list)
    """Inputs that run with the service, for example "eve:/var/log/suricata/eve.json"."""

    stop_seconds: Seconds = 5.0
    """How long a stopping service goes on delivering what is stored to clients that take it."""


class WebSettings(Section, frozen=True):
    """The web pages."""

    listen: str = DEFAULT_WEB_ADDRESS
    """Address of the web pages, HOST:PORT, or "off". They are plain HTTP on a loopback address, and HTTPS
    with the server's certificate on any other."""

    names: list[str] = field(default_factory=list)
    """Names and addresses under which browsers reach the pages, beside those of the server's certificate.
    Requests for any other are refused."""

    idle_minutes: Annotated[float, Meta(gt=0, le=1440)] = 30.0
    """Who does nothing for so long must log in again."""

    metrics_token: str = ""
    """Lets a monitoring system on another machine read /metrics, with "Authorization: Bearer TOKEN". From
    this machine itself no token is needed."""


class SessionSettings(Section, frozen=True):
    """Limits of a client's connection."""

    handshake_seconds: Seconds = 10.0
    """Time for the TLS handshake and the certificate checks; who takes longer is dropped."""

    handshakes_per_second: Annotated[float, Meta(gt=0, le=100_000)] = 50.0
    """TLS handshakes of one address (of one /64 network with IPv6) on average; ten seconds' worth may come
    at once. What comes beyond that is closed before TLS."""

    request_seconds: Seconds = 60.0
    """Time between the handshake and the first request; who takes longer is dropped."""

    keepalive_seconds: Seconds = 60.0
    """A Null message is sent to a client after this long without anything else to send."""

    stalled_seconds: Seconds = 300.0
    """A client is dropped if for this long it neither took a byte that is ready for it nor sent one. A
    client that only leaves bundles unacknowledged is paused, never dropped."""

    connections: Count = 1000
    """Connections at the same time, of all clients together; further ones wait to be accepted."""

    connections_per_client: Count = 32
    """Connections at the same time of one client. Some clients open a second one for a moment."""

    message_bytes: Annotated[int, Meta(ge=1024, le=1 << 30)] = 1024 * 1024
    """Longest message accepted from a client, in bytes. Requests are short; events go the other way."""

    window_messages: Count = 1000
    """Messages sent ahead of a client's acknowledgement when it does not use bundles."""

    window_bundles: Count = 20
    """Bundles sent ahead of a client's acknowledgement."""

    window_release: Literal["all", "one"] = "all"
    """What one acknowledgement releases: "all" of the window (for clients that acknowledge now and then) or
    "one" message or bundle."""

    bundle_bytes: Annotated[int, Meta(ge=4096, le=4 * 1024 * 1024)] = 64 * 1024
    """About how long a bundle becomes, in bytes. A single longer record still goes in one piece."""


class ProtocolSettings(Section, frozen=True):
    """Where deployed clients and servers differ. The defaults suit all known clients."""

    minimum_tls: Literal["1.0", "1.1", "1.2", "1.3"] = "1.2"
    """Lowest TLS version. "1.0" and "1.1" also allow weak ciphers; only for clients that know nothing
    better."""

    header_flag: bool = False
    """Set the top bit of the record type word where the record header carries the archive time."""

    header_domain: bool = False
    """Leave the domain of an event in the record type word for all clients. Some then do not know the record.
    Clients that say in the handshake that they can tell get it anyway."""

    zero_metadata_time: bool = False
    """Give metadata records the long record header too, with a time of zero."""

    nearest_lower_version: bool = False
    """Answer a request for a version of an event type that is not known with the next lower one; otherwise
    that event type is left out."""

    refuse_unknown_messages: bool = False
    """End a session whose client sends a message of unknown type; otherwise the message is logged and passed
    over."""


class RetentionSettings(Section, frozen=True):
    """How long events are kept. What is over either limit is deleted, oldest first."""

    keep_days: Annotated[float, Meta(ge=0, le=36500)] = 30.0
    """Events that arrived longer ago are deleted; 0 keeps them whatever their age."""

    keep_gigabytes: Annotated[float, Meta(ge=0, le=1_000_000)] = 20.0
    """Size of the event log, in 10^9 bytes, above which the oldest events are deleted; 0 sets no limit."""

    check_seconds: Seconds = 60.0
    """How often the limits are looked at."""


class CertificateSettings(Section, frozen=True):
    """Certificates of the server and of clients."""

    renew_days: Annotated[float, Meta(ge=0, le=365)] = 30.0
    """The service renews the server's certificate so many days before it ends; 0: people do. One that others
    made is never renewed here."""

    warn_days: Annotated[float, Meta(ge=0, le=365)] = 30.0
    """A certificate that people have to renew (a client's, an imported one) is warned about in the log, once
    a day, from so many days before it ends."""

    revocation_list_url: str = ""
    """Where others reach the web pages, for example "http://events.example.net:8303". Certificates made from
    then on say that the revocation list is there. Empty: they name none."""


class StoreSettings(Section, frozen=True):
    """The event log."""

    synchronous: Literal["FULL", "NORMAL"] = "FULL"
    """"FULL": a stored batch survives a power failure. "NORMAL": faster, the last batches before a power
    failure may be lost; they survive a crash of the program either way."""

    batch_records: Annotated[int, Meta(ge=1, le=100_000)] = 1000
    """Records of an input that are stored in one go."""


class LogSettings(Section, frozen=True):
    """What the service says about itself."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    """Least important kind of message that is written."""

    format: Literal["text", "json"] = "text"
    """Form of a line: "text" for people, or "json" for programs, one object a line with time, level and
    message, and peer and client where it is about one."""


class Settings(Section, frozen=True):
    """The whole file."""

    server: ServerSettings = field(default_factory=ServerSettings)
    web: WebSettings = field(default_factory=WebSettings)
    sessions: SessionSettings = field(default_factory=SessionSettings)
    protocol: ProtocolSettings = field(default_factory=ProtocolSettings)
    store: StoreSettings = field(default_factory=StoreSettings)
    retention: RetentionSettings = field(default_factory=RetentionSettings)
    certificates: CertificateSettings = field(default_factory=CertificateSettings)
    log: LogSettings = field(default_factory=LogSettings)


RESTART_NEEDED = frozenset(
    {
        "server.listen",
        "server.inputs",
        "web.listen",
        "web.idle_minutes",
        "sessions.connections",
        "store.synchronous",
        "store.batch_records",
    }
)
"""Settings that a running service does not take over when it reloads."""


def restart_needed(before: Settings, after: Settings) -> list[str]:
    """The settings, as "section.key", that differ and that a reload does not take over."""
    return [
        f"{section}.{key}"
        for section in Settings.__struct_fields__
        for key in getattr(before, section).__struct_fields__
        if f"{section}.{key}" in RESTART_NEEDED
        and getattr(getattr(before, section), key) != getattr(getattr(after, section), key)
    ]


def load(path: Path) -> Settings:
    """Read a settings file; one that does not exist gives the defaults.

    Raises ConfigurationError, which names the file and the key (or line) that is wrong.
    """
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return Settings()
    except OSError as error:
        raise ConfigurationError(f"cannot be read: {error.strerror}", where=str(path)) from error
    return parse(data, where=str(path))


def parse(data: bytes, *, where: str) -> Settings:
    """Settings from the text of a file; `where` names it in errors (ConfigurationError)."""
    import tomllib

    try:
        tree = tomllib.loads(data.decode())
    except UnicodeDecodeError as error:
        raise ConfigurationError("is not UTF-8 text", where=where) from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(f"is not valid TOML: {error}", where=where) from error
    try:
        settings = msgspec.convert(tree, Settings)
    except msgspec.ValidationError as error:
        key, reason = _explain(str(error))
        raise ConfigurationError(reason, where=f"{where}, {key}" if key else where) from error
    for number, address in enumerate(settings.server.listen):
        _checked(address, where=f"{where}, server.listen[{number}]")
    if problem := _not_a_url(settings.certificates.revocation_list_url):
        raise ConfigurationError(problem, where=f"{where}, certificates.revocation_list_url")
    if settings.web.listen != "off":
        _checked(settings.web.listen, where=f"{where}, web.listen")
    return settings


def parse_address(text: str, *, default_port: int | None = None) -> tuple[str, int]:
    """HOST:PORT, [IPV6]:PORT or, with a default port, HOST alone. Raises ConfigurationError."""
    host, port = text, ""
    if text.startswith("["):
        host, closed, rest = text[1:].partition("]")
        if not closed or (rest and not rest.startswith(":")):
            raise ConfigurationError(f"'{text}' is not an address of the form [IPV6]:PORT")
        port = rest[1:]
    elif text.count(":") == 1:
        host, _, port = text.partition(":")
    elif ":" in text:
        if default_port is None:
            raise ConfigurationError(f"'{text}' has no port; write [IPV6]:PORT")
        if not _is_ipv6(text):
            raise ConfigurationError(f"'{text}' is not an IPv6 address; write HOST:PORT or [IPV6]:PORT")
    elif text.isdecimal() and default_port is not None:
        raise ConfigurationError(f"'{text}' names no host; write HOST:PORT")
    if not port and default_port is not None and not text.endswith(":"):
        return host, default_port
    if not (port.isascii() and port.isdecimal() and int(port) <= 65535):
        raise ConfigurationError(f"'{text}' has no port from 0 to 65535; write HOST:PORT")
    return host, int(port)


def _is_ipv6(text: str) -> bool:
    import ipaddress

    try:
        ipaddress.IPv6Address(text)
    except ValueError:
        return False
    return True


def _checked(address: str, *, where: str) -> None:
    try:
        parse_address(address, default_port=DEFAULT_PORT)
    except ConfigurationError as error:
        raise ConfigurationError(str(error), where=where) from None


def _not_a_url(text: str) -> str:
    """What is wrong with the address of the revocation lists; empty if nothing."""
    from urllib.parse import urlsplit

    if not text:
        return ""
    wanted = "write http://HOST:PORT or https://HOST:PORT"
    try:
        url = urlsplit(text)
        _ = url.port
    except ValueError:
        return f"'{text}' is no address; {wanted}"
    if not text.isascii() or not text.isprintable() or " " in text:
        return f"'{text}' has characters that an address cannot have; {wanted}"
    if url.scheme not in ("http", "https") or not url.hostname or url.query or url.fragment or url.username:
        return f"'{text}' is no address of web pages; {wanted}"
    return ""


def _explain(message: str) -> tuple[str, str]:
    """Key and reason out of a validation error's text."""
    reason, _, path = message.partition(" - at `")
    key = path.rstrip("`").removeprefix("$").removeprefix(".")
    if reason.startswith("Object contains unknown field `"):
        name = reason.removeprefix("Object contains unknown field `").rstrip("`")
        return f"{key}.{name}" if key else name, "there is no such setting"
    return key, reason[:1].lower() + reason[1:].replace("`", "'")
