"""Bytes behind a URL, asked for politely: only if changed, within time and size, again after a pause where the world
fails.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, BinaryIO, TypeVar, cast

import fsspec.core
import httpx

from tasks.lake.raw import Vintage

CHUNK_BYTES = 1 << 20
RETRIED_STATUSES = frozenset({408, 425, 429, 500, 502, 503, 504})  # RFC 9110 and 6585: what may pass by itself
NOT_MODIFIED = 304
Answer = TypeVar("Answer")


class DownloadError(Exception):
    """A URL that gave nothing usable. `may_pass` where trying later may help; `after_s` where the server said when."""

    def __init__(self, message: str, *, may_pass: bool = False, after_s: float = 0.0) -> None:
        super().__init__(message)
        self.may_pass, self.after_s = may_pass, after_s


class OverLimitError(DownloadError):
    """More bytes than the limit."""


@dataclass(frozen=True)
class DownloadSettings:
    """Limits of a download; all our choice. Pauses between tries are `pause_s` times 1, 2, 4, …, at most
    `longest_pause_s`.
    """

    connect_timeout_s: float = 10.0
    read_timeout_s: float = 30.0
    total_timeout_s: float = 600.0
    most_bytes: int = 4 << 30
    n_retries: int = 3
    pause_s: float = 1.0
    longest_pause_s: float = 60.0
    n_redirects: int = 5


@dataclass(frozen=True)
class Download:
    """What came: the bytes in a nameless temporary file, at its start, and the headers that came with them."""

    file: BinaryIO
    headers: Mapping[str, str | None]


def is_url(location: str) -> bool:
    """Whether a location has a scheme, as `https://…` or `s3://…`."""
    return "://" in location


def is_http(location: str) -> bool:
    """Whether a location is to be fetched by HTTP."""
    return location.lower().startswith(("http://", "https://"))


@contextmanager
def download_http(url: str, settings: DownloadSettings, *, known: Vintage | None = None) -> Iterator[Download | None]:
    """The bytes behind an http(s) URL; None where the server says that they are those of the vintage `known`.

    DownloadError after the last try. Redirects lead to http(s) only.
    """
    conditions = {"If-None-Match": known.etag, "If-Modified-Since": known.last_modified} if known is not None else {}
    headers = {
        "User-Agent": "tidemill",
        "Accept-Encoding": "identity",
        **{name: value for name, value in conditions.items() if value},
    }
    with tempfile.TemporaryFile() as file:
        yield retry(lambda: _get(url, headers, cast("BinaryIO", file), settings), settings)


@contextmanager
def download_stored(
    url: str, version: str | None, settings: DownloadSettings, *, known: Vintage | None = None
) -> Iterator[Download | None]:
    """The bytes behind a URL that fsspec knows; None where they still have the `version` (see `list_stored`) of the
    vintage `known`.
    """
    if known is not None and version is not None and version == known.etag:
        yield None
        return
    with tempfile.TemporaryFile() as file:
        yield retry(lambda: _copy_stored(url, version, cast("BinaryIO", file), settings), settings)


def list_stored(location: str, settings: DownloadSettings) -> dict[str, str | None]:
    """The files that a path or glob in a remote store means, sorted: URL to a token of their version (None where the
    store has none).

    DownloadError where the store cannot be asked.
    """

    def attempt() -> dict[str, str | None]:
        store, pattern = _stored(location)
        try:
            paths = [pattern] if store.isfile(pattern) else [path for path in store.glob(pattern) if store.isfile(path)]
            return {store.unstrip_protocol(path): _version(store, path) for path in sorted(paths)}
        except Exception as error:  # every driver has errors of its own
            raise _store_error(location, error) from error

    return retry(attempt, settings)


def retry(attempt: Callable[[], Answer], settings: DownloadSettings) -> Answer:
    """What `attempt` gives; where it raises a DownloadError that may pass, it is tried again after a growing pause."""
    for n_tries in range(settings.n_retries + 1):
        try:
            return attempt()
        except DownloadError as error:
            if not error.may_pass or n_tries == settings.n_retries:
                raise
            time.sleep(min(max(settings.pause_s * 2**n_tries, error.after_s), settings.longest_pause_s))
    raise AssertionError("the last try returns or raises")


def copy_limited(read: Callable[[int], bytes], file: BinaryIO, name: str, settings: DownloadSettings) -> None:
    """Copy what `read` gives into `file`, within the size and the time of the settings. `file` is left at its start."""
    ends_at = time.monotonic() + settings.total_timeout_s
    n_bytes = 0
    file.seek(0)
    file.truncate()
    while chunk := read(CHUNK_BYTES):
        n_bytes += len(chunk)
        if n_bytes > settings.most_bytes:
            raise OverLimitError(
                f"{name} is larger than {settings.most_bytes:,} bytes: fetch it by hand and declare the file"
            )
        if time.monotonic() > ends_at:
            raise DownloadError(
                f"{name} took longer than {settings.total_timeout_s:g} s: fetch it by hand and declare the file"
            )
        file.write(chunk)
    file.seek(0)


def _get(url: str, headers: dict[str, str], file: BinaryIO, settings: DownloadSettings) -> Download | None:
    timeout = httpx.Timeout(settings.read_timeout_s, connect=settings.connect_timeout_s)
    try:
        with (
            httpx.Client(timeout=timeout, follow_redirects=True, max_redirects=settings.n_redirects) as client,
            client.stream("GET", url, headers=headers) as response,
        ):
            if response.status_code == NOT_MODIFIED:
                return None
            if response.status_code in RETRIED_STATUSES:
                raise DownloadError(
                    f"{url} answered {response.status_code}: try later", may_pass=True, after_s=_pause_asked(response)
                )
            if not response.is_success:
                raise DownloadError(f"{url} answered {response.status_code}: check the address")
            chunks = response.iter_bytes(CHUNK_BYTES)
            copy_limited(lambda _: next(chunks, b""), file, url, settings)
            return Download(
                file,
                {
                    name: response.headers.get(name.replace("_", "-"))
                    for name in ("etag", "last_modified", "content_type")
                },
            )
    except (httpx.InvalidURL, httpx.UnsupportedProtocol, httpx.TooManyRedirects, httpx.DecodingError) as error:
        raise DownloadError(f"{url} cannot be fetched ({error}): check the address") from error
    except httpx.HTTPError as error:
        raise DownloadError(
            f"{url} cannot be fetched ({error or type(error).__name__}): try later", may_pass=True
        ) from error


def _stored(location: str) -> tuple[Any, str]:
    try:
        store, path = fsspec.core.url_to_fs(location)
    except (ImportError, ValueError) as error:
        raise DownloadError(
            f"{location} cannot be opened ({error}): install the driver for it, or declare a file"
        ) from error
    return store, path


def _version(store: Any, path: str) -> str | None:
    try:
        return str(store.ukey(path))
    except NotImplementedError:
        return None


def _copy_stored(url: str, version: str | None, file: BinaryIO, settings: DownloadSettings) -> Download:
    store, path = _stored(url)
    try:
        with store.open(path, "rb") as opened:
            copy_limited(opened.read, file, url, settings)
    except DownloadError:
        raise
    except Exception as error:  # every driver has errors of its own
        raise _store_error(url, error) from error
    return Download(file, {"etag": version})


def _store_error(url: str, error: Exception) -> DownloadError:
    """What a driver raised, as ours: a missing file or right will not come by waiting, anything else may."""
    if isinstance(error, FileNotFoundError | PermissionError):
        return DownloadError(f"{url} cannot be read ({type(error).__name__}): check the address and your rights")
    return DownloadError(f"{url} cannot be read ({str(error) or type(error).__name__}): try later", may_pass=True)


def _pause_asked(response: httpx.Response) -> float:
    """Seconds of `Retry-After`; 0 where it is absent or a date."""
    asked = response.headers.get("retry-after", "")
    return float(asked) if asked.isdecimal() else 0.0
