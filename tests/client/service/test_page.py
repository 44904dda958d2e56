"""What docs/run.md shows is true: its example is right, its mistakes are told like that."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from openstreamer.authority import Authority
from openstreamer.cli.run import command
from openstreamer.client.service.checking import load
from openstreamer.client.service.configuration import template
from openstreamer.client.service.metrics import OUTPUTS, PAIRS, SERVERS, SERVICE
from openstreamer.client.service.mistakes import Mistakes
from support.live_service import Template

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "run.md").read_text("utf-8")


def example() -> str:
    found = re.findall(r"^```toml\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    assert len(found) == 1
    return found[0]


@pytest.fixture
def folder(tmp_path: Path, certificates: Template) -> Path:
    """A directory with what the example names."""
    with Authority(certificates.state) as authority:
        for name, password in (("fmc1", "secret"), ("fmc2", None), ("branch", None)):
            data = authority.issue(f"{name}-{tmp_path.name}.invalid", password=password)
            (tmp_path / f"{name}.pkcs12").write_bytes(data)
    (tmp_path / "fmc1.password").write_text("secret\n")
    pem = certificates.certificates["one"].read_bytes()
    (tmp_path / "logs-ca.pem").write_bytes(pem[: pem.index(b"-----BEGIN PRIVATE")])
    (tmp_path / "estreamer").mkdir()
    return tmp_path


def placed(text: str, folder: Path) -> str:
    """The example with directories that a test may write."""
    return text.replace("/var/log/estreamer", str(folder / "estreamer")).replace("/var/lib", str(folder))


def test_the_example_is_right(folder: Path) -> None:
    file = folder / "client.toml"
    file.write_text(placed(example(), folder))
    result = CliRunner().invoke(command, ["--config", str(file), "--check"])
    assert result.exit_code == 0, result.output
    assert "is right: from headquarters (fmc1.example.com:8302 and fmc2.example.com:8302)" in result.output
    plan = load(file, state=folder)
    assert plan.outputs["archive"].sources == ("headquarters", "branch")
    assert plan.outputs["siem"].full == "catch-up"


def test_the_mistakes_are_told_as_shown(folder: Path) -> None:
    shown = re.findall(r"^client\.toml:\d+: (\S+): (.*)$", PAGE, re.MULTILINE)
    assert len(shown) == 3
    text = placed(example(), folder)
    text = text.replace("content =", "contnt =").replace('["servers-under-attack"]', '["dmz"]')
    (folder / "fmc1.pkcs12").unlink()
    file = folder / "client.toml"
    file.write_text(text)
    with pytest.raises(Mistakes) as told:
        load(file, state=folder)
    found = [(each.key, each.text.replace(str(folder), "/etc/openstreamer")) for each in told.value.found]
    assert found == shown
    lines = [int(line) for line in re.findall(r"^client\.toml:(\d+): ", PAGE, re.MULTILINE)]
    assert [each.line for each in told.value.found] == lines


def test_the_printed_example_needs_only_the_file_of_the_client(folder: Path) -> None:
    printed = CliRunner().invoke(command, ["--print-example"])
    assert printed.output == template()
    (folder / "client.pkcs12").write_bytes((folder / "fmc2.pkcs12").read_bytes())
    file = folder / "client.toml"
    file.write_text(printed.output)
    assert list(load(file, state=folder / "state").outputs) == ["file"]


def test_every_metric_has_its_words() -> None:
    rows = (*SERVICE, *SERVERS, *PAIRS, *OUTPUTS)
    assert len({row.name for row in rows}) == len(rows)
    assert all(row.text.endswith(".") for row in rows)
    assert all(row.name.endswith("_total") == (row.kind == "counter") for row in rows)


def test_the_unit_runs_the_command_and_reloads_it() -> None:
    unit = (ROOT / "deploy" / "openstreamer-client.service").read_text("utf-8")
    assert re.search(r"^ExecStart=openstreamer run --config \S+$", unit, re.MULTILINE)
    for line in ("Type=notify", "ExecReload=kill -HUP $MAINPID", "WatchdogSec=60", "NoNewPrivileges=yes"):
        assert f"\n{line}\n" in unit
