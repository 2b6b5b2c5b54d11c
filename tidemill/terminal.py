"""What the user sees: results on standard output, progress and errors on standard error, and nothing of what libraries
say.

`divert` takes the process's own two streams away from the terminal for good (down to the file descriptors, so that
child processes, other threads and the interpreter's own last words are included) and keeps private copies for us.
"""

from __future__ import annotations

import csv
import json
import math
import os
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TextIO

from rich.console import Console
from rich.table import Table
from rich.text import Text

Format = Literal["table", "csv", "json"]


@dataclass
class Streams:
    """Where results and where messages go."""

    out: TextIO
    err: TextIO
    log: Path | None = None


_diverted: list[Streams] = []


def streams() -> Streams:
    """The user's two streams, whether diverted or not."""
    return _diverted[0] if _diverted else Streams(sys.stdout, sys.stderr)


def log_of_diversion() -> Path | None:
    """Where everything goes that is not ours to say; None where nothing was diverted."""
    return streams().log


def divert(log: Path) -> None:
    """From here to the process's end, whatever is not ours to say goes to `log`. OSError where it cannot be written."""
    if _diverted:
        return
    log.parent.mkdir(parents=True, exist_ok=True)
    sys.stdout.flush()
    sys.stderr.flush()
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    out, err = (os.fdopen(os.dup(stream), "w", encoding="utf-8", errors="replace") for stream in (1, 2))
    _diverted.append(Streams(out, err, log))
    os.dup2(descriptor, 1)
    os.dup2(descriptor, 2)
    os.close(descriptor)


def say(line: str = "") -> None:
    """One line of results."""
    print(line, file=streams().out, flush=True)


def warn(line: str) -> None:
    """One line for people, beside the results."""
    print(line, file=streams().err, flush=True)


def console_for_people() -> Console:
    """Where progress is drawn."""
    return Console(file=streams().err, highlight=False)


def is_terminal(stream: TextIO) -> bool:
    """Whether somebody looks at the stream."""
    return stream.isatty()


def say_json(value: Any) -> None:
    """A value as JSON, one document."""
    say(json.dumps(as_json(value), ensure_ascii=False, indent=2))


def say_rows(columns: Sequence[str], rows: Iterable[Sequence[Any]], form: Format = "table") -> None:
    """Rows as a table for people, as CSV, or as a JSON list of objects."""
    if form == "json":
        say_json([dict(zip(columns, row, strict=True)) for row in rows])
    elif form == "csv":
        writer = csv.writer(streams().out, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows([_cell_of_csv(value) for value in row] for row in rows)
        streams().out.flush()
    else:
        _draw(columns, list(rows))


def visible(value: Any) -> str:
    """A value for people: control characters and other unprintable ones spelt out, so that no text can write to the
    terminal itself.
    """
    text = "" if value is None else _plain(value)
    return "".join(c if c.isprintable() else c.encode("unicode_escape", "surrogatepass").decode() for c in text)


def as_json(value: Any) -> Any:
    """`value` in types that JSON has a form for: dates in ISO form, numbers that are none as text."""
    if isinstance(value, dict):
        return {str(key): as_json(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [as_json(entry) for entry in value]
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if value is None or isinstance(value, bool | int | float | str):
        return value
    return _plain(value)


def _plain(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.6g}"
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


def _cell_of_csv(value: Any) -> Any:
    if isinstance(value, dict | list | tuple):
        return json.dumps(as_json(value), ensure_ascii=False)
    return value if value is None or isinstance(value, str | int | float) else _plain(value)


def _is_numeric(values: list[Any]) -> bool:
    there = [value for value in values if value is not None]
    return bool(there) and all(isinstance(value, int | float) for value in there)


def _draw(columns: Sequence[str], rows: list[Sequence[Any]]) -> None:
    out = streams().out
    cells = [[visible(value) for value in row] for row in rows]
    is_right = [_is_numeric([row[place] for row in rows]) for place in range(len(columns))]
    if is_terminal(out):
        table = Table(box=None, pad_edge=False, header_style="bold")
        for name, right in zip(columns, is_right, strict=True):
            table.add_column(Text(name), justify="right" if right else "left", overflow="fold")
        for row in cells:
            table.add_row(*(Text(cell) for cell in row))
        Console(file=out, highlight=False).print(table)
        return
    widths = [max(len(cell) for cell in column) for column in zip(columns, *cells, strict=True)]
    for row in [list(columns), *cells]:
        padded = (
            cell.rjust(width) if right else cell.ljust(width)
            for cell, width, right in zip(row, widths, is_right, strict=True)
        )
        say("  ".join(padded).rstrip())
