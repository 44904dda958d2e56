"""Write the pages of docs/ that are made from the program: `make docs`; `tests/test_docs.py` keeps them so.

Here: what the pages look like. What they say comes from the commands' own help and from the classes.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import click

import layout_pages
import man_pages
import output_pages
import protocol_pages
import reference_pages
import request_pages
import run_pages
from openstreamer import errors
from openstreamer.cli import group

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"

NOTE = "<!-- Made by tools/write_docs.py from the program itself: change it there, then `make docs`. -->"

CLI_HEAD = """\
# Commands

Every command answers `--help` with an example. What they have in common:

- **State directory**: `--state DIR`, else `$OPENSTREAMER_STATE`, else `/var/lib/openstreamer` for root, the
  user's data directory otherwise.
- **Passwords** come from `--password-file` (`-` is standard input), from `$OPENSTREAMER_PASSWORD` or from a
  question on a terminal, never from the command line.
- **No question** is asked where standard input is no terminal.
- **Errors** go to standard error as one sentence; `--debug`, which every command takes, adds the traceback.

| exit status | means |
| --- | --- |
| 0 | done |
| 1 | failed while running |
| 2 | wrong usage or configuration |
| 3 | refused by the peer: certificate, revocation or host check |
| 4 | the peer broke the protocol or reported an error |
| 130 | interrupted |
"""

ERRORS_HEAD = """\
# Errors

Everything that OpenStreamer raises on purpose is one of these. `str(error)` is a sentence that says what to
do, the values in it are attributes, and the number is the exit status of a command that ends with it.
"""

COMMON_OPTIONS = {"--help", "--debug"}
"""Options that every command has; the head of the page explains them."""


def commands(command: click.Command, path: str) -> list[tuple[str, click.Command]]:
    """The command and everything below it, each with the words that call it."""
    found = [(path, command)]
    if isinstance(command, click.Group):
        context = click.Context(command, info_name=path)
        for name in command.list_commands(context):
            child = command.get_command(context, name)
            assert child is not None
            found += commands(child, f"{path} {name}")
    return found


def metavar(parameter: click.Parameter) -> str:
    """How the value of a parameter is written."""
    if parameter.metavar:
        return parameter.metavar
    if isinstance(parameter, click.Argument):
        name = (parameter.name or "").upper()
        return f"{name}..." if parameter.nargs == -1 else name
    if isinstance(parameter, click.Option) and (parameter.is_flag or parameter.count):
        return ""
    if isinstance(parameter.type, click.Choice):
        return "|".join(str(choice) for choice in parameter.type.choices)
    return {"integer": "N", "float": "SECONDS"}.get(parameter.type.name, parameter.type.name.upper())


def usage(path: str, command: click.Command) -> str:
    """The line that shows how a command is called."""
    words = [path, "[OPTIONS]"]
    for parameter in command.params:
        if isinstance(parameter, click.Argument):
            word = metavar(parameter)
            words.append(word if parameter.required or word.startswith("[") else f"[{word}]")
    if isinstance(command, click.Group):
        words.append("COMMAND ...")
    return " ".join(words)


def cell(text: str) -> str:
    """Text as it may stand in a table."""
    return " ".join(text.split()).replace("|", "\\|")


def option_rows(command: click.Command) -> list[str]:
    """Table of the command's own options."""
    rows = []
    for parameter in command.params:
        if (
            not isinstance(parameter, click.Option)
            or parameter.hidden
            or COMMON_OPTIONS & set(parameter.opts)
        ):
            continue
        names = [f"`{name}`" for name in parameter.opts]
        names += [f"`{name}`" for name in parameter.secondary_opts]
        value = metavar(parameter)
        rows.append(
            f"| {', '.join(names)}{f' {cell(value)}' if value else ''} | {cell(parameter.help or '')} |"
        )
    return ["| option | meaning |", "| --- | --- |", *rows, ""] if rows else []


def section(path: str, command: click.Command) -> str:
    """One command: what it does, how it is called, its options, its examples."""
    lines = [f"{'#' * min(1 + len(path.split()), 3)} {path}", ""]
    lines += [inspect.cleandoc(command.help or "").replace("\b\n", ""), ""]
    lines += ["```text", usage(path, command), "```", ""]
    lines += option_rows(command)
    if isinstance(command, click.Group):
        context = click.Context(command, info_name=path)
        for name in command.list_commands(context):
            child = command.get_command(context, name)
            assert child is not None
            anchor = f"{path} {name}".replace(" ", "-")
            lines.append(f"- [`{path} {name}`](#{anchor}): {child.get_short_help_str(limit=200)}")
        lines.append("")
    examples = [line[2:] for line in (command.epilog or "").splitlines() if line.startswith("  ")]
    if examples:
        lines += ["```console", *(f"$ {line}" for line in examples), "```", ""]
    return "\n".join(lines)


def cli_page() -> str:
    """Reference of every command and option."""
    sections = [section(path, command) for path, command in commands(group, "openstreamer")]
    return "\n".join([NOTE, "", CLI_HEAD, *sections]).rstrip() + "\n"


def errors_page() -> str:
    """Reference of the exception tree."""
    drawing = [line[4:] for line in (errors.__doc__ or "").splitlines() if line.startswith("    ")]
    rows = ["| class | exit status | meaning |", "| --- | --- | --- |"]
    for name, value in vars(errors).items():
        if isinstance(value, type) and issubclass(value, errors.OpenStreamerError):
            meaning = (value.__doc__ or "").split("\n\n")[0]
            rows.append(f"| `{name}` | {value.exit_status} | {cell(meaning)} |")
    return "\n".join([NOTE, "", ERRORS_HEAD, "```text", *drawing, "```", "", *rows, ""])


def coverage_page() -> str:
    """What is decoded, encoded and tested; reads the tests' tables of bytes written by hand."""
    if str(ROOT / "tests") not in sys.path:
        sys.path.append(str(ROOT / "tests"))
    import coverage_page

    return noted(coverage_page.coverage_page())


def man_page(path: str) -> str:
    """Manual page of the command that these words call."""
    every = dict(commands(group, "openstreamer"))
    below = [(words, child) for words, child in every.items() if words.rpartition(" ")[0] == path]
    return man_pages.page(path, every[path], usage=usage(path, every[path]), children=below, metavar=metavar)


def noted(text: str) -> str:
    """A page with the note that it is made."""
    return f"{NOTE}\n\n{text}"


PAGES: dict[str, Callable[[], str]] = {
    "cli.md": cli_page,
    "coverage.md": coverage_page,
    "errors.md": errors_page,
    **{
        f"man/{man_pages.name(path)}.1": partial(man_page, path)
        for path, _ in commands(group, "openstreamer")
    },
    "man/ssl_test.1": man_pages.ssl_test_page,
    "output-fields.md": lambda: noted(output_pages.output_fields_page()),
    "outputs.md": lambda: output_pages.outputs_page(DOCS / "outputs.md"),
    "protocol/sessions.md": protocol_pages.sessions_page,
    "records.md": lambda: noted(reference_pages.records_page()),
    "requests.md": lambda: noted(request_pages.requests_page()),
    "run-reference.md": lambda: noted(run_pages.reference_page()),
    "reference/values.md": lambda: noted(layout_pages.values_page()),
    **{
        f"reference/{name}.md": partial(lambda name: noted(layout_pages.family_page(name)), name)
        for name in layout_pages.FAMILIES
    },
}
"""Every generated page with the function that writes it."""


def main() -> int:
    """Write all pages."""
    for name, page in PAGES.items():
        (DOCS / name).parent.mkdir(exist_ok=True)
        (DOCS / name).write_text(page(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
