"""Packs the files below `archives/contents/` into the archives beside them: a WARC, a zip, a gz and an xz file.

    python data/samples/make_archives.py [FOLDER]

writes the archives into FOLDER, by default `archives/`. Every time stamp and identifier is fixed, so the same contents
give the same archives (before compression: how gzip, zip and xz pack them may differ between versions of their
libraries).

The WARC follows ISO 28500 (WARC 1.1): a warcinfo record, then a request and a response record for each capture, each
record compressed by itself. Among the responses are a page that also lies in `pages/` (a duplicate on purpose), a JSON
document and a page of status 404.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import io
import lzma
import sys
import uuid
import zipfile
from dataclasses import dataclass
from pathlib import Path

SAMPLES = Path(__file__).parent
CONTENTS = SAMPLES / "archives" / "contents"
CAPTURED_AT = "2023-06-01T04:05:11Z"
ZIP_TIME = (2023, 6, 1, 4, 5, 10)  # zip knows even seconds only


@dataclass(frozen=True)
class Capture:
    """What the crawler would have met at an address."""

    url: str
    file: Path
    status: str = "200 OK"
    content_type: str = "text/html; charset=utf-8"


CRAWL = CONTENTS / "crawl"
CAPTURES = (
    Capture(
        "https://courier.example/transport/new-ferry-timetable-follows-the-moon-more-closely",
        CRAWL / "courier_ferry_timetable.html",
    ),
    Capture(
        "https://courier.example/transport/old-bridge-to-get-a-second-tram-track",
        SAMPLES / "pages" / "courier_old_bridge.html",
    ),
    Capture("https://courier.example/transport/the-monorail-is-coming", CRAWL / "not_found.html", "404 Not Found"),
    Capture("https://uferbote.example/elftausend-an-einem-samstag.html", CRAWL / "bote_wochenmarkt_zahlen.html"),
    Capture("https://radblog.example/mit-licht-durch-den-nebel", CRAWL / "radblog_nebel.html"),
    Capture("https://trams.example/api/stops/10417", CRAWL / "departures.json", content_type="application/json"),
    Capture(
        "https://trust.example/our-pollen-trap-and-what-it-can-tell-you",
        CRAWL / "trust_pollen_service.html",
        content_type="text/html",
    ),
    Capture("https://tideandtram.example/does-rain-make-trams-late/", CRAWL / "tramblog_rain_delay.html"),
)


def record_id(kind: str, url: str) -> str:
    """The identifier of a record, always the same for the same kind and address."""
    return f"<urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, f'{kind} {url}')}>"


def sha1_digest(block: bytes) -> str:
    """A digest as WARC files usually write it: SHA-1 in base 32."""
    return "sha1:" + base64.b32encode(hashlib.sha1(block, usedforsecurity=False).digest()).decode()


def warc_record(kind: str, url: str, content_type: str, block: bytes, more: dict[str, str] | None = None) -> bytes:
    """One record, uncompressed: header, empty line, block, two empty lines."""
    fields = {
        "WARC-Type": kind,
        "WARC-Record-ID": record_id(kind, url),
        "WARC-Date": CAPTURED_AT,
        **({} if kind == "warcinfo" else {"WARC-Target-URI": url}),
        **(more or {}),
        "WARC-Block-Digest": sha1_digest(block),
        "Content-Type": content_type,
        "Content-Length": str(len(block)),
    }
    head = "WARC/1.1\r\n" + "".join(f"{name}: {value}\r\n" for name, value in fields.items()) + "\r\n"
    return head.encode() + block + b"\r\n\r\n"


def warc_records() -> list[bytes]:
    """All records of the WARC, uncompressed, in order."""
    about = (
        "software: make_archives.py\r\nformat: WARC File Format 1.1\r\n"
        "description: invented pages, packed as if crawled; CC0-1.0\r\n"
    )
    records = [
        warc_record(
            "warcinfo", "pages.warc.gz", "application/warc-fields", about.encode(), {"WARC-Filename": "pages.warc.gz"}
        )
    ]
    for capture in CAPTURES:
        host, _, path = capture.url.removeprefix("https://").partition("/")
        asked = f"GET /{path} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: tidemill-samples\r\nAccept: text/html\r\n\r\n"
        request, page = asked.encode(), capture.file.read_bytes()
        head = (
            f"HTTP/1.1 {capture.status}\r\nContent-Type: {capture.content_type}\r\n"
            f"Content-Length: {len(page)}\r\nServer: none\r\n\r\n"
        )
        concurrent = {"WARC-Concurrent-To": record_id("response", capture.url)}
        payload = {"WARC-Payload-Digest": sha1_digest(page)}
        records.append(warc_record("request", capture.url, "application/http; msgtype=request", request, concurrent))
        records.append(
            warc_record("response", capture.url, "application/http; msgtype=response", head.encode() + page, payload)
        )
    return records


def letters_zip() -> bytes:
    """A zip of the letters, in a folder, with a file that no text glob takes."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted((CONTENTS / "letters").glob("*.txt")):
            archive.writestr(zipfile.ZipInfo(f"letters/{path.name}", ZIP_TIME), path.read_bytes(), zipfile.ZIP_DEFLATED)
        archive.writestr(
            zipfile.ZipInfo("letters/README.md", ZIP_TIME), "Letters to offices, all invented.\n", zipfile.ZIP_DEFLATED
        )
    return packed.getvalue()


def write_archives(folder: Path) -> None:
    """Write the four archives into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "pages.warc.gz").write_bytes(b"".join(gzip.compress(record, 9, mtime=0) for record in warc_records()))
    (folder / "letters.zip").write_bytes(letters_zip())
    (folder / "hafenlogbuch.txt.gz").write_bytes(
        gzip.compress((CONTENTS / "hafenlogbuch.txt").read_bytes(), 9, mtime=0)
    )
    (folder / "minutes_of_the_data_group.txt.xz").write_bytes(
        lzma.compress((CONTENTS / "minutes_of_the_data_group.txt").read_bytes())
    )


if __name__ == "__main__":
    write_archives(Path(sys.argv[1]) if len(sys.argv) > 1 else SAMPLES / "archives")
