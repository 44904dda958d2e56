"""`ssl_test`: the reference client's options and habits, over the client of this program.

Kept as people know them: options with one dash or two that may be shortened to what is unambiguous, the
request flags of each output, `server.crt` and `server.key` while it runs, the bookmark in `estreamer.bmark`.
Different on purpose: the server is verified where the PKCS#12 file holds its authority, the bookmark is
replaced as a whole, unknown `-start` words are refused. The differences are listed in docs/ssl-test.md.
Not here: requesting and decoding (openstreamer.client), formats (openstreamer.outputs).
"""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn, TextIO

from openstreamer.cli.common import INTERRUPTED, read_password, report
from openstreamer.errors import OpenStreamerError, UsageError

if TYPE_CHECKING:
    from openstreamer.client.credentials import ClientCredentials
    from openstreamer.outputs.interface import Output

BOOKMARK = "estreamer.bmark"
CERTIFICATE, KEY = "server.crt", "server.key"

OUTPUTS: dict[str, tuple[int, str]] = {
    "csv": (0x00800004, "intrusion events as a table"),
    "pcap": (0x00800001, "packets into a capture file, named by -f"),
    "print": (0x01F00004, "readable text"),
    "snmp": (0x00900004, "traps to the receiver named by -f"),
    "syslog": (0x00900004, "lines to the system log of this machine"),
}
"""Each output with the flags word of its request and what it does."""

HOST_FLAGS = 0x00100000
"""The flags word of a session for host requests."""

FLAGS: tuple[str, ...] = (
    "PKTS", "METADATA", "IDS", "RNA", "POLICY_EVENTS", "IMPACT_ALERTS", "IDS_IMPACT_FLAG", "RNA_EVENTS_2",
    "RNA_FLOW", "POLICY_EVENTS_2", "RNA_EVENTS_3", "HOST_ONLY", "RNA_FLOW_3", "POLICY_EVENTS_3",
    "METADATA_2", "METADATA_3", "WAIT_FOR_CONFIG", "RNA_EVENTS_4", "RNA_FLOW_4", "POLICY_EVENTS_4",
    "METADATA_4", "RUA", "POLICY_EVENTS_5", "SEND_ARCHIVE_TIMESTAMP", "RNA_EVENTS_5", "RNA_EVENTS_6",
    "RNA_FLOW_5", "EXTRA_DATA", "RNA_EVENTS_7", "POLICY_EVENTS_6", "DETAIL_REQUEST",
)  # fmt: skip
"""Names of the flag bits from bit 0 on, written with or without FLAG_ before them."""

_VALUES = ("output", "file", "host", "port", "pkcs12", "password", "start", "domain", "flags")
_SWITCHES = ("ipv6", "verbose", "pipe", "help", "debug")
_SHORT = {"p": "port", "d": "domain", "h": "host"}
"""What is ambiguous by its first letter and has a meaning all the same."""

_PIPE_COLUMNS = {
    "sensor_id": "device_id", "event_id": "event_id", "event_sec": "event_second",
    "event_usec": "event_microsecond", "sid": "signature_id", "gen": "generator_id",
    "rev": "signature_revision", "class": "classification_id", "priority": "priority_id",
    "src_addr": "source_ip", "dst_addr": "destination_ip", "src_port": "source_port_or_icmp_type",
    "dst_port": "destination_port_or_icmp_code", "ip_proto": "ip_protocol", "impact_flag": "impact_flags",
    "pad": "pad",
}  # fmt: skip


def expand(arguments: Sequence[str]) -> list[str]:
    """Options in their full form, `--name` or `--name=value`; one dash or two, shortened or not.

    Raises:
        UsageError: no such option, an ambiguous one, or one without its value.
    """
    full: list[str] = []
    rest = iter(arguments)
    for argument in rest:
        if argument == "--":
            return [*full, argument, *rest]
        if not argument.startswith("-") or argument == "-":
            full.append(argument)
            continue
        given, equals, value = argument.lstrip("-").partition("=")
        every = (*_VALUES, *_SWITCHES)
        found = [name for name in every if name.startswith(given)]
        if given in every:
            found = [given]
        elif given in _SHORT:
            found = [_SHORT[given]]
        elif given == "f":
            found = ["file"]
        if not given or not found:
            raise UsageError(f"there is no option {argument!r}; ssl_test without arguments lists them")
        if len(found) > 1:
            choices = " or ".join(f"-{name}" for name in found)
            raise UsageError(f"the option {argument!r} may be {choices}; write more of it")
        if found[0] in _SWITCHES:
            full.append(f"--{found[0]}")
            continue
        if not equals:
            following = next(rest, None)
            if following is None:
                raise UsageError(f"the option {argument!r} wants a value")
            value = following
        full.append(f"--{found[0]}={value}")
    return full


def parse_flags(text: str) -> int:
    """A flags word: a number (0x… or decimal), or names of bits joined by commas or `|`.

    Raises:
        UsageError: it is neither.
    """
    try:
        word = int(text, 0)
    except ValueError:
        word = 0
        for part in text.replace("|", ",").split(","):
            name = part.strip().lstrip("$").upper().removeprefix("FLAG_")
            if name not in FLAGS:
                known = ", ".join(f"FLAG_{flag}" for flag in FLAGS)
                raise UsageError(f"{part.strip()!r} is no flag; there are: {known}") from None
            word |= 1 << FLAGS.index(name)
    if not 0 <= word <= 0xFFFFFFFF:
        raise UsageError(f"{text!r} does not fit into the 32 bits of a flags word")
    return word


def _parser() -> argparse.ArgumentParser:
    plugins = "\n".join(f"  {name:8}{text}" for name, (_, text) in OUTPUTS.items())
    parser = argparse.ArgumentParser(
        prog="ssl_test",
        usage="ssl_test SERVER [options]",
        description="Options may begin with one dash or two and be shortened (-o, -f, -po).",
        epilog=f"outputs:\n{plugins}\n\nexample:\n  ssl_test 192.0.2.4 -o pcap -f test.pcap",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        add_help=False,
        allow_abbrev=False,
    )
    parser.add_argument("server", nargs="?", metavar="SERVER", help="address or name of the server")
    parser.add_argument("--output", default="print", metavar="NAME", help="output [default: print]")
    parser.add_argument("--file", metavar="FILE", help="file, or receiver of traps [default: screen]")
    parser.add_argument("--host", metavar="IP", help="hosts: IP, IP1,IP2 (a range), or a network")
    parser.add_argument("--ipv6", action="store_true", help="connect over IPv6")
    parser.add_argument("--port", type=int, default=8302, metavar="N", help="port [default: 8302]")
    parser.add_argument("--pkcs12", metavar="FILE", help="[default: the first *.pkcs12 here]")
    parser.add_argument("--password", metavar="TEXT", help="password of that file")
    parser.add_argument("--start", default="bookmark", help="all, now or bookmark [default: bookmark]")
    parser.add_argument("--domain", metavar="NAME", help="only events of this domain")
    parser.add_argument("--flags", metavar="WORD", help="request flags, by number or names")
    parser.add_argument("--pipe", action="store_true", help="csv as the original wrote it, with |")
    parser.add_argument("--verbose", action="store_true", help="progress on standard error")
    parser.add_argument("--debug", action="store_true", help="the traceback of an error")
    parser.add_argument("--help", action="store_true", help="this text")
    return parser


def starting_point(word: str) -> int:
    """The initial timestamp for `all`, `now` or `bookmark`.

    Raises:
        UsageError: another word, or a bookmark that is no number.
    """
    if word == "all":
        return 0
    if word == "now":
        return int(time.time())
    if word != "bookmark":
        raise UsageError(f"-start takes all, now or bookmark, not {word!r}")
    try:
        text = Path(BOOKMARK).read_text("ascii", errors="replace").strip()
    except FileNotFoundError:
        return int(time.time())
    if not text.isdecimal() or int(text) > 0xFFFFFFFF:
        raise UsageError(f"{BOOKMARK} holds no second: {text[:20]!r}; remove it, or give -start all")
    return int(text)


def _credentials(options: argparse.Namespace) -> tuple[ClientCredentials, bytes, bytes]:
    from openstreamer.authority.pkcs12 import read_pkcs12
    from openstreamer.client.credentials import ClientCredentials
    from openstreamer.errors import AuthorityError

    path = options.pkcs12 or next(iter(sorted(map(str, Path().glob("*.pkcs12")))), None)
    if path is None:
        raise UsageError("no PKCS#12 file here; put the one made for this client here, or give -pkcs12 FILE")
    password = options.password if options.password is not None else read_password(None)
    try:
        unpacked = read_pkcs12(path, password)
    except AuthorityError as error:
        if password is not None or sys.stdin is None or not sys.stdin.isatty():
            raise UsageError(str(error)) from error
        password = read_password(None, prompt=f"Password of {path}")
        unpacked = read_pkcs12(path, password)
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}") from error
    credentials = ClientCredentials(pkcs12=path, password=password, certificate=CERTIFICATE, key=KEY)
    return credentials, unpacked.certificate_pem, unpacked.private_key_pem


@contextlib.contextmanager
def _pem_files(certificate: bytes, key: bytes) -> Iterator[None]:
    """`server.crt` and `server.key`, readable by this user alone, while the block runs."""
    made: list[str] = []
    try:
        for name, content in ((CERTIFICATE, certificate), (KEY, key)):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(name)
            descriptor = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            made.append(name)
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
        yield
    finally:
        for name in made:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(name)


def _output(options: argparse.Namespace) -> Output:
    from openstreamer.outputs.registry import OutputSpec, create, find

    name, target = options.output, options.file
    if target is None and name in ("pcap", "snmp"):
        what = "the file" if name == "pcap" else "the receiver of the traps"
        raise UsageError(f"-o {name} needs {what}: -f")
    if options.pipe:
        if name != "csv":
            raise UsageError("-pipe goes with -o csv only")
        return _pipe_table(find("csv").complete_target(target or "-"))
    settings = "long=yes" if name == "print" else ""
    return create(OutputSpec(name, settings, find(name).complete_target(target or "-")))


def _pipe_table(target: str) -> Output:
    from openstreamer.outputs.columns import Column, RowMaker
    from openstreamer.outputs.csv_table import CsvConfig, CsvOutput

    output = CsvOutput(CsvConfig(separator="|"), target)
    output._rows = RowMaker([Column(name, "", (f"data.{field}",)) for name, field in _PIPE_COLUMNS.items()])
    return output


class _Observer:
    def __init__(self, verbose: bool) -> None:
        self._verbose = verbose

    def say(self, text: str) -> None:
        """Progress, with -verbose."""
        if self._verbose:
            self.notice(text)

    def notice(self, text: str) -> None:
        print(f"ssl_test: {text}", file=sys.stderr, flush=True)

    def tick(self) -> None:
        pass


def _interrupt(number: int, frame: object) -> None:
    raise KeyboardInterrupt


def _run_hosts(options: argparse.Namespace, credentials: ClientCredentials, start: int) -> int:
    from openstreamer.cli.field_tree import TreePrinter
    from openstreamer.client.hosts import HostSettings, ask_all, check_settings, parse_target

    target = parse_target(options.host.replace(",", "-"))
    settings = HostSettings(
        host=options.server,
        port=options.port,
        credentials=credentials,
        ipv6=options.ipv6,
        notes=False,
        banners=False,
        legacy=":" not in target.start,
        flags=HOST_FLAGS if options.flags is None else parse_flags(options.flags),
        initial_timestamp=start,
    )
    check_settings(settings, [target])
    for answer in ask_all(settings, [target]):
        if answer.profile is None:
            print(f"ssl_test: {answer.target.text}: {answer.problem}", file=sys.stderr)
            continue
        with _standard_output(options.file) as file:
            print(", ".join(answer.profile.addresses) or "no address", file=file)
            TreePrinter(file).profile(answer.data, 0)
    return 0


@contextlib.contextmanager
def _standard_output(path: str | None) -> Iterator[TextIO]:
    if path is None or path == "-":
        yield sys.stdout
        sys.stdout.flush()
    else:
        with open(path, "a", encoding="utf-8") as file:
            yield file


def _run_events(
    options: argparse.Namespace, credentials: ClientCredentials, start: int, observer: _Observer
) -> int:
    from openstreamer.client.connection import LostConnection
    from openstreamer.client.feed import Feed, FeedSettings
    from openstreamer.client.position import PositionFile, PositionTracker, SavedState
    from openstreamer.client.receiver import Wanted
    from openstreamer.client.reconnect import ReconnectPolicy
    from openstreamer.client.request import make_request
    from openstreamer.client.stop import Stop
    from openstreamer.client.stream import OpenedOutput, Stream

    class Bookmark(PositionFile):
        """The second of the last record, as a number in a file."""

        def save(self, state: SavedState) -> None:
            if state.position.second:
                beside = Path(f"{BOOKMARK}.new")
                beside.write_text(f"{state.position.second}\n", "ascii")
                beside.replace(BOOKMARK)

    flags = OUTPUTS[options.output][0] if options.flags is None else parse_flags(options.flags)
    output = _output(options)
    domain = options.domain
    settings = FeedSettings(
        host=options.server,
        port=options.port,
        credentials=credentials,
        request=make_request("all", flags=flags),
        wanted=Wanted(
            record_types=output.record_types,
            domain=int(domain) if domain is not None and domain.isdecimal() else domain,
        ),
        ipv6=options.ipv6,
    )
    tracker = PositionTracker()
    tracker.start = start
    stop = Stop()
    asked: list[int] = []

    def ask(number: int, frame: object) -> None:
        asked.append(number)
        stop.request()
        if len(asked) > 1 or stop.interruption_allowed:
            raise KeyboardInterrupt

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, ask)
    try:
        output.open(None)
        policy = ReconnectPolicy(reconnect=False, silence_refuses=False)
        feed = Feed(settings, tracker, policy=policy, stop=stop)
        observer.say(f"requesting the stream with flags 0x{flags:08x}")
        opened = [OpenedOutput(options.output, output)]
        Stream(feed, opened, observer, position_file=Bookmark(BOOKMARK), stop=stop).run()
    except LostConnection as error:
        observer.notice(f"the remote host closed the connection ({error})")
        return 0 if error.on_purpose else 1
    finally:
        output.close()
        stop.close()
    if asked:
        observer.say(f"signal {signal.Signals(asked[-1]).name} received, cleaning up")
    return INTERRUPTED if asked and asked[-1] == signal.SIGINT else 0


def run(arguments: Sequence[str]) -> int:
    """Do what these arguments say and return the exit status.

    Raises:
        OpenStreamerError: it did not work; says why.
    """
    parser = _parser()
    if not arguments:
        parser.print_help(sys.stderr)
        return 1
    options = parser.parse_args(expand(arguments))
    if options.help:
        parser.print_help()
        return 0
    if options.server is None:
        raise UsageError("which server? ssl_test SERVER [options]")
    if options.output not in OUTPUTS:
        raise UsageError(f"there is no output {options.output!r}; there are: {', '.join(OUTPUTS)}")
    if not 0 < options.port < 65536:
        raise UsageError(f"{options.port} is no port")
    if options.host is not None and options.output != "print":
        raise UsageError(f"host queries do not go with -o {options.output}; leave it out")
    observer = _Observer(options.verbose)
    start = starting_point(options.start)
    observer.say("setting up authentication")
    credentials, certificate, key = _credentials(options)
    observer.say(f"{credentials.pkcs12} found and read, writing {CERTIFICATE} and {KEY}")
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    with _pem_files(certificate, key):
        observer.say(f"starting at {start}")
        observer.say(f"connecting to {options.server} port {options.port}")
        if options.host is not None:
            return _run_hosts(options, credentials, start)
        return _run_events(options, credentials, start, observer)


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run with `arguments` (default: those of the process) and exit."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        status = run(given)
        sys.stdout.flush()
    except (OpenStreamerError, SystemExit, KeyboardInterrupt, OSError) as error:
        status = report(error, debug="--debug" in given or "-debug" in given)
    sys.exit(status)


if __name__ == "__main__":
    main()
