"""Main text of web pages: trafilatura in its fast mode, with title and date from the same tree.

The date search is htmldate's quick one (elements that say what they are, 0.3 ms a page; its extensive one takes 16 ms
and guesses from the body). libxml2 stops at 256 levels of elements and leaves out the rest: such a page is refused, not
cut.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import date

import trafilatura
from htmldate import find_date
from trafilatura.metadata import examine_meta, extract_title
from trafilatura.utils import HTML_PARSER, load_html

from tasks.transforms.records.character_encoding import declared_in_page, decode_bytes, is_binary

EXTRACTOR = f"trafilatura_fast/{trafilatura.__version__}"
MOST_LEVELS = 255  # libxml2's xmlParserMaxDepth without XML_PARSE_HUGE
DEPTH_MESSAGE = "Excessive depth"  # of libxml2's error ERR_RESOURCE_LIMIT


@dataclass(frozen=True)
class PageGuards:
    """How much one page may cost; our choice. The largest of the 615 real pages at hand has 3 MB and takes 0.3 s."""

    most_bytes: int = 20_000_000
    most_seconds: float = 20.0
    most_memory_bytes: int = 4 << 30


@dataclass(frozen=True)
class Page:
    """A page's main text and what goes with it; or, where `rule` is not empty, why there is none and what can be done.

    `published_on` is ISO 8601. `encoding` is what the bytes were taken for; `n_replaced` how many were invalid in it.
    """

    text: str = ""
    title: str | None = None
    published_on: str | None = None
    encoding: str = "utf-8"
    n_replaced: int = 0
    rule: str = ""
    message: str = ""


def read_page(raw: bytes, content_type: str | None = None) -> Page:
    """The main text of a page from its bytes; `content_type` is what the server said. Never raises for what the bytes
    are.

    No guard against time and memory is in here: the caller reads foreign pages in a process of their own.
    """
    if not raw.strip():
        return Page(rule="empty_file", message="the page holds nothing: fetch it again or remove it")
    if is_binary(raw):
        return Page(rule="binary_content", message="the bytes are no text: remove the file or name its kind")
    decoded = decode_bytes(raw, declared_in_page(raw, content_type))
    page = _extract(decoded.text)
    return Page(**{**asdict(page), "encoding": decoded.encoding, "n_replaced": decoded.n_replaced})


def page_date(page: Page) -> date | None:
    """The date that the page gives for itself; None where it gives none or no possible one."""
    try:
        return date.fromisoformat(page.published_on) if page.published_on else None
    except ValueError:
        return None


def _extract(html: str) -> Page:
    tree = load_html(html)
    if tree is None:  # a fragment of one element is refused as it stands
        tree = load_html(f"<html><body><div>{html}</div></body></html>")
    if any(DEPTH_MESSAGE in entry.message for entry in HTML_PARSER.error_log):
        message = f"its elements are nested more than {MOST_LEVELS} levels deep: flatten the page or give its text"
        return Page(rule=f"nested_deeper_than_{MOST_LEVELS}", message=message)
    if tree is None:
        return Page(
            rule="page_breaks_the_parser", message="the parser gave it up, for want of memory or sense: give its text"
        )
    title = examine_meta(tree).title or extract_title(tree)
    published_on = find_date(tree, extensive_search=False, original_date=True)
    text = getattr(trafilatura.bare_extraction(tree, fast=True, include_comments=False), "text", None)
    if not text or not text.strip():
        return Page(rule="no_main_text", message="no main text was found: give the text itself where there is one")
    return Page(text=text, title=" ".join(title.split()) if title else None, published_on=published_on)
