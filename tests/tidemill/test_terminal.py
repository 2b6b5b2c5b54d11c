import subprocess
import sys
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from tasks.running.engine import StepProgress
from tidemill.progress import PlainLines
from tidemill.terminal import as_json, say_rows, visible

ROOT = Path(__file__).resolve().parents[2]
DIVERTED = """
import os, subprocess, sys, threading
from pathlib import Path
from tidemill.terminal import divert, say, warn
divert(Path(sys.argv[1]))
print("from a library")
print("from a library's errors", file=sys.stderr)
os.write(2, b"from compiled code\\n")
subprocess.run([sys.executable, "-c", "print('from a child')"])
thread = threading.Thread(target=lambda: 1 / 0)
thread.start()
thread.join()
say("a result")
warn("a message")
raise KeyError("at the very end")
"""


def test_after_a_diversion_only_our_own_words_reach_the_user(tmp_path: Path) -> None:
    log = tmp_path / "logs" / "run.log"
    ended = subprocess.run(
        [sys.executable, "-c", DIVERTED, str(log)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (ended.stdout, ended.stderr) == ("a result\n", "a message\n")
    told = log.read_text()
    for words in (
        "from a library\n",
        "library's errors",
        "compiled code",
        "from a child",
        "ZeroDivisionError",
        "at the very end",
    ):
        assert words in told


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("plain ünïcödé 漢字 🌊", "plain ünïcödé 漢字 🌊"),
        ("\x1b[2J", "\\x1b[2J"),
        ("a\nb\tc", "a\\nb\\tc"),
        ("\x9b31m", "\\x9b31m"),
        ("\u202etxt.exe", "\\u202etxt.exe"),
        ("\ud800", "\\ud800"),
        (None, ""),
        (True, "True"),
        (0.1 + 0.2, "0.3"),
        (date(2020, 2, 29), "2020-02-29"),
    ],
)
def test_what_people_see_is_spelt_out_where_it_could_write_to_the_terminal(value: object, shown: str) -> None:
    assert visible(value) == shown


def test_values_without_a_form_in_json_get_one() -> None:
    assert as_json({1: (Decimal("1.5"), float("inf"), datetime(2026, 1, 2, tzinfo=UTC), b"x", None, True)}) == {
        "1": ["1.5", "inf", "2026-01-02T00:00:00+00:00", "b'x'", None, True]
    }


def test_columns_of_numbers_stand_to_the_right_and_an_empty_table_has_its_head(
    capsys: pytest.CaptureFixture[str],
) -> None:
    say_rows(("name", "n"), [("a", 5), ("bcdef", None), ("c", 12345)])
    say_rows(("name", "n"), [])
    assert capsys.readouterr().out == "name       n\na          5\nbcdef\nc      12345\nname  n\n"


def test_without_a_terminal_a_step_is_a_line_when_it_is_done(capsys: pytest.CaptureFixture[str]) -> None:
    lines = PlainLines()
    for n_ended in range(4):
        lines.hear(StepProgress("parse_documents", 2, 3, n_ended))
    lines.hear(StepProgress("write_tokens", 5, 0, 0))
    assert capsys.readouterr().err == "parse_documents: 3 done, 2 unchanged in 0.0 s\n"
