"""Bytes to text: byte-order mark, then UTF-8, then what the document or the server declares, then windows-1252, which
never fails.

UTF-8 that decodes is taken before any declaration: bytes of another encoding are hardly ever valid UTF-8 by chance,
while pages that declare latin-1 and hold UTF-8 are common. Labels mean what the WHATWG Encoding Standard says (latin-1
is windows-1252, gb2312 is gb18030).
"""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass

BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16, whose mark it begins with
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
FALLBACK = "windows-1252"
WHATWG_MEANS = {
    "ascii": "cp1252",
    "iso8859-1": "cp1252",
    "iso8859-9": "cp1254",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "shift_jis": "cp932",
    "euc_kr": "cp949",
    "big5": "big5hkscs",
    "tis-620": "cp874",
}
_CODECS = (
    "utf-8 utf-16-le utf-16-be ibm866 cp866 koi8-r koi8-u mac-roman mac-cyrillic gb18030 big5hkscs euc_jp iso2022_jp"
    " cp932 cp949 cp874"
)
_CODE_PAGES, _ISO_PARTS = range(1250, 1259), range(2, 17)
ACCEPTED = frozenset([*_CODECS.split(), *(f"cp{n}" for n in _CODE_PAGES), *(f"iso8859-{n}" for n in _ISO_PARTS)])
"""Python's codecs that a label may choose: others (unicode_escape, punycode) are no file's encoding."""
# HTML Living Standard, "prescan a byte stream": the declaration stands within the first 1,024 bytes; real pages are
# later, browsers wait.
PRESCAN_BYTES = 4096
META_CHARSET = re.compile(
    rb"<meta[^>]{0,1000}?charset\s{0,10}=\s{0,10}[\"']?\s{0,10}([a-zA-Z0-9_:.-]{1,40})", re.IGNORECASE
)
XML_ENCODING = re.compile(
    rb"^\s{0,100}<\?xml[^>]{0,200}?encoding\s{0,10}=\s{0,10}[\"']([a-zA-Z0-9_:.-]{1,40})[\"']", re.IGNORECASE
)
HEADER_CHARSET = re.compile(r"charset\s*=\s*[\"']?\s*([a-zA-Z0-9_:.-]{1,40})", re.IGNORECASE)
# Our choice: UTF-8 with a slip has many good characters beyond ASCII for a bad byte; text in a one-byte encoding hardly
# any.
GOOD_FOR_BAD = 4
REPLACEMENT = "\ufffd"
SNIFF_BYTES = 8192
# Our choice: text holds no control characters but tab, line ends, form feed, escape and the end-of-file mark of CP/M.
CONTROLS = re.compile(rb"[\x00-\x06\x0e-\x19\x1c-\x1f]")
MOST_CONTROL_SHARE = 0.02
SIGNATURES = (
    b"%PDF-",
    b"\x89PNG",
    b"\xff\xd8\xff",
    b"GIF8",
    b"PK\x03\x04",
    b"\x7fELF",
    b"\xd0\xcf\x11\xe0",
    b"RIFF",
    b"OggS",
    b"ID3",
    b"BZh",
    b"7z\xbc\xaf",
    b"\x28\xb5\x2f\xfd",
    b"Rar!",
    b"PAR1",
    b"SQLite format 3\x00",
)


@dataclass(frozen=True)
class Decoded:
    """Text from bytes: the encoding it was taken for, and how many bytes or sequences had no meaning (each U+FFFD)."""

    text: str
    encoding: str
    n_replaced: int = 0


def decode_bytes(raw: bytes, declared: str | None = None) -> Decoded:
    """The text of `raw`, without its byte-order mark. `declared` is a label that came with it; an unknown one counts
    for nothing.

    Never fails: see the module for the order of tries. Replacement characters are the last resort, for text that is
    UTF-8 but for a slip.
    """
    for mark, encoding in BYTE_ORDER_MARKS:
        if raw.startswith(mark):
            return _replacing(raw[len(mark) :], encoding)
    try:
        return Decoded(raw.decode("utf-8"), "utf-8")
    except UnicodeDecodeError:
        pass
    codec = codec_of(declared)
    if codec is not None and codec != "utf-8":
        try:
            return Decoded(raw.decode(codec), codec)
        except UnicodeDecodeError:
            pass
    as_utf8 = _replacing(raw, "utf-8")
    n_good = sum(map(len, re.findall(r"[^\x00-\x7f]+", as_utf8.text))) - as_utf8.n_replaced
    if n_good >= GOOD_FOR_BAD * as_utf8.n_replaced:
        return as_utf8
    if codec is not None and codec != "utf-8":
        return _replacing(raw, codec)
    return Decoded(_decode_windows_1252(raw), FALLBACK)


def codec_of(label: str | None) -> str | None:
    """Python's name of the codec that a declared label means; None where there is no such encoding."""
    if not label:
        return None
    try:
        name = codecs.lookup(label.strip()).name
    except (LookupError, ValueError):
        return None
    name = WHATWG_MEANS.get(name, name)
    return name if name in ACCEPTED else None


def declared_in_page(raw: bytes, content_type: str | None = None) -> str | None:
    """The encoding's label by the server's `Content-Type`, else by the page's head; None where neither gives one."""
    if content_type is not None and (found := HEADER_CHARSET.search(content_type)):
        return found[1]
    head = raw[:PRESCAN_BYTES]
    in_page = XML_ENCODING.search(head) or META_CHARSET.search(head)
    return in_page[1].decode("ascii") if in_page else None


def is_binary(raw: bytes) -> bool:
    """Whether bytes are no text, by a known signature or by control characters among the first 8 KiB."""
    if raw.startswith(SIGNATURES):
        return True
    if any(raw.startswith(mark) for mark, _ in BYTE_ORDER_MARKS):
        return False
    head = raw[:SNIFF_BYTES]
    return b"\0" in head or len(CONTROLS.findall(head)) > MOST_CONTROL_SHARE * len(head)


def _replacing(raw: bytes, encoding: str) -> Decoded:
    text = raw.decode(encoding, "replace")
    n_replaced = text.count(REPLACEMENT)
    if n_replaced and encoding == "utf-8":
        n_replaced -= raw.count(REPLACEMENT.encode())  # those that the text holds itself
    return Decoded(text, encoding, n_replaced)


def _decode_windows_1252(raw: bytes) -> str:
    """As the WHATWG defines it: the five bytes without a character are control characters, so none is invalid."""
    try:
        return raw.decode("cp1252")
    except UnicodeDecodeError:
        return "".join(chr(byte) if byte in _UNDEFINED else bytes((byte,)).decode("cp1252") for byte in raw)


_UNDEFINED = frozenset({0x81, 0x8D, 0x8F, 0x90, 0x9D})
