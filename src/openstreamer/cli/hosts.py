"""`openstreamer hosts`: ask a server for host profiles and print them.

Options for connecting are those of `stream`. How requests and answers go is in docs/hosts.md; what is done
is in openstreamer.client.hosts.
"""

from __future__ import annotations

import sys
from typing import Any

import click

from openstreamer.cli.common import examples, password_option, state_option
from openstreamer.cli.stream import DEFAULT_PKCS12, client_credentials


@click.command(
    "hosts",
    short_help="Ask a server for host profiles.",
    epilog=examples(
        "openstreamer hosts fmc1 192.0.2.17 --pkcs12 client.pkcs12",
        "openstreamer hosts fmc1 192.0.2.0/24 2001:db8::1-2001:db8::ff --tree",
        "openstreamer hosts fmc1 192.0.2.17 | openstreamer feed json -",
    ),
)
@click.argument("server")
@click.argument("targets", metavar="ADDRESS|RANGE|CIDR...", nargs=-1, required=True)
@click.option("--port", type=click.IntRange(1, 65535), help="Port of the server. [default: 8302]")
@click.option(
    "--pkcs12", metavar="FILE", help=f"The file made for this client. [default: {DEFAULT_PKCS12}, if there]"
)
@password_option
@click.option("--cert", metavar="FILE", help="Certificate of this client (PEM), instead of --pkcs12.")
@click.option("--key", metavar="FILE", help="Its key (PEM), if it is not in the same file.")
@click.option("--ca", metavar="FILE", help="Authority of the server's certificate (PEM).")
@click.option("--json", "form", flag_value="json", default=True, help="Print JSON lines. [default]")
@click.option("--tree", "form", flag_value="tree", help="Print all fields with offset, size, kind and value.")
@click.option(
    "--notes/--no-notes", default=True, show_default=True, help="Ask for what users noted of hosts."
)
@click.option("--banners/--no-banners", default=True, show_default=True,
              help="Ask for what the hosts' servers say first.")  # fmt: skip
@click.option("--legacy", is_flag=True,
              help="Ask as clients before 5.0 did: flag bit 11, data types 4 and 5, IPv4 only.")  # fmt: skip
@click.option(
    "--extended", is_flag=True, help="Begin the session with flag bit 30 and a list of event types."
)
@click.option("--flags", metavar="0x…", help="Request flags of the session, to be sent as they are.")
@click.option("--data-type", type=click.IntRange(0, 13), metavar="N",
              help="Data type of another release; even for one host, the next one for a range.")  # fmt: skip
@click.option("--silence", type=click.FloatRange(min=0.1), default=5.0, show_default=True, metavar="SECONDS",
              help="Take an answer for complete when nothing came for so long.")  # fmt: skip
@click.option("-i", "--ipv6", is_flag=True, help="Connect over IPv6 only.")
@click.option(
    "--key-log", metavar="FILE", help="Append TLS secrets for Wireshark; whoever has them can read all."
)
@click.option("--quiet", is_flag=True, help="Do not name the hosts that the server does not know.")
@state_option
def command(server: str, targets: tuple[str, ...], **options: Any) -> int:
    """Ask SERVER (host, host:port, [IPv6]:port) for the profiles of hosts.

    A host is asked for by one of its ADDRESSes, many hosts by a RANGE (FIRST-LAST) or a network (CIDR,
    192.0.2.0/24). Profiles are printed as they come; 'feed json' reads the JSON lines. Hosts that the server
    does not know are named on standard error.
    """
    from openstreamer.client.address import parse_server
    from openstreamer.client.credentials import ClientCredentials, KnownServers
    from openstreamer.client.hosts import HostSettings, ask_all, check_settings, parse_target
    from openstreamer.client.request import parse_flags
    from openstreamer.protocol.host_profiles import profile_line
    from openstreamer.server.state import find

    wanted = [parse_target(text) for text in targets]
    host, port = parse_server(server, options["port"])
    settings = HostSettings(
        host=host,
        port=port,
        credentials=client_credentials(options, ClientCredentials),
        ipv6=options["ipv6"],
        notes=options["notes"],
        banners=options["banners"],
        legacy=options["legacy"],
        extended=options["extended"],
        flags=None if options["flags"] is None else parse_flags(options["flags"]),
        data_type=options["data_type"],
        silence=options["silence"],
    )
    check_settings(settings, wanted)
    known = KnownServers(find(options["state"]).client / "known-servers")
    broken = False
    for answer in ask_all(settings, wanted, known, _tell):
        if answer.profile is None:
            broken = broken or bool(answer.data)
            if answer.data or not options["quiet"]:
                _tell(f"{answer.target.text}: {answer.problem}")
        elif options["form"] == "tree":
            _print_tree(answer.profile.addresses, answer.data)
        else:
            sys.stdout.buffer.write(profile_line(answer.profile, settings.server))
            sys.stdout.buffer.flush()
    return 1 if broken else 0


def _tell(sentence: str) -> None:
    sys.stdout.flush()
    print(f"openstreamer: {sentence}", file=sys.stderr)


def _print_tree(addresses: list[str], data: bytes) -> None:
    from openstreamer.cli.field_tree import TreePrinter

    print(", ".join(addresses) or "no address")
    TreePrinter(sys.stdout).profile(data, 0)
    sys.stdout.flush()
