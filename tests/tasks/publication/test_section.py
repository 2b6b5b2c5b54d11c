"""The report's section on sources."""

from datetime import date, timedelta

from support.known_vintages import MONDAY, publish_vintages, vintage_row
from support.sections import section_values

from tasks.report.rendering import render

OLD, NEW = "a" * 64, "b" * 64
STAYS = {"is_offered": False, "trouble": "fetch_refused", "trouble_since": MONDAY + timedelta(days=1)}
REFUSED = {"verdict": "refused", "message": "a.csv: <b>half</b> is gone", "is_in_force": False, "is_trusted": False}


def shown(lake):
    values = section_values(lake, "publication")
    return values, render("publication/section.html.j2", values)


def test_where_all_is_well_it_says_so_and_counts_places_and_vintages(lake):
    rows = [
        vintage_row("a.csv", OLD, is_in_force=False, is_offered=False),
        vintage_row("a.csv", NEW, last_on=date(2026, 3, 1)),
        vintage_row("b.csv", NEW, last_on=date(2026, 2, 1), verdict="warned"),
        vintage_row("c.csv", NEW, source="two"),
    ]
    publish_vintages(lake, rows)
    values, html = shown(lake)
    assert values["troubles"] == []
    assert [tuple(row.values())[:7] for row in values["sources"]] == [
        ("one", 2, 3, 2, 1, 0, date(2026, 3, 1)),
        ("two", 1, 1, 1, 0, 0, None),
    ]
    assert "Every source is up to date: nothing that it last gave was refused." in html
    assert "on old data" not in html


def test_a_place_that_lives_on_an_old_vintage_is_told_with_what_was_found(lake):
    publish_vintages(lake, [vintage_row("a.csv", OLD, **STAYS), vintage_row("a.csv", NEW, **REFUSED)])
    values, html = shown(lake)
    (trouble,) = values["troubles"]
    assert (trouble["source"], trouble["place"], trouble["why"]) == ("one", "a.csv", "fetch_refused")
    assert (trouble["in force"], trouble["fetched"], trouble["since"]) == (OLD[:12], MONDAY, STAYS["trouble_since"])
    assert (values["sources"][0]["refused"], values["sources"][0]["in force"]) == (1, 1)
    assert "1 place lives on old data or on none" in html
    assert "&lt;b&gt;half&lt;/b&gt; is gone" in html
    assert "up to date" not in html


def test_a_place_that_has_nothing_in_force_says_so(lake):
    first = {**REFUSED, "trouble": "fetch_refused", "trouble_since": MONDAY}
    publish_vintages(lake, [vintage_row("a.csv", NEW, **first), vintage_row("b.csv", OLD, **STAYS)])
    values, html = shown(lake)
    assert values["n_troubles"] == 2
    assert [trouble["in force"] for trouble in values["troubles"]] == ["nothing", OLD[:12]]
    assert "2 places live on old data or on none" in html
