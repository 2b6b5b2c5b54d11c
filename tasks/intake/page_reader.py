"""Foreign web pages, read in a process of their own: a page that takes too long, eats memory or kills the parser is set
aside alone.

The process reads pages from its standard input and answers on its standard output: lengths as big-endian 32-bit
numbers, then bytes, the answer in JSON. It ends when its input does, so it never outlives its parent.
"""

from __future__ import annotations

import atexit
import json
import logging
import os
import resource
import select
import struct
import subprocess
import sys
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import BinaryIO, cast

from tasks.transforms.records.html_text import Page, PageGuards, read_page

START_SECONDS = 60.0  # our choice: importing trafilatura takes 0.3 s, on a machine that is busy ten times that
LENGTHS = struct.Struct(">II")
READY = b"\0\0\0\0"


class PageReaderError(Exception):
    """No page can be read on this machine; the message says what to do."""


class PageReader:
    """A process that reads pages, one after another, each under the guards. Started at first need, and anew after each
    page that it did not survive. Close it when done.
    """

    def __init__(self, guards: PageGuards) -> None:
        self.guards = guards
        self.owner = os.getpid()
        self._process: subprocess.Popen[bytes] | None = None

    def read(self, raw: bytes, content_type: str | None = None) -> Page:
        """The page's main text, or the rule by which it is set aside. Never raises for what the bytes are.

        PageReaderError where the process does not even start.
        """
        guards = self.guards
        if len(raw) > guards.most_bytes:
            rule = f"page_over_{guards.most_bytes // 1_000_000}_mb"
            return Page(rule=rule, message=f"the page has more than {guards.most_bytes:,} bytes: give its text")
        ends_at = time.monotonic() + guards.most_seconds
        process = self._process = self._process or _start(guards)
        charset = (content_type or "").encode("utf-8", "replace")
        try:
            _write_all(_pipe(process.stdin), LENGTHS.pack(len(charset), len(raw)) + charset + raw)
            answer = _read_answer(process, ends_at)
        except TimeoutError:
            self.close()
            rule = f"page_takes_over_{guards.most_seconds:g}_s"
            return Page(rule=rule, message=f"reading the page took more than {guards.most_seconds:g} s: give its text")
        except (OSError, EOFError):
            self.close()
            return Page(rule="page_breaks_the_parser", message="the parser broke off at this page: give its text")
        return Page(**json.loads(answer))

    def close(self) -> None:
        """End the process, whatever it does."""
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None


_idle: deque[PageReader] = deque()


@contextmanager
def page_reader(guards: PageGuards) -> Iterator[PageReader]:
    """A reader for some pages; its process is kept for the next that needs one under the same guards."""
    reader = _take_idle(guards) or PageReader(guards)
    try:
        yield reader
    finally:
        _idle.append(reader)


def _take_idle(guards: PageGuards) -> PageReader | None:
    for reader in list(_idle):
        if reader.guards == guards and reader.owner == os.getpid():
            try:
                _idle.remove(reader)
            except ValueError:  # another thread was faster
                continue
            return reader
    return None


@atexit.register
def close_idle_readers() -> None:
    """End the processes of all readers that nobody uses."""
    while _idle:
        reader = _idle.popleft()
        if reader.owner == os.getpid():
            reader.close()


def _start(guards: PageGuards) -> subprocess.Popen[bytes]:
    root = str(Path(__file__).resolve().parents[2])
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([root, *filter(None, [os.environ.get("PYTHONPATH")])])}
    process = subprocess.Popen(  # noqa: S603  # our own module under our own interpreter
        [sys.executable, "-m", main.__module__, str(guards.most_memory_bytes)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        bufsize=0,
        env=environment,
    )
    try:
        _read_answer(process, time.monotonic() + START_SECONDS)
    except (OSError, EOFError) as error:
        process.kill()
        process.communicate()
        raise PageReaderError(
            f"the process that reads web pages does not start ({error}): run `tidemill doctor`"
        ) from error
    return process


def _write_all(stream: BinaryIO, content: bytes) -> None:
    """Write all of it: a pipe may take a part."""
    rest = memoryview(content)
    while rest:
        rest = rest[stream.write(rest) :]


def _read_answer(process: subprocess.Popen[bytes], ends_at: float) -> bytes:
    """The process's next answer. TimeoutError when `ends_at` has passed, EOFError when the process has ended."""
    (n_bytes,) = struct.unpack(">I", _read_exactly(_pipe(process.stdout), 4, ends_at))
    return _read_exactly(_pipe(process.stdout), n_bytes, ends_at)


def _read_exactly(stream: BinaryIO, n_bytes: int, ends_at: float) -> bytes:
    content = bytearray()
    while len(content) < n_bytes:
        is_ready, _, _ = select.select([stream], [], [], max(ends_at - time.monotonic(), 0.0))
        if not is_ready:
            raise TimeoutError
        chunk = os.read(stream.fileno(), n_bytes - len(content))
        if not chunk:
            raise EOFError("it ended")
        content += chunk
    return bytes(content)


def _pipe(stream: object) -> BinaryIO:
    return cast("BinaryIO", stream)


def main() -> None:
    """Answer pages until the input ends; argument: the most memory in bytes."""
    resource.setrlimit(resource.RLIMIT_AS, (int(sys.argv[1]), resource.getrlimit(resource.RLIMIT_AS)[1]))
    logging.disable(logging.CRITICAL)
    pages, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints must not fall among the answers
    answers.write(READY)
    answers.flush()
    while len(lengths := pages.read(LENGTHS.size)) == LENGTHS.size:
        n_charset, n_raw = LENGTHS.unpack(lengths)
        content_type, raw = pages.read(n_charset).decode(), pages.read(n_raw)
        try:
            page = read_page(raw, content_type or None)
        except (MemoryError, RecursionError) as error:
            page = Page(
                rule="page_breaks_the_parser",
                message=f"the parser ran out of room ({type(error).__name__}): give its text",
            )
        except Exception as error:  # noqa: BLE001  # trafilatura raises what it meets: one page's accident
            page = Page(
                rule="page_breaks_the_parser",
                message=f"the parser failed ({type(error).__name__}: {error}): give its text"[:500],
            )
        answer = json.dumps(asdict(page)).encode()
        answers.write(struct.pack(">I", len(answer)) + answer)
        answers.flush()


if __name__ == "__main__":
    main()
