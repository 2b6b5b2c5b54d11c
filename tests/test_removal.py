"""A learner can be taken out: on a copy of the tree, without its rooms, its contract and its lines in the flow, all the
rest passes.
"""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
WORKING = (".*cache", "*.egg-info", "raw", "tables", "steps", "stages", "snapshots", "prefect", "ops")  # what runs made
FOLDERS = ("benchmarks", "data", "docs", "expectations", "flows", "models", "tasks", "tests", "tidemill")
FILES = (".importlinter", "pyproject.toml", "prefect.yaml", "CHANGELOG.md", "README.md", "Makefile")
LEARNER, FLOW = "regimes", "train_hmm"
WITHOUT = (  # what names the learner in the flow that it shares
    r"from tasks\.regimes\.settings import RegimeSettings\n",
    r"DEFAULTS, (?=TAGGING)",
    r"RegimeSettings\(\), ",
    r"    settings: RegimeSettings = DEFAULTS,\n",
    r'"regimes": settings, ',
)

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def without(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the tree from which the learner is gone, its generated pages made anew."""
    copy = tmp_path_factory.mktemp("removal") / "tree"
    copy.mkdir()
    for name in FOLDERS:
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns(*WORKING))
    for name in FILES:
        shutil.copy2(ROOT / name, copy / name)
    for room in (f"tasks/{LEARNER}", f"models/{LEARNER}", f"tests/tasks/{LEARNER}", f"tests/models/{LEARNER}"):
        shutil.rmtree(copy / room)
    (copy / "expectations" / "contracts" / f"{LEARNER}.py").unlink()
    (copy / "tests" / "support" / "regime_stage.py").unlink()
    flow = copy / "flows" / f"{FLOW}.py"
    text = flow.read_text(encoding="utf-8")
    for line in WITHOUT:
        assert re.search(line, text), f"the flow has no {line}"
        text = re.sub(line, "", text)
    flow.write_text(text, encoding="utf-8")
    tables = run(copy, "-m", "expectations.table_docs").stdout
    (copy / "docs" / "tables.md").write_text(tables, encoding="utf-8")
    run(copy, "-m", "tasks.running.stage_docs")
    return copy


def run(tree: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {"PYTHONPATH": str(tree), "PATH": "/usr/bin:/bin", "HOME": str(tree)}
    command = [sys.executable, *arguments]
    done = subprocess.run(command, cwd=tree, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{done.stdout[-4000:]}\n{done.stderr[-2000:]}"
    return done


def test_nothing_names_it_and_every_import_is_in_its_place(without: Path) -> None:
    named = rf"\b(tasks|models|contracts)\.{LEARNER}\b"
    packages = [without / name for name in ("expectations", "flows", "models", "tasks", "tidemill")]
    modules = [path for package in packages for path in package.rglob("*.py")]
    assert [str(path) for path in modules if re.search(named, path.read_text(encoding="utf-8"))] == []
    run(without, "-c", "from importlinter.cli import lint_imports; raise SystemExit(lint_imports(no_logo=True))")


def test_the_quick_tests_of_all_the_rest_pass(without: Path) -> None:
    """But those of the cores and the lake, which know no learner: `.importlinter` says so, and the test above."""
    cores = ("--ignore=tests/tasks/transforms", "--ignore=tests/tasks/lake")
    folders = ("tests/tasks", "tests/expectations", "tests/flows", "tests/tidemill")
    run(without, "-m", "pytest", "-q", "-m", "not slow", *cores, *folders)


def test_what_is_left_is_taken_in_trained_and_published(without: Path, tmp_path: Path) -> None:
    sources = tmp_path / "sources"
    sources.mkdir()
    declared = "kind: text\nlocation: mill.txt\nlang: en\nlicence: CC0-1.0\nproducer: The test\n"
    (sources / "mills.yaml").write_text(f"name: mills\n{declared}")
    (sources / "mill.txt").write_text("The tide mill grinds corn. The tide turns the wheel.")
    run(without, "-m", "tidemill", "run", "--sources", str(sources), "--home", str(tmp_path / "home"))
    query = "SELECT count(*) AS n FROM tokens WHERE norm = 'tide'"
    told = run(without, "-m", "tidemill", "sql", query, "--home", str(tmp_path / "home"), "--format", "csv").stdout
    assert told.split() == ["n", "2"]
