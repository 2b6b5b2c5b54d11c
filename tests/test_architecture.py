"""The shape of the code: layers, sizes, names, and a core that stands without engines."""

import configparser
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


def test_packages_that_are_imported_first_import_nothing():
    for package in ("tasks", "tasks/transforms", "models", "expectations"):
        assert (ROOT / package / "__init__.py").read_text(encoding="utf-8").strip() == ""


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
