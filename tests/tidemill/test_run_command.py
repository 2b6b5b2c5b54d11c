import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import duckdb
import psutil
import pytest
from support.command_line import Ended

from tidemill.run_commands import QUERIES

ROOT = Path(__file__).resolve().parents[2]
SOURCE = "name: mills\nkind: text\nlocation: texts/*.txt\nlicence: CC0-1.0\nproducer: The test\n"
TEXT = "The tide mill at {} grinds its corn twice a day, whenever the sea has filled the pond and the gates are opened."
NOISE = re.compile(
    r"Traceback|INFO|WARNING|prefect\b|Starting temporary server|127\.0\.0\.1|Error logging|great_expectations",
    re.IGNORECASE,
)

slow = pytest.mark.slow
Call = Callable[..., Ended]


def tidemill(*arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    """The command in a process of its own."""
    environment = os.environ | more
    return subprocess.run(
        [sys.executable, "-m", "tidemill", *arguments],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def declare(folder: Path, *places: str) -> Path:
    (folder / "texts").mkdir(parents=True, exist_ok=True)
    (folder / "mills.yaml").write_text(SOURCE)
    for place in places:
        (folder / "texts" / f"{place}.txt").write_text(TEXT.format(place))
    return folder


def runs(home: Path) -> list[tuple[str, str]]:
    with duckdb.connect() as plain:
        files = f"{home}/ops/runs/*/*.parquet"
        return plain.execute(
            "SELECT status, coalesce(message, '') FROM read_parquet($files) ORDER BY run_id", {"files": files}
        ).fetchall()


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, subprocess.CompletedProcess[str]]:
    """Home, sources, and how the first run on them ended."""
    folder = tmp_path_factory.mktemp("run")
    sources = declare(folder / "sources", "Rance", "Woodbridge", "Bromley")
    ended = tidemill("run", "--home", str(folder / "home"), "--sources", str(sources))
    return folder / "home", sources, ended


@slow
def test_a_run_publishes_and_says_what_and_where(first: tuple[Path, Path, subprocess.CompletedProcess[str]]) -> None:
    home, _, ended = first
    assert ended.returncode == 0, ended.stderr
    assert re.search(r"^documents +3 ", ended.stdout, re.MULTILINE)
    assert re.search(
        r"^published: snapshot 00000\d, \d+ steps done, \d+ unchanged, [\d.]+ s$", ended.stdout, re.MULTILINE
    )
    assert f"report:    {home}/report/index.html" in ended.stdout
    assert (home / "report" / "index.html").is_file()
    assert len(re.findall(rf'^  tidemill sql --home {home} "SELECT', ended.stdout, re.MULTILINE)) == 3
    assert re.search(r"^parse_documents: 1 done in [\d.]+ s$", ended.stderr, re.MULTILINE)
    assert runs(home)[0] == ("completed", "")


@slow
def test_the_queries_that_a_run_proposes_can_be_asked(
    first: tuple[Path, Path, subprocess.CompletedProcess[str]], call: Call
) -> None:
    home, _, ended = first
    for query in re.findall(r'"(SELECT .*)"', ended.stdout):
        assert call("sql", "--home", str(home), query).status == 0


@slow
def test_what_libraries_say_goes_to_the_log_and_never_to_the_user(
    first: tuple[Path, Path, subprocess.CompletedProcess[str]],
) -> None:
    home, _, ended = first
    assert NOISE.findall(ended.stdout.replace(str(home), "") + ended.stderr.replace(str(home), "")) == []
    assert "Finished in state Completed()" in (home / "prefect" / "run.log").read_text()


@slow
def test_a_second_run_says_that_nothing_changed_and_starts_no_server(
    first: tuple[Path, Path, subprocess.CompletedProcess[str]], call: Call
) -> None:
    home, sources, _ = first
    log = (home / "prefect" / "run.log").read_bytes()
    plan = call("plan", "--home", str(home), "--sources", str(sources))
    assert plan == Ended(0, "nothing changed: a run would do nothing\n", "")
    ended = tidemill("run", "--home", str(home), "--sources", str(sources))
    assert (ended.returncode, ended.stderr) == (0, "")
    assert re.fullmatch(r"nothing changed: snapshot \d{6} stays in force \([\d.]+ s\)\n", ended.stdout)
    assert (home / "prefect" / "run.log").read_bytes() == log
    assert runs(home)[-1] == ("unchanged", "")


@slow
def test_a_new_file_is_planned_and_its_stage_alone_run_on_a_terminal_shows_bars(
    first: tuple[Path, Path, subprocess.CompletedProcess[str]], call: Call
) -> None:
    home, sources, _ = first
    declare(sources, "Eling")
    plan = json.loads(call("plan", "--home", str(home), "--sources", str(sources), "--json").out)
    assert {(line["stage"], line["step"]) for line in plan} >= {
        ("documents", "parse_documents"),
        ("features", "all"),
        ("publish", "publish"),
    }
    status, screen = on_a_terminal("run", "--home", str(home), "--sources", str(sources), "--only", "documents")
    assert status == 0, screen
    assert "parse_documents" in screen
    assert "━" in screen
    assert re.search(r"documents +4 ", screen)
    assert NOISE.findall(screen.replace(str(home), "")) == []
    after = json.loads(call("plan", "--home", str(home), "--sources", str(sources), "--json").out)
    assert {line["stage"] for line in after if line["reason"] != "waiting for features"} >= {"features"}
    assert "documents" not in {line["stage"] for line in after}


@slow
def test_an_interrupt_ends_a_run_in_a_sentence_and_with_all_its_processes(tmp_path: Path) -> None:
    home, sources = tmp_path / "home", declare(tmp_path / "sources", "Rance")
    command = [sys.executable, "-m", "tidemill", "run", "--home", str(home), "--sources", str(sources)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
        await_that(lambda: "Beginning" in text_of(home / "prefect" / "run.log"))
        refused = tidemill("run", "--home", str(home), "--sources", str(sources))
        family = psutil.Process(running.pid).children(recursive=True)
        running.send_signal(signal.SIGINT)
        out, err = running.communicate(timeout=60)
    assert running.returncode == 1
    assert out == ""
    assert err.splitlines()[-1] == "tidemill: stopped by hand: what is done stays done, run again to go on"
    assert NOISE.findall(err) == []
    assert family
    assert [child for child in family if child.is_running()] == []
    assert refused.returncode == 1
    assert re.fullmatch(
        rf"tidemill: process {running.pid} \(refresh, since .* UTC\) is running on the home .*\n", refused.stderr
    )
    assert runs(home) == [
        ("failed", "stopped by hand: what is done stays done, run again to go on"),
        ("refused", refused.stderr.removeprefix("tidemill: ").strip()),
    ]


def test_mistakes_are_told_in_a_sentence_and_by_the_exit_status(call: Call, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    (tmp_path / "empty").mkdir()
    given = ("--home", str(tmp_path / "home"), "--sources", str(tmp_path / "empty"))
    cases = [
        (("run", *given, "--engine", "ray"), 2, "there is no engine called 'ray': give local or dask://HOST:PORT"),
        (("run", "--home", str(tmp_path / "file")), 1, f"cannot write to the home {tmp_path / 'file'}"),
        (("plan", *given), 1, f"no sources in {tmp_path / 'empty'}"),
        (("serve", *given), 1, f"no sources in {tmp_path / 'empty'}"),
    ]
    for arguments, status, sentence in cases:
        ended = call(*arguments)
        assert (ended.status, ended.out) == (status, "")
        assert ended.err.startswith(f"tidemill: {sentence}")
        assert ended.err.count("\n") == 1


def test_a_file_cannot_write_to_the_terminal_by_its_name(call: Call, tmp_path: Path) -> None:
    for name in ("\x1b[2Ja.yaml", "b\x9b31m.yaml"):
        (tmp_path / name).write_text("no: declaration")
    ended = call("plan", "--home", str(tmp_path / "home"), "--sources", str(tmp_path))
    assert ended.status == 1
    assert len(ended.err.splitlines()) == 2
    assert ended.err.isascii()
    assert "\x1b" not in ended.err


@slow
@pytest.mark.parametrize(
    ("arguments", "environment", "sentence"),
    [
        (("--sources", "nowhere"), {}, "no folder of sources at nowhere: give one with --sources or TIDEMILL_SOURCES"),
        (("--engine", "dask://127.0.0.1:1"), {}, "no Dask scheduler answers at '127.0.0.1:1': start one with"),
        (
            (),
            {"PREFECT_API_URL": "http://127.0.0.1:1/api"},
            "no Prefect API answers at http://127.0.0.1:1/api: start it, or unset",
        ),
    ],
)
def test_a_run_that_cannot_begin_says_why_and_is_told(
    tmp_path: Path, arguments: tuple[str, ...], environment: dict[str, str], sentence: str
) -> None:
    sources = declare(tmp_path / "sources", "Rance")
    ended = tidemill("run", "--home", str(tmp_path / "home"), "--sources", str(sources), *arguments, **environment)
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr.startswith(f"tidemill: {sentence}")
    assert ended.stderr.count("\n") == 1
    assert [(status, f"tidemill: {message}\n") for status, message in runs(tmp_path / "home")] == [
        ("failed", ended.stderr)
    ]


@slow
@pytest.mark.parametrize("command", ["run", "plan"])
def test_a_stage_that_there_is_not_is_refused_with_those_that_are(tmp_path: Path, command: str) -> None:
    sources = declare(tmp_path / "sources", "Rance")
    ended = tidemill(command, "--home", str(tmp_path / "home"), "--sources", str(sources), "--only", "nothing")
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr.startswith("tidemill: there is no stage called 'nothing': give one of documents, mobility, ")
    assert ended.stderr.count("\n") == 1
    assert not (tmp_path / "home" / "prefect" / "server.log").exists()


@slow
def test_a_plan_for_a_home_that_is_not_there_makes_none(call: Call, tmp_path: Path) -> None:
    sources = declare(tmp_path / "sources", "Rance")
    ended = call("plan", "--home", str(tmp_path / "home"), "--sources", str(sources))
    assert ended.status == 0
    assert "parse_documents" in ended.out
    assert not (tmp_path / "home").exists()


def text_of(path: Path) -> str:
    return path.read_text() if path.exists() else ""


def await_that(is_so: Callable[[], bool], limit_s: float = 120) -> None:
    deadline = time.monotonic() + limit_s
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def on_a_terminal(*arguments: str) -> tuple[int, str]:
    """Exit status and everything that appears where the command finds a terminal on all its streams."""
    pid, master = pty.fork()
    if pid == 0:
        os.chdir(ROOT)
        os.environ |= {"TERM": "xterm", "COLUMNS": "120"}
        os.execv(sys.executable, [sys.executable, "-m", "tidemill", *arguments])  # noqa: S606  # no shell is meant
    seen = b""
    while select.select([master], [], [], 180)[0]:
        try:
            part = os.read(master, 65536)
        except OSError:  # how Linux tells that the other side was closed
            break
        if not part:
            break
        seen += part
    os.close(master)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), seen.decode(errors="replace")


def test_the_readme_shows_the_queries_that_a_run_prints() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert [query for query in QUERIES if f'tidemill sql "{query}"' not in readme] == []
