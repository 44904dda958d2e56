"""What attackers try on web pages, and the table of addresses to try it on.

Nothing here names a page: the lists are made from the application's own tables, so that a page that is added
to them is attacked by itself. A new kind of parameter in a path has to be given a value in `VALUES`.
"""

from __future__ import annotations

import contextlib
import re
import socket
from typing import NamedTuple

from openstreamer.server.web.application import PAGES, PLAIN
from support.web_client import WebClient

VALUES = {"host": "one.invalid", "number:int": "1", "index:int": "0", "name": "app.css"}
"""A value for each parameter that a path may hold; all of them exist."""

MARKUP = "<script>hacked=1</script>'\"><img src=x onerror=hacked=1><svg/onload=hacked=1>"
"""Runs in any page that puts it anywhere unescaped: between tags, into a quoted or an unquoted attribute."""

METHODS = ("GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT", "PROPFIND", "get")


class Target(NamedTuple):
    """An address with values in it, and what the tables say of it."""

    method: str
    path: str
    public: bool
    page: bool
    """Whether it is a page, not one of the plain answers."""


def filled(path: str) -> str:
    """A path of the tables with values in it."""
    return re.sub(r"{([^}]+)}", lambda found: VALUES[found[1]], path)


TARGETS = tuple(
    [Target(item.method, filled(item.path), item.public, True) for item in PAGES]
    + [Target("GET", filled(item.path), True, False) for item in PLAIN]
)
READS = tuple(target for target in TARGETS if target.method == "GET")
FORMS = tuple(target for target in TARGETS if target.method == "POST")
LIVE = tuple(target for target in READS if target.path.endswith("/live"))
"""Answers that do not end by themselves."""
ENDING = tuple(target for target in READS if target not in LIVE)

PARAMETERS = ("type", "address", "text", "before", "after", "span", "next", "host", "also", "csrf", "q")
"""Names of parameters of queries that some page looks at, and some that none does."""


def escapes(path: str) -> list[str]:
    """Addresses made from one that lead somewhere else on servers that take them amiss."""
    ways = [
        "/../../../../etc/passwd", "/..%2f..%2f..%2fetc%2fpasswd", "/%2e%2e/%2e%2e/ca.pem",
        "/%252e%252e%252fca.pem", "/..%5c..%5cca.pem", "/..;/..;/ca.pem", "/.%00./ca.pem", "%00", "%00.css",
        "/%c0%ae%c0%ae/ca.pem", "/authority/ca.pem", "/%0d%0aSet-Cookie:%20taken=1", "%0d%0aX-Taken:%201",
        "/" + "a" * 3000, "/" + "%41" * 1000, "//", ".bak", "~", "/.", "/{{7*7}}", "/%ff%fe",
    ]  # fmt: skip
    heads = ["/." + path, "/%2e" + path, "//evil.example" + path, "/static/.." + path, "/x/.." + path]
    return [path.rstrip("/") + way for way in ways] + [head for head in heads if path != "/"]


def raw(client: WebClient, data: bytes, *, wait: float = 5.0) -> bytes:
    """Send bytes that no HTTP library would, and give what comes back until the server closes."""
    received = bytearray()
    with socket.create_connection(("127.0.0.1", client.port), wait) as peer:
        with contextlib.suppress(TimeoutError, ConnectionError):
            peer.sendall(data)
        with contextlib.suppress(TimeoutError, ConnectionError):
            while part := peer.recv(65536):
                received += part
    return bytes(received)


def head_of(answer: bytes) -> dict[str, str]:
    """The headers of an answer as it came, with the status under the empty name."""
    lines = answer.partition(b"\r\n\r\n")[0].decode("latin-1").split("\r\n")
    found = {"": lines[0].split(" ")[1] if lines[0] else ""}
    for line in lines[1:]:
        name, _, value = line.partition(":")
        found[name.lower()] = value.strip()
    return found
