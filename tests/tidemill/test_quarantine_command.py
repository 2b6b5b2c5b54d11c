"""The commands on rows set aside: list, show, release."""

import json

import pytest
from support.known_vintages import publish_vintages, vintage_row

from tasks.lake.layout import Lake
from tasks.lake.vintage_log import VintageLog
from tidemill.quarantine_command import COME_BACK

OLD, NEW = "a" * 64, "b" * 64


def row(number, rule="future_date", **said):
    told = {"quarantine_id": str(number) * 16, "table_name": "mobility", "message": "mend it", "raw_row": '{"x": "1"}'}
    return {**told, "rule": rule, "source": "one", "uri": f"a.csv#{number}", "vintage": OLD[:12], **said}


@pytest.fixture
def home(tmp_path):
    """A home with a refused fetch, two broken rows of mobility, one of documents with letters from outside."""
    lake = Lake.open(tmp_path / "home")
    refused = {"verdict": "refused", "is_in_force": False, "is_trusted": False, "rule": "signs_lost, values_scaled"}
    publish_vintages(
        lake,
        [
            vintage_row("a.csv", OLD, is_offered=False, trouble="fetch_refused"),
            vintage_row("a.csv", NEW, **refused),
            vintage_row("p.csv", NEW, **{**refused, "rule": "html_page"}),
            vintage_row("n.csv", NEW, **{**refused, "rule": "rows_broken, no_rows"}),
        ],
        [
            row(1, "values_scaled", uri="a.csv", vintage=NEW[:12], message="a.csv: a factor of 16"),
            row(2),
            row(3),
            row(7, "column_unreadable", uri="a.csv"),  # of a fetch that was let in
            row(5, "html_page", uri="p.csv", vintage=NEW[:12]),
            row(6, "rows_broken", uri="n.csv", vintage=NEW[:12]),
            row(4, "text_empty", table_name="documents", message="\x1b[2Jred", uri="b.txt", vintage=None),
        ],
    )
    return lake.home


class TestList:
    def test_rules_are_counted_and_rows_told_with_place_and_remedy(self, call, home):
        out = call("quarantine", "list", "--home", str(home)).out
        counts, _, rows = out.partition("\n\n")
        assert counts.index("future_date") < counts.index("text_empty")  # two rows before one
        for words in ("a.csv: a factor of 16", "a.csv#2", "a.csv#3", "4" * 16, '{"x": "1"}'):
            assert words in rows
        assert out.endswith(f"\n{COME_BACK}\n")
        assert "\x1b" not in out

    def test_rows_of_one_table_and_of_one_rule(self, call, home):
        for options, expected in (
            (["--table", "documents"], {"4" * 16}),
            (["--rule", "future_date"], {"2" * 16, "3" * 16}),
            (["--table", "documents", "--rule", "future_date"], set()),
            (["-k", "1"], {"4" * 16}),  # documents stand first
        ):
            listed = json.loads(call("quarantine", "list", "--home", str(home), "--json", *options).out)
            assert {one["quarantine_id"] for one in listed} == expected

    def test_fewer_rows_than_there_are_leave_the_counts_whole(self, call, home):
        out = call("quarantine", "list", "--home", str(home), "-k", "1", "--rule", "future_date").out
        assert "2" * 16 in out
        assert "3" * 16 not in out
        assert [line.split()[-1] for line in out.splitlines() if "future_date" in line and "mobility:" not in line] == [
            "2"
        ]

    def test_none_is_said_in_words(self, call, home):
        assert call("quarantine", "list", "--home", str(home), "--rule", "none").out == "no row was set aside\n"
        assert json.loads(call("quarantine", "list", "--home", str(home), "--rule", "none", "--json").out) == []


class TestShow:
    def test_a_row_is_shown_whole(self, call, home):
        told = json.loads(call("quarantine", "show", "2" * 16, "--home", str(home), "--json").out)
        assert (told["rule"], told["uri"], told["raw_row"]) == ("future_date", "a.csv#2", {"x": "1"})
        out = call("quarantine", "show", "4" * 16, "--home", str(home)).out
        assert "text_empty" in out
        assert "\x1b" not in out
        assert out.endswith(f"\n{COME_BACK}\n")

    def test_one_that_is_not_there_is_misuse(self, call, home):
        ended = call("quarantine", "show", "9" * 16, "--home", str(home))
        assert (ended.status, ended.out) == (2, "")
        assert f"no row called {'9' * 16} is set aside: `tidemill quarantine list` shows which are" in ended.err


class TestRelease:
    def test_a_refused_fetch_is_let_in_by_its_bytes(self, call, home):
        ended = call("quarantine", "release", "1" * 16, "--home", str(home))
        assert (ended.status, ended.err) == (0, "")
        assert ended.out == f"one: a.csv ({NEW[:12]}) is let in; the next run takes it\n"
        assert VintageLog.read(Lake(home), "one").released == {("a.csv", NEW)}

    @pytest.mark.parametrize("number", [2, 4, 7])
    def test_a_row_of_a_file_cannot_be_and_is_told_how_it_comes_back(self, call, home, number):
        ended = call("quarantine", "release", str(number) * 16, "--home", str(home))
        assert (ended.status, ended.out) == (2, "")
        assert (
            "is no fetch that the gate refused, and cannot be let in by hand: a row comes back by itself" in ended.err
        )
        assert VintageLog.read(Lake(home), "one").released == set()

    @pytest.mark.parametrize(("number", "uri"), [(5, "p.csv"), (6, "n.csv")])
    def test_a_fetch_from_which_no_table_can_be_made_cannot_be(self, call, home, number, uri):
        ended = call("quarantine", "release", str(number) * 16, "--home", str(home))
        assert (ended.status, ended.out) == (2, "")
        assert f"{uri} cannot be read, and nothing could be published from it: mend it upstream" in ended.err
        assert VintageLog.read(Lake(home), "one").released == set()

    def test_one_that_is_not_there_is_misuse(self, call, home):
        assert call("quarantine", "release", "x", "--home", str(home)).status == 2
