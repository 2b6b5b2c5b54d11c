"""What runs before a commit."""

from pathlib import Path

import yaml

ROOT = Path(__file__).parents[1]


def test_the_hook_before_a_commit_runs_what_make_check_runs() -> None:
    configuration = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text("utf-8"))
    (repository,) = configuration["repos"]
    assert repository["repo"] == "local"  # nothing is downloaded
    (hook,) = repository["hooks"]
    assert hook["entry"] == "make check"
    assert (hook["language"], hook["pass_filenames"], hook["always_run"]) == ("system", False, True)
    assert {"id", "name"} <= hook.keys()
