"""What a shell offers to complete: commands and options, and the words that stand for hosts, types, formats.

Only imported when a shell asks, or to print the script for one. What a parameter takes is a table here, so
that commands need not know of shells. Not here: the command that prints the script (`completion`).
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable

import click
from click.shell_completion import (
    BashComplete,
    CompletionItem,
    FishComplete,
    ShellComplete,
    ZshComplete,
    _resolve_context,
    _resolve_incomplete,
    add_completion_class,
)

from openstreamer.cli import COMPLETE

Source = Callable[[click.Context, str], Iterable[str | CompletionItem]]


def _hosts(context: click.Context, _incomplete: str) -> Iterable[str]:
    """Clients of the state directory; where it cannot be read, none."""
    from openstreamer.authority import Authority
    from openstreamer.errors import OpenStreamerError
    from openstreamer.server.state import find, read_version

    state = find(context.params.get("state"))
    with contextlib.suppress(OpenStreamerError, OSError):
        read_version(state)
        with Authority(state.path).load() as authority:
            return [client.host for client in authority.registry.list()]
    return []


def _event_types(_context: click.Context, incomplete: str) -> Iterable[str]:
    """Event types; in a list with commas the last one is completed."""
    from openstreamer.layouts.records import EVENT_CLASSES

    before, comma, _ = incomplete.rpartition(",")
    return [f"{before}{comma}{name}" for name in EVENT_CLASSES if name not in before.split(",")]


def _outputs(_context: click.Context, _incomplete: str) -> Iterable[str]:
    from openstreamer.outputs import registry

    return registry.names()


def _file_formats(_context: click.Context, _incomplete: str) -> Iterable[str]:
    from openstreamer.inputs import registry

    return registry.file_formats()


def _actions(_context: click.Context, _incomplete: str) -> Iterable[str]:
    from openstreamer.cli.manage import ACTIONS

    return ACTIONS


def _serve_options(_context: click.Context, incomplete: str) -> Iterable[str]:
    from openstreamer.cli import serve

    if not incomplete.startswith("-"):
        return []
    return [name for parameter in serve.command.params for name in parameter.opts]


def _files(_context: click.Context, incomplete: str) -> Iterable[CompletionItem]:
    return [CompletionItem(incomplete, type="file")]


TABLE: dict[tuple[str, str], Source] = {
    ("clients show", "host"): _hosts,
    ("clients download", "host"): _hosts,
    ("clients events", "host"): _hosts,
    ("clients events", "names"): _event_types,
    ("clients renew", "host"): _hosts,
    ("clients revoke", "host"): _hosts,
    ("clients add", "events"): _event_types,
    ("events", "names"): _event_types,
    ("feed", "format_name"): _file_formats,
    ("feed", "files"): _files,
    ("decode", "file"): _files,
    ("manage", "action"): _actions,
    ("manage", "options"): _serve_options,
    ("stream", "events"): _event_types,
    ("stream", "formats"): _outputs,
}
"""What stands for a parameter, by the words of its command and its name in the code."""

FILES = {"FILE", "F", "F|-", "PATH"}
"""Metavars of options that name a file."""


def _words(context: click.Context) -> str:
    """The command's words without the program's name."""
    return context.command_path.partition(" ")[2]


class _Mixin(ShellComplete):
    def get_completions(self, args: list[str], incomplete: str) -> list[CompletionItem]:
        """Completions for the word that is being written, after the words `args`."""
        context = _resolve_context(self.cli, self.ctx_args, self.prog_name, args)
        found, incomplete = _resolve_incomplete(context, args, incomplete)
        if isinstance(found, click.Parameter):
            source = TABLE.get((_words(context), found.name or ""))
            if source is None and found.metavar in FILES and not isinstance(found.type, click.Choice):
                source = _files
            if source is not None:
                return _items(source(context, incomplete), incomplete)
        if found is context.command and _words(context) == "manage" and incomplete.startswith("-"):
            ours = found.shell_complete(context, incomplete)
            known = {item.value for item in ours}
            return ours + [
                item
                for item in _items(_serve_options(context, incomplete), incomplete)
                if item.value not in known
            ]
        return found.shell_complete(context, incomplete)


def _items(words: Iterable[str | CompletionItem], incomplete: str) -> list[CompletionItem]:
    return [
        word if isinstance(word, CompletionItem) else CompletionItem(word)
        for word in words
        if isinstance(word, CompletionItem) or word.startswith(incomplete)
    ]


class _Bash(_Mixin, BashComplete):
    name = "bash"


class _Zsh(_Mixin, ZshComplete):
    name = "zsh"


class _Fish(_Mixin, FishComplete):
    name = "fish"


SHELLS: dict[str, type[ShellComplete]] = {"bash": _Bash, "zsh": _Zsh, "fish": _Fish}


def register() -> None:
    """Let click answer shells with what stands here."""
    for shell in SHELLS.values():
        add_completion_class(shell)


def script(shell: str, cli: click.Command) -> str:
    """The script that a shell has to read."""
    # The method of the base: that of bash would look for a bash to see whether it is new enough.
    return ShellComplete.source(SHELLS[shell](cli, {}, "openstreamer", COMPLETE)).rstrip() + "\n"
