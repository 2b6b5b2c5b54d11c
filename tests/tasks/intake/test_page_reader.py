"""Pages read in a process of their own: whatever a page does, the next one is read."""

import os
import signal
import subprocess
import sys

import pytest

from tasks.intake.page_reader import PageReader, page_reader
from tasks.transforms.records.html_text import PageGuards, read_page

pytestmark = pytest.mark.slow

GOOD = b"<html><body><article><p>A good page that says something worth reading.</p></article></body></html>"
HEAVY = b"<html><body>" + b"<p>hello <a href='x'>you</a> there</p>\n" * 100_000


@pytest.fixture
def reader():
    made = PageReader(PageGuards(most_bytes=10_000_000))
    yield made
    made.close()


def test_a_page_is_read_as_it_would_be_here(reader):
    assert reader.read(GOOD) == read_page(GOOD)
    assert reader.read("<p>přístav</p>".encode("cp1250"), "text/html; charset=windows-1250").text == "přístav"


def test_a_page_over_the_limit_is_not_parsed(reader):
    page = reader.read(b"x" * 10_000_001)
    assert (page.rule, reader._process) == ("page_over_10_mb", None)


def test_a_page_nested_100_000_levels_deep_harms_nobody(reader):
    for tag in (b"div", b"b", b"table", b"svg"):
        page = reader.read(b"<html><body>" + b"<%s>" % tag * 100_000 + b"deep" + b"</%s>" % tag * 100_000)
        assert page.rule == "nested_deeper_than_255"
    assert reader.read(GOOD).rule == ""


def test_a_page_that_takes_too_long_is_left_and_the_next_one_read():
    reader = PageReader(PageGuards(most_seconds=0.3))
    try:
        reader.read(GOOD)
        assert reader.read(HEAVY).rule == "page_takes_over_0.3_s"
        reader.guards = PageGuards(most_seconds=30)
        assert reader.read(GOOD).rule == ""
    finally:
        reader.close()


def test_a_parser_that_is_killed_costs_its_page_only(reader):
    reader.read(GOOD)
    os.kill(reader._process.pid, signal.SIGSEGV)
    assert reader.read(GOOD).rule == "page_breaks_the_parser"
    assert reader.read(GOOD).rule == ""


def test_a_page_that_eats_memory_is_left():
    reader = PageReader(PageGuards(most_seconds=60, most_memory_bytes=500 << 20))
    try:
        assert reader.read(GOOD).rule == ""
        assert reader.read(HEAVY * 4).rule == "page_breaks_the_parser"
        assert reader.read(GOOD).rule == ""
    finally:
        reader.close()


def test_readers_are_used_again_and_never_shared():
    guards = PageGuards(most_seconds=17)
    with page_reader(guards) as first, page_reader(guards) as second:
        assert first is not second
    with page_reader(guards) as again:
        assert again in {first, second}


def test_the_process_ends_with_its_parent():
    code = (
        "import os\nfrom tasks.intake.page_reader import PageReader\n"
        "from tasks.transforms.records.html_text import PageGuards\n"
        "reader = PageReader(PageGuards())\nreader.read(b'<p>hello</p>')\n"
        "print(reader._process.pid, flush=True)\nos.kill(os.getpid(), 9)\n"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    pid = int(ended.stdout)
    for _ in range(200):
        if not _is_running(pid):
            return
        signal.sigtimedwait([], 0.05)
    pytest.fail(f"process {pid} outlived its parent")


def _is_running(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat") as stat:  # noqa: PTH123  # a path of the kernel's
            return stat.read().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False
