"""The whole job as a user starts it, in a process of its own: once on hostile input, once on real data."""

import gzip
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from expectations.contracts.tables import TABLES

pytestmark = pytest.mark.slow

HEADER = (
    "country_region_code,country_region,sub_region_1,sub_region_2,metro_area,iso_3166_2_code,census_fips_code,place_id,date,"
    + ",".join(
        f"{category}_percent_change_from_baseline"
        for category in (
            "retail_and_recreation",
            "grocery_and_pharmacy",
            "parks",
            "transit_stations",
            "workplaces",
            "residential",
        )
    )
)
# As the design has it; validations of a run follow it.
MAY_BE_EMPTY = {"duplicates", "predictions", "word_tests", "ops.quarantine", "ops.validations"}


def tidemill(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """`tidemill ARGUMENTS…` in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "tidemill", *arguments], capture_output=True, text=True, timeout=600, check=False,
        env={**os.environ, **environment},
    )  # fmt: skip


def declare(folder: Path, name: str, kind: str, location: str) -> None:
    (folder / f"{name}.yaml").write_text(
        f"name: {name}\nkind: {kind}\nlocation: {location}\nlicence: CC0-1.0\nproducer: test\n"
    )


def mobility_line(day: str, change: str = "1", country: str = "SE,Sweden") -> str:
    return f"{country},,,,,,place,{day},{change},2,3,4,5,6"


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, subprocess.CompletedProcess[str]]:
    """The home of a run over everything bad, and what the run said."""
    folder = tmp_path_factory.mktemp("hostile")
    texts, pages, reports = (folder / name for name in ("texts", "pages", "reports"))
    for made in (texts, pages, reports):
        made.mkdir()
    (texts / "good.txt").write_text("The tide turns twice a day, and the mill grinds with it. " * 5)
    (texts / "empty.txt").write_bytes(b"")
    (texts / "slip.txt").write_bytes(b"The tide has a slip \xff in the middle of plain words. " * 3)
    (texts / "cut.txt.gz").write_bytes(gzip.compress(os.urandom(4000).hex().encode())[:-900])
    paragraph = "<p>The harbour office measures the tide at the pier every ten minutes and keeps each reading. </p>"
    (pages / "good.html").write_text(f"<html><body><article><h1>Tides</h1>{paragraph * 12}</article></body></html>")
    (pages / "binary.html").write_bytes(bytes(range(256)) * 40)
    (pages / "deep.html").write_text("<html><body>" + "<div>" * 100_000 + "deep" + "</div>" * 100_000)
    (pages / "huge.html").write_text("<html><body>" + "<p>much</p>" * 5_000_000)  # 55 MB
    good_days = [mobility_line(f"2020-03-{day:02d}") for day in range(1, 11)]
    (reports / "ragged.csv").write_text(
        "\n".join(
            [
                HEADER,
                *good_days,
                mobility_line("2020-03-11") + ",7,8",
                mobility_line("2020-03-12", change="many"),
                mobility_line("2020-03-01", change="9"),
                mobility_line("2999-01-01"),
                mobility_line("2020-03-13", change="-101"),
            ]
        )
        + "\n"
    )
    extra = [mobility_line(f"2020-04-{day:02d}", country="NO,Norway") + ",x" for day in range(1, 6)]
    (reports / "extra.csv").write_text("\n".join([HEADER + ",weather", *extra]) + "\n")
    (reports / "missing.csv").write_text("country_region_code,country_region,date\nFI,Finland,2020-03-01\n")
    declare(folder, "texts", "text", "texts/*")
    declare(folder, "pages", "html", "pages/*")
    declare(folder, "reports", "mobility", "reports/*.csv")
    declare(folder, "nothing", "text", "nowhere/*.txt")
    home = folder / "home"
    return home, tidemill("run", "--sources", str(folder), "--home", str(home))


def ask(home: Path, query: str) -> list[tuple]:
    with duckdb.connect(str(home / "warehouse.duckdb"), read_only=True) as warehouse:
        return warehouse.execute(query).fetchall()


def test_hostile_input_ends_well_without_a_stack_trace(hostile: tuple[Path, subprocess.CompletedProcess[str]]) -> None:
    home, ended = hostile
    assert ended.returncode == 3, ended.stdout + ended.stderr
    told = ended.stdout.partition("partly done: 2 places live on old data or none")[2]
    assert "  nothing: nowhere/*.txt: location_matches_nothing" in told
    assert "  reports: reports/missing.csv: fetch_refused" in told
    assert "Traceback" not in ended.stdout + ended.stderr
    shutil.rmtree(home / "prefect", ignore_errors=True)


@pytest.mark.parametrize("name", ["texts/good.txt", "texts/slip.txt", "pages/good.html"])
def test_good_documents_beside_hostile_ones_are_published(
    hostile: tuple[Path, subprocess.CompletedProcess[str]], name: str
) -> None:
    assert ask(hostile[0], f"SELECT count(*) FROM documents WHERE uri = '{name}'") == [(1,)]


@pytest.mark.parametrize(
    "name", ["empty.txt", "cut.txt.gz", "binary.html", "deep.html", "huge.html", "missing.csv", "nowhere"]
)
def test_a_hostile_file_is_in_quarantine_with_rule_and_remedy(
    hostile: tuple[Path, subprocess.CompletedProcess[str]], name: str
) -> None:
    rows = ask(hostile[0], f"SELECT rule, message FROM ops.quarantine WHERE uri LIKE '%{name}%'")
    assert len(rows) == 1
    assert all(rows[0])


def test_hostile_rows_of_a_report_are_in_quarantine_and_the_rest_is_published(
    hostile: tuple[Path, subprocess.CompletedProcess[str]],
) -> None:
    home, _ = hostile
    rules = {rule for (rule,) in ask(home, "SELECT rule FROM ops.quarantine WHERE uri LIKE '%ragged.csv#%'")}
    assert len(ask(home, "SELECT 1 FROM ops.quarantine WHERE uri LIKE '%ragged.csv#%'")) == 5
    assert len(rules) == 5  # ragged, text in a number, repeated key, future date, below -100: each by its own rule
    assert ask(home, "SELECT count(DISTINCT observed_on) FROM mobility WHERE region_id = 'SE'") == [(10,)]
    assert ask(home, "SELECT count(DISTINCT observed_on) FROM mobility WHERE region_id = 'NO'") == [(5,)]
    assert ask(
        home, "SELECT DISTINCT change_pct FROM mobility WHERE region_id = 'SE' AND category = 'retail_and_recreation'"
    ) == [(1.0,)]


def test_every_batch_of_the_ledger_accounts_for_its_rows(
    hostile: tuple[Path, subprocess.CompletedProcess[str]],
) -> None:
    lost = ask(
        hostile[0],
        """
        SELECT subject, stage,
            any_value(n_rows_in) FILTER (rule = 'kept') AS n_in,
            any_value(n_rows_out) FILTER (rule = 'kept') AS n_out,
            coalesce(sum(n_rows_set_aside), 0) AS n_set_aside
        FROM ops.ledger WHERE subject_kind = 'batch'
        GROUP BY subject, stage HAVING n_in <> n_out + n_set_aside
        """,
    )
    assert lost == []
    counted = ask(
        hostile[0],
        """
        SELECT count(*), sum(n_rows_set_aside), count(*) FILTER (rule <> 'superseded' AND n_rows_in IS NOT NULL)
        FROM ops.ledger WHERE subject_kind = 'batch' AND outcome = 'set_aside'
        """,
    )
    assert counted[0][0] > 0
    assert counted[0][1] >= counted[0][0]
    assert counted[0][2] == 0


@pytest.fixture(scope="module")
def real(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The home of a run over a part of the real small sources, and the folder of their declarations."""
    folder = tmp_path_factory.mktemp("real")
    for name in (
        "mobility_new_zealand",
        "mobility_sweden",
        "policy_containment",
        "seed_articles",
        "treebank_german",
        "labelled_messages",
    ):
        text = (shared / "sources" / "small" / f"{name}.yaml").read_text()
        (folder / f"{name}.yaml").write_text(text.replace("../../", f"{shared}/"))
    ended = tidemill("run", "--sources", str(folder), "--home", str(folder / "home"))
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return folder / "home", folder


@pytest.mark.parametrize("table", TABLES)
def test_every_table_has_rows_and_comments_on_real_data(real: tuple[Path, Path], table: str) -> None:
    (n_rows,) = ask(real[0], f"SELECT count(*) FROM {table}")[0]
    assert n_rows > 0 or table in MAY_BE_EMPTY
    schema, name = ("main", table) if "." not in table else table.split(".")
    comments = ask(
        real[0],
        f"SELECT column_name, comment FROM duckdb_columns() WHERE schema_name = '{schema}' AND table_name = '{name}'",
    )
    assert {column for column, comment in comments if comment} == {column.name for column in TABLES[table].columns}
    assert ask(real[0], f"SELECT comment FROM duckdb_views() WHERE schema_name = '{schema}' AND view_name = '{name}'")[
        0
    ][0]


def test_a_second_run_on_real_data_says_that_nothing_changed(real: tuple[Path, Path]) -> None:
    home, folder = real
    ended = tidemill("run", "--sources", str(folder), "--home", str(home), "--json")
    assert ended.returncode == 0
    assert json.loads(ended.stdout)["status"] == "unchanged"


def test_a_new_document_redoes_its_own_batch_and_what_depends_on_it(real: tuple[Path, Path]) -> None:
    home, folder = real
    (folder / "notes").mkdir()
    (folder / "notes" / "first.txt").write_text(
        "A note about the tide and the mill that came later than all the others. " * 3
    )
    declare(folder, "notes", "text", "notes/*.txt")
    planned = json.loads(tidemill("plan", "--sources", str(folder), "--home", str(home), "--json").stdout)
    (parsed,) = [line["subject"] for line in planned if line["step"] == "parse_documents"]
    assert parsed.startswith("notes")
    assert not [line for line in planned if line["stage"] == "mobility"]
