"""Manual pages made from the commands: one page for each command, in the man macros.

What they say comes from the commands' own help, as on the page of commands; the wheel installs them under
share/man. Not here: when they are written (`write_docs`).
"""

from __future__ import annotations

import argparse
import inspect
import re
from collections.abc import Callable

import click

from openstreamer.cli.ssl_test_options import OUTPUTS, make_parser

COMMON = {"--help", "--debug"}

STATUSES = (
    ("0", "done"),
    ("1", "failed while running"),
    ("2", "wrong usage or configuration"),
    ("3", "refused by the peer: certificate, revocation or host check"),
    ("4", "the peer broke the protocol or reported an error"),
    ("130", "interrupted"),
)

VARIABLES = (
    ("OPENSTREAMER_STATE", "The state directory, where --state does not name it."),
    ("OPENSTREAMER_PASSWORD", "The password of a PKCS#12 file, where --password-file does not give it."),
)


def escape(text: str) -> str:
    """Text as roff takes it literally."""
    text = text.replace("\\", "\\e").replace("-", "\\-").replace("'", "\\(aq")
    text = text.replace("^", "\\(ha").replace("~", "\\(ti").replace("`", "\\(ga")
    text = text.replace("…", "...").replace("×", "x")
    return re.sub(r"^([.])", r"\\&\1", text, flags=re.MULTILINE)


def name(path: str) -> str:
    """Name of a command's page."""
    return path.replace(" ", "-")


def _filled(text: str) -> list[str]:
    """Paragraphs, each on one line, and what must keep its lines as it is."""
    lines: list[str] = []
    for paragraph in inspect.cleandoc(text).split("\n\n"):
        if not paragraph.strip():
            continue
        if paragraph.startswith("\b"):
            kept = paragraph.splitlines()[1:]
            lines += [".PP", ".nf", *(escape(line) or "\\&" for line in kept), ".fi"]
        else:
            lines += [".PP", escape(" ".join(paragraph.split()))]
    return lines


def _options(command: click.Command, metavar: Callable[[click.Parameter], str]) -> list[str]:
    lines = []
    for parameter in command.params:
        if not isinstance(parameter, click.Option) or parameter.hidden:
            continue
        names = [f"\\fB{escape(name)}\\fR" for name in (*parameter.opts, *parameter.secondary_opts)]
        value = metavar(parameter)
        told = f" \\fI{escape(value)}\\fR" if value else ""
        lines += [".TP", ", ".join(names) + told, escape(" ".join((parameter.help or "").split())) or "\\&"]
    lines += [".TP", "\\fB\\-h\\fR, \\fB\\-\\-help\\fR", "Show the help, with an example."]
    return [".SH OPTIONS", *lines]


def page(
    path: str,
    command: click.Command,
    *,
    usage: str,
    children: list[tuple[str, click.Command]],
    metavar: Callable[[click.Parameter], str],
) -> str:
    """The manual page of one command; `children` are the commands right below it, with their words."""
    title = name(path)
    short = (
        "streams security events to authenticated clients, and receives them"
        if path == "openstreamer"
        else command.get_short_help_str(limit=200).rstrip(".")
    )
    rest = usage.removeprefix(path).strip()
    lines = [
        f'.TH "{escape(title.upper())}" "1" "" "OpenStreamer" "OpenStreamer manual"',
        ".SH NAME",
        f"{escape(title)} \\- {escape(short)}",
        ".SH SYNOPSIS",
        f"\\fB{escape(path)}\\fR {escape(rest)}",
        ".SH DESCRIPTION",
        *_filled(command.help or "")[1:],
    ]
    if children:
        lines.append(".SH COMMANDS")
        for words, child in children:
            lines += [
                ".TP",
                f"\\fB{escape(name(words))}\\fR(1)",
                escape(child.get_short_help_str(limit=200)) or "\\&",
            ]
    lines += _options(command, metavar)
    lines += [".SH EXIT STATUS"]
    for status, meaning in STATUSES:
        lines += [".TP", f"\\fB{status}\\fR", meaning]
    lines += [".SH ENVIRONMENT"]
    for variable, meaning in VARIABLES:
        lines += [".TP", f"\\fB{variable}\\fR", escape(meaning)]
    examples = [line[2:] for line in (command.epilog or "").splitlines() if line.startswith("  ")]
    if examples:
        lines += [".SH EXAMPLES", ".nf", *(escape(line) for line in examples), ".fi"]
    if path != "openstreamer":
        parent = path.rpartition(" ")[0]
        above = [f"\\fB{escape(name(parent))}\\fR(1)"]
        if parent != "openstreamer":
            above.append("\\fBopenstreamer\\fR(1)")
        lines += [".SH SEE ALSO", ", ".join(above)]
    else:
        lines += [".SH SEE ALSO", "\\fBssl_test\\fR(1)"]
    return "\n".join(lines) + "\n"


def _parser_options(parser: argparse.ArgumentParser) -> list[str]:
    lines = [".SH OPTIONS", "An option may be shortened to what is unambiguous; case does not matter."]
    for action in parser._actions:  # argparse has no public list of them
        if action.option_strings:
            names = ", ".join(f"\\fB{escape(option[1:])}\\fR" for option in action.option_strings)
            value = f" \\fI{escape(str(action.metavar))}\\fR" if action.metavar else ""
            lines += [".TP", names + value, escape((action.help or "") % {"default": action.default})]
    return lines


def ssl_test_page() -> str:
    """The manual page of `ssl_test`, whose options have forms of their own."""
    lines = [
        '.TH "SSL_TEST" "1" "" "OpenStreamer" "OpenStreamer manual"',
        ".SH NAME",
        "ssl_test \\- reference client of the eStreamer protocol",
        ".SH SYNOPSIS",
        "\\fBssl_test\\fR \\fISERVER\\fR [\\fIoptions\\fR]",
        ".SH DESCRIPTION",
        "Requests events from an eStreamer server and writes them, with the options, requests and forms of",
        "the reference client. Options begin with one dash or two. The same program is installed as",
        "\\fBssl_test.pl\\fR and \\fBopenstreamer\\-ssl\\-test\\fR.",
        *_parser_options(make_parser()),
        ".SH OUTPUTS",
    ]
    for output, (_, meaning) in OUTPUTS.items():
        lines += [".TP", f"\\fB{output}\\fR", escape(meaning)]
    lines += [
        ".SH FILES",
        *(".TP", "\\fIestreamer.bmark\\fR", "The second of the last record, in the folder it runs in."),
        *(".TP", "\\fIserver.crt\\fR, \\fIserver.key\\fR", "Certificate and key, while it runs."),
        *(".SH EXAMPLES", ".nf", escape("ssl_test 192.0.2.4 -o pcap -f test.pcap"), ".fi"),
        *(".SH SEE ALSO", "\\fBopenstreamer\\fR(1), \\fBopenstreamer\\-stream\\fR(1)"),
    ]
    return "\n".join(lines) + "\n"
