"""What the UI shows of the champions among taggers: what they take for what, and how they do tag by tag."""

from __future__ import annotations

from collections.abc import Sequence

from tasks.lake.layout import Lake
from tasks.lake.steps import StepRecord
from tasks.learning.champions import champion_rows
from tasks.learning.model_store import read_model
from tasks.learning.showing import show_champions, show_scores
from tasks.running.artifacts import show_table

N_CONFUSIONS = 30  # our choice: what a screen shows


def show(lake: Lake, judge_tagger: Sequence[StepRecord]) -> None:
    """Show the verdicts and the scores, and for each tagger its confusions and each tag's precision and recall."""
    show_champions(lake, "taggers", judge_tagger)
    show_scores(lake, "taggers", judge_tagger)
    for row in champion_rows(lake, judge_tagger):
        lang, notes = row["lang"], read_model(lake, row["model_id"])[1]["notes"]
        confusions = [
            {"true": true, "tagged as": tagged, "tokens": n} for true, tagged, n in notes["confusions"][:N_CONFUSIONS]
        ]
        words = f"What the tagger of {lang} takes for what, held-out sentences"
        show_table(f"tagger-{lang}-confusions", confusions, words)
        columns = ("tag", "precision", "recall", "tokens")
        by_tag = [dict(zip(columns, values, strict=True)) for values in notes["by_tag"]]
        show_table(f"tagger-{lang}-tags", by_tag, f"Each tag of the tagger of {lang}, held-out sentences")
