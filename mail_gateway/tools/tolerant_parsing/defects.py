"""The defects for which the gateway gives Odoo another form of a message, or does not use all of it."""

from enum import Enum


class Defect(str, Enum):
    """A kind of defect. :mod:`models.inbound.mail_inbound_message_defects` has the labels."""

    HEADERS = "headers"  # a header that breaks Python's parser, or whose text the database refuses
    HEAD_SIZE = "head_size"  # a header block, or a header in it, that is too long
    RECIPIENTS = "recipients"  # more recipients than are looked up one by one
    STRUCTURE = "structure"  # a multipart without a boundary, or whose boundary never occurs
    NESTING = "nesting"  # parts nested too deeply
    PARTS = "parts"  # too many parts
    SIZE = "size"  # more lines than can be parsed in a few seconds
    CONTENT_TYPE = "content_type"  # a content type that Python or Odoo can't read
    ENCODING = "encoding"  # a transfer encoding that is unknown or violated
    CHARSET = "charset"  # a charset that is unknown, dangerous, or not the one that was used
    CHARACTERS = "characters"  # characters that texts must not have: NUL, control characters, halves of surrogate pairs
    HTML = "html"  # HTML for which the sanitizer would take too long; it is attached
    TEXT = "text"  # too much text, or text for which the sanitizer would take too long
    NAMES = "names"  # attachments whose names are paths, are too long, or hide their type
    DATE = "date"  # an unreadable or impossible Date; it is only recorded, and the message is not replaced
    REPEATED = "repeated"  # no defect was found, but earlier tries killed the worker: so the text-only form is used


class BoundExceeded(Exception):
    """Parsing was stopped because it would take too long or too much memory.

    :ivar defect: the bound that the message exceeds
    """

    def __init__(self, defect: Defect):
        super().__init__(defect.value)
        self.defect = defect
