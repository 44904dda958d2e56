"""The command as a whole: lazy, one sentence for an error, the right exit status."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import click
import pytest

from openstreamer import cli, errors
from openstreamer.cli import common

HEAVY = ("asyncio", "cryptography", "msgspec", "rich", "sqlite3", "ssl", "openstreamer.layouts")


def run(*arguments: str, **options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "openstreamer", *arguments],
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        env={**os.environ, **options},
        timeout=60,
        check=False,
    )


def modules_after(code: str) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\nimport sys; print('MODULES', *sys.modules)"],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return set(done.stdout.rpartition("MODULES")[2].split())


def test_every_command_of_the_list_is_there() -> None:
    names = cli.group.list_commands(click.Context(cli.group))
    assert names == list(cli.COMMANDS)


def test_help_lists_the_commands_without_importing_them() -> None:
    loaded = modules_after(
        "from openstreamer.cli import group\ngroup.main(['--help'], 'openstreamer', standalone_mode=False)"
    )
    assert not loaded & set(HEAVY)
    assert not [name for name in cli.COMMANDS if f"openstreamer.cli.{name}" in loaded]


@pytest.mark.parametrize("name", cli.COMMANDS)
def test_help_of_a_command_imports_nothing_heavy(name: str) -> None:
    call = f"group.main(['{name}', '--help'], 'openstreamer', standalone_mode=False)"
    loaded = modules_after(f"from openstreamer.cli import group\n{call}")
    assert not loaded & {"asyncio", "cryptography", "rich", "ssl"}


def test_importing_the_package_is_quick() -> None:
    assert not modules_after("import openstreamer") & set(HEAVY)


def test_a_command_that_is_not_there_is_not_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name.endswith(".serve") else find(name)
    )
    context = click.Context(cli.group)
    assert "serve" not in cli.group.list_commands(context)
    assert cli.group.get_command(context, "serve") is None


def test_version() -> None:
    done = run("--version")
    assert done.returncode == 0
    assert done.stdout.startswith("openstreamer ")


def test_no_arguments_shows_the_help() -> None:
    done = run()
    assert done.returncode == 2
    assert "Commands:" in done.stderr


@pytest.mark.parametrize("arguments", [["nonsense"], ["--nonsense"], ["init", "--nonsense"]])
def test_wrong_usage_is_one_sentence_and_status_2(arguments: list[str]) -> None:
    done = run(*arguments)
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert "--help" in done.stderr
    assert not done.stdout


def test_debug_adds_the_traceback(tmp_path: Path) -> None:
    short = run("clients", "list", "--state", str(tmp_path))
    long = run("clients", "list", "--state", str(tmp_path), "--debug")
    assert short.returncode == long.returncode == 2
    assert len(short.stderr.splitlines()) == 1
    assert "Traceback" in long.stderr
    assert long.stderr.endswith(short.stderr)


def test_the_state_directory_may_stand_before_the_command(tmp_path: Path) -> None:
    first, second = str(tmp_path / "first"), str(tmp_path / "second")
    assert run("--state", first, "init").returncode == 0
    assert (tmp_path / "first" / "schema").is_file()
    assert run("--state", first, "clients", "list").returncode == 0
    assert run("--state", first, "init", "--state", second).returncode == 0
    assert (tmp_path / "second" / "schema").is_file()


CASES = [
    (errors.UsageError("wrong"), 2),
    (errors.ConfigurationError("wrong"), 2),
    (errors.RefusedError("no"), 3),
    (errors.PeerError(-1, "no"), 4),
    (errors.RemoteProtocolError("odd"), 4),
    (errors.StoreFull("full"), 1),
    (click.ClickException("odd"), 1),
    (FileNotFoundError(2, "No such file or directory", "some.file"), 1),
    (ValueError("odd"), 1),
]


@pytest.mark.parametrize(("error", "status"), CASES, ids=lambda value: type(value).__name__)
def test_an_error_becomes_a_sentence_and_a_status(
    error: Exception, status: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert common.report(error) == status
    shown = capsys.readouterr()
    assert not shown.out
    assert len(shown.err.splitlines()) == 1
    assert shown.err.startswith("openstreamer: ")


@pytest.mark.parametrize(
    ("error", "status"),
    [(KeyboardInterrupt(), 130), (click.Abort(), 130), (SystemExit(7), 7), (SystemExit(None), 0)],
    ids=repr,
)
def test_an_interruption_says_nothing(
    error: BaseException, status: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert common.report(error) == status
    assert capsys.readouterr() == ("", "")


TALKER = """
import click
from openstreamer import cli

def talk():
    for _ in range(9999):
        print("word " * 99)

cli.LazyGroup.get_command = lambda self, context, name: click.Command(name, callback=talk)
cli.main(["talk"])
"""


def test_a_reader_that_leaves_is_no_fault() -> None:
    command = [sys.executable, "-c", TALKER]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(30) == 1


class TestPassword:
    """Where a password comes from."""

    @pytest.fixture(autouse=True)
    def nothing_in_the_environment(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv(common.PASSWORD_VARIABLE, raising=False)

    def test_the_first_line_of_a_file(self, tmp_path: Path) -> None:
        path = tmp_path / "secret"
        path.write_text("geheim ä \r\nmore\n", encoding="utf-8")
        assert common.read_password(str(path)) == "geheim ä "

    def test_standard_input(self, monkeypatch: pytest.MonkeyPatch) -> None:
        import io

        monkeypatch.setattr(sys, "stdin", io.StringIO("secret\n"))
        assert common.read_password("-") == "secret"

    def test_the_environment(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv(common.PASSWORD_VARIABLE, "secret")
        assert common.read_password(None) == "secret"

    def test_a_file_goes_before_the_environment(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv(common.PASSWORD_VARIABLE, "other")
        (tmp_path / "secret").write_text("secret")
        assert common.read_password(str(tmp_path / "secret")) == "secret"

    def test_none_without_a_terminal(self) -> None:
        assert common.read_password(None, prompt="Password") is None

    def test_an_empty_one_is_none(self, tmp_path: Path) -> None:
        (tmp_path / "empty").touch()
        assert common.read_password(str(tmp_path / "empty")) is None

    def test_a_missing_file_is_wrong_usage(self, tmp_path: Path) -> None:
        with pytest.raises(errors.UsageError, match="cannot read the password"):
            common.read_password(str(tmp_path / "none"))
