"""Shell completion, asked for by real shells as a user's Tab key does it."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from support.commands import run

WORDS = {
    "openstreamer mana": {"manage"},
    "openstreamer clients ": {"add", "list", "show", "revoke", "renew"},
    "openstreamer serve --noh": {"--nohostcheck"},
    "openstreamer clients show ": {"siem.example.net", "192.0.2.7"},
    "openstreamer clients revoke siem": {"siem.example.net"},
    "openstreamer events disable mal": {"malware"},
    "openstreamer stream fmc --events pac": {"packet"},
    "openstreamer stream fmc --events packet,mal": {"packet,malware"},
    "openstreamer stream fmc -o pcap": {"pcap", "pcapng"},
    "openstreamer feed js": {"json"},
    "openstreamer feed e": {"eve"},
    "openstreamer manage re": {"reload", "restart"},
    "openstreamer manage start --nohost": {"--nohostcheck"},
    "openstreamer completion f": {"fish"},
}


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("completion")
    state = folder / "state"
    assert run("init", state=state).status == 0
    for host in ("siem.example.net", "192.0.2.7"):
        assert run("clients", "add", host, "--out", str(folder / host), state=state).status == 0
    program = folder / "bin" / "openstreamer"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m openstreamer "$@"\n')
    program.chmod(0o700)
    return {
        **os.environ,
        "PATH": f"{program.parent}:{os.environ['PATH']}",
        "OPENSTREAMER_STATE": str(state),
        "HOME": str(folder),
    }


BASH = """
source <(openstreamer completion bash) 2>/dev/null
line=$1
read -ra COMP_WORDS <<< "$line"
[[ $line == *" " ]] && COMP_WORDS+=("")
COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
function=$(complete -p openstreamer | sed 's/.*-F \\([^ ]*\\).*/\\1/')
$function openstreamer
printf '%s\\n' "${COMPREPLY[@]}"
"""


def ask(program: str, arguments: list[str], environment: dict[str, str]) -> set[str]:
    done = subprocess.run(
        [program, *arguments], env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    return set(done.stdout.split())


@pytest.mark.parametrize("line", WORDS)
def test_bash(line: str, environment: dict[str, str]) -> None:
    bash = shutil.which("bash")
    if bash is None:
        pytest.skip("bash is not installed here")
    found = ask(bash, ["--norc", "-c", BASH, "bash", line], environment)
    expected = WORDS[line]
    assert expected <= found
    start = line.rpartition(" ")[2]
    assert all(word.startswith(start) for word in found)


def test_fish_gets_the_same_from_its_script(environment: dict[str, str]) -> None:
    fish = shutil.which("fish")
    if fish is None:
        pytest.skip("fish is not installed here")
    script = "openstreamer completion fish | source; complete -C 'openstreamer clients show siem'"
    assert "siem.example.net" in ask(fish, ["--no-config", "-c", script], environment)


def test_zsh_reads_its_script(environment: dict[str, str]) -> None:
    zsh = shutil.which("zsh")
    if zsh is None:
        pytest.skip("zsh is not installed here")
    script = (
        'autoload -U compinit && compinit -u; eval "$(openstreamer completion zsh)"; '
        "print $_comps[openstreamer]"
    )
    assert ask(zsh, ["-f", "-c", script], environment) == {"_openstreamer_completion"}


def test_hosts_need_no_state_directory(environment: dict[str, str], tmp_path: Path) -> None:
    bash = shutil.which("bash")
    if bash is None:
        pytest.skip("bash is not installed here")
    other = {**environment, "OPENSTREAMER_STATE": str(tmp_path / "none")}
    assert ask(bash, ["--norc", "-c", BASH, "bash", "openstreamer clients show "], other) == set()
