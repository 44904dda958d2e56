"""`openstreamer test`: connect to a server step by step, and say what works, what does not, and what to do.

The steps are taken by `openstreamer.client.diagnosis`; this prints them. Rules and the list of steps:
docs/test.md.
"""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING, Any

import click

from openstreamer.cli.common import console, examples, password_option, read_password, state_option
from openstreamer.cli.stream import DEFAULT_PKCS12
from openstreamer.errors import OpenStreamerError, UsageError

if TYPE_CHECKING:
    from openstreamer.client.credentials import ClientCredentials
    from openstreamer.client.diagnosis_finding import Finding

_MARKS = {
    "ok": ("ok", "green"),
    "warning": ("warn", "yellow"),
    "failed": ("FAIL", "bold red"),
    "note": ("--", "dim"),
}


@click.command(
    "test",
    short_help="Check a connection step by step, and say what to do.",
    epilog=examples(
        "openstreamer test fmc1 --pkcs12 client.pkcs12",
        "openstreamer test fmc1:8302 --events intrusion,connection --seconds 20",
        "openstreamer test fmc1 --json | jq '.steps[] | select(.mark == \"failed\")'",
    ),
)
@click.argument("server")
@click.option("--port", type=click.IntRange(1, 65535), help="Port of the server. [default: 8302]")
@click.option(
    "--pkcs12", metavar="FILE", help=f"The file made for this client. [default: {DEFAULT_PKCS12}, if there]"
)
@password_option
@click.option("--cert", metavar="FILE", help="Certificate of this client (PEM), instead of --pkcs12.")
@click.option("--key", metavar="FILE", help="Its key (PEM), if it is not in the same file.")
@click.option("--ca", metavar="FILE", help="Authority of the server's certificate (PEM).")
@click.option("--events", metavar="NAME,…|all", default="all", show_default=True,
              help="Which classes of events to ask for; NAME@VERSION: in an older form.")  # fmt: skip
@click.option("--no-extended", "extended", flag_value=False, default=True, type=bool,
              help="Ask by flag bits alone, as clients of the 4.x era do.")  # fmt: skip
@click.option("--seconds", type=click.FloatRange(min=0.5), default=5.0, show_default=True,
              help="How long to wait for events.")  # fmt: skip
@click.option("--timeout", type=click.FloatRange(min=0.5), default=10.0, show_default=True,
              help="How long to wait for a connection, and for a handshake, in seconds.")  # fmt: skip
@click.option("-i", "--ipv6", is_flag=True, help="Connect over IPv6 only.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object at the end.")
@state_option
def command(server: str, as_json: bool, **options: Any) -> int:
    """Connect to SERVER (host, host:port, [IPv6]:port) as a client does, one step after the other.

    Each line says how a step went; below a failure stands why, and what to do. Nothing is written and no
    position is moved. The exit status is 0 if all is well, 1 if there is no connection, 2 if this client's
    own files cannot be used, 3 if one side refuses the other, 4 if the server does not speak the protocol.
    """
    from openstreamer.client.address import parse_server
    from openstreamer.client.credentials import KnownServers
    from openstreamer.client.diagnosis import diagnose
    from openstreamer.client.diagnosis_finding import DiagnosisSettings, exit_status
    from openstreamer.client.request import make_request
    from openstreamer.server.state import find

    host, port = parse_server(server, options["port"])
    make_request(options["events"])  # tells at once what is no event
    names = tuple(part.strip() for part in options["events"].split(","))
    settings = DiagnosisSettings(
        host=host,
        port=port,
        credentials=_credentials(options),
        ipv6=options["ipv6"],
        events=names,
        extended=options["extended"],
        timeout=options["timeout"],
        seconds=options["seconds"],
    )
    known = KnownServers(find(options["state"]).client / "known-servers")
    findings: list[Finding] = []
    report = Report()
    for finding in diagnose(settings, known):
        findings.append(finding)
        if not as_json:
            report.show(finding)
    status = exit_status(findings)
    if as_json:
        click.echo(json.dumps(_for_programs(settings.server, findings, status), indent=2))
    else:
        report.conclude(settings.server, findings)
    return status


def _credentials(options: dict[str, Any]) -> ClientCredentials | None:
    """What the options say, also where it cannot be used: that is for the check to say. None for nothing."""
    from openstreamer.client.credentials import ClientCredentials

    pkcs12, certificate, key = options["pkcs12"], options["cert"], options["key"]
    if pkcs12 is not None and certificate is not None:
        raise UsageError("--pkcs12 and --cert say the same thing; give one of them")
    if key is not None and certificate is None:
        raise UsageError("--key needs --cert")
    if pkcs12 is None and certificate is None:
        if not os.path.exists(DEFAULT_PKCS12):
            return None
        pkcs12 = DEFAULT_PKCS12
    password = read_password(options["password_file"])
    if password is None and pkcs12 is not None and sys.stdin is not None and sys.stdin.isatty():
        from openstreamer.authority.pkcs12 import read_pkcs12

        try:
            read_pkcs12(pkcs12, None)
        except OpenStreamerError as error:
            if "password" in str(error):
                password = read_password(None, prompt=f"Password of {pkcs12}")
    return ClientCredentials(
        pkcs12=pkcs12, password=password, certificate=certificate, key=key, authority=options["ca"]
    )


class Report:
    """The findings on the screen, each as it comes."""

    def __init__(self) -> None:
        self._screen = console()
        self._step = ""

    def show(self, finding: Finding) -> None:
        """One finding: a line, and under it why and what to do."""
        from rich.text import Text

        word, style = _MARKS[finding.mark]
        step = finding.step if finding.step != self._step else ""
        self._step = finding.step
        line = Text()
        line.append(f"{word:<5}", style)
        line.append(f"{step:<12} ", "bold")
        line.append(finding.text)
        self._screen.print(line)
        for more in finding.more:
            self._screen.print(Text(f"{'':<18}{more}", style="dim"))
        quiet = finding.mark == "note" and finding.step == "events"
        for name, text in (("why", finding.cause), ("do", finding.advice)):
            if text and not quiet:
                below = Text(f"{'':<18}")
                below.append(f"{name}: ", style if name == "do" else "dim")
                below.append(text)
                self._screen.print(below)

    def conclude(self, server: str, findings: list[Finding]) -> None:
        """The last lines: about classes that bring nothing, and how it went altogether."""
        missing = [finding for finding in findings if finding.details.get("state") == "nothing"]
        if missing:
            names = ", ".join(str(finding.details["class"]) for finding in missing)
            self._screen.print(
                f"\nNothing arrives of {names}: nothing of it is stored there, or the event type is off (the"
                " protocol does not tell which). On our own server 'openstreamer events' and 'openstreamer"
                " clients show HOST' tell; on a management center the boxes of System > Integration >"
                " eStreamer.",
                markup=False,
            )
        failed = [finding.step for finding in findings if finding.mark == "failed"]
        warned = sum(finding.mark == "warning" for finding in findings)
        if failed:
            said = f"{server}: failed at the step {failed[0]}"
        elif warned:
            said = f"{server}: works, with {warned} warning{'s' if warned > 1 else ''}"
        else:
            said = f"{server}: works"
        self._screen.print(f"\n{said}", markup=False, style="bold red" if failed else "bold")


def _for_programs(server: str, findings: list[Finding], status: int) -> dict[str, Any]:
    return {
        "server": server,
        "ok": status == 0,
        "exit_status": status,
        "steps": [
            {
                "step": finding.step,
                "mark": finding.mark,
                "text": finding.text,
                "more": list(finding.more),
                "cause": finding.cause or None,
                "advice": finding.advice or None,
                "details": finding.details,
            }
            for finding in findings
        ],
    }
