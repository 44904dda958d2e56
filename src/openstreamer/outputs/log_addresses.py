"""Where log servers are: the text of `-f`, as transport, host and port.

Not here: connections (senders.py, stream_sender.py).
"""

from __future__ import annotations

from typing import Literal

import msgspec

from openstreamer.errors import UsageError
from openstreamer.outputs.interface import OutputFull

LOCAL = "/dev/log"
_PORTS = {"udp": 514, "tcp": 601, "tls": 6514}

Transport = Literal["udp", "tcp", "tls", "local"]


class Address(msgspec.Struct, frozen=True):
    """Where a log server listens; `host` is the path of a local one."""

    transport: Transport
    host: str
    port: int = 0

    def __str__(self) -> str:
        if self.transport == "local":
            return self.host
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.transport}://{host}:{self.port}"


def parse_address(text: str) -> Address:
    """`udp://host:514`, `tcp://[::1]`, `tls://host`, `/path`, `local`, or a host alone (UDP).

    Raises:
        UsageError: it is none of these.
    """
    if text in ("-", "", "local"):
        return Address("local", LOCAL)
    if text.startswith(("/", "local:", "unix:")):
        return Address("local", text.removeprefix("local:").removeprefix("unix:").removeprefix("//"))
    scheme, found, rest = text.partition("://")
    if not found:
        scheme, rest = "udp", text
    if scheme not in _PORTS:
        raise UsageError(f"{text!r}: write udp://HOST:PORT, tcp://HOST:PORT, tls://HOST:PORT or a path")
    host, port = rest, ""
    if rest.startswith("["):
        host, _, port = rest[1:].partition("]")
        port = port.removeprefix(":")
    elif rest.count(":") == 1:
        host, _, port = rest.partition(":")
    if not host or (port and not (port.isdecimal() and 0 < int(port) < 65536)):
        raise UsageError(f"{text!r} is no address; write {scheme}://HOST:PORT")
    transport: Transport = "tls" if scheme == "tls" else "tcp" if scheme == "tcp" else "udp"
    return Address(transport, host, int(port) if port else _PORTS[scheme])


def trouble(address: Address, error: OSError, what: str) -> OutputFull:
    """The error of a log server that cannot be used just now."""
    return OutputFull(f"{what} ({error.strerror or error})", target=str(address))
