from datetime import UTC, datetime

import pytest

from tasks.mobility.standing import Fetch, Standing, fetch_of

MOMENT = datetime(2021, 1, 1, tzinfo=UTC)
STANDING = {
    Fetch("google", path, "v"): Standing(is_in_force=True, fetched_at=MOMENT) for path in ("a.csv", "b#c.zip", "b.zip")
}


@pytest.mark.parametrize(
    ("uri", "path"),
    [
        ("a.csv", "a.csv"),
        ("b.zip#2020/x.csv", "b.zip"),
        ("b.zip#x#y.csv", "b.zip"),
        ("b#c.zip#x.csv", "b#c.zip"),
        ("b#d.zip#x.csv", None),
        ("other.csv", None),
    ],
)
def test_a_member_comes_from_the_fetch_of_its_archive_whatever_names_hold_a_hash_sign(uri, path):
    fetch = fetch_of(STANDING, "google", uri, "v")
    assert (None if fetch is None else fetch.path) == path


def test_another_vintage_or_source_of_the_path_is_another_fetch():
    assert fetch_of(STANDING, "google", "a.csv", "w") is None
    assert fetch_of(STANDING, "oxford", "a.csv", "v") is None
