"""The shape of the code: layers, sizes, names, and a core that stands without engines."""

import configparser
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = sorted(path.parent.name for path in ROOT.glob("*/__init__.py"))
MODULES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
PURE = (
    "models",
    "tasks.transforms",
    "expectations.checks",
    "expectations.contracts",
    "expectations.table_contract",
    "expectations.table_docs",
)
MOST_LINES = 400
SAY_NOTHING = {"utils", "util", "helpers", "helper", "common", "misc", "base", "manager"}
ENGINES = ("prefect", "great_expectations", "duckdb", "sqlalchemy", "httpx", "requests", "fsspec")


def dotted(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def run_python(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=ROOT)


def test_imports_go_downward_and_every_module_has_its_place():
    done = run_python("from importlinter.cli import lint_imports\nraise SystemExit(lint_imports(no_logo=True))")
    assert done.returncode == 0, f"{done.stdout}\n(a new module gets its place in .importlinter)"


def test_the_linter_sees_every_package():
    linter = configparser.ConfigParser()
    linter.read(ROOT / ".importlinter")
    assert sorted(linter["importlinter"]["root_packages"].split()) == PACKAGES


@pytest.mark.parametrize("path", MODULES, ids=dotted)
def test_a_module_is_short_and_named_for_what_it_holds(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= MOST_LINES
    assert path.stem not in SAY_NOTHING
    assert path.stem not in sys.stdlib_module_names - {"__init__", "__main__"}


@pytest.mark.parametrize("path", [path for path in MODULES if path.name == "__init__.py"], ids=dotted)
def test_a_package_says_in_one_line_what_lives_there_and_imports_nothing(path):
    text = path.read_text(encoding="utf-8").strip()
    if path.parent.name in {"flows", "tidemill", "expectations"} and path.parent.parent == ROOT:
        assert text == ""
    else:
        assert re.fullmatch(r'"""[A-Z][^\n"]+\."""', text), text


def test_tests_mirror_the_tree_and_import_no_other_test():
    for path in (ROOT / "tests").rglob("test_*.py"):
        folder = path.relative_to(ROOT / "tests").parent
        is_mirrored = folder.parts[:1] in ((), ("benchmarks",)) or (ROOT / folder).is_dir()
        assert is_mirrored, f"{path}: there is no {folder} of which this could be a test"
        imported = re.findall(
            r"^\s*from (\S*\btest_\w+|conftest|tests\S*) import", path.read_text("utf-8"), re.MULTILINE
        )
        assert not imported, f"{path} imports {imported}: what tests share stands in tests/support"


def test_no_rule_on_the_length_of_lines_is_switched_off():
    assert not re.search(r'"E501"', (ROOT / "pyproject.toml").read_text("utf-8"))


@pytest.mark.slow
def test_the_core_loads_without_any_engine():
    core = [dotted(path) for path in MODULES if dotted(path).startswith(PURE)]
    assert len(core) > len(PURE)
    code = (
        f"import importlib, sys\nfor name in {core!r}:\n    importlib.import_module(name)\n"
        f"print([name for name in {ENGINES!r} if name in sys.modules])"
    )
    done = run_python(code)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[]"
