"""How a server is named: the text that stands on command lines and in settings."""

from __future__ import annotations

from openstreamer.errors import UsageError

DEFAULT_PORT = 8302


def parse_server(text: str, port: int | None = None) -> tuple[str, int]:
    """Host and port of `host`, `host:port`, an IPv6 address, or `[address]:port`; `port` wins where given.

    Raises:
        UsageError: no host, or no port that can be.
    """
    host, given = text, ""
    if text.startswith("["):
        host, _, rest = text[1:].partition("]")
        given = rest.removeprefix(":")
    elif text.count(":") == 1:
        host, _, given = text.partition(":")
    if given and (not given.isdecimal() or not 0 < int(given) < 65536):
        raise UsageError(f"{given!r} is no port; write SERVER or SERVER:PORT")
    if not host:
        raise UsageError("the name of the server is empty")
    return host, port or int(given or DEFAULT_PORT)


def check_port(port: int) -> int:
    """The port itself.

    Raises:
        UsageError: it is none.
    """
    if not 0 < port < 65536:
        raise UsageError(f"{port} is no port: those are numbers from 1 to 65535")
    return port
