"""The command `failing`."""

import json
from collections.abc import Callable
from pathlib import Path

from support.command_line import MILL, Ended


def test_rows_that_break_an_expectation_are_given_whole(call: Callable[..., Ended], home: Path, tmp_path: Path) -> None:
    own = tmp_path / "expectations"
    own.mkdir()
    (own / "long.yaml").write_text(
        "table: documents\nexpectations:\n"
        "- {sql: 'SELECT doc_id FROM {batch} WHERE n_words > 10', rule: long, severity: info}\n"
    )
    arguments = ("failing", "documents", "long", "--home", str(home), "--sources", str(tmp_path))
    (row,) = json.loads(call(*arguments, "--format", "json").out)
    assert (row["doc_id"], row["n_words"]) == (MILL, 11)
    assert MILL in call(*arguments).out


def test_a_rule_that_is_not_there_is_a_misuse(call: Callable[..., Ended], home: Path) -> None:
    ended = call("failing", "documents", "long", "--home", str(home))
    assert ended.status == 2
    assert "documents has no rule 'long': there are " in ended.err
