"""What a check of a server is told, and what it answers with.

Rules: docs/test.md. Not here: the steps (diagnosis.py and its parts).
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from openstreamer.client.credentials import ClientCredentials

Mark = Literal["ok", "warning", "failed", "note"]


class Finding(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One line of the report.

    Attributes:
        step: which step it belongs to; a fixed word, see `STEPS`.
        mark: how it went; "note" neither helps nor harms.
        text: what was found. more: further lines about it. cause: why that is so. advice: what to do.
        status: the exit status that a failure stands for.
        details: the same facts for programs.
    """

    step: str
    mark: Mark
    text: str
    more: tuple[str, ...] = ()
    cause: str = ""
    advice: str = ""
    status: int = 0
    details: dict[str, Any] = {}


STEPS = (
    "client",
    "name",
    "connect",
    "tls",
    "certificate",
    "trust",
    "admission",
    "name-check",
    "request",
    "events",
    "clock",
)
"""The steps in the order in which they are taken."""


class DiagnosisSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What to check.

    Attributes:
        host, port: the server. credentials: as whom; None where nobody said. ipv6: over IPv6 only.
        events: the classes to ask for. extended: ask with a list of services.
        timeout: seconds for one connection and for one handshake. seconds: how long to wait for events.
    """

    host: str
    port: int = 8302
    credentials: ClientCredentials | None = None
    ipv6: bool = False
    events: tuple[str, ...] = ("all",)
    extended: bool = True
    timeout: float = 10.0
    seconds: float = 5.0

    @property
    def server(self) -> str:
        """How the server is called in messages."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


def exit_status(findings: list[Finding]) -> int:
    """The exit status of a whole check: that of the first failure."""
    return next((finding.status for finding in findings if finding.mark == "failed"), 0)
