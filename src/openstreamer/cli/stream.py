"""`openstreamer stream`: request events from a server and deliver them to outputs.

Puts together what the options say and runs `openstreamer.client.stream.Stream`; shows progress where
standard error is a terminal that no output writes to. Options, exit statuses and the rules of delivery are
in docs/client.md.
"""

from __future__ import annotations

import hashlib
import os
import signal
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from openstreamer.cli.common import INTERRUPTED, examples, password_option, read_password, state_option
from openstreamer.errors import UsageError

if TYPE_CHECKING:
    from openstreamer.client.feed import Feed, FeedSettings
    from openstreamer.client.stop import Stop
    from openstreamer.outputs.registry import OutputSpec

DEFAULT_PKCS12 = "client.pkcs12"
DEFAULT_FORMAT = "print"


def pair_outputs(formats: tuple[str, ...], targets: tuple[str, ...]) -> list[OutputSpec]:
    """Join each `-o` with its `-f`, in order. Without `-f` the one output is standard output."""
    from openstreamer.outputs.registry import OutputSpec, find, parse_format

    formats = formats or (DEFAULT_FORMAT,)
    if len(targets) > len(formats):
        raise UsageError("there are more -f than -o; give each target its format: -o FORMAT -f TARGET")
    if len(formats) - len(targets) > 1:
        raise UsageError("only one output can go to standard output; give the others a target with -f")
    specs = []
    for at, text in enumerate(formats):
        name, settings = parse_format(text)
        target = targets[at] if at < len(targets) else "-"
        specs.append(OutputSpec(name, settings, find(name).complete_target(target)))
    seen = [spec.target for spec in specs]
    for target in seen:
        if seen.count(target) > 1:
            raise UsageError(f"two outputs write to {'standard output' if target == '-' else target}")
    return specs


def default_position(folder: Path, server: str, specs: list[OutputSpec]) -> Path:
    """Where the position of this server and these outputs is kept if nobody says."""
    keys = "\n".join(sorted(spec.key for spec in specs))
    mark = hashlib.sha256(keys.encode()).hexdigest()[:12]
    return folder / f"{_file_name(server)}-{mark}.position"


def _file_name(server: str) -> str:
    return "".join(letter if letter.isalnum() or letter in ".-" else "_" for letter in server)


@click.command(
    "stream",
    short_help="Request events from a server and deliver them.",
    epilog=examples(
        "openstreamer stream fmc1 --pkcs12 client.pkcs12",
        "openstreamer stream fmc1 --events intrusion,packet -o json -f events.json -o pcap -f packets.pcap",
        "openstreamer stream fmc1 --since 2026-01-31T08:00:00Z --count 100 -o csv",
    ),
)
@click.argument("server", required=False)
@click.option("--port", type=click.IntRange(1, 65535), help="Port of the server. [default: 8302]")
@click.option(
    "--pkcs12", metavar="FILE", help=f"The file made for this client. [default: {DEFAULT_PKCS12}, if there]"
)
@password_option
@click.option("--cert", metavar="FILE", help="Certificate of this client (PEM), instead of --pkcs12.")
@click.option("--key", metavar="FILE", help="Its key (PEM), if it is not in the same file.")
@click.option("--ca", metavar="FILE", help="Authority of the server's certificate (PEM).")
@click.option("--events", metavar="NAME,…|all",
              help="Which events; NAME@VERSION: in an older form. [default: what outputs take]")  # fmt: skip
@click.option("--flags", metavar="0x…", help="Request flags to be sent as they are.")
@click.option("--no-extended", "extended", flag_value=False, default=True, type=bool,
              help="Ask by flag bits alone, as clients of the 4.x era do.")  # fmt: skip
@click.option("--since", metavar="resume|now|beginning|TIME", default="resume", show_default=True,
              help="Where to begin; resume where there is no position yet is beginning.")  # fmt: skip
@click.option("--until", metavar="TIME", help="End before the first event stored after this time.")
@click.option("--count", type=click.IntRange(min=1), metavar="N", help="End after N events.")
@click.option(
    "--idle-exit", type=click.FloatRange(min=0), metavar="SECONDS", help="End when nothing came for so long."
)
@click.option("--domain", metavar="NAME|ID", help="Only events of this domain.")
@click.option("-i", "--ipv6", is_flag=True, help="Connect over IPv6 only.")
@click.option(
    "--key-log", metavar="FILE", help="Append TLS secrets for Wireshark; whoever has them can read all."
)
@click.option("-o", "formats", multiple=True, metavar="FORMAT[:KEY=VALUE,…]",
              help=f"Form of an output; FORMAT:help explains it. [default: {DEFAULT_FORMAT}]")  # fmt: skip
@click.option("-f", "targets", multiple=True, metavar="TARGET",
              help="Where the output goes, one for each -o. [default: standard output]")  # fmt: skip
@click.option("--names/--no-names", default=True, show_default=True, help="Say what numbers stand for.")
@click.option("--metadata", type=click.Choice(["names", "lines"]), default="names", show_default=True,
              help="Metadata fills the names only, or is delivered as records of its own too.")  # fmt: skip
@click.option(
    "--position", metavar="FILE", help="Where the position is kept. [default: in the state directory]"
)
@click.option(
    "--reconnect/--no-reconnect", default=True, show_default=True, help="Mend lost connections, for ever."
)
@click.option("--read-timeout", type=click.FloatRange(min=1), default=300.0, show_default=True,
              metavar="SECONDS", help="Take the link for dead when nothing came for so long.")  # fmt: skip
@click.option("--quiet", is_flag=True, help="No progress and no notices, errors only.")
@state_option
def command(server: str | None, formats: tuple[str, ...], targets: tuple[str, ...], **options: Any) -> int:
    """Request events from SERVER (host, host:port, [IPv6]:port) and deliver them.

    The position is kept: the next run with the same outputs goes on where this one ended, and a file holds
    each event once, whatever happens in between. Ctrl-C ends it cleanly.
    """
    for text in formats:
        name, _, settings = text.partition(":")
        if settings == "help":
            from openstreamer.outputs.registry import manual

            click.echo(manual(name))
            return 0
    if server is None:
        raise click.UsageError("Missing argument 'SERVER'.")
    return _run(server, pair_outputs(formats, targets), options)


def _settings(server: str, specs: list[OutputSpec], options: dict[str, Any]) -> FeedSettings:
    from openstreamer.client.address import parse_server
    from openstreamer.client.credentials import ClientCredentials
    from openstreamer.client.feed import FeedSettings
    from openstreamer.client.receiver import Wanted
    from openstreamer.client.request import events_for, make_request, parse_flags
    from openstreamer.client.times import parse_time
    from openstreamer.outputs.registry import find

    host, port = parse_server(server, options["port"])
    flags = None if options["flags"] is None else parse_flags(options["flags"])
    takes = [find(spec.format).record_types for spec in specs]
    types = None if None in takes else frozenset().union(*(part for part in takes if part))
    events = options["events"] or events_for(types)
    request = make_request(events, extended=options["extended"], flags=flags)
    domain = options["domain"]
    return FeedSettings(
        host=host,
        port=port,
        credentials=client_credentials(options, ClientCredentials),
        request=request,
        wanted=Wanted(
            record_types=types,
            domain=int(domain) if domain is not None and domain.isdecimal() else domain,
            until=None if options["until"] is None else parse_time(options["until"]),
            metadata=options["metadata"] == "lines",
            names=options["names"],
        ),
        ipv6=options["ipv6"],
        count=options["count"],
        read_deadline=options["read_timeout"],
    )


def client_credentials(options: dict[str, Any], kind: Any) -> Any:
    """What the options --pkcs12, --cert, --key, --ca and --key-log say, as `kind` (ClientCredentials)."""
    pkcs12, certificate, key = options["pkcs12"], options["cert"], options["key"]
    if pkcs12 is not None and certificate is not None:
        raise UsageError("--pkcs12 and --cert say the same thing; give one of them")
    if key is not None and certificate is None:
        raise UsageError("--key needs --cert")
    if pkcs12 is None and certificate is None:
        if not os.path.exists(DEFAULT_PKCS12):
            raise UsageError(
                "which client is this? give the PKCS#12 file that the server's operator made, with --pkcs12"
                f" FILE (or as {DEFAULT_PKCS12} in this directory), or --cert and --key"
            )
        pkcs12 = DEFAULT_PKCS12
    password = read_password(options["password_file"])
    if password is None and pkcs12 is not None and sys.stdin is not None and sys.stdin.isatty():
        from openstreamer.authority.pkcs12 import read_pkcs12
        from openstreamer.errors import AuthorityError

        try:
            read_pkcs12(pkcs12, None)
        except AuthorityError:
            password = read_password(None, prompt=f"Password of {pkcs12}")
    return kind(
        pkcs12=pkcs12,
        password=password,
        certificate=certificate,
        key=key,
        authority=options["ca"],
        key_log=options["key_log"],
    )


def _run(server: str, specs: list[OutputSpec], options: dict[str, Any]) -> int:
    from openstreamer.client.credentials import KnownServers
    from openstreamer.client.feed import Feed
    from openstreamer.client.names import NameCache
    from openstreamer.client.position import PositionFile
    from openstreamer.client.reconnect import ReconnectPolicy
    from openstreamer.client.stop import Stop
    from openstreamer.client.stream import OpenedOutput, Stream, begin
    from openstreamer.client.times import parse_since
    from openstreamer.outputs.registry import create
    from openstreamer.server.state import find

    settings = _settings(server, specs, options)
    since = parse_since(options["since"])
    folder = find(options["state"]).client
    outputs = [OpenedOutput(spec.key, create(spec)) for spec in specs]
    path = (
        Path(options["position"]) if options["position"] else default_position(folder, settings.server, specs)
    )
    file = PositionFile(path)
    file.acquire()
    stop = Stop()
    screen = Screen(settings.server, quiet=options["quiet"], busy=any(spec.target == "-" for spec in specs))
    try:
        if not settings.request.archive_times:
            screen.notice("without flag bit 23 records have no archive time, so the position cannot be kept")
        for note in settings.request.notes:
            screen.notice(note)
        tracker, places = begin(since, file, settings.server, screen.notice)
        for opened in outputs:
            opened.output.open(places.get(opened.key))
            for sentence in opened.output.notices():
                screen.notice(sentence)
        feed = Feed(
            settings,
            tracker,
            names=NameCache(folder / f"{_file_name(settings.server)}.names"),
            known_servers=KnownServers(path.parent / "known-servers"),
            policy=ReconnectPolicy(reconnect=options["reconnect"]),
            stop=stop,
            notice=screen.notice,
        )
        stream = Stream(
            feed,
            outputs,
            screen,
            position_file=file,
            stop=stop,
            until=settings.wanted.until,
            idle_exit=options["idle_exit"],
        )
        asked = _catch_signals(stop)
        with screen.following(feed):
            end = stream.run()
        if end.reason == "stopped" and asked and asked[-1] == signal.SIGINT:
            return INTERRUPTED
        return 0
    finally:
        for opened in outputs:
            opened.output.close()
        file.release()
        stop.close()


def _catch_signals(stop: Stop) -> list[int]:
    """Let the first Ctrl-C or SIGTERM end the stream cleanly, the second at once. Returns which came."""
    asked: list[int] = []

    def ask(number: int, frame: object) -> None:
        again = bool(asked)
        asked.append(number)
        stop.request()
        if again or stop.interruption_allowed:
            raise KeyboardInterrupt

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, ask)
    return asked


class Screen:
    """Notices, and one line of progress where standard error is a terminal that no output writes to."""

    def __init__(self, server: str, *, quiet: bool, busy: bool) -> None:
        self._server = server
        self._quiet = quiet
        self._live: Any = None
        self._show = not quiet and sys.stderr.isatty() and not (busy and sys.stdout.isatty())
        self._feed: Feed | None = None
        self._shown_at = 0.0
        self._shown_count = 0
        self._rate = 0.0

    def following(self, feed: Feed) -> Screen:
        """Show the progress of this feed while the `with` block runs."""
        self._feed = feed
        return self

    def __enter__(self) -> Screen:
        if self._show:
            from rich.console import Console
            from rich.live import Live

            self._live = Live(console=Console(stderr=True), auto_refresh=False, transient=True)
            self._live.start()
            self._shown_at = time.monotonic()
        return self

    def __exit__(self, *error: object) -> None:
        if self._live is not None:
            self._live.stop()
            self._live = None
            if self._feed is not None:
                counts = self._feed.counts
                print(f"{counts.delivered:,} events delivered", file=sys.stderr)

    def notice(self, text: str) -> None:
        """One sentence for the operator, above the line of progress."""
        if self._quiet:
            return
        if self._live is not None:
            self._live.console.print(f"openstreamer: {text}", markup=False, highlight=False, soft_wrap=True)
        else:
            print(f"openstreamer: {text}", file=sys.stderr, flush=True)

    def tick(self) -> None:
        """Renew the line of progress, at most twice a second."""
        now = time.monotonic()
        if self._live is None or self._feed is None or now - self._shown_at < 0.5:
            return
        counts = self._feed.counts
        rate = (counts.delivered - self._shown_count) / (now - self._shown_at)
        self._rate = rate if not rate or not self._rate else 0.6 * self._rate + 0.4 * rate
        self._shown_at, self._shown_count = now, counts.delivered
        parts = [
            self._server if self._feed.connected else f"{self._server} (not connected)",
            f"{counts.delivered:,} events",
            f"{self._rate:,.0f}/s",
        ]
        if not rate:
            parts.append("waiting for more")
        elif counts.last_archive_time:
            parts.append(f"{_duration(max(0, int(time.time()) - counts.last_archive_time))} behind")
        if counts.undecodable:
            parts.append(f"{counts.undecodable:,} undecodable")
        from rich.text import Text

        self._live.update(Text("  ".join(parts), no_wrap=True, overflow="ellipsis"), refresh=True)


def _duration(seconds: int) -> str:
    if seconds < 120:
        return f"{seconds} s"
    if seconds < 7200:
        return f"{seconds // 60} min"
    if seconds < 172_800:
        return f"{seconds // 3600} h"
    return f"{seconds // 86_400} days"
