"""Rules of the house that no other tool keeps: words and paths that must not be there, licence, sizes."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def tracked() -> list[Path]:
    """Files of the repository; where there is no Git, what lies in the known folders."""
    try:
        found = subprocess.run(
            ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True, timeout=30
        )
        names = found.stdout.decode().split("\0")
        paths = [ROOT / name for name in names if name]
    except (OSError, subprocess.CalledProcessError):
        folders = ("src", "tests", "docs", "tools", "samples", "bench", "fuzz", ".ci", ".devcontainer")
        paths = [path for folder in folders for path in (ROOT / folder).rglob("*")]
    return [path for path in paths if path.is_file() and "__pycache__" not in path.parts]


def texts() -> list[tuple[Path, str]]:
    """Tracked text files with their content."""
    found = []
    for path in tracked():
        try:
            found.append((path, path.read_text("utf-8")))
        except UnicodeDecodeError:
            continue
    return found


def python_files() -> list[Path]:
    return [path for path in tracked() if path.suffix == ".py"]


def test_imports_go_one_way() -> None:
    done = subprocess.run(
        [sys.executable, "-c", "from importlinter.cli import lint_imports_command as run; run()"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert done.returncode == 0, done.stdout + done.stderr


# Each pattern is written so that it does not match this file.
UNWANTED = {
    "path of some machine": r"(?<![\w.])/(?:home|Users)/[a-z]+/|(?<![\w.])/roo[t]/|(?<![\w.])/wor[k]/",
    "unfinished work": r"\b(?:TOD[O]|FIXM[E]|XX[X])\b",
    "private key": r"-----BEGIN (?:RSA |EC |ENCRYPTED )?PRIVAT[E] KEY",
    "folder beside the repository": r"\.\./\.librar[y]",
}


@pytest.mark.parametrize("what", UNWANTED)
def test_nothing_is_in_the_tree_that_does_not_belong(what: str) -> None:
    pattern = re.compile(UNWANTED[what])
    hits = [
        f"{path.relative_to(ROOT)}:{number}"
        for path, text in texts()
        for number, line in enumerate(text.splitlines(), 1)
        if pattern.search(line) and path != Path(__file__)
    ]
    assert not hits, f"{what}: {hits[:10]}"


def test_shipped_files_do_not_need_what_lies_beside_the_repository() -> None:
    pattern = re.compile(r"\.\./share[d]|\bshared[/]data")
    hits = [
        str(path.relative_to(ROOT))
        for path, text in texts()
        if path.relative_to(ROOT).parts[0] in ("src", "docs", "samples", "tools") and pattern.search(text)
    ]
    assert not hits


def test_the_licence_is_the_apache_licence_and_the_project_says_so() -> None:
    licence = (ROOT / "LICENSE").read_text("utf-8")
    assert "Apache License" in licence
    assert "Version 2.0, January 2004" in licence
    assert "END OF TERMS AND CONDITIONS" in licence
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert project["license"] == "Apache-2.0"


def test_no_file_carries_a_licence_header_of_its_own() -> None:
    """One LICENSE for all: files have no header, so a header would mean foreign text."""
    pattern = re.compile(r"^\W*(?:Copyright\b|SPDX-License-Identifier|Licensed under)", re.MULTILINE)
    hits = [
        str(path.relative_to(ROOT))
        for path, text in texts()
        if path.name != "LICENSE" and pattern.search(text)
    ]
    assert not hits


def test_every_module_says_what_it_is_for() -> None:
    missing = [
        str(path.relative_to(ROOT))
        for path in python_files()
        if path.relative_to(ROOT).parts[0] != "tests"
        and not re.match(r'(?:#!.*\n)?r?"""', path.read_text("utf-8"))
    ]
    assert not missing


def test_annotations_are_never_evaluated_at_import() -> None:
    missing = [
        str(path.relative_to(ROOT))
        for path in python_files()
        if path.relative_to(ROOT).parts[0] != "examples"
        and re.search(r"^(?:import|from) ", path.read_text("utf-8"), re.MULTILINE)
        and "from __future__ import annotations" not in path.read_text("utf-8")
    ]
    assert not missing


def test_modules_stay_small_enough_to_hold_one_idea() -> None:
    large = {
        str(path.relative_to(ROOT)): count
        for path in python_files()
        if path.relative_to(ROOT).parts[0] == "src"
        and (count := len(path.read_text("utf-8").splitlines())) > 600
    }
    assert not large


def test_no_file_is_large() -> None:
    large = {
        str(path.relative_to(ROOT)): path.stat().st_size
        for path in tracked()
        if path.stat().st_size > 512_000
    }
    assert not large


def test_scripts_can_be_run() -> None:
    scripts = [path for path, text in texts() if text.startswith("#!")]
    assert scripts
    assert [str(path) for path in scripts if not path.stat().st_mode & 0o100] == []
