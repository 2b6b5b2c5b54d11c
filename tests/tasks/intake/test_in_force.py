"""What is in force as the present snapshot says, also where an older version wrote it."""

from dataclasses import replace

from support.known_vintages import MONDAY, publish_before_the_gate, publish_vintages, vintage_row

from tasks.intake.in_force import KnownVintage, Place, known_places

OLD, NEW = "a" * 64, "b" * 64
KNOWN = KnownVintage("one", "a.csv", "v1", OLD, 5, MONDAY)
IN_FORCE = replace(KNOWN, verdict="accepted", against="v0", is_in_force=True, is_offered=True)


def place(*vintages):
    return Place({one.vintage: one for one in vintages})


def test_in_force_is_the_one_that_is_marked():
    assert place().in_force is None
    assert place(KNOWN, replace(KNOWN, vintage="v2", is_in_force=False)).in_force is None
    assert place(KNOWN, replace(IN_FORCE, vintage="v2")).in_force.vintage == "v2"


class TestAgainst:
    def test_a_new_vintage_is_held_against_the_one_in_force(self):
        assert place(IN_FORCE).against("v2") == "v1"
        assert place(KNOWN).against("v2") is None
        assert place().against("v2") is None

    def test_the_one_in_force_is_held_against_what_it_was_held_against_before(self):
        """Else its verdict would change in the next run, by nothing that anyone did."""
        assert place(IN_FORCE).against("v1") == "v0"
        assert place(replace(IN_FORCE, against=None)).against("v1") is None

    def test_one_that_is_refused_and_still_offered_is_held_against_the_same(self):
        refused = replace(IN_FORCE, vintage="v2", verdict="refused", against="v0", is_in_force=False)
        assert place(replace(IN_FORCE, is_offered=False), refused).against("v2") == "v0"

    def test_an_older_one_that_is_offered_again_is_held_against_what_is_in_force_now(self):
        older = replace(IN_FORCE, is_in_force=False, is_offered=False)
        assert place(older, replace(IN_FORCE, vintage="v2", against="v1")).against("v1") == "v2"

    def test_one_of_an_older_version_was_never_judged(self):
        for unjudged in (KNOWN, replace(KNOWN, is_offered=True)):
            assert place(unjudged, replace(IN_FORCE, vintage="v2")).against("v1") == "v2"


class TestKnownPlaces:
    def test_before_the_first_snapshot_none_is_known(self, lake):
        assert known_places(lake, "one") == {}

    def test_the_places_of_a_source_are_those_of_the_present_snapshot(self, lake):
        said = {"rule": "regions_gone", "message": "gone", "against": OLD[:12], "trouble": "fetch_refused"}
        rows = [
            vintage_row("a.csv", OLD),
            vintage_row("a.csv", NEW, verdict="refused", is_in_force=False, is_trusted=False, **said),
            vintage_row("b.csv", OLD),
            vintage_row("a.csv", OLD, source="two"),
        ]
        publish_vintages(lake, [vintage_row("gone.csv")])
        publish_vintages(lake, rows)
        found = known_places(lake, "one")
        assert {uri: list(place.vintages) for uri, place in found.items()} == {
            "a.csv": [OLD[:12], NEW[:12]],
            "b.csv": [OLD[:12]],
        }
        assert found["a.csv"].in_force == KnownVintage(**rows[0])
        assert found["a.csv"].vintages[NEW[:12]] == KnownVintage(**rows[1])
        assert list(known_places(lake, "two")) == ["a.csv"]
        assert known_places(lake, "three") == {}

    def test_a_snapshot_of_before_there_was_a_gate_says_nothing_of_verdicts(self, lake):
        publish_before_the_gate(lake, [vintage_row("a.csv", OLD)])
        assert known_places(lake, "one")["a.csv"] == place(replace(KNOWN, vintage=OLD[:12]))
