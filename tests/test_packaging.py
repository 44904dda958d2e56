"""The wheel in an empty environment without extras; files of the container; hardening of the units."""

from __future__ import annotations

import json
import os
import re
import shutil
import stat
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import click
import pytest

from openstreamer.cli import group

ROOT = Path(__file__).parents[1]
DEPLOY = ROOT / "deploy"
NEEDED = ("click", "cryptography", "msgspec", "rich", "cffi", "pycparser", "markdown_it", "mdurl", "pygments")


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fresh environment with the wheel and what it requires, taken from the one the tests run in."""
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    ignored = shutil.ignore_patterns("__pycache__")
    source.mkdir()
    for name in ("src", "docs", "deploy"):
        shutil.copytree(ROOT / name, source / name, ignore=ignored)
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    subprocess.run(
        [sys.executable, "-c", f"from hatchling.build import build_wheel; build_wheel({str(folder)!r})"],
        cwd=source,
        check=True,
        capture_output=True,
        timeout=60,
    )
    (wheel,) = folder.glob("*.whl")
    target = folder / "environment"
    venv.create(target, with_pip=False, symlinks=True)
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    packages = target / "lib" / version / "site-packages"
    here = Path(sysconfig.get_path("purelib"))
    for name in NEEDED:
        if (here / name).is_dir():
            (packages / name).symlink_to(here / name)
    for module in here.glob("_cffi_backend*"):
        (packages / module.name).symlink_to(module)
    subprocess.run(
        [
            *(sys.executable, "-m", "pip", "--python", str(target / "bin" / "python"), "install"),
            *("--no-index", "--no-deps", "--quiet", str(wheel)),
        ],
        check=True,
        capture_output=True,
        timeout=100,
    )
    return target


def run(environment: Path, *arguments: str, status: int = 0, program: str = "openstreamer") -> str:
    done = subprocess.run(
        [str(environment / "bin" / program), *arguments],
        capture_output=True,
        text=True,
        timeout=100,
        stdin=subprocess.DEVNULL,
        cwd=environment,
        env={"PATH": "/usr/bin:/bin", "HOME": str(environment / "home"), "LC_ALL": "C.UTF-8"},
        check=False,
    )
    assert done.returncode == status, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.mark.slow
def test_the_wheel_runs_without_extras(environment: Path) -> None:
    version = run(environment, "--version")
    assert re.fullmatch(r"openstreamer \d+\.\d+\.\d+\S*\n", version)
    run(environment, "init", "--state", "state")
    run(environment, "backup", "b.tar.gz", "--state", "state")
    run(environment, "restore", "b.tar.gz", "--state", "other")
    shown = run(environment, "demo")
    assert "intrusion" in shown
    assert "It has no pages: the web interface needs an optional part" in shown
    pages = environment / "share" / "man" / "man1"
    assert {page.name for page in pages.iterdir()} == {
        page.name for page in (ROOT / "docs" / "man").iterdir()
    }
    operated = [*DEPLOY.glob("*.service"), *DEPLOY.glob("*.socket"), DEPLOY / "grafana.json"]
    brought = environment / "share" / "openstreamer"
    assert {path.name: path.read_bytes() for path in brought.iterdir()} == {
        path.name: path.read_bytes() for path in operated
    }


@pytest.mark.slow
def test_without_extras_a_sentence_says_what_to_install(environment: Path) -> None:
    run(environment, "init", "--state", "bare")
    run(environment, "clients", "add", "localhost", "--state", "bare", "--out", "c.pkcs12")
    snmp = ("-o", "snmp", "-f", "127.0.0.1")
    for told in (
        run(environment, "stream", "localhost", "--pkcs12", "c.pkcs12", *snmp, status=2),
        run(environment, "localhost", "-pkcs12", "c.pkcs12", *snmp, status=2, program="ssl_test"),
    ):
        assert "pip install 'openstreamer[snmp]'" in told
        assert "Traceback" not in told
    told = run(environment, "web-password", "--state", "bare", status=2)
    assert "pip install 'openstreamer[web]'" in told


@pytest.mark.slow
@pytest.mark.parametrize("program", ["ssl_test", "ssl_test.pl", "openstreamer-ssl-test"])
def test_the_reference_client_is_installed_under_its_names(environment: Path, program: str) -> None:
    assert "usage: ssl_test SERVER" in run(environment, program=program, status=1)


@pytest.mark.slow
def test_man_finds_the_pages_by_the_path(environment: Path) -> None:
    man = shutil.which("man")
    if man is None:
        pytest.skip("man is not installed here")
    for page in ("openstreamer", "openstreamer-clients-add", "ssl_test"):
        done = subprocess.run(
            [man, "-w", page],
            env={"PATH": f"{environment / 'bin'}:/usr/bin:/bin"},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.stdout.strip() == str(environment / "share" / "man" / "man1" / f"{page}.1"), done.stderr


@pytest.mark.slow
def test_the_wheel_holds_data_types_and_licences(environment: Path) -> None:
    (wheel,) = environment.parent.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        (metadata,) = (name for name in names if name.endswith(".dist-info/METADATA"))
        told = archive.read(metadata).decode("utf-8").splitlines()
    package = ROOT / "src" / "openstreamer"
    data = [
        path.relative_to(package.parent).as_posix()
        for path in package.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    ]
    assert names.issuperset(data)
    assert "openstreamer/py.typed" in names
    assert "openstreamer/outputs/OPENSTREAMER-MIB.txt" in names
    licences = [line.removeprefix("License-File: ") for line in told if line.startswith("License-File: ")]
    assert len(licences) == 2
    assert all(f"{metadata.rpartition('/')[0]}/licenses/{name}" in names for name in licences)
    assert {f"Provides-Extra: {extra}" for extra in ("all", "fast", "snmp", "web")} <= set(told)
    assert not any(name.startswith(("tests/", "docs/", "tools/")) for name in names)


def test_the_start_of_the_container_makes_the_state_directory_once(tmp_path: Path) -> None:
    program = tmp_path / "bin" / "openstreamer"
    program.parent.mkdir()
    program.write_text(
        '#!/bin/sh\necho "$*" >> "$CALLS"\n[ "$1" != init ] || touch "$OPENSTREAMER_STATE/schema"\n'
    )
    program.chmod(0o755)
    calls = tmp_path / "calls"
    environment = {
        "PATH": f"{program.parent}:{os.environ['PATH']}",
        "CALLS": str(calls),
        "OPENSTREAMER_STATE": str(tmp_path),
        "OPENSTREAMER_NAME": "events.example.net",
    }
    for _ in range(2):
        subprocess.run(
            [DEPLOY / "container-start", "serve", "--web", "[::]:8303"],
            env=environment,
            check=True,
            timeout=20,
        )
    subprocess.run([DEPLOY / "container-start", "clients", "list"], env=environment, check=True, timeout=20)
    assert calls.read_text().splitlines() == [
        "init --name events.example.net",
        "serve --web [::]:8303",
        "serve --web [::]:8303",
        "clients list",
    ]


def test_the_container_is_bare_of_rights() -> None:
    text = (DEPLOY / "Containerfile").read_text("utf-8")
    assert re.search(r"^USER 10001:10001$", text, re.MULTILINE)
    for line in ("VOLUME /var/lib/openstreamer", "EXPOSE 8302 8303"):
        assert f"\n{line}\n" in text
    for words in re.findall(r"^(?:HEALTHCHECK .*)?CMD (\[.*\])$", text, re.MULTILINE):
        name, *arguments = [word for word in json.loads(words) if word != "openstreamer"]
        command = group.get_command(click.Context(group), name)
        assert command is not None
        command.make_context(name, arguments)  # such options exist
    assert "HEALTHCHECK" in text
    for copied in re.findall(r"^COPY (deploy/\S+)", text, re.MULTILINE):
        assert stat.S_IMODE((ROOT / copied).stat().st_mode) & 0o111


@pytest.mark.parametrize("unit", sorted(path.name for path in DEPLOY.glob("*.service")))
def test_units_are_hardened(unit: str) -> None:
    program = shutil.which("systemd-analyze")
    if program is None:
        pytest.skip("systemd-analyze is not installed here")
    done = subprocess.run(
        [program, "security", "--offline=true", "--threshold=20", str(DEPLOY / unit)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
