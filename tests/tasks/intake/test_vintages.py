"""What is written down of every vintage: in force, offered, trusted, judged; through accidents and their ends."""

import json
from dataclasses import replace
from typing import NamedTuple

import pyarrow as pa
import pytest
from support.known_vintages import publish_before_the_gate, vintage_row
from support.lake_rows import stage_of

from tasks.intake.fetch import fetch_source, fetch_undeclared
from tasks.intake.vintages import VERDICTS, VERDICTS_SCHEMA, FetchedSource, noting, offers_of, place_of
from tasks.lake.files import read_table, write_table
from tasks.lake.publishing import publish
from tasks.lake.raw import raw_path
from tasks.lake.steps import StepRecord, do
from tasks.lake.vintage_log import VintageLog
from tasks.transforms.records.source_format import Source


class State(NamedTuple):
    """What is said of a vintage."""

    verdict: str | None
    is_in_force: bool
    is_offered: bool
    is_trusted: bool
    trouble: str | None = None


GOOD = State("accepted", is_in_force=True, is_offered=True, is_trusted=True)
PAST = GOOD._replace(is_in_force=False, is_offered=False)
REFUSED = State("refused", is_in_force=False, is_offered=True, is_trusted=False)


class Noted(NamedTuple):
    """What the step left, and its rows by the bytes of the vintage."""

    record: StepRecord
    rows: dict[str, dict]

    @property
    def states(self):
        return {content: State(*(row[name] for name in State._fields)) for content, row in self.rows.items()}

    def files(self, lake, table):
        return read_table(lake, self.record.files_of(table)).to_pylist() if self.record.files_of(table) else []


@pytest.fixture
def source(tmp_path):
    (tmp_path / "in").mkdir()
    return Source("one", "mobility", "*.csv", str(tmp_path / "in"), "CC0-1.0", "us")


@pytest.fixture
def note(lake, source, tmp_path):
    """Offers `content` at a.csv (None: the file is gone), lets the gate say `verdict`, writes it down and publishes."""

    def noted(content, verdict="accepted", *, is_judged=True, is_declared=True, **said):
        path = tmp_path / "in" / "a.csv"
        path.unlink(missing_ok=True) if content is None else path.write_text(content)
        fetched = [FetchedSource(source, fetch_source(lake, source))] if is_declared else []
        fetched += [
            FetchedSource(*one) for one in fetch_undeclared(lake, {source.name} if is_declared else (), ("mobility",))
        ]
        verdicts = [
            {"source": "one", "uri": uri, "vintage": items[0].vintage, "verdict": verdict, **said}
            for one in fetched
            for uri, items in offers_of(one).items()
        ]
        judged = write_table(lake, VERDICTS, pa.Table.from_pylist(verdicts, schema=VERDICTS_SCHEMA))
        records = [StepRecord("judge_fetches", "one", "", "", "", (), (judged,), 0, 0, {}, 0.0)]
        step = noting("sources", judge="judge_fetches" if is_judged else None)
        (batch,) = step.batches(lake, fetched, judged=records) if is_judged else step.batches(lake, fetched)
        record = do(lake, step.task(batch))
        publish(lake, [stage_of("mobility", *(ref for ref in record.files if ref.table.startswith("ops.")))], "run")
        rows = read_table(lake, record.files_of("ops.vintages")).to_pylist()
        return Noted(record, {raw_path(lake, row["raw_sha256"]).read_text(): row for row in rows})

    return noted


class TestStates:
    def test_a_first_fetch_that_is_let_in_is_in_force(self, note):
        assert note("v1").states == {"v1": GOOD}

    def test_the_next_one_takes_its_place_and_the_past_is_kept(self, note):
        note("v1")
        assert note("v2").states == {"v1": PAST, "v2": GOOD}

    @pytest.mark.parametrize("verdict", ["warned", "released"])
    def test_a_fetch_that_was_warned_of_or_let_in_by_hand_is_in_force(self, note, verdict):
        note("v1")
        assert note("v2", verdict).states == {"v1": PAST, "v2": GOOD._replace(verdict=verdict)}

    def test_what_the_gate_said_is_written_beside_it(self, note):
        row = note("v1", "warned", rule="regions_gone", message="gone", against="0" * 12).rows["v1"]
        assert (row["rule"], row["message"], row["against"]) == ("regions_gone", "gone", "0" * 12)

    def test_without_a_gate_all_that_is_fetched_is_let_in(self, note):
        note("v1", is_judged=False)
        assert note("v2", is_judged=False).states == {"v1": PAST, "v2": GOOD}


class TestRefusal:
    def test_a_refused_fetch_leaves_the_one_before_in_force(self, note, lake):
        note("v1")
        noted = note("v2", "refused", rule="values_scaled")
        stays = GOOD._replace(is_offered=False, trouble="fetch_refused")
        assert noted.states == {"v1": stays, "v2": REFUSED}
        assert noted.rows["v1"]["trouble_since"] == noted.rows["v2"]["fetched_at"]
        (line,) = noted.files(lake, "ops.ledger")
        assert (line["subject"], line["outcome"], line["rule"]) == ("one: a.csv", "kept", "fetch_refused")

    def test_refused_again_it_stays_so_since_the_same_moment(self, note):
        note("v1")
        first = note("v2", "refused")
        second = note("v2", "refused")
        assert second.rows == first.rows

    def test_two_refused_fetches_in_a_row_leave_the_last_good_one(self, note):
        note("v1")
        note("v2", "refused")
        stays = GOOD._replace(is_offered=False, trouble="fetch_refused")
        assert note("v3", "refused").states == {"v1": stays, "v2": REFUSED._replace(is_offered=False), "v3": REFUSED}

    def test_a_good_fetch_ends_it(self, note):
        note("v1")
        note("v2", "refused")
        assert note("v3").states == {"v1": PAST, "v2": REFUSED._replace(is_offered=False), "v3": GOOD}

    def test_a_first_fetch_that_is_refused_leaves_nothing_and_says_so(self, note, lake):
        noted = note("v1", "refused")
        assert noted.states == {"v1": REFUSED._replace(trouble="fetch_refused")}
        assert noted.files(lake, "ops.ledger") == []  # nothing is kept

    def test_a_refused_fetch_that_is_let_in_is_in_force(self, note):
        note("v1")
        note("v2", "refused")
        assert note("v2", "released").states == {"v1": PAST, "v2": GOOD._replace(verdict="released")}

    def test_an_older_vintage_that_is_offered_again_and_refused_was_trusted_once(self, note):
        note("v1")
        note("v2")
        stays = GOOD._replace(is_offered=False, trouble="fetch_refused")
        assert note("v1", "refused").states == {"v1": REFUSED._replace(is_trusted=True), "v2": stays}
        assert note("v2").states == {"v1": PAST._replace(verdict="refused"), "v2": GOOD}

    def test_what_is_in_force_may_be_refused_by_a_stricter_rule_and_stays(self, note):
        note("v1")
        stays = REFUSED._replace(is_in_force=True, is_trusted=True, trouble="fetch_refused")
        assert note("v1", "refused").states == {"v1": stays}


class TestVanished:
    STAYS = GOOD._replace(is_offered=False, trouble="file_vanished")

    def test_a_vanished_file_stays_in_force_and_is_told(self, note, lake):
        note("v1")
        noted = note(None)
        assert noted.states == {"v1": self.STAYS}
        assert noted.rows["v1"]["trouble_since"] > noted.rows["v1"]["fetched_at"]
        assert [line["rule"] for line in noted.files(lake, "ops.ledger")] == ["file_vanished"]

    def test_it_is_told_again_with_the_same_moment_until_the_file_is_back(self, note):
        note("v1")
        first, second = note(None), note(None)
        assert second.rows == first.rows
        assert note("v1").states == {"v1": GOOD}

    def test_a_refused_fetch_that_vanishes_leaves_what_was_in_force(self, note):
        note("v1")
        note("v2", "refused")
        assert note(None).states == {"v1": self.STAYS, "v2": REFUSED._replace(is_offered=False)}

    def test_a_place_that_was_given_up_is_in_force_no_more(self, note, lake):
        note("v1")
        VintageLog.read(lake, "one").retire("a.csv")
        noted = note(None)
        assert noted.states == {"v1": PAST}
        assert [row["rule"] for row in noted.files(lake, "ops.quarantine")] == ["location_matches_nothing"]
        assert note("v1").states == {"v1": GOOD}  # it is there again

    def test_a_source_that_is_declared_no_more_stays_in_force(self, note):
        note("v1")
        assert note("v2", is_declared=False).states == {"v1": self.STAYS._replace(trouble="declaration_gone")}

    def test_a_source_that_was_given_up_is_told_no_more(self, note, lake):
        note("v1")
        VintageLog.read(lake, "one").retire()
        assert note("v1", is_declared=False).states == {}


class TestRows:
    def test_items_in_are_items_out_and_what_could_not_be_had_is_set_aside(self, note, lake):
        noted = note("v1")
        assert (noted.record.n_rows_in, noted.record.n_rows_out, noted.record.set_aside) == (1, 1, {})
        note("v1")
        VintageLog.read(lake, "one").retire("a.csv")
        noted = note(None)
        assert (noted.record.n_rows_in, noted.record.n_rows_out) == (1, 0)
        assert noted.record.set_aside == {"location_matches_nothing": 1}
        (row,) = noted.files(lake, "ops.quarantine")
        assert (row["table_name"], row["source"], row["uri"]) == ("mobility", "one", "*.csv")
        assert json.loads(row["raw_row"]) == {"location": "*.csv", "uri": "*.csv"}

    def test_nothing_new_is_not_done_again_and_every_change_is(self, note):
        assert note("v1").record.is_reused is False
        assert note("v1").record.is_reused is True
        assert note("v1", "warned").record.is_reused is False
        assert note(None).record.is_reused is False

    def test_a_home_of_before_there_was_a_gate_is_taken_over(self, note, lake, source):
        """Its log has two fetches, its snapshot knows neither verdict nor state."""
        for content in ("v1", "v2"):
            (lake.home.parent / "in" / "a.csv").write_text(content)
            (item,) = fetch_source(lake, source)
        publish_before_the_gate(lake, [vintage_row("a.csv", item.raw_sha256)])
        unknown = PAST._replace(verdict=None, is_trusted=False)
        assert note("v2").states == {"v1": unknown, "v2": GOOD}


def test_the_place_of_a_member_is_its_archive(lake, source):
    (lake.home.parent / "in" / "a#1.csv").write_text("x")
    (item,) = fetch_source(lake, source)
    assert place_of(item) == "a#1.csv"
    member = replace(item, uri="a.zip#b#c.csv", member="b#c.csv")
    assert place_of(member) == "a.zip"
