"""A table on the terminal: drawn by rich for people, plain columns where the output is no terminal."""

from __future__ import annotations

import sys
from collections.abc import Sequence


def show_table(columns: Sequence[str], rows: Sequence[Sequence[str]], *, title: str | None = None) -> None:
    """Print a table; plain rows are never cut, so that other programs can read them."""
    if sys.stdout.isatty():
        from rich.table import Table

        from openstreamer.cli.common import console

        table = Table(title=title, title_justify="left", title_style="bold", expand=False)
        for place, column in enumerate(columns):
            table.add_column(column, overflow="fold", no_wrap=place == 0)
        for row in rows:
            table.add_row(*row)
        console().print(table)
        return
    if title:
        print(title)
    widths = [max(len(row[place]) for row in (columns, *rows)) for place in range(len(columns))]
    for row in (columns, *rows):
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
