"""`docs/stages.md` and `docs/stages.svg` are what the chains say."""

import xml.etree.ElementTree as ET
from pathlib import Path

from tasks.running.stage_docs import stages_markdown, stages_svg
from tasks.running.stages import all_chains

DOCS = Path(__file__).resolve().parents[3] / "docs"


def test_the_written_pages_are_current() -> None:
    assert (DOCS / "stages.md").read_text(encoding="utf-8") == stages_markdown(all_chains()), "run `make docs`"
    assert (DOCS / "stages.svg").read_text(encoding="utf-8") == stages_svg(all_chains()), "run `make docs`"


def test_every_step_and_what_it_reads_and_leaves_is_told() -> None:
    page = stages_markdown(all_chains())
    assert "| `write_tokens` | what documents left, what taggers left | `tokens` |  |" in page
    assert "| `judge_tagger` | `fit_tagger` | `models`, `scores` |  |" in page
    assert "published `mobility`, published `policy`" in page


def test_the_picture_is_well_formed_and_has_a_box_for_every_chain() -> None:
    drawn = ET.fromstring(stages_svg(all_chains()))  # noqa: S314  # our own
    boxes = [one for one in drawn.iter() if one.get("class") == "box"]
    assert len(boxes) == len(all_chains())
