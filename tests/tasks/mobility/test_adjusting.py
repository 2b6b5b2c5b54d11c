from datetime import date, timedelta

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from oracles.slow_adjustment import slow_adjustment
from support.chains import plan
from support.mobility_stage import HEADER, line, put, run_stage

from expectations.contracts.tables import TABLES
from expectations.table_contract import repeated_key, split_rows
from tasks.lake.files import read_table, write_table
from tasks.lake.steps import Step, do
from tasks.mobility import adjusting
from tasks.mobility.adjusting import EVENTS, adjusting_batches, event_batches, write_known_events
from tasks.mobility.stage import CHAIN
from tasks.transforms.mobility.adjustment_holidays import public_holidays
from tasks.transforms.mobility.known_events import KnownEventsError

FIRST = date(2020, 3, 2)
N_DAYS = 90


def _days(country, name, shift=0):
    days = [FIRST + timedelta(days=n) for n in range(N_DAYS)]
    return [line(country, name, day.isoformat(), (n * 7 + shift) % 31 - 40, -(n % 5)) for n, day in enumerate(days)]


def _report(*lines):
    return "\n".join([HEADER, *lines]) + "\n"


def test_every_row_of_mobility_is_there_and_equals_the_day_by_day_oracle(lake, tmp_path):
    stage = run_stage(
        lake, put(tmp_path / "in", {"report.csv": _report(*_days("SE", "Sweden"), *_days("IT", "Italy"))})
    )
    rows = stage.rows("mobility_adjusted")
    kept, broken, _ = split_rows(TABLES["mobility_adjusted"], rows)
    assert (kept.num_rows, broken.num_rows) == (2 * N_DAYS * 6, 0)
    assert not any(repeated_key(TABLES["mobility_adjusted"], rows).to_pylist())
    assert rows.select(["region_id", "observed_on", "category", "change_pct"]).equals(
        stage.rows("mobility").select(["region_id", "observed_on", "category", "change_pct"])
    )
    holidays = public_holidays("SE", None, FIRST, FIRST + timedelta(days=N_DAYS))
    assert holidays
    for category in ("retail_and_recreation", "grocery_and_pharmacy"):
        here = rows.filter((pc.field("region_id") == "SE") & (pc.field("category") == category)).to_pylist()
        expected = slow_adjustment({row["observed_on"]: row["change_pct"] for row in here}, set(holidays))
        assert sum(value is not None for value in expected.values()) > N_DAYS / 2
        for row in here:
            found = row["weekday_effect_pct"], row["holiday_effect_pct"], row["adjusted_pct"]
            value = expected[row["observed_on"]]
            # A tie between two multiples of 1/64 may round either way, since the oracle sums in another order.
            assert found == ((None,) * 3 if value is None else pytest.approx(value, abs=2 / 64))
            assert row["is_holiday"] == (row["observed_on"] in holidays)
            assert value is None or sum(found) == row["change_pct"]


def test_rows_of_a_documented_break_name_it_and_the_events_stand_beside(lake, tmp_path):
    stage = run_stage(lake, put(tmp_path / "in", {"report.csv": _report(*_days("SE", "Sweden"))}))
    marked = stage.rows("mobility_adjusted").filter(pc.field("event_id").is_valid())
    assert set(marked["event_id"].to_pylist()) == {"google_2020_04_calculation"}
    assert marked.num_rows == 8 * 4
    assert marked["event_id"][0].as_py() in stage.rows("known_events")["event_id"].to_pylist()


def test_a_change_of_one_country_makes_only_its_part_due_and_a_new_event_all(lake, tmp_path, monkeypatch):
    sources = put(tmp_path / "in", {"report_se.csv": _report(*_days("SE", "Sweden"))})
    first = run_stage(lake, sources)
    assert [step for step, _ in first.done()].count("write_mobility_adjusted") == 1
    sources = put(tmp_path / "in", {"report_it.csv": _report(*_days("IT", "Italy"))})
    done = [subject for step, subject in run_stage(lake, sources).done() if step == "write_mobility_adjusted"]
    assert len(done) == 1
    text = EVENTS.read_text("utf-8").replace("to_on: 2020-04-18", "to_on: 2020-04-19")
    (tmp_path / "events.yaml").write_text(text)
    monkeypatch.setattr(adjusting, "EVENTS", tmp_path / "events.yaml")
    planned = [line.step for line in plan(lake, CHAIN, sources=sources)]
    assert planned[0] == "write_known_events"
    assert "write_mobility_adjusted" in planned


def test_events_that_are_not_right_stop_their_step_in_one_sentence(lake):
    with pytest.raises(KnownEventsError, match=r"known_events.yaml: a list of events is wanted"):
        write_known_events(lake, "mood: fine")


def test_an_empty_part_gives_an_empty_part(lake):
    part = write_table(lake, "mobility", TABLES["mobility"].empty())
    step = Step("write_known_events", write_known_events, event_batches, leaves=("known_events",))
    events = do(lake, step.task(event_batches()[0]))
    output = adjusting.write_mobility_adjusted(lake, (part, events.files))
    assert (output.n_rows_in, output.n_rows_out) == (0, 0)
    assert read_table(lake, output.files).num_rows == 0


def test_a_batch_reads_one_part_and_the_events(lake):
    part = write_table(lake, "mobility", TABLES["mobility"].empty())
    step = Step("write_known_events", write_known_events, event_batches, leaves=("known_events",))
    events = do(lake, step.task(event_batches()[0]))
    record = _record_of(lake, part)
    (batch,) = adjusting_batches([record], [record], [events])
    assert batch.subject == "part 03"
    assert batch.inputs == (part.sha256, events.files[0].sha256)


def _record_of(lake, part):
    step = Step("write_known_events", write_known_events, event_batches)
    record = do(lake, step.task(event_batches()[0]))
    return type(record)(**{**vars(record), "files": (part,), "subject": "part 03"})


def test_regional_holidays_come_with_the_region(lake, tmp_path):
    days = [FIRST + timedelta(days=n) for n in range(120)]
    lines = [line("DE", "Germany", day.isoformat(), -20) for day in days]
    lines += [
        line("DE", "Germany", day.isoformat(), -20, part="Bavaria").replace("Bavaria,,,", "Bavaria,,,DE-BY")
        for day in days
    ]
    stage = run_stage(lake, put(tmp_path / "in", {"report.csv": _report(*lines)}))
    rows = stage.rows("mobility_adjusted").filter(pc.field("holiday") == pa.scalar("Corpus Christi"))
    assert set(rows["region_id"].to_pylist()) == {"DE/Bavaria"}
