from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from openstreamer.errors import ConfigurationError
from openstreamer.server.settings import (
    Settings,
    load,
    parse,
    parse_address,
)
from openstreamer.server.settings_manual import manual, template


def test_no_file_gives_the_defaults(tmp_path: Path) -> None:
    assert load(tmp_path / "openstreamer.toml") == Settings()


def test_every_setting_has_an_explanation() -> None:
    entries = list(manual())
    assert len({(entry.section, entry.key) for entry in entries}) == len(entries) > 20
    for entry in entries:
        assert len(entry.text) > 20, entry


def test_the_template_says_the_defaults(tmp_path: Path) -> None:
    path = tmp_path / "openstreamer.toml"
    path.write_text(template())
    assert load(path) == Settings()
    plain = "\n".join(
        line.removeprefix("# ") if " = " in line and not line.endswith(".") else line
        for line in template().splitlines()
    )
    assert parse(plain.encode(), where="f") == Settings()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("surprise = 1", "surprise: there is no such setting"),
        ("[server]\nlisten = 1", "server.listen: expected"),
        ("[sessions]\nconnections = 0", "sessions.connections: expected"),
        ("[sessions]\nwindow = 1", "sessions.window: there is no such setting"),
        ("[retention]\nkeep_days = 'long'", "retention.keep_days: expected"),
        ("[server]\nlisten = ['[::]:99999']", "server.listen[0]: "),
        ("[web]\nlisten = 'a:b:c'", "web.listen: "),
        ("[server\n", "line 1"),
    ],
)
def test_an_error_names_file_and_key(text: str, expected: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        parse(text.encode(), where="openstreamer.toml")
    assert str(caught.value).startswith("openstreamer.toml")
    assert expected in str(caught.value)
    assert "\n" not in str(caught.value)


def test_text_that_is_not_utf8_is_an_error() -> None:
    with pytest.raises(ConfigurationError, match="UTF-8"):
        parse(b"\xff", where="f")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("127.0.0.1:0", ("127.0.0.1", 0)),
        ("[::]:8302", ("::", 8302)),
        ("[::1]", ("::1", 8302)),
        ("::1", ("::1", 8302)),
        ("localhost", ("localhost", 8302)),
        (":8302", ("", 8302)),
    ],
)
def test_addresses(text: str, expected: tuple[str, int]) -> None:
    assert parse_address(text, default_port=8302) == expected


@pytest.mark.parametrize("text", ["8302", "host:", "host:x", "host:65536", "[::1", "[::1]x", "host:-1"])
def test_wrong_addresses(text: str) -> None:
    with pytest.raises(ConfigurationError):
        parse_address(text, default_port=8302)


def test_settings_cannot_be_changed() -> None:
    with pytest.raises(AttributeError):
        Settings().server.host_check = False  # type: ignore[misc]
    changed = msgspec.structs.replace(Settings().server, host_check=False)
    assert not changed.host_check


def test_the_page_in_the_docs_has_every_setting_as_the_program_has_it() -> None:
    page = Path(__file__).parents[2] / "docs" / "server.md"
    rows = [f"| `[{row.section}]` | `{row.key}` | `{row.default}` | {row.text} |" for row in manual()]
    text = page.read_text("utf-8").splitlines()
    assert [row for row in rows if row not in text] == []
