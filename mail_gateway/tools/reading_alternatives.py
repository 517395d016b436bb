"""Which texts of a message Odoo shows, and in which order.

Odoo goes through all parts in one row and keeps two flags: once there is an alternative, the next HTML takes the place
of all text so far, and plain text after that is dropped, wherever it stands.

Core's method that is followed here: mail.thread._message_parse_extract_payload, Odoo 19.
"""

from email.message import Message
from email.policy import SMTP

from .reading_charsets import read
from .reading_html import has_content
from .reading_names import LONGEST, part_name
from .reading_parameters import charset_of, file_name
from .reading_source import source_of
from .reading_structure import walk_within

_RANKS = {"text/html": 2, "text/plain": 1}


def is_misread(message: Message) -> bool:
    """Whether Odoo would drop a text of a message that is no alternative to one it shows, or show an empty one."""
    alternatives = [part for part, _is_attached in walk_within(message) if _is_alternative(part)]
    if not alternatives:
        return False
    texts = [part for part, _is_attached in walk_within(message) if _rank(part)]
    within = {id(part) for part, _is_attached in walk_within(alternatives[0])}
    if len(alternatives) > 1 or any(id(part) not in within for part in texts):
        return True
    return any(part.get_content_type() == "text/html" and not _says_something(part) for part in texts)


def arranged(message: Message) -> list[Message]:
    """The parts that have no parts in their order: of alternatives one, of an attached message its file comes first."""
    return _leaves(message)


def _leaves(part):
    if part.get_content_type() == "message/rfc822" and part.is_multipart():
        return [_as_file(part), *_leaves(part.get_payload(0))]
    if not part.is_multipart() or part.get_content_maintype() == "message":
        return [part]
    found = [_leaves(child) for child in part.get_payload()]
    if not _is_alternative(part):
        return sum(found, [])
    best = max(range(len(found)), key=lambda number: (_worth(found[number]), number), default=0)
    return sum(([p for p in leaves if number == best or not _rank(p)] for number, leaves in enumerate(found)), [])


def _worth(leaves):
    """Of alternatives, HTML that says something comes first, and the last one of several (RFC 2046, section 5.1.4)."""
    return max((_rank(part) for part in leaves if _rank(part) and _says_something(part)), default=0)


def _is_alternative(part):
    return part.get_content_type() == "multipart/alternative" and part.is_multipart()


def _rank(part):
    """0 for what Odoo does not show as text."""
    is_file = part.get_content_disposition() == "attachment" or bool(file_name(part))
    return 0 if is_file else _RANKS.get(part.get_content_type(), 0)


def _says_something(part):
    is_html = part.get_content_type() == "text/html"
    text = read(part.get_payload(decode=True) or b"", charset_of(part), is_html).text
    return has_content(text) if is_html else bool(text.strip())


def _as_file(part):
    """An attached message as bytes, so that nothing looks into it any more."""
    file = type(part)(policy=SMTP)
    file.set_content(
        source_of(part.get_payload(0)), maintype="application", subtype="octet-stream", disposition="attachment",
        filename=part_name(part, 0)[:LONGEST],
    )  # fmt: skip
    return file
