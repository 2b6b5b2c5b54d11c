"""The section on labels: classifiers side by side with intervals, confusions, curves, examples."""

from dataclasses import replace

import numpy as np
import pytest
from support.chains import publish_chain
from support.label_stage import SETTINGS
from support.published_labels import Document, labelled_documents, publish_labelled

from models.labels.parts import PartSettings, parts_of
from tasks.labels.stage import CHAIN
from tasks.lake.layout import Lake
from tasks.report.page import build_report

pytestmark = pytest.mark.slow


def section_of(page: str) -> str:
    return page.partition('id="labels"')[2].partition("<h2")[0]


def test_every_source_is_shown_with_its_classifiers_confusions_curves_and_examples(lake: Lake):
    documents = labelled_documents(90)
    hostile = [replace(one, label=f"<b>{one.label}</b>" if one.label == "weather" else one.label) for one in documents]
    publish_labelled(lake, [*hostile, Document("messages", "sport", ("goal",))])
    publish_chain(lake, CHAIN, SETTINGS)
    shown = section_of(build_report(lake).read_text())
    contest = shown.partition("held-out documents</h4>")[2].partition("</table>")[0]
    for kind in ("majority", "nearest neighbours", "logistic regression", "bidirectional LSTM"):
        assert contest.count(f"<td>{kind}") == 1
    assert shown.count("(champion)") == 1
    n_training = int(np.sum(parts_of([one.content_sha256 for one in documents], PartSettings()) == "training"))
    assert f"{n_training} training" in shown
    assert "sport (1)" in shown
    assert shown.count("<svg") == 2
    assert all('class="legend"' in part for part in shown.split("<svg")[1:])
    assert "&lt;b&gt;weather&lt;/b&gt;" in shown
    assert "<b>weather" not in shown
    assert shown.count('<th scope="row">&lt;b&gt;weather') == 1  # a row of the confusion matrix


def test_a_home_without_labels_says_so_and_a_lost_card_says_less(lake: Lake):
    publish_labelled(lake, labelled_documents(60))
    assert "No labelled documents have taught anything." in section_of(build_report(lake).read_text())
    publish_chain(lake, CHAIN, SETTINGS)
    for card in lake.models.rglob("card.json"):
        card.unlink()
    shown = section_of(build_report(lake).read_text())
    assert "<h3>messages</h3>" in shown
    assert shown.count("(champion)") == 1
