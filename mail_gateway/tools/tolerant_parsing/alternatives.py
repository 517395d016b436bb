"""Decides which texts of a message Odoo shows, and in which order.

Odoo goes through all parts as one flat list and keeps two flags: after an alternative, the next HTML replaces all text so
far, and Odoo drops plain text after that, wherever it stands.

This module follows core's mail.thread._message_parse_extract_payload, Odoo 19.
"""

from email.message import Message
from email.policy import SMTP

from ..text.charsets import read
from .attached_source import source_of
from .file_names import MAX_NAME, part_name
from .html import has_content, has_words
from .images import content_ids
from .parameters import charset_of, file_name
from .structure import walk_within

# The ranks of a part among alternatives (RFC 2046, section 5.1.4): HTML with words ranks highest.
_NOTHING, _PLAIN, _IMAGE, _HTML = range(4)
_TEXTS = ("text/plain", "text/html")


def is_misread(message: Message) -> bool:
    """Whether Odoo would drop a text that is not an alternative to a shown one, or show a text without words."""
    alternatives = [part for part, _is_attached in walk_within(message) if _is_alternative(part)]
    if not alternatives:
        return False
    texts = [part for part, _is_attached in walk_within(message) if _is_text(part)]
    within = {id(part) for part, _is_attached in walk_within(alternatives[0])}
    if len(alternatives) > 1 or any(id(part) not in within for part in texts):
        return True
    cids = content_ids(message)
    return any(part.get_content_type() == "text/html" and _worth(part, cids) != _HTML for part in texts)


def arranged(message: Message) -> list[Message]:
    """Return the leaf parts in their order: only one of several alternatives, and attached messages as files."""
    return _leaves(message, content_ids(message))


def _leaves(part, cids):
    if part.get_content_type() == "message/rfc822" and part.is_multipart():
        return [_as_file(part), *_leaves(part.get_payload(0), cids)]
    if not part.is_multipart() or part.get_content_maintype() == "message":
        return [part]
    found = [_leaves(child, cids) for child in part.get_payload()]
    if not _is_alternative(part):
        return sum(found, [])
    shown = _shown([max((_worth(leaf, cids) for leaf in leaves), default=_NOTHING) for leaves in found])
    return sum(([p for p in leaves if number in shown or not _is_text(p)] for number, leaves in enumerate(found)), [])


def _shown(worths):
    """Return the numbers of the alternatives that are shown: the one with the highest rank, or the last of several.

    HTML that consists of images may have another content than the plain text, so both are shown.
    """
    best = max(worths, default=_NOTHING)
    last = {worth: number for number, worth in enumerate(worths)}
    return {last.get(worth) for worth in ((best, _PLAIN) if best == _IMAGE else (best,))}


def _is_alternative(part):
    return part.get_content_type() == "multipart/alternative" and part.is_multipart()


def _is_text(part):
    """Whether Odoo shows a part as text."""
    is_file = part.get_content_disposition() == "attachment" or bool(file_name(part))
    return not is_file and part.get_content_type() in _TEXTS


def _worth(part, cids):
    if not _is_text(part):
        return _NOTHING
    is_html = part.get_content_type() == "text/html"
    text = read(part.get_payload(decode=True) or b"", charset_of(part), is_html).text
    if is_html:
        return _HTML if has_words(text) else _IMAGE * has_content(text, cids)
    return _PLAIN if text.strip() else _NOTHING


def _as_file(part):
    """Turn an attached message into a file, whose content Odoo does not read."""
    file = type(part)(policy=SMTP)
    file.set_content(
        source_of(part.get_payload(0)), maintype="application", subtype="octet-stream", disposition="attachment",
        filename=part_name(part, 0)[:MAX_NAME],
    )  # fmt: skip
    return file
