"""Changes a parsed message where Odoo would misread it, or would not find its content.

This happens right before Odoo reads the message. The module changes only parts that Odoo would misread, and removes no
content, so that the original need not be attached. If the right reading can only be guessed, nothing is changed.

This module follows core's mail.thread._message_parse_extract_payload, Odoo 19.
"""

from base64 import encodebytes
from collections.abc import Callable
from copy import copy
from email.message import Message
from email.policy import SMTP
from functools import partial
from urllib.parse import quote

from ..headers.message_ids import is_message_id
from ..text.charset_names import trusted
from ..text.charsets import CONTROLS, DecodedText, read
from ..text.encoded_words import runs
from .alternatives import arranged, is_misread
from .dates import read_date
from .file_names import MAX_NAME, part_name
from .header_names import AUTHORS, ID_CHARS, RECIPIENTS
from .header_values import encoded
from .parameters import charset_of, file_name, raw_header
from .structure import VALUE_CHARS, walk_within

_WITH_WORDS = {"subject", *AUTHORS, *RECIPIENTS}
# Odoo shows these types. It shows any other text as HTML if it is the whole message.
_SHOWN = ("text/plain", "text/html")
_SHOWN_AS_PLAIN = ("text/markdown", "text/enriched", "text/richtext")
_BOUNDARY = "=_parts"


# ---------------------------------------------------------------------- headers


def normalize_headers(message: Message) -> None:
    """Rewrite encoded words that Python misreads in UTF-8, and remove Dates and Message-Ids that are not valid.

    Python's parser fails on some of them, such as ``Message-Id: <>``. Core also reads Message-Ids of attached messages in
    bounces.
    """
    before = [*message.raw_items()]
    after = [(name, _normal_value(name.lower(), value)) for name, value in before]
    if after != before:
        _set_headers(message, [(name, value) for name, value in after if value is not None])
    for part, is_attached in walk_within(message):  # core searches them for bounced messages before it reads texts
        if is_attached:
            _remove_useless_ids(part)
        if part.get_content_type() == "text/rfc822-headers" and (change := _text_change(part, is_only=False)):
            change()


def _normal_value(name, value):
    if name == "date":
        return value if read_date(str(value)) else None
    if name == "message-id":
        return None if _is_useless_id(str(value)) else value
    if name not in _WITH_WORDS or "=?" not in value or len(value) > VALUE_CHARS:
        return value
    return "".join(_normal_words(run) if run.words else run.source for run in runs(value))


def _remove_useless_ids(part):
    """Remove useless Message-Ids of an attached message, and change nothing else in it."""
    before = [*part.raw_items()]
    after = [item for item in before if item[0].lower() != "message-id" or not _is_useless_id(str(item[1]))]
    if len(after) < len(before):
        _set_headers(part, after)


def _is_useless_id(value):
    """Whether a Message-Id identifies no message and Python's parser fails on it. One that is only unparsable stays."""
    if is_message_id(value) or len(value) > ID_CHARS:
        return False
    try:
        SMTP.header_factory("Message-Id", value)
    except Exception:  # noqa: BLE001 it fails in many ways
        return True
    return False


def _normal_words(run):
    """Write encoded words so that Python, which decodes each one alone, reads the meaning of all of them together."""
    if not all(trusted(word.charset) for word in run.words):
        return run.source
    reading = run.read()
    if not reading.is_certain or reading.text == _as_python_reads(run.words) or CONTROLS.search(reading.text):
        return run.source
    return encoded(reading.text) or run.source


def _as_python_reads(words):
    try:
        return "".join(word.data.decode(word.charset) for word in words)
    except (LookupError, ValueError):
        return None


def _set_headers(message, items):
    for name in {name.lower() for name, _value in message.raw_items()}:
        del message[name]
    for name, value in items:
        message.set_raw(name, value)


# ---------------------------------------------------------------------- texts and files


def normalize_content(message: Message, is_report: bool = False) -> None:
    """Rewrite texts in UTF-8 where Odoo would read another charset, name files, and show texts that Odoo would drop.

    :param is_report: whether the message is a bounce, whose structure is kept
    """
    if message.get_content_maintype() == "text":
        _make_attachment(message)
    parts = [*walk_within(message)]
    is_only = len(parts) == 1
    # all changes are collected before the first one is made, since an attached message is kept as it came
    changes, files = [], 0
    for part, is_attached in parts:
        files += part.get_content_maintype() != "multipart" and not is_shown(part)
        changes += [(is_attached, change) for change in _changes(part, files, is_only, is_report)]
    if not is_report and (any(is_attached for is_attached, _change in changes) or is_misread(message)):
        _set_parts(message, arranged(message))
    for _is_attached, change in changes:
        change()


def _changes(part: Message, number: int, is_only: bool, is_report: bool) -> list[Callable]:
    """Return the changes that a leaf part needs, as functions without parameters.

    :param number: the number of the file, if the part is a file
    """
    if part.get_content_maintype() == "multipart":
        return []
    if is_shown(part):
        return [*filter(None, (_text_change(part, is_only),))]
    if is_report:
        return []
    wanted = part_name(part, number)
    changes = []
    if wanted != _name_by_python(part) and len(wanted) <= MAX_NAME:
        changes.append(partial(_set_name, part, wanted))
    if part.get_content_maintype() == "text" and not _keeps_bytes(part):
        changes.append(partial(_set_kind, part, "application/octet-stream"))
        changes.append(partial(_set_name, part, wanted[:MAX_NAME]))
    return changes


def is_shown(part: Message) -> bool:
    """Whether Odoo shows a part as text instead of attaching it."""
    return part.get_content_type() in _SHOWN and not _name_by_python(part) and not _is_attachment(part)


def _is_attachment(part):
    return raw_header(part, "content-disposition").strip().startswith("attachment")


def _name_by_python(part):
    try:
        return part.get_filename() or ""
    except Exception:  # noqa: BLE001 it fails in many ways
        return ""


def text_by_odoo(part: Message, data: bytes, is_only: bool) -> str | None:
    """Return a text as Odoo reads it; None when Odoo fails.

    :param data: the decoded bytes
    :param is_only: whether the part is the whole message: Odoo assumes UTF-8 only in parts of a message
    """
    charset = part.get_param("charset") or ("ascii" if is_only else "utf-8")
    if not trusted(charset):
        return None
    try:
        return data.decode(charset, "replace")
    except (LookupError, ValueError):
        return None


def read_part(part: Message, data: bytes) -> DecodedText:
    """Read the text of a part, by the charset that its header or its HTML names.

    :param data: the decoded bytes
    """
    return read(data, charset_of(part), is_html=part.get_content_type() == "text/html")


def _text_change(part, is_only):
    """Return the change that a text needs; None when Odoo reads it correctly, or its charset can only be guessed."""
    data = part.get_payload(decode=True) or b""
    reading = read_part(part, data)
    if not reading.is_certain or reading.text == text_by_odoo(part, data, is_only):
        return None
    return partial(_set_text, part, reading.text)


def _keeps_bytes(part):
    """Whether a file with text stays the same when Odoo decodes and encodes it."""
    data = part.get_payload(decode=True) or b""
    charset = part.get_param("charset") or "utf-8"
    if not trusted(charset):
        return False
    try:
        return data.decode(charset).encode(charset) == data
    except (LookupError, ValueError):
        return False


# ---------------------------------------------------------------------- changing parts


def _set_header(part, name, value):
    del part[name]
    part.set_raw(name, value)


def _set_text(part, text):
    part.set_payload(encodebytes(text.encode()).decode())
    _set_header(part, "Content-Transfer-Encoding", "base64")
    _set_kind(part, f'{part.get_content_type()}; charset="utf-8"')


def _set_kind(part, value):
    _set_header(part, "Content-Type", value)


def _set_name(part, name):
    kind = "inline" if raw_header(part, "content-disposition").strip().lower().startswith("inline") else "attachment"
    _set_header(part, "Content-Disposition", f"{kind};\r\n filename*=utf-8''{quote(name, safe='')}")


def _set_parts(message, parts):
    message.set_payload(parts)
    del message["Content-Transfer-Encoding"]
    _set_kind(message, f'multipart/mixed; boundary="{_BOUNDARY}"')


def _make_attachment(message):
    """Turn a message that consists of one file into a message with one attachment (RFC 2183, section 2.8).

    A text that the sender may have meant to be read is shown as well.
    """
    kind = message.get_content_type()
    if kind in _SHOWN_AS_PLAIN and not file_name(message) and not _is_attachment(message):
        _set_kind(message, _kind_with_charset("text/plain", message))
    elif not is_shown(message) or file_name(message):
        is_file = kind not in _SHOWN or (_is_attachment(message) and file_name(message))
        shown = [] if is_file else [_text_of(message)]
        file = _content_of(message)
        for name in {*file.keys()}:
            del message[name]
        _set_parts(message, [*shown, file])


def _content_of(message):
    """Return the body of a message as a part."""
    part = copy(message)
    others = {name for name, _value in message.raw_items() if not name.lower().startswith("content-")}
    for name in {"X-None", *others}:
        del part[name]  # this gives the copy its own list of headers
    return part


def _text_of(message):
    """Return the body of a message as a text, without the name that makes it a file."""
    part = _content_of(message)
    _set_kind(part, _kind_with_charset(message.get_content_type(), message))
    del part["Content-Disposition"]
    return part


def _kind_with_charset(kind, message):
    charset = charset_of(message)
    return f'{kind}; charset="{charset}"' if charset and charset.isascii() and '"' not in charset else kind
