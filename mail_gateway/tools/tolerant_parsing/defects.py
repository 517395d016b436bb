"""What can be wrong with a message so that Odoo's own gateway is not given it as it is, or not all of it is used."""

from enum import Enum


class Defect(str, Enum):
    """The words that people read are made by whoever shows them."""

    HEADERS = "headers"  # a header that breaks Python's parser, or whose text the database refuses
    HEAD_SIZE = "head_size"  # a header block, or a header in it, beyond all measure
    RECIPIENTS = "recipients"  # more recipients than are looked up one by one
    STRUCTURE = "structure"  # a multipart without boundary, or whose boundary never comes
    NESTING = "nesting"  # parts within parts within parts
    PARTS = "parts"  # more parts than anybody attaches
    SIZE = "size"  # more lines than can be parsed in a few seconds
    CONTENT_TYPE = "content_type"  # a kind of content that has no reader
    ENCODING = "encoding"  # a transfer encoding that is unknown or not kept to
    CHARSET = "charset"  # a charset that is unknown, not to be trusted, or not the one that was used
    CHARACTERS = "characters"  # characters that no text has: NUL, control characters, halves of surrogate pairs
    HTML = "html"  # HTML that would keep the sanitizer busy, set aside as an attachment
    TEXT = "text"  # more text than a person reads, or shaped to keep the sanitizer busy
    NAMES = "names"  # attachments whose names are paths, are endless or hide what they are
    DATE = "date"  # a Date that is none, or none that a message can have; only noted: nothing is replaced for it
    REPEATED = "repeated"  # nothing found, but earlier tries of it ended with the process: the text_only form


class Beyond(Exception):
    """Parsing was given up because it would take too long or too much memory.

    :ivar flaw: which bound was met
    """

    def __init__(self, defect: Defect):
        super().__init__(defect.value)
        self.defect = defect
