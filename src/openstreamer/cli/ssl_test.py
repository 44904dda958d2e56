"""`ssl_test`: the reference client's options and habits, over the client of this program.

Kept as people know them: options with one dash or two that may be shortened to what is unambiguous, the
request flags of each output, a Null for every message, `server.crt` and `server.key` while it runs, the
bookmark in `estreamer.bmark`, the print form, the words of syslog and the grouping of low priorities.
Different on purpose: the server is verified where the PKCS#12 file holds its authority, the bookmark is
replaced as a whole, unknown `-start` words are refused. The differences are listed in docs/ssl-test.md.
Here: the run. Options, files and the print form are in ssl_test_options, ssl_test_files, ssl_test_print.
"""

from __future__ import annotations

import argparse
import contextlib
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, NoReturn, TextIO

from openstreamer.cli.common import INTERRUPTED, report
from openstreamer.cli.ssl_test_options import (
    HOST_FLAGS,
    OTHER_FLAGS,
    OUTPUTS,
    expand,
    make_parser,
    parse_flags,
)
from openstreamer.client.address import check_port, parse_server
from openstreamer.errors import OpenStreamerError, UsageError

if TYPE_CHECKING:
    from openstreamer.client.credentials import ClientCredentials
    from openstreamer.outputs.interface import Output

_PIPE_COLUMNS = {
    "sensor_id": "device_id", "event_id": "event_id", "event_sec": "event_second",
    "event_usec": "event_microsecond", "sid": "signature_id", "gen": "generator_id",
    "rev": "signature_revision", "class": "classification_id", "priority": "priority_id",
    "src_addr": "source_ip", "dst_addr": "destination_ip", "src_port": "source_port_or_icmp_type",
    "dst_port": "destination_port_or_icmp_code", "ip_proto": "ip_protocol", "impact_flag": "impact_flags",
    "pad": "pad",
}  # fmt: skip


def make_output(options: argparse.Namespace) -> Output:
    """The output of these options, with the settings that make it what the reference client had.

    Raises:
        UsageError: there is no such output, a target is missing, or settings do not fit.
    """
    from openstreamer.outputs.registry import OutputSpec, create, find, names, parse_format, parse_settings

    name, settings = parse_format(options.output)
    if name not in OUTPUTS and name not in names():
        raise UsageError(f"there is no output {name!r}; there are: {', '.join(OUTPUTS)}")
    if options.host is not None and name != "print":
        raise UsageError(f"host queries do not go with -o {name}; leave it out")
    if options.file is None and name in ("pcap", "snmp"):
        what = "the file" if name == "pcap" else "the receiver of the traps"
        raise UsageError(f"-o {name} needs {what}: -f")
    if options.pipe and name != "csv":
        raise UsageError("-pipe goes with -o csv only")
    target = find(name).complete_target(options.file or "-")
    if name == "print" and not settings:
        from openstreamer.cli.ssl_test_print import ReferencePrint

        return ReferencePrint(ReferencePrint.Config(), target)
    if options.pipe:
        return _pipe_table(target)
    usual = {"group": str(options.group)} if name in ("syslog", "snmp") else {}
    if name == "syslog":
        usual |= {"content": "reference", "severity": "notice", "tag": _user()}
    given = parse_settings(settings)
    added = [f"{key}={value}" for key, value in usual.items() if key not in given]
    return create(OutputSpec(name, ",".join([*([settings] if settings else []), *added]), target))


def _user() -> str:
    """What `logger` takes for the tag."""
    import getpass

    try:
        name = getpass.getuser()
    except (KeyError, OSError):
        name = ""
    return name if name.isascii() and name.isalnum() else "openstreamer"


def _pipe_table(target: str) -> Output:
    from openstreamer.outputs.columns import Column
    from openstreamer.outputs.csv_table import CsvConfig, CsvOutput

    columns = [Column(name, "", (f"data.{field}",)) for name, field in _PIPE_COLUMNS.items()]
    return CsvOutput(CsvConfig(separator="|"), target, columns=columns, line_end="\n")


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


def _run_hosts(options: argparse.Namespace, credentials: ClientCredentials, start: int, flags: int) -> int:
    from openstreamer.cli.ssl_test_print import host_text
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
        flags=flags,
        initial_timestamp=start,
        answer_all=True,
    )
    check_settings(settings, [target])
    for answer in ask_all(settings, [target]):
        if answer.data:
            with _standard_output(options.file) as file:
                file.write(host_text(answer.data, several=target.is_range))
        else:
            print(f"ssl_test: {answer.target.text}: {answer.problem}", file=sys.stderr)
    return 0


@contextlib.contextmanager
def _standard_output(path: str | None) -> Iterator[TextIO]:
    if path is None or path == "-":
        yield sys.stdout
        sys.stdout.flush()
    else:
        with open(path, "a", encoding="utf-8") as file:
            yield file


def _record_types(name: str, output: Output) -> frozenset[int] | None:
    """What the reference client's output of that name takes; it passes all else by."""
    from openstreamer.outputs.pcapng import INTRUSION_RECORDS

    return INTRUSION_RECORDS if name in ("csv", "snmp", "syslog") else output.record_types


def _run_events(
    options: argparse.Namespace,
    output: Output,
    credentials: ClientCredentials,
    start: int,
    flags: int,
    observer: _Observer,
) -> int:
    from openstreamer.cli.ssl_test_files import BOOKMARK, SIGNALS, Bookmark
    from openstreamer.client.connection import Connection, LostConnection
    from openstreamer.client.feed import Feed, FeedSettings
    from openstreamer.client.position import PositionTracker
    from openstreamer.client.receiver import Delivery, Wanted
    from openstreamer.client.reconnect import ReconnectPolicy
    from openstreamer.client.request import make_request
    from openstreamer.client.stop import Stop
    from openstreamer.client.stream import OpenedOutput, Stream

    class TellingFeed(Feed):
        """Says what it is about to do."""

        def _session(self, connection: Connection) -> Iterator[Delivery | None]:
            observer.say(f"requesting the stream with flags 0x{flags:08x}")
            observer.say("entering the loop")
            yield from super()._session(connection)

    name = options.output.partition(":")[0]
    prints = name == "print" and ":" not in options.output
    domain = options.domain
    settings = FeedSettings(
        host=options.server,
        port=options.port,
        credentials=credentials,
        request=make_request("all", flags=flags),
        wanted=Wanted(
            record_types=_record_types(name, output),
            domain=int(domain) if domain is not None and domain.isdecimal() else domain,
            metadata=prints,
            names=not prints,
        ),
        ipv6=options.ipv6,
        answer_all=True,
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

    for number in SIGNALS:
        signal.signal(number, ask)
    try:
        output.open(None)
        policy = ReconnectPolicy(reconnect=False, silence_refuses=False)
        feed = TellingFeed(settings, tracker, policy=policy, stop=stop, notice=observer.notice)
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
    return INTERRUPTED if asked and asked[-1] in (signal.SIGINT, signal.SIGQUIT) else 0


def _usage(say: Callable[[str], object]) -> None:
    from openstreamer.outputs.registry import names

    say(make_parser().format_help())
    others = [name for name in names() if name not in OUTPUTS]
    say(f"\nalso installed: {', '.join(others)}\n")


def run(arguments: Sequence[str]) -> int:
    """Do what these arguments say and return the exit status.

    Raises:
        OpenStreamerError: it did not work; says why.
    """
    if not arguments:
        _usage(sys.stderr.write)
        return 1
    options = make_parser().parse_args(expand(arguments))
    if options.help:
        _usage(sys.stdout.write)
        return 0
    name, _, settings = options.output.partition(":")
    if settings == "help":
        from openstreamer.outputs.registry import manual

        print(manual(name))
        return 0
    if options.server is None:
        raise UsageError("which server? ssl_test SERVER [options]")
    if options.port is not None:
        check_port(options.port)
    options.server, options.port = parse_server(options.server, options.port)
    if options.group < 0:
        raise UsageError("-group takes seconds, 0 or more")
    output = make_output(options)
    usual, _ = OUTPUTS.get(name, (OTHER_FLAGS, ""))
    if options.host is not None:
        usual = HOST_FLAGS
    flags = usual if options.flags is None else parse_flags(options.flags)

    from openstreamer.cli.ssl_test_files import SIGNALS, credentials_of, pem_files, starting_point

    observer = _Observer(options.verbose)
    start = starting_point(options.start)
    observer.say("setting up authentication")
    credentials, certificate, key = credentials_of(options.pkcs12, options.password, observer.say)
    for number in SIGNALS:
        signal.signal(number, _interrupt)
    with pem_files(certificate, key, observer.say):
        observer.say(f"starting at {start}")
        observer.say(f"connecting to {options.server} port {options.port}")
        if options.host is not None:
            return _run_hosts(options, credentials, start, flags)
        return _run_events(options, output, credentials, start, flags, observer)


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run with `arguments` (default: those of the process) and exit."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        status = run(given)
        sys.stdout.flush()
    except (OpenStreamerError, SystemExit, KeyboardInterrupt, OSError) as error:
        debug = any(word in ("--debug", "-debug", "-de", "-deb", "-debu") for word in given)
        status = report(error, debug=debug, program="ssl_test")
    sys.exit(status)


if __name__ == "__main__":
    main()
