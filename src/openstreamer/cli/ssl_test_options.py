"""What `ssl_test` takes on its command line: options shortened and with one dash or two, outputs, flag words.

Abbreviations follow the reference client: an option may be shortened to what is unambiguous, case does not
matter. Where its single letters are ambiguous they have a meaning here (`-p` is the port, `-d` the domain,
`-h` the host). Not here: what is done with them (ssl_test.py).
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from openstreamer.errors import UsageError

OUTPUTS: dict[str, tuple[int, str]] = {
    "csv": (0x00800004, "intrusion events as a table"),
    "pcap": (0x00800001, "packets into a capture file, named by -f"),
    "print": (0x01F00004, "readable text"),
    "snmp": (0x00900004, "traps to the receiver named by -f"),
    "syslog": (0x00900004, "lines to the system log of this machine"),
}
"""Each output with the flags word of its request and what it does."""

OTHER_FLAGS = OUTPUTS["print"][0]
"""The flags word for outputs that the reference client does not have."""

HOST_FLAGS = 0x00100000
"""The flags word of a session for host requests."""

NO_FLAGS = 0x00000003
"""What is asked for where no flag is given."""

FLAGS: tuple[str, ...] = (
    "PKTS", "METADATA", "IDS", "RNA", "POLICY_EVENTS", "IMPACT_ALERTS", "IDS_IMPACT_FLAG", "RNA_EVENTS_2",
    "RNA_FLOW", "POLICY_EVENTS_2", "RNA_EVENTS_3", "HOST_ONLY", "RNA_FLOW_3", "POLICY_EVENTS_3",
    "METADATA_2", "METADATA_3", "WAIT_FOR_CONFIG", "RNA_EVENTS_4", "RNA_FLOW_4", "POLICY_EVENTS_4",
    "METADATA_4", "RUA", "POLICY_EVENTS_5", "SEND_ARCHIVE_TIMESTAMP", "RNA_EVENTS_5", "RNA_EVENTS_6",
    "RNA_FLOW_5", "EXTRA_DATA", "RNA_EVENTS_7", "POLICY_EVENTS_6", "DETAIL_REQUEST",
)  # fmt: skip
"""Names of the flag bits from bit 0 on, written with or without FLAG_ before them."""

_VALUES = (
    "output", "file", "host", "port", "pkcs12", "password", "start", "domain", "flags", "group",
)  # fmt: skip
_SWITCHES = ("ipv6", "verbose", "pipe", "help", "debug")
_SHORT = {"p": "port", "d": "domain", "h": "host", "f": "file"}
"""What is ambiguous by its first letter and has a meaning all the same."""


def expand(arguments: Sequence[str]) -> list[str]:
    """Options in their full form, `--name` or `--name=value`; one dash or two, shortened or not.

    Raises:
        UsageError: no such option, an ambiguous one, or one without its value.
    """
    full: list[str] = []
    rest = iter(arguments)
    every = (*_VALUES, *_SWITCHES)
    for argument in rest:
        if argument == "--":
            return [*full, argument, *rest]
        if not argument.startswith("-") or argument == "-":
            full.append(argument)
            continue
        given, equals, value = argument.lstrip("-").partition("=")
        given = given.lower()
        found = [name for name in every if name.startswith(given)]
        if given in every:
            found = [given]
        elif given in _SHORT:
            found = [_SHORT[given]]
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

    For 0 it is packets and metadata, which the reference client's library asks for then.

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
    return word or NO_FLAGS


def make_parser() -> argparse.ArgumentParser:
    """What argparse makes of expanded options; its help is the usage."""
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
    parser.add_argument(
        "server", nargs="?", metavar="SERVER", help="address or name of the server, or NAME:PORT"
    )
    parser.add_argument("--output", default="print", metavar="NAME", help="output [default: print]")
    parser.add_argument("--file", metavar="FILE", help="file, or receiver of traps [default: screen]")
    parser.add_argument("--host", metavar="IP", help="hosts: IP, IP1,IP2 (a range), or a network")
    parser.add_argument("--ipv6", action="store_true", help="connect over IPv6")
    parser.add_argument("--port", type=int, metavar="N", help="port [default: 8302]")
    parser.add_argument("--pkcs12", metavar="FILE", help="[default: the first *.pkcs12 here]")
    parser.add_argument("--password", metavar="TEXT", help="password of that file")
    parser.add_argument(
        "--start", default="bookmark", metavar="WORD", help="all, now or bookmark [default: bookmark]"
    )
    parser.add_argument("--domain", metavar="NAME", help="only events of this domain")
    parser.add_argument("--flags", metavar="WORD", help="request flags, by number or names")
    parser.add_argument(
        "--group", type=int, default=120, metavar="N",
        help="syslog, snmp: tell alerts of low priority every N seconds, 0 at once [default: 120]",
    )  # fmt: skip
    parser.add_argument("--pipe", action="store_true", help="csv as the original wrote it, with |")
    parser.add_argument("--verbose", action="store_true", help="progress on standard error")
    parser.add_argument("--debug", action="store_true", help="the traceback of an error")
    parser.add_argument("--help", action="store_true", help="this text")
    return parser
