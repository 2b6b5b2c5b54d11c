import importlib
import os
import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest

import models
from models.kernels.kernel_cache import kernel

PART = "from models.kernels.kernel_cache import kernel_part\n\n@kernel_part\ndef part(x):\n    return x + {}\n"
WHOLE = (
    "import part_module\nfrom models.kernels.kernel_cache import kernel\nfrom part_module import part\n\n"
    "@kernel(part_module)\ndef whole(x):\n    return part(x)\n"
)


def test_function_that_no_folder_can_keep_is_compiled_all_the_same():
    scope = {}
    exec("def twice(x):\n    return 2 * x", scope)  # noqa: S102  # a function without a file, which numba cannot keep
    assert kernel()(scope["twice"])(21) == 42


def modules_called(function, seen):
    """Names of the first-party modules of all compiled functions that `function` calls, directly or not."""
    names = set(function.__code__.co_names)
    for value in [value for name, value in function.__globals__.items() if name in names]:
        called = getattr(value, "py_func", None) or getattr(value, "_defn", None)  # compiled functions; intrinsics
        if called is not None and called.__module__.startswith("models") and called not in seen:
            seen.add(called)
            if hasattr(value, "py_func"):
                modules_called(called, seen)
    return {called.__module__ for called in seen}


def kernels():
    for found in pkgutil.walk_packages(models.__path__, "models."):
        module = importlib.import_module(found.name)
        for name, value in vars(module).items():
            if hasattr(value, "built_on") and value.py_func.__module__ == found.name:
                yield pytest.param(value, id=f"{found.name}.{name}")


@pytest.mark.parametrize("compiled", [*kernels()])
def test_kernel_names_every_module_that_goes_into_it(compiled):
    own = compiled.py_func.__module__
    assert modules_called(compiled.py_func, set()) - {own} <= set(compiled.built_on)


@pytest.mark.slow
def test_kernel_is_compiled_anew_when_a_module_that_it_was_built_on_changes(tmp_path):
    (tmp_path / "whole_module.py").write_text(WHOLE)

    def run(code):
        environment = {
            **os.environ,
            "PYTHONPATH": f"{tmp_path}:{Path.cwd()}",
            "NUMBA_CACHE_DIR": str(tmp_path / "cache"),
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        return subprocess.run(
            [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
        ).stdout

    call = "from whole_module import whole; print(whole(1), sum(whole.stats.cache_hits.values()))"
    (tmp_path / "part_module.py").write_text(PART.format(1))
    assert run(call) == "2 0\n"
    assert run(call) == "2 1\n"
    (tmp_path / "part_module.py").write_text(PART.format(5))
    assert run(call) == "6 0\n"
