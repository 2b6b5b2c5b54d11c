import gzip
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles.slow_tokens import slow_words

from tasks.transforms.text.characters import character_classes
from tasks.transforms.text.normalise import normalise_text
from tasks.transforms.text.token_scan import CLUSTER, CLUSTER_TAIL, DIGIT, IDEOGRAPH, KATAKANA, SYMBOL, UPPER
from tasks.transforms.text.tokens import count_words, cut_tokens, token_spans


def words_of(text: str) -> list[str]:
    utf8 = text.encode()
    return [utf8[start:stop].decode() for start, stop in token_spans(text)]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("I don't know; it’s the dog's.", ["I", "don't", "know", "it’s", "the", "dog's"]),
        (
            "Das Daten-Team schrieb (z.B. heute) eine E-Mail.",
            ["Das", "Daten-Team", "schrieb", "z.B.", "heute", "eine", "E-Mail"],
        ),
        ("z. B. 3,14 und 1.000.000,5", ["z", "B", "3,14", "und", "1.000.000,5"]),
        ("the U.S. and e.g. Node.js", ["the", "U.S.", "and", "e.g.", "Node.js"]),
        (
            "It ended.Next came 9/11 at 12:30 on 2020-05-01.",
            ["It", "ended", "Next", "came", "9/11", "at", "12:30", "on", "2020-05-01"],
        ),
        (
            "See https://a.org/b?c=d#e, www.tide.org/x_y. or me@tide.org!",
            ["See", "https://a.org/b?c=d#e", "www.tide.org/x_y", "or", "me@tide.org"],
        ),
        ("AT&T snake_case __init__ B2B 50% and/or", ["AT&T", "snake_case", "init", "B2B", "50", "and", "or"]),
        ("'quoted' -- rock'n'roll", ["quoted", "rock'n'roll"]),
        ("Версия 1.2. Καλημέρα, κόσμε", ["Версия", "1.2", "Καλημέρα", "κόσμε"]),
    ],
)
def test_words_of_scripts_with_spaces(text, words):
    assert words_of(text) == words


# Sentences of our own in fourteen scripts, and what they are cut into.
SCRIPTS = {
    "Latin": ("Čtyři lodě pluly.", ["Čtyři", "lodě", "pluly"]),
    "Cyrillic": ("Река была тихой.", ["Река", "была", "тихой"]),
    "Greek": ("Το ποτάμι ήταν ήσυχο.", ["Το", "ποτάμι", "ήταν", "ήσυχο"]),
    "Arabic": ("كان النهر هادئا؟", ["كان", "النهر", "هادئا"]),
    "Persian": ("می\u200cخواهم بروم.", ["می\u200cخواهم", "بروم"]),
    "Hebrew": ("צה״ל והנהר שקט.", ["צה״ל", "והנהר", "שקט"]),
    "Devanagari": ("नदी शांत थी।", ["नदी", "शांत", "थी"]),
    "Tamil": ("நதி அமைதியாக இருந்தது.", ["நதி", "அமைதியாக", "இருந்தது"]),
    "Thai": ("แม่น้ำเงียบ", ["แม่", "น้ำ", "เงี", "ย", "บ"]),
    "Lao": ("ແມ່ນ້ຳ", ["ແມ່", "ນ້ຳ"]),
    "Khmer": ("ខ្មែរ", ["ខ្មែ", "រ"]),
    "Myanmar": ("မြစ်", ["မြ", "စ်"]),
    "Han": ("河水很静。人々", ["河", "水", "很", "静", "人々"]),
    "Japanese": ("データはラーメンのように", ["データ", "は", "ラーメン", "の", "よ", "う", "に"]),
    "Korean": ("강은 조용했다.", ["강은", "조용했다"]),
    "Ethiopic": ("ወንዙ ጸጥ ያለ ነበር።", ["ወንዙ", "ጸጥ", "ያለ", "ነበር"]),
    "emoji": ("Gut 👍🏽👨\u200d👩\u200d👧 🇩🇪🇸🇪!", ["Gut", "👍🏽", "👨\u200d👩\u200d👧", "🇩🇪", "🇸🇪"]),
}


@pytest.mark.parametrize("script", SCRIPTS)
def test_every_script_has_its_tokens(script):
    text, tokens = SCRIPTS[script]
    assert words_of(text) == tokens


@pytest.mark.parametrize(
    ("text", "tokens"), [("?!… ---", ["?", "!", "…", "---"]), ("© ™", ["©", "™"]), ("\u0301", ["\u0301"])]
)
def test_text_of_signs_alone_has_its_signs_as_tokens(text, tokens):
    assert words_of(text) == tokens


@pytest.mark.parametrize("text", ["", " \n\t", "\u3000\u200b"])
def test_white_space_alone_has_no_token(text):
    assert words_of(text) == []


def test_each_text_of_an_array_is_cut_by_itself():
    tokens = cut_tokens(pa.array(["skipped", "ein Haus", "", "!", "zwei"]).slice(1))
    utf8 = tokens.utf8.tobytes()
    found = [
        (int(n), utf8[start:stop].decode())
        for n, start, stop in zip(tokens.text, tokens.start, tokens.stop, strict=True)
    ]
    assert found == [(0, "ein"), (0, "Haus"), (2, "!"), (3, "zwei")]
    assert cut_tokens(pa.array([], pa.string())).n_tokens == 0


@settings(max_examples=500, deadline=None)  # the first call compiles
@given(st.text(st.sampled_from("abBÜ1.,'-_&@:!? é\u0301ßд\n"), max_size=30))
def test_words_are_those_of_the_definition(text):
    expected = slow_words(text)
    if expected or not text.strip():
        assert words_of(text) == expected


ANY_TEXT = st.text(
    st.characters(exclude_categories=("Cs",)) | st.sampled_from("aB1 .'-ดำไ々あア家\u200d😀🇩https://w"), max_size=60
)


@settings(max_examples=500, deadline=None)  # the first call compiles
@given(ANY_TEXT)
def test_spans_are_in_order_and_hold_every_word_character(text):
    text = normalise_text(text)
    utf8 = text.encode()
    spans = token_spans(text)
    assert all(start < stop for start, stop in spans)
    assert all(one[1] <= other[0] for one, other in pairwise(spans))
    kinds = character_classes()

    def word_characters(part: str) -> str:
        solid = [(UPPER, DIGIT), (IDEOGRAPH, KATAKANA), (CLUSTER, CLUSTER_TAIL), (SYMBOL, SYMBOL)]
        return "".join(one for one in part if any(first <= kinds[ord(one)] <= last for first, last in solid))

    held = "".join(utf8[start:stop].decode() for start, stop in spans)
    assert word_characters(held) == word_characters(text)
    assert bool(spans) == bool(text.replace("\u200b", "").strip())
    assert count_words(text) == len(spans)


@pytest.mark.parametrize(
    "unit",
    ["a", "!", "。", "\u0301", "ก", "日", "😀", "-", "'", "a-", "1,", "a.", ". ", "\n", "http://", "🇩", "\u200d"],
)
def test_ten_megabytes_of_one_thing_take_linear_time(unit):
    count_words(unit)  # compiled
    text = unit * (10_000_000 // len(unit.encode()))
    began = time.perf_counter()
    cut_tokens(pa.array([text]))
    assert time.perf_counter() - began < 5  # measured 0.02 to 0.4 s; a quadratic pass would take hours


def test_a_word_is_cut_after_255_characters():
    assert [len(word) for word in words_of("a" * 600)] == [255, 255, 90]


def _gold(path: Path) -> Iterator[tuple[str, list[tuple[int, int]], list[tuple[int, int]]]]:
    """For each sentence of a treebank its text, its tokens and those of them that are no punctuation or symbol.

    Tokens are spans of characters; a multiword token (don't) counts as one, as it is written.
    """
    for block in gzip.decompress(path.read_bytes()).decode().split("\n\n"):
        lines = block.splitlines()
        text = next((line.removeprefix("# text = ") for line in lines if line.startswith("# text = ")), None)
        if text is None:
            continue
        every, words, at, last_of_range = [], [], 0, 0
        for line in lines:
            number, form, _, upos = (*line.split("\t"), "", "", "")[:4]
            if not number[:1].isdigit() or "." in number or ("-" not in number and int(number) <= last_of_range):
                continue
            if "-" in number:
                last_of_range = int(number.split("-")[1])
            start = text.index(form, at)
            at = start + len(form)
            every.append((start, at))
            if upos not in ("PUNCT", "SYM"):
                words.append((start, at))
        yield text, every, words


@pytest.mark.parametrize(
    ("treebank", "least_f1"), [("en_ewt-ud-dev", 0.985), ("de_gsd-ud-dev", 0.987), ("de_pud-ud-test", 0.98)]
)
def test_word_bounds_agree_with_treebanks(shared, treebank, least_f1):
    """Punctuation left out on both sides; measured 0.9875, 0.9900 and 0.9822."""
    n_same = n_gold = n_found = 0
    for text, every, words in _gold(shared / "data" / "ud" / f"{treebank}.conllu.gz"):
        character_at = np.cumsum([0] + [len(character.encode()) for character in text])
        found = {tuple(np.searchsorted(character_at, span).tolist()) for span in token_spans(text)}
        found -= set(every) - set(words)
        n_same += len(found & set(words))
        n_gold += len(words)
        n_found += len(found)
    assert 2 * n_same / (n_gold + n_found) >= least_f1
