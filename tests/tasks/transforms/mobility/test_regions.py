import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.transforms.mobility.regions import (
    Region,
    assign_region_ids,
    best_known,
    fold_name,
    policy_region_id,
    region_id,
    tidy_name,
)

NAMES = st.none() | st.text(st.sampled_from("aBé/#%~ "), min_size=1, max_size=3)
PLACES = st.builds(
    Region,
    st.sampled_from(["DE", "NA"]),
    st.just("Land"),
    NAMES,
    NAMES,
    NAMES,
    st.none(),
    st.none(),
    st.none() | st.sampled_from("pqr"),
)
FILES = st.lists(st.lists(PLACES, max_size=6, unique_by=lambda one: (one.names, one.code)), max_size=4)


def test_names_are_joined_and_trailing_levels_left_out():
    assert region_id("US", "California", "Alameda County", None) == "US/California/Alameda County"
    assert region_id("DE", None, None, None) == "DE"


def test_metro_area_has_a_place_of_its_own():
    assert region_id("GH", None, None, "Accra") == "GH///Accra"
    assert region_id("GH", "Accra") == "GH/Accra"


def test_slash_in_a_name_is_no_level():
    assert region_id("NG", "Rivers", "Obio/Akpor") == "NG/Rivers/Obio%2FAkpor"


@settings(max_examples=200)
@given(st.tuples(NAMES, NAMES, NAMES), st.tuples(NAMES, NAMES, NAMES))
def test_different_names_give_different_identifiers(one, other):
    assert (region_id("DE", *one) == region_id("DE", *other)) == (one == other)


def test_places_of_one_name_are_told_apart_by_their_code():
    twins = [Region("AR", "Argentina", "San Martín", place_id=place) for place in ("ChIJb", "ChIJa")]
    assert assign_region_ids([twins]) == [["AR/San Martín#ChIJb", "AR/San Martín"]]


def test_plain_identifier_stays_with_the_place_that_had_it_first():
    early, late = (
        Region("AR", "Argentina", "San Martín", place_id="z"),
        Region("AR", "Argentina", "San Martín", place_id="a"),
    )
    assert assign_region_ids([[early], [late, early]]) == [["AR/San Martín"], ["AR/San Martín#a", "AR/San Martín"]]


def test_changed_place_id_is_the_same_region():
    assert assign_region_ids([[Region("DE", "Germany", place_id="a")], [Region("DE", "Germany", place_id="b")]]) == [
        ["DE"],
        ["DE"],
    ]


def test_renamed_region_is_known_again_by_its_code():
    old, new = (
        Region("SE", "Sweden", "Scania", iso_3166_2_code="SE-M"),
        Region("SE", "Sweden", "Skåne", None, None, "SE-M", None, "p"),
    )
    assert (
        assign_region_ids([[old], [new], [Region("SE", "Sweden", "Skane laen", place_id="p")]]) == [["SE/Scania"]] * 3
    )


def test_region_is_known_again_without_accents_and_case():
    names = ("Malopolska", "Małopolska".replace("ł", "l"), "MALOPOLSKA", "Malópolska")
    assert assign_region_ids([[Region("PL", "Poland", name)] for name in names]) == [["PL/Malopolska"]] * 4


def test_region_that_google_renamed_goes_by_its_present_name_from_the_start():
    assert assign_region_ids([[Region("DE", "Germany", "Hesse")]]) == [["DE/Hessen"]]
    assert (
        assign_region_ids(
            [[Region("EC", "Ecuador", "Provincia de Napo", "Tena")], [Region("EC", "Ecuador", "Napo", "Tena")]]
        )
        == [["EC/Napo/Tena"]] * 2
    )


def test_code_that_a_file_has_twice_identifies_nothing():
    county, state = (Region("IT", "Italy", "Lazio", name, iso_3166_2_code="IT-62") for name in ("Rome", None))
    renamed = Region("IT", "Italy", "Latium", "Frosinone", iso_3166_2_code="IT-62")
    expected = [["IT/Lazio/Rome", "IT/Lazio"], ["IT/Latium/Frosinone", "IT/Lazio"]]
    assert assign_region_ids([[county, state], [renamed, state]]) == expected


def test_same_region_twice_in_a_file_is_refused():
    with pytest.raises(ValueError, match="twice"):
        assign_region_ids([[Region("DE", "Germany"), Region("DE", "Deutschland")]])


@settings(max_examples=200)
@given(FILES)
def test_identifiers_are_unique_in_a_file_and_later_files_change_none(files):
    ids = assign_region_ids(files)
    assert [len(set(one)) for one in ids] == [len(one) for one in files]
    assert assign_region_ids(files[:-1]) == ids[:-1]


@settings(max_examples=100)
@given(FILES)
def test_order_of_rows_in_a_file_decides_nothing(files):
    backwards = [file[::-1] for file in files]
    assert [one[::-1] for one in assign_region_ids(backwards)] == assign_region_ids(files)


def test_description_takes_the_latest_value_that_is_given():
    old, new = (
        Region("DE", "Germany", "Hesse", iso_3166_2_code="DE-HE"),
        Region("DE", "Germany", "Hessen", place_id="p"),
    )
    assert best_known([old, new]) == Region("DE", "Germany", "Hessen", None, None, "DE-HE", None, "p")
    with pytest.raises(ValueError, match="no description"):
        best_known([])


def test_states_of_the_tracker_join_with_googles():
    assert policy_region_id("US", "US_CA", "California", "") == "US/California"
    assert policy_region_id("US", "US_DC", "Washington DC", "") == "US/District of Columbia"
    assert policy_region_id("BR", "BR_SP", "Sao Paulo", "Sao Paulo") == "BR/State of São Paulo/Sao Paulo"
    assert (
        policy_region_id("AU", "AUS_NSW", "New South Wales", "Rest of\u00a0New South Wales")
        == "AU/New South Wales/Rest of New South Wales"
    )
    assert policy_region_id("DE", "", "", "") == "DE"


def test_names_are_tidied_and_folded():
    assert tidy_name("  Sa\u0303o \u00a0Paulo ") == "São Paulo"
    assert fold_name("Łódź STRASSE ß") == fold_name("łódz strasse ss")
