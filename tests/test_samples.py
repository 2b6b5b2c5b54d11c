"""The bundled samples are complete, small, declared and reproducible."""

import csv
import gzip
import io
import json
import lzma
import re
import zipfile
from collections import Counter
from collections.abc import Iterator
from fnmatch import fnmatch
from html import unescape
from pathlib import Path

import pytest

from data.samples import make_archives
from tasks.intake.kinds import SOURCE_KINDS
from tasks.transforms.records.source_format import Source, parse_source

ROOT = Path(__file__).resolve().parents[1]
SAMPLES, SOURCES = ROOT / "data" / "samples", ROOT / "data" / "sources"
UPOS_TAGS = {
    "ADJ", "ADP", "ADV", "AUX", "CCONJ", "DET", "INTJ", "NOUN", "NUM",
    "PART", "PRON", "PROPN", "PUNCT", "SCONJ", "SYM", "VERB", "X",
}  # fmt: skip
ESSAYS = {lang: sorted((SAMPLES / "texts" / lang).glob("*.txt")) for lang in ("en", "de")}
PAGES = sorted((SAMPLES / "pages").glob("*.html"))
CARRIAGE_RETURNS = {"heimat_brueckenwaerter.html", "heimat_gezeitenmuehle.html"}


def sample_files() -> list[Path]:
    return sorted(path for path in SAMPLES.rglob("*") if path.is_file() and "__pycache__" not in path.parts)


def declared_sources() -> dict[str, Source]:
    return {
        path.stem: parse_source(path.read_text("utf-8"), path.name, str(SOURCES), SOURCE_KINDS)
        for path in sorted(SOURCES.glob("*.yaml"))
    }


def files_of(source: Source) -> list[Path]:
    return sorted(SOURCES.glob(source.location.partition("#")[0]))


def page_text(path: Path) -> str:
    raw = path.read_bytes()
    charset = re.search(rb"charset=[\"']?([\w-]+)", raw)
    return raw.decode(charset[1].decode() if charset else "ascii")


def sentences(path: Path) -> Iterator[tuple[str, list[list[str]]]]:
    for block in path.read_text("utf-8").strip().split("\n\n"):
        lines = block.split("\n")
        text = next(line.removeprefix("# text = ") for line in lines if line.startswith("# text = "))
        yield text, [line.split("\t") for line in lines if not line.startswith("#")]


def test_samples_stay_under_two_megabytes():
    assert sum(path.stat().st_size for path in sample_files()) <= 2_000_000


def test_at_least_sixty_documents_in_two_languages_about_half_each():
    n_essays = {lang: len(paths) for lang, paths in ESSAYS.items()}
    assert sum(n_essays.values()) >= 60
    assert 0.8 <= n_essays["en"] / n_essays["de"] <= 1.25
    assert len(PAGES) >= 20


@pytest.mark.parametrize("path", ESSAYS["en"] + ESSAYS["de"], ids=lambda path: path.stem)
def test_essay_has_a_title_and_120_to_400_words(path: Path):
    title, blank, *body = path.read_text("utf-8").split("\n")
    assert title
    assert not blank
    assert 120 <= len(" ".join([title, *body]).split()) <= 400


def test_essays_are_different_but_for_one_exact_copy():
    texts = Counter(path.read_bytes() for paths in ESSAYS.values() for path in paths)
    assert sorted(texts.values())[-2:] == [1, 2]


def test_german_essays_are_written_with_umlauts_and_sharp_s():
    letters = Counter("".join(path.read_text("utf-8") for path in ESSAYS["de"]))
    assert all(letters[letter] > 20 for letter in "äöüß")


def test_every_source_is_declared_under_its_file_name_and_texts_are_ours():
    for stem, source in declared_sources().items():
        assert source.name == stem
        if source.kind not in ("mobility", "policy"):
            assert (source.licence, source.producer) == ("CC0-1.0", "Tidemill")


SHOWN = {
    "text", "html", "warc", "jsonl", "conllu", "labelled", "mobility", "policy", "word_pairs", "analogies",
}  # fmt: skip


def test_every_kind_of_source_and_both_units_are_there():
    sources = declared_sources().values()
    assert {source.kind for source in sources} == SHOWN
    assert set(SOURCE_KINDS) >= SHOWN
    assert {source.unit for source in sources} == {"file", "line"}


def test_every_declared_location_has_files_and_every_sample_is_declared():
    sources = declared_sources().values()
    assert all(files_of(source) for source in sources)
    declared = {path.resolve() for source in sources for path in files_of(source)}
    is_input = [path for path in sample_files() if "contents" not in path.parts and path.parent != SAMPLES]
    assert declared == set(is_input)


def test_glob_of_the_zip_takes_the_letters_only():
    source = declared_sources()["letters"]
    with zipfile.ZipFile(files_of(source)[0]) as archive:
        taken = [name for name in archive.namelist() if fnmatch(name, source.location.partition("#")[2])]
        assert len(taken) == 4
        assert len(archive.namelist()) == 5


def test_script_packs_the_committed_archives(tmp_path: Path):
    make_archives.write_archives(tmp_path)
    packed = SAMPLES / "archives"
    assert gzip.decompress((packed / "pages.warc.gz").read_bytes()) == b"".join(make_archives.warc_records())
    for name, unpack in (
        ("pages.warc.gz", gzip.decompress),
        ("hafenlogbuch.txt.gz", gzip.decompress),
        ("minutes_of_the_data_group.txt.xz", lzma.decompress),
    ):
        assert unpack((packed / name).read_bytes()) == unpack((tmp_path / name).read_bytes())
    with zipfile.ZipFile(packed / "letters.zip") as committed, zipfile.ZipFile(tmp_path / "letters.zip") as made:
        assert [(member.filename, member.CRC, member.date_time) for member in committed.infolist()] == [
            (member.filename, member.CRC, member.date_time) for member in made.infolist()
        ]


def test_web_archive_holds_pages_a_foreign_type_and_a_missing_page():
    records = gzip.decompress((SAMPLES / "archives" / "pages.warc.gz").read_bytes())
    assert records.count(b"WARC-Type: response") == 8
    assert records.count(b"HTTP/1.1 404") == 1
    assert records.count(b"Content-Type: application/json\r\n") == 1
    assert (SAMPLES / "pages" / "courier_old_bridge.html").read_bytes() in records


@pytest.mark.parametrize("lang", ["en", "de"])
def test_treebank_is_sound(lang: str):
    found = list(sentences(SAMPLES / "treebank" / f"{lang}.conllu"))
    assert len(found) >= {"en": 25, "de": 20}[lang]
    for text, rows in found:
        assert all(len(row) == 10 and all(row) for row in rows)
        words = [row for row in rows if "-" not in row[0]]
        assert [row[0] for row in words] == [str(number) for number in range(1, len(words) + 1)]
        assert {row[3] for row in words} <= UPOS_TAGS
        assert all(row[2] != "_" and row[4] != "_" for row in words)
        in_ranges = {
            str(k)
            for row in rows
            if "-" in row[0]
            for k in range(int(row[0].split("-")[0]), int(row[0].split("-")[1]) + 1)
        }
        surface = "".join(
            row[1] + ("" if row[9] == "SpaceAfter=No" else " ") for row in rows if row[0] not in in_ranges
        )
        assert surface.rstrip() == text


def test_treebank_names_documents_and_unique_sentences():
    for lang in ("en", "de"):
        lines = (SAMPLES / "treebank" / f"{lang}.conllu").read_text("utf-8").splitlines()
        ids = [line for line in lines if line.startswith("# sent_id = ")]
        assert len(ids) == len(set(ids)) == sum(line.startswith("# text = ") for line in lines)
        assert sum(line.startswith("# newdoc id = ") for line in lines) >= 3


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_page_has_title_date_heading_and_furniture(path: Path):
    page = page_text(path).lower()
    assert "<title>" in page
    assert re.search(r"20\d\d-\d\d-\d\d|\d{1,2} [a-z]+ 20\d\d", page)
    assert "<h1" in page or 'class="post-title"' in page
    assert re.search(r"<nav|menu|class=\"nav\"|navigation|index\.htm", page)
    assert re.search(r"<footer|footer|fuss|class=\"foot\"|<hr>", page)
    assert page.count("<a ") >= 5


def test_pages_differ_in_markup():
    markers = {
        "cookie": 3, "application/ld+json": 5, "comment": 5, "<main": 5, "<article": 5, "<table": 4,
        "<script": 15, "<style": 10, "<font": 3, "advertisement": 3, "anzeige": 3, "bgcolor": 4,
    }  # fmt: skip
    pages = [page_text(path).lower() for path in PAGES]
    counts = {marker: sum(marker in page for page in pages) for marker in markers}
    assert all(counts[marker] >= least for marker, least in markers.items()), counts


def test_two_old_pages_are_not_utf_8_and_one_is_broken():
    charsets = {
        path.name: re.search(rb"charset=([\w-]+)", path.read_bytes())
        for path in PAGES
        if path.name.startswith("heimat")
    }
    assert {found[1] for found in charsets.values() if found} == {b"iso-8859-1", b"windows-1252"}
    for name in charsets:
        with pytest.raises(UnicodeDecodeError):
            (SAMPLES / "pages" / name).read_text("utf-8")
    assert "</html>" not in page_text(SAMPLES / "pages" / "observer_winter_1963.html").lower()


def test_messages_have_four_labels_of_thirty_texts_each():
    rows = list(csv.DictReader(io.StringIO((SAMPLES / "labelled" / "messages.csv").read_text("utf-8"))))
    assert Counter(row["label"] for row in rows) == dict.fromkeys(("transport", "weather", "health", "city"), 30)
    assert len({row["text"] for row in rows}) == 120


def test_notes_and_bulletins_are_one_a_line():
    notes = (SAMPLES / "texts" / "notes" / "field_notes.txt").read_text("utf-8").splitlines()
    assert len(set(notes)) >= 30
    bulletins = [
        json.loads(line) for line in (SAMPLES / "bulletins" / "bulletins.jsonl").read_text("utf-8").splitlines()
    ]
    assert len(bulletins) == len({bulletin["id"] for bulletin in bulletins}) == 12
    assert all(bulletin.keys() == {"id", "lang", "published_on", "title", "text"} for bulletin in bulletins)


def test_carriage_returns_stand_where_they_are_meant_only():
    packed = {".gz", ".xz", ".zip"}
    for path in sample_files():
        if path.suffix not in packed:
            raw = path.read_bytes()
            assert (b"\r" in raw) == (path.name in CARRIAGE_RETURNS), path.name
            assert raw.count(b"\r") == raw.count(b"\r\n"), path.name


@pytest.mark.parametrize("name", sorted(path.name for path in (SAMPLES / "word_tests").iterdir()))
def test_words_of_the_word_tests_occur_in_the_sample_texts(name: str):
    texts = [
        path
        for path in sample_files()
        if path.suffix in {".txt", ".html", ".jsonl", ".csv"} and "word_tests" not in path.parts
    ]
    text = " ".join(page_text(path) if path.suffix == ".html" else path.read_text("utf-8") for path in texts)
    occurring = set(re.findall(r"\w+", re.sub("<[^>]*>", " ", unescape(text)).lower()))
    lines = (SAMPLES / "word_tests" / name).read_text("utf-8").splitlines()
    asked = {
        word.lower()
        for line in lines
        if not line.startswith(("#", ":", "word1", "Wort1"))
        for word in line.split()
        if word.isalpha()
    }
    assert len(asked) > 20
    assert asked <= occurring
