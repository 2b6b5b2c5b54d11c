import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.floors import GATE, Gate, floor_at, is_announced, main
from benchmarks.qualities import QUALITIES, ROOT, Quality

CHANGELOG = "# Changelog\n\n## Unreleased\n\n- Faster.\n{}\n## 0.1\n\n- `share_of_words` lowered to 0.25.\n"

GateOf = Callable[..., Gate]


def share_of_words() -> float:
    """Share of words that are words."""
    return 0.0


@pytest.fixture
def gate_of(tmp_path: Path) -> GateOf:
    """A gate with one quality that is worth `value`, on a file of its own."""
    (tmp_path / "words.txt").write_text("one word")
    (tmp_path / "CHANGELOG.md").write_text(CHANGELOG.format(""))

    def make(value: float, *, margin: float = 0.0, target: float | None = None) -> Gate:
        def measure() -> float:
            return value

        measure.__name__, measure.__doc__ = share_of_words.__name__, share_of_words.__doc__
        quality = Quality(measure, ("words.*",), is_quick=True, margin=margin, target=target)
        return Gate({quality.name: quality}, tmp_path / "floors.json", tmp_path / "CHANGELOG.md", tmp_path)

    return make


def announce(gate: Gate, entry: str) -> None:
    gate.changelog.write_text(CHANGELOG.format(f"- {entry}\n"))


def test_what_has_no_floor_fails_until_one_is_written(gate_of: GateOf) -> None:
    gate = gate_of(0.765432)
    assert main([], gate) == 1
    assert main(["--raise"], gate) == 0
    assert main([], gate) == 0
    (line,) = json.loads(gate.file.read_text()).values()
    digest = gate.qualities["share_of_words"].digest(gate.root)
    assert line == {
        "metric": "Share of words that are words", "better": "higher", "measured": 0.765432, "data": ["words.*"],
        "sha256": digest, "command": "python benchmarks/floors.py --only share_of_words", "floor": 0.7654,
    }  # fmt: skip


def test_a_value_below_its_floor_fails_and_one_on_it_holds(gate_of: GateOf, capsys: pytest.CaptureFixture[str]) -> None:
    main(["--raise"], gate_of(0.76))
    assert main([], gate_of(0.76)) == 0
    assert main([], gate_of(0.7599)) == 1
    assert "0.759900, at least 0.76: BELOW ITS FLOOR" in capsys.readouterr().out
    assert main(["--raise"], gate_of(0.7599)) == 1
    assert gate_of(0).floors()["share_of_words"].floor == 0.76


@pytest.mark.parametrize("value", [float("nan"), float("-inf")])
def test_what_is_no_number_fails_and_becomes_no_floor(gate_of: GateOf, value: float) -> None:
    assert main(["--raise"], gate_of(value)) == 1
    assert not gate_of(value).file.exists()
    main(["--raise"], gate_of(0.7))
    assert main([], gate_of(value)) == 1
    assert main(["--lower", "share_of_words"], gate_of(value)) == 1


def test_a_floor_rises_with_the_value_only_where_that_is_asked_for(gate_of: GateOf) -> None:
    main(["--raise"], gate_of(0.5))
    assert main([], gate_of(0.61)) == 0
    assert gate_of(0).floors()["share_of_words"].floor == 0.5
    assert main(["--raise"], gate_of(0.61)) == 0
    assert gate_of(0).floors()["share_of_words"].floor == 0.61


def test_where_near_is_better_the_distance_counts_on_both_sides(gate_of: GateOf) -> None:
    main(["--raise"], gate_of(0.78001, target=0.8))
    floor = gate_of(0).floors()["share_of_words"]
    assert (floor.better, floor.target, floor.within, floor.floor) == ("near", 0.8, 0.02, None)
    assert [main([], gate_of(value, target=0.8)) for value in (0.779, 0.781, 0.819, 0.821)] == [1, 0, 0, 1]
    main(["--raise"], gate_of(0.80999, target=0.8))
    assert gate_of(0).floors()["share_of_words"].within == 0.01


def test_a_margin_is_taken_off_and_given_where_near_is_better(gate_of: GateOf) -> None:
    main(["--raise"], gate_of(0.5, margin=0.05))
    assert gate_of(0).floors()["share_of_words"].floor == 0.45
    assert floor_at(gate_of(0, margin=0.05, target=0.8).qualities["share_of_words"], 0.78999, "").within == 0.0601


def test_a_floor_says_nothing_of_other_data(gate_of: GateOf, capsys: pytest.CaptureFixture[str]) -> None:
    main(["--raise"], gate_of(0.5))
    (gate_of(0).root / "words.txt").write_text("other words")
    assert main([], gate_of(0.9)) == 1
    assert "other data than its floor's" in capsys.readouterr().out
    assert main(["--raise"], gate_of(0.9)) == 1  # not even upward: it could be a lower one in disguise
    assert gate_of(0).floors()["share_of_words"].floor == 0.5
    announce(gate_of(0), "Other words: `share_of_words` is at 0.9 now.")
    assert main(["--lower", "share_of_words"], gate_of(0.9)) == 0
    assert main([], gate_of(0.9)) == 0


def test_a_file_that_came_or_went_is_other_data(gate_of: GateOf) -> None:
    quality, root = gate_of(0).qualities["share_of_words"], gate_of(0).root
    before = quality.digest(root)
    (root / "words.md").write_text("one more")
    assert quality.digest(root) != before
    (root / "words.md").unlink()
    assert quality.digest(root) == before


def test_without_the_data_nothing_is_measured_and_that_is_said(
    gate_of: GateOf, capsys: pytest.CaptureFixture[str]
) -> None:
    (gate_of(0).root / "words.txt").unlink()
    assert main([], gate_of(0)) == 0
    assert "not measured: words.* are not here" in capsys.readouterr().out
    assert main(["--lower", "share_of_words"], gate_of(0)) == 1


@pytest.mark.parametrize("entry", ["", "Faster words.", "`share_of_words` fell.", "`share_of_words` is at 0.4"])
def test_lowering_without_its_entry_in_the_changelog_is_refused(
    gate_of: GateOf, capsys: pytest.CaptureFixture[str], entry: str
) -> None:
    main(["--raise"], gate_of(0.5))
    announce(gate_of(0), entry)
    assert main(["--lower", "share_of_words"], gate_of(0.25)) == 1
    assert "an entry that names `share_of_words` and 0.25, and says why" in capsys.readouterr().err
    assert gate_of(0).floors()["share_of_words"].floor == 0.5


def test_lowering_with_its_entry_in_the_changelog_is_written(gate_of: GateOf) -> None:
    main(["--raise"], gate_of(0.5))
    announce(gate_of(0), "The floor `share_of_words` goes\n  down to 0.25: fewer words, ten times the speed.")
    assert main(["--lower", "share_of_words"], gate_of(0.25009)) == 0
    assert gate_of(0).floors()["share_of_words"].floor == 0.25


def test_what_holds_cannot_be_lowered(gate_of: GateOf, capsys: pytest.CaptureFixture[str]) -> None:
    main(["--raise"], gate_of(0.5))
    assert main(["--lower", "share_of_words"], gate_of(0.6)) == 1
    assert "nothing to lower" in capsys.readouterr().err


def test_a_name_or_a_number_that_goes_on_is_another() -> None:
    assert is_announced("\n## Unreleased\n- tagger to 0.95.\n", "tagger", 0.95)
    assert not is_announced("\n## Unreleased\n- tagger_german to 0.95.\n", "tagger", 0.95)
    assert not is_announced("\n## Unreleased\n- tagger to 0.951.\n", "tagger", 0.95)
    assert not is_announced("\n## Unreleased\n- tagger.\n- From 0.95.\n", "tagger", 0.95)


@pytest.mark.parametrize("value", [0.9502, 0.29, 0.57, 1.0, 0.1 + 0.2, -0.00005, 0.7113374364837676])
def test_a_floor_is_never_above_its_own_value_nor_a_digit_below_it(value: float) -> None:
    quality = Quality(share_of_words, ("words.*",), is_quick=True)
    floor = floor_at(quality, value, "")
    assert floor.bound <= value < floor.bound + 1e-4
    near = floor_at(replace(quality, target=0.8), value, "")
    assert near.holds(value)


def test_every_quality_has_a_floor_that_says_what_the_code_says() -> None:
    floors = GATE.floors()
    assert floors.keys() == QUALITIES.keys()
    for name, floor in floors.items():
        today = floor_at(QUALITIES[name], floor.measured, floor.sha256)
        assert replace(today, data=list(today.data)) == floor, name
        assert re.fullmatch(r"[A-Z0-9].*[^.\s]", floor.metric), name


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name, quality in QUALITIES.items() if quality.is_quick])
def test_a_quick_quality_holds_its_floor(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")  # which the benchmarks set for good where nobody has
    if QUALITIES[name].digest(ROOT) is None:
        pytest.skip(f"needs {', '.join(QUALITIES[name].data)}, which are not here")
    verdict = GATE.judge(name)
    assert verdict.is_good, verdict.text
