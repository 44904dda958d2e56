"""The manual pages say all that the commands' help says, and programs for them have nothing to object."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import click
import pytest

import man_pages
import write_docs
from openstreamer.cli import group
from openstreamer.cli.ssl_test_options import make_parser

MAN = Path(__file__).parents[1] / "docs" / "man"
COMMANDS = dict(write_docs.commands(group, "openstreamer"))


def run(*command: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        list(map(str, command)),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "MANWIDTH": "1000"},
    )


def test_each_command_has_its_page_and_there_are_no_others() -> None:
    names = {f"{path.replace(' ', '-')}.1" for path in COMMANDS}
    assert {path.name for path in MAN.iterdir()} == names | {"ssl_test.1"}


def test_the_page_of_the_reference_client_shows_its_options() -> None:
    text = (MAN / "ssl_test.1").read_text("utf-8")
    for action in make_parser()._actions:
        for option in action.option_strings:
            assert f"\\fB{man_pages.escape(option[1:])}\\fR" in text


def test_man_renders_every_page_without_a_warning() -> None:
    if shutil.which("man") is None or shutil.which("groff") is None:
        pytest.skip("man is not installed here")
    for page in sorted(MAN.iterdir()):
        done = run("man", "--warnings", "-E", "UTF-8", "-l", page)
        assert (done.returncode, done.stderr) == (0, ""), page.name


def test_mandoc_has_no_objection() -> None:
    if shutil.which("mandoc") is None:
        pytest.skip("mandoc is not installed here")
    done = run("mandoc", "-T", "lint", "-W", "warning", *sorted(MAN.iterdir()))
    found = [line for line in done.stdout.splitlines() if "missing date" not in line]
    assert found == []


@pytest.mark.parametrize("path", COMMANDS)
def test_all_options_and_examples_are_shown(path: str) -> None:
    if shutil.which("mandoc") is None:
        pytest.skip("mandoc is not installed here")
    command = COMMANDS[path]
    done = run("mandoc", "-T", "utf8", "-O", "width=1000", MAN / f"{path.replace(' ', '-')}.1")
    text = subprocess.run(["col", "-bx"], input=done.stdout, capture_output=True, text=True).stdout
    words = " ".join(text.split())
    for parameter in command.params:
        if isinstance(parameter, click.Option) and not parameter.hidden:
            assert all(name in words for name in parameter.opts), parameter.opts
            assert " ".join((parameter.help or "").split()).replace("…", "...") in words
    for line in (command.epilog or "").splitlines():
        if line.startswith("  "):
            assert " ".join(line.split()).replace("…", "...") in words
