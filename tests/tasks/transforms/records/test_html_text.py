"""Web pages: main text without furniture, title and date; what holds none says why."""

from datetime import date

import pytest

from tasks.transforms.records.html_text import Page, page_date, read_page

ARTICLE = (
    "Trams run every ten minutes on weekdays. " * 4
    + "</p><p>The city council has decided to extend the line to the harbour, which will take three years to build. "
    * 3
)
PAGE = f"""<!DOCTYPE html><html><head><title>New tram line | City News</title>
<meta property="article:published_time" content="2021-03-04T08:00:00Z"></head>
<body><nav><ul><li><a href="/">Home</a></li><li><a href="/c">Contact</a></li></ul></nav>
<article><h1>New tram line</h1><p>{ARTICLE}</p></article>
<footer>Imprint. All rights reserved. Cookie settings.</footer></body></html>"""


def test_the_article_is_found_and_the_furniture_left_out():
    page = read_page(PAGE.encode())
    assert page.rule == ""
    assert "extend the line to the harbour" in page.text
    assert "Cookie settings" not in page.text
    assert "Contact" not in page.text
    assert (page.title, page_date(page)) == ("New tram line", date(2021, 3, 4))


def test_the_declared_encoding_is_used():
    page = read_page(
        PAGE.replace("<head>", '<head><meta charset="windows-1250">').replace("harbour", "přístav").encode("cp1250")
    )
    assert ("přístav" in page.text, page.encoding) == (True, "cp1250")
    assert (
        "přístav"
        in read_page(PAGE.replace("harbour", "přístav").encode("cp1250"), "text/html; charset=windows-1250").text
    )


def test_a_fragment_is_read():
    assert read_page(b"<p>only this paragraph</p>").text == "only this paragraph"


@pytest.mark.parametrize(
    ("raw", "rule"),
    [
        (b"", "empty_file"),
        (b" \r\n", "empty_file"),
        (b"\x89PNG\r\n\x1a\n\0\0\0", "binary_content"),
        (b"%PDF-1.7 ...", "binary_content"),
        (b"<html><head><title>x</title></head><body><script>var a = 1</script></body></html>", "no_main_text"),
        (
            b"<html><body>" + b"<div>" * 300 + b"deep" + b"</div>" * 300 + b"<p>after</p></body></html>",
            "nested_deeper_than_255",
        ),
        (b"<div>" * 100_000, "nested_deeper_than_255"),
    ],
)
def test_a_page_without_text_says_why(raw, rule):
    page = read_page(raw)
    assert (page.rule, page.text) == (rule, "")
    assert ": " in page.message


def test_the_page_after_a_deep_one_is_read():
    read_page(b"<div>" * 100_000)
    assert read_page(PAGE.encode()).rule == ""


def test_an_impossible_date_is_none():
    assert page_date(Page(published_on="2021-02-30")) is None
    assert page_date(Page()) is None
