"""Writes the message that Odoo gets instead of one with defects: the readable content, with the original attached."""

import hashlib
import re
from base64 import b64encode
from collections.abc import Iterable
from contextlib import suppress
from email.message import EmailMessage, Message

from ..text.charsets import to_text
from .defects import BoundExceeded, Defect
from .header_lines import essential_head, readable_fields, readable_headers
from .header_values import decoded
from .parts import Contents, File, Text, stripped
from .structure import GuardedPolicy, parse, parse_beginning

ORIGINAL = "original.eml"
# Bytes that are shown of a message that exceeds all bounds.
_TEXT_BYTES = 256 * 1024
_END_OF_HEAD = re.compile(rb"(?:\r\n|\n)(?:\r\n|\n)|\r\r")
_NO_MIME = re.compile(rb"^(content-)", re.IGNORECASE | re.MULTILINE)
# The largest multiple of four that RFC 5322 allows in a line: the time of Python's parser depends on the number of lines.
_LINE = 996


def substitute(source: bytes, text_only: bool) -> bytes:
    """Return a message of the simplest form with the readable content of `source`, and `source` itself as an attachment.

    :param source: any bytes
    :param text_only: whether to leave out HTML and other files
    """
    message = _parsed(source)
    headers = readable_headers(message, text_only)
    report_type = _report_type(message)
    contents = _contents(message, bool(report_type), text_only)
    files = [] if text_only else contents.files
    return _message(
        source,
        headers,
        f'report; report-type="{report_type}"' if report_type else "mixed",
        _text_parts(_plain(contents.texts) if text_only else contents.texts),
        _report_parts(contents),
        [_file_part(file) for file in (*files, File(ORIGINAL, source))],
    )


def last_resort(source: bytes) -> bytes:
    """Return an empty message with the original as its attachment."""
    return _message(source, [], "mixed", [_file_part(File(ORIGINAL, source))])


# ---------------------------------------------------------------------- reading


def _parsed(source) -> Message:
    """Parse the message as far as possible; at worst, its main headers, and the beginning of its body as a text."""
    head, body = _split(source)
    shorter = b"%s\r\n%s" % (essential_head(head), body)
    for parser, attempt in (
        (parse, source),
        (_parse_beginning_of_body, source),
        (parse, shorter),
        (parse_beginning, shorter),
    ):
        with suppress(BoundExceeded):
            return parser(attempt)
    message = parse(b"%s\r\n" % _NO_MIME.sub(b"X-Was-\\1", essential_head(head)))
    message.set_payload(to_text(body[:_TEXT_BYTES]), "utf-8")
    return message


def _parse_beginning_of_body(source):
    message = parse_beginning(source)
    if not message.get_payload():  # the beginning has only headers
        raise BoundExceeded(Defect.HEAD_SIZE)
    return message


def _split(source):
    """Return the headers and the body."""
    found = _END_OF_HEAD.search(source)
    place = found.start() if found else len(source)
    return source[:place] + b"\r\n", source[place:].lstrip(b"\r\n")


def _contents(message, is_report, text_only):
    best = ("plain", "stripped", "html") if text_only else ("html", "plain", "stripped")
    try:
        return Contents(message, is_report, best)
    except Exception:  # noqa: BLE001 the original is attached whatever it contains
        return Contents(EmailMessage(policy=GuardedPolicy()), False)


def _report_type(message) -> str:
    """Return the report-type of a delivery report or another report (RFC 6522), '' for other messages."""
    with suppress(Exception):
        if message.get_content_type() == "multipart/report":
            kind = decoded(str(message.get_param("report-type", "") or "")).lower()
            return kind if kind.replace("-", "").isalnum() and kind.isascii() else "unknown"
    return ""


def _plain(texts):
    """Turn texts into plain text."""
    found = [[text] if text.kind != "html" else stripped(text.text) for text in texts]
    return sum(found, [])


# ---------------------------------------------------------------------- writing


def _message(source: bytes, headers: list[bytes], subtype: str, *parts: Iterable[bytes]) -> bytes:
    # no line of base64 begins like this
    boundary = b"=_%s" % hashlib.sha256(source).hexdigest()[:32].encode()
    kind = f'multipart/{subtype}; boundary="{boundary.decode()}"\r\n'.encode()
    pieces = [*headers, b"MIME-Version: 1.0\r\nContent-Type: ", kind]
    for part in (part for some in parts for part in some):
        pieces += [b"\r\n--", boundary, b"\r\n", part]
    return b"".join((*pieces, b"\r\n--", boundary, b"--\r\n"))


def _part(kind: str, data: bytes, *headers: str) -> bytes:
    digits = b64encode(data)
    lines = [digits[start : start + _LINE] for start in range(0, len(digits), _LINE)]
    head = "\r\n".join((f"Content-Type: {kind}", *headers, "Content-Transfer-Encoding: base64"))
    return b"%s\r\n\r\n%s" % (head.encode(), b"\r\n".join(lines))


def _text_parts(texts: list[Text]):
    return [
        _part(f'text/{"html" if text.kind == "html" else "plain"}; charset="utf-8"', text.text.encode())
        for text in texts
    ]


def _report_parts(contents: Contents):
    """Yield the parts of a delivery report (RFC 3464) in which Odoo looks for its content."""
    for kind, blocks in contents.reports[:1]:
        fields = (b"".join(readable_fields(block)) for block in blocks)
        yield b"Content-Type: %s\r\n\r\n%s" % (kind.encode(), b"\r\n".join(filter(None, fields)))
    if contents.returned is not None:
        head = b"".join(readable_headers(contents.returned, text_only=False))
        yield _part('text/rfc822-headers; charset="utf-8"', head)


def _file_part(file: File) -> bytes:
    name = b"".join(b"%%%02X" % byte for byte in file.name.encode()).decode()
    headers = [f"Content-Disposition: attachment;\r\n filename*=utf-8''{name}"]
    if file.cid and file.cid.isascii():
        headers.append(f"Content-Id: <{file.cid}>")
    kind = file.kind if not file.kind.startswith("text/") else f'{file.kind}; charset="utf-8"'
    return _part(kind, file.data, *headers)
