"""The documentation says what the program does: pages are current, examples parse and run, links hold."""

from __future__ import annotations

import doctest
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import msgspec
import pytest

import write_docs
from openstreamer import errors
from openstreamer.cli import COMMANDS, group

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = sorted(DOCS.rglob("*.md")) + sorted(ROOT.glob("*.md")) + [ROOT / "samples" / "README.md"]
ALL_TEXT = "\n".join(page.read_text("utf-8") for page in PAGES)


def page_id(page: Path) -> str:
    return str(page.relative_to(ROOT))


def blocks(page: Path, language: str) -> list[str]:
    """Contents of the fenced blocks of one language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", page.read_text("utf-8"), re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("name", write_docs.PAGES)
def test_generated_pages_are_current(name: str) -> None:
    assert (DOCS / name).read_text("utf-8") == write_docs.PAGES[name](), "run: make docs"


def test_every_command_and_option_appears() -> None:
    text = (DOCS / "cli.md").read_text("utf-8")
    for path, command in write_docs.commands(group, "openstreamer"):
        assert f"# {path}\n" in text
        for parameter in command.params:
            if isinstance(parameter, click.Option) and not parameter.hidden:
                for name in parameter.opts:
                    assert f"`{name}`" in text, f"{path} {name}"


def test_every_summary_is_that_of_its_command() -> None:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        assert command.get_short_help_str(limit=200) == COMMANDS[name]


def test_no_summary_is_cut_off() -> None:
    for path, command in write_docs.commands(group, "openstreamer"):
        if isinstance(command, click.Group):
            listed = command.get_help(click.Context(command, info_name=path, terminal_width=80))
            listed = listed.partition("\nCommands:\n")[2].partition("\n\n")[0]
            assert "..." not in listed, path


def test_every_command_shows_an_example() -> None:
    for path, command in write_docs.commands(group, "openstreamer"):
        assert "Example" in (command.epilog or ""), path


def test_every_error_appears() -> None:
    text = (DOCS / "errors.md").read_text("utf-8")
    for name, value in vars(errors).items():
        if isinstance(value, type) and issubclass(value, errors.OpenStreamerError):
            assert f"`{name}`" in text
            assert name in (errors.__doc__ or "")


def test_every_event_type_appears() -> None:
    from openstreamer.layouts.records import EVENT_CLASSES

    for name in EVENT_CLASSES:
        assert f"`{name}`" in ALL_TEXT


def test_every_record_and_block_appears() -> None:
    from openstreamer import wire
    from openstreamer.layouts.records import RECORDS

    records = (DOCS / "records.md").read_text("utf-8")
    layouts = "\n".join(page.read_text("utf-8") for page in sorted((DOCS / "reference").glob("*.md")))
    coverage = (DOCS / "coverage.md").read_text("utf-8")
    for number, record in RECORDS.items():
        assert f"| {number} | `{record.id}` |" in records
        assert f"| {number} | `{record.id}` |" in coverage
    for (series, number), cls in wire.blocks().items():
        if not cls.__module__.startswith("openstreamer.layouts."):
            continue  # declared by another test of this process
        assert re.search(rf"^### .*: series {series} block (?:\d+, )*{number}(?:,|$)", layouts, re.MULTILINE)
        assert re.search(rf"^\| {series} \| {number} \| .* yes \| yes ", coverage, re.MULTILINE)


def test_what_cannot_be_decoded_says_why() -> None:
    from openstreamer.layouts.records import WHY_UNKNOWN

    coverage = (DOCS / "coverage.md").read_text("utf-8")
    rows = [line for line in coverage.splitlines() if "| no | no |" in line]
    assert len(rows) == len(WHY_UNKNOWN)
    for (series, number), why in WHY_UNKNOWN.items():
        assert any(row.startswith(f"| {series} | {number} |") and row.endswith(f"| {why} |") for row in rows)


def test_every_reference_page_is_made_and_led_to() -> None:
    records = (DOCS / "records.md").read_text("utf-8")
    for page in (DOCS / "reference").glob("*.md"):
        assert f"reference/{page.name}" in write_docs.PAGES
        assert f"(reference/{page.name})" in records


def test_every_setting_appears() -> None:
    from openstreamer.server.settings import Settings

    for section in msgspec.structs.fields(Settings):
        for field in msgspec.structs.fields(section.type):
            assert f"`{field.encode_name}`" in ALL_TEXT, f"setting {section.encode_name}.{field.encode_name}"


def test_every_output_and_its_settings_appear() -> None:
    from importlib.metadata import entry_points

    for point in entry_points(group="openstreamer.outputs"):
        assert re.search(rf"`(?:-o )?{point.name}`", ALL_TEXT), point.name
        for field in msgspec.structs.fields(point.load().Config):
            assert f"`{field.encode_name}`" in ALL_TEXT, f"{point.name}: {field.encode_name}"


def command_lines() -> Iterator[tuple[str, str]]:
    """Every `$ openstreamer ...` of the console blocks, pipes and lists taken apart."""
    for page in PAGES:
        for block in blocks(page, "console"):
            for line in re.sub(r"\\\n\s*", " ", block).splitlines():
                if not line.startswith(("$ ", "# ")):
                    continue
                for part in re.split(r"&&|\|\||[|;]", line[2:]):
                    words = part.split("#")[0].split(">")[0].strip().rstrip("&").strip()
                    if words.startswith("openstreamer"):
                        yield page_id(page), words


@pytest.mark.parametrize(("page", "line"), sorted(set(command_lines())))
def test_every_command_line_parses(
    page: str, line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    words = shlex.split(line)[1:]
    command: click.Command = group
    context = click.Context(group, info_name="openstreamer")
    while isinstance(command, click.Group) and words and not words[0].startswith("-"):
        child = command.get_command(context, words[0])
        assert child is not None, f"no command {words[0]!r}"
        command, words = child, words[1:]
    if words in (["--help"], ["--version"]):
        return
    try:
        command.make_context(" ".join(line.split()[:2]), words, parent=context)
    except click.BadParameter as error:
        if "does not exist" not in error.format_message():
            raise


SHOWS = [
    line for _, line in sorted(set(command_lines())) if line.split()[1:2] in (["explain"], ["--version"])
]


@pytest.mark.parametrize("line", SHOWS)
def test_examples_that_only_show_something_run(line: str) -> None:
    command = [sys.executable, "-m", *shlex.split(line)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_python_sessions_give_what_they_show(page: Path) -> None:
    for number, block in enumerate(blocks(page, "pycon")):
        parsed = doctest.DocTestParser().get_doctest(block, {}, f"{page.name}[{number}]", str(page), 0)
        result = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(parsed)
        assert result.failed == 0


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_python_examples_compile_and_import_what_exists(page: Path) -> None:
    for block in blocks(page, "python"):
        compile(block, str(page), "exec")
        for line in re.findall(r"^(?:from openstreamer|import openstreamer).*$", block, re.MULTILINE):
            exec(line, {})


DECLARATION_CHECK = """
from openstreamer.wire import decoder, encoder

example = ExampleEvent(device_id=1, source_ip="192.0.2.1", score=9, comment="hm")
data = encoder(ExampleEvent, 241)(example)
assert decoder(ExampleEvent, 241)(data, 0, len(data)).comment == "hm"
data = encoder(ExampleName, 65000)(ExampleName(id=3, name="three"))
assert decoder(ExampleName, 65000)(data, 0, len(data)).name == "three"
"""


def test_the_example_of_a_declaration_works(tmp_path: Path) -> None:
    """In a process of its own: declaring a class registers it."""
    script = tmp_path / "declaration.py"
    script.write_text("\n".join([*blocks(DOCS / "declarations.md", "python"), DECLARATION_CHECK]))
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr


def anchors(page: Path) -> set[str]:
    """Anchors of the headings, as GitHub makes them."""
    found = set()
    for title in re.findall(r"^#+ (.*)$", page.read_text("utf-8"), re.MULTILINE):
        plain = re.sub(r"[^\w\- ]", "", title.replace("`", "").lower())
        found.add(plain.replace(" ", "-"))
    return found


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_links_resolve(page: Path) -> None:
    text = re.sub(r"^```.*?^```$", "", page.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = target.partition("#")
        linked = (page.parent / name).resolve() if name else page
        assert linked.exists(), target
        if anchor and linked.suffix == ".md":
            assert anchor in anchors(linked), target


def test_the_index_leads_to_every_page() -> None:
    index = (DOCS / "README.md").read_text("utf-8")
    for page in DOCS.glob("*.md"):
        if page.name != "README.md":
            assert f"({page.name})" in index
