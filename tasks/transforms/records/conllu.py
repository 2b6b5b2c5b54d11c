"""CoNLL-U treebanks: documents with their running text, and their tokens as tagged by hand.

Format: https://universaldependencies.org/format.html. Of its ten columns FORM, LEMMA, UPOS and XPOS are taken.
Multiword tokens (1-2) give the running text but no tagged token, empty nodes (8.1) neither: what is tagged are
syntactic words. Not implemented: features, trees.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO

from tasks.transforms.records.parsed_records import (
    Note,
    ParsedDocument,
    ParseLimits,
    Record,
    RejectedRecord,
    TaggedToken,
)
from tasks.transforms.records.text_lines import TextLine, read_lines

EXTRACTOR = "conllu"
N_COLUMNS = 10
SENTENCES_OF_BLOCK = 20  # our choice, where a file names no documents: about the length of a news article
MOST_SENTENCE_LINES = 10_000  # our choice: a file without blank lines must not be gathered whole
COMMENT = re.compile(r"#\s*(?P<key>newdoc id|newdoc|newpar|text)\s*(?:=\s*(?P<value>.*\S))?\s*$")
WORD_ID, RANGE_ID, EMPTY_ID = (
    re.compile(r"[1-9]\d*"),
    re.compile(r"([1-9]\d*)-([1-9]\d*)"),
    re.compile(r"\d+\.[1-9]\d*"),
)
UPOS = re.compile(r"[A-Z]+")


@dataclass(frozen=True)
class Sentence:
    """A sentence: running text, syntactic words, first line, size, and whether a paragraph begins with it."""

    line: int
    text: str
    words: tuple[TaggedToken, ...]
    n_bytes: int
    begins_paragraph: bool
    notes: tuple[Note, ...] = ()


@dataclass
class _Document:
    """A document as its sentences come in."""

    place: str
    sentences: list[Sentence] = field(default_factory=list)


def parse_conllu(stream: BinaryIO, limits: ParseLimits) -> Iterator[Record]:
    """A document for each `# newdoc`; where the file names none, one for each 20 sentences. Broken sentences are
    rejected by themselves.

    The place of a document is `newdoc=` and its id (its number, from 1, where it has none), or `block=` and a number
    from 1.
    """
    places: dict[str, int] = {}
    document = _Document("block=1")
    is_named, n_blocks = False, 1
    for block in _blocks(read_lines(stream, limits.most_line_bytes)):
        if isinstance(block, RejectedRecord):
            yield block
            continue
        new_id = _new_document(block)
        if new_id is not None:
            yield from _finish(document)
            is_named = True
            name = new_id or str(len(places) + 1)
            places[name] = places.get(name, 0) + 1
            document = _Document(f"newdoc={name}" + (f"~{places[name]}" if places[name] > 1 else ""))
        elif not is_named and len(document.sentences) == SENTENCES_OF_BLOCK:
            yield from _finish(document)
            n_blocks += 1
            document = _Document(f"block={n_blocks}")
        if all(line.text.startswith("#") for line in block):
            continue  # comments alone: a file's header, no sentence
        sentence = parse_sentence(block)
        if isinstance(sentence, RejectedRecord):
            yield sentence
        else:
            document.sentences.append(sentence)
    yield from _finish(document)


def parse_sentence(lines: list[TextLine]) -> Sentence | RejectedRecord:
    """The sentence of a block of lines; rejected with the number of the first line that breaks the format."""
    comments = {found["key"]: found["value"] or "" for line in lines if (found := COMMENT.match(line.text))}
    words: list[TaggedToken] = []
    text, range_end, are_tagged = "", 0, True
    for line in lines:
        if line.text.startswith("#"):
            continue
        columns = line.text.split("\t")
        problem = _problem(columns, len(words))
        if problem:
            return _reject(lines, line, problem)
        spaced = "" if "SpaceAfter=No" in columns[9].split("|") else " "
        if in_range := RANGE_ID.fullmatch(columns[0]):
            text, range_end = text + columns[1] + spaced, int(in_range[2])
        elif WORD_ID.fullmatch(columns[0]):
            if int(columns[0]) > range_end:
                text += columns[1] + spaced
            are_tagged &= columns[3] != "_"
            words.append(TaggedToken(0, columns[1], _given(columns[2], columns[1]), columns[3], _given(columns[4])))
    if not words:
        return _reject(lines, lines[0], "holds no words")
    notes = tuple(dict.fromkeys(note for line in lines for note in line.notes))
    return Sentence(
        lines[0].number,
        comments.get("text") or text.strip(),
        tuple(words) if are_tagged else (),
        sum(line.n_bytes for line in lines),
        "newpar" in comments,
        notes if are_tagged else (*notes, Note("words_without_part_of_speech")),
    )


def _blocks(lines: Iterator[TextLine | RejectedRecord]) -> Iterator[list[TextLine] | RejectedRecord]:
    """Lines up to a blank one; comments of a newpar or newdoc that stand alone stay a block of their own."""
    block: list[TextLine] = []
    for line in lines:
        if isinstance(line, RejectedRecord):
            yield line
            continue
        if not line.is_blank:
            block.append(line)
        if block and (line.is_blank or len(block) == MOST_SENTENCE_LINES):
            yield block
            block = []
    if block:
        yield block


def _new_document(lines: list[TextLine]) -> str | None:
    """The id of the document that begins here, empty where it has none; None where no document begins."""
    for line in lines:
        found = COMMENT.match(line.text)
        if found and found["key"].startswith("newdoc"):
            return found["value"] or ""
    return None


def _problem(columns: list[str], n_words: int) -> str:
    """What is wrong with a line of a sentence after `n_words` words; empty where nothing is."""
    if len(columns) != N_COLUMNS:
        return f"has {len(columns)} columns, not {N_COLUMNS}"
    if RANGE_ID.fullmatch(columns[0]) or EMPTY_ID.fullmatch(columns[0]):
        return ""
    if not WORD_ID.fullmatch(columns[0]):
        return f"has the id {columns[0]!r}"
    if int(columns[0]) != n_words + 1:
        return f"has the id {columns[0]} after {n_words} words"
    if not columns[1]:
        return "has no form"
    return "" if columns[3] == "_" or UPOS.fullmatch(columns[3]) else f"has the part of speech {columns[3]!r}"


def _reject(lines: list[TextLine], at: TextLine, problem: str) -> RejectedRecord:
    message = f"line {at.number} {problem}: correct the sentence that begins at line {lines[0].number}"
    row = {"line": at.number, "text": at.text, "sentence": "\n".join(line.text for line in lines[:200])[:10_000]}
    return RejectedRecord(
        f"line={lines[0].number}", "sentence_no_conllu", message, sum(line.n_bytes for line in lines), row
    )


def _given(value: str, form: str = "") -> str | None:
    """A column's value; None for `_`, unless it stands for itself."""
    return None if not value or (value == "_" and form != "_") else value


def _finish(document: _Document) -> Iterator[ParsedDocument]:
    """The document, if it has a sentence: sentences joined by spaces, paragraphs by line ends."""
    sentences = document.sentences
    if not sentences:
        return
    text = sentences[0].text + "".join(("\n" if one.begins_paragraph else " ") + one.text for one in sentences[1:])
    tagged = tuple(
        TaggedToken(number, word.token, word.lemma, word.upos, word.xpos)
        for number, one in enumerate(sentences)
        for word in one.words
    )
    notes = tuple(dict.fromkeys(note for one in sentences for note in one.notes))
    yield ParsedDocument(
        document.place, text, sum(one.n_bytes for one in sentences), EXTRACTOR, tagged=tagged, notes=notes
    )
