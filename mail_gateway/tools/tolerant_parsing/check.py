"""Finds out whether Odoo's own gateway can process a message, by trying the steps of ``message_parse``.

This module follows core's mail.thread.message_parse, _message_parse_extract_payload and _message_parse_extract_bounce,
Odoo 19. Start reading at :func:`find_defects`.
"""

from email.errors import InvalidBase64CharactersDefect, InvalidBase64LengthDefect
from email.message import Message

from ..text.charsets import CONTROLS
from .defects import BoundExceeded, Defect
from .file_names import is_hostile
from .header_check import header_defects
from .html import MAX_MOVED, MAX_TAGS, is_heavy, moved_by_quotes
from .normalize import is_shown, normalize_content, normalize_headers, read_part, text_by_odoo
from .structure import parse, walk

# Odoo needs 0.1 s for 1 MB of plain text; longer texts are attached.
MAX_TEXT_CHARS = 1_000_000
MAX_TEXTS = 30
# Transfer encodings that Python decodes. It returns data in others as it is.
_ENCODINGS = ("", "7bit", "8bit", "binary", "quoted-printable", "base64", "7-bit", "8-bit", "none")
# Main types whose content Python can return; for others (font, model, chemical) it raises a KeyError.
_KINDS = ("text", "multipart", "message", "image", "application", "audio", "video")
_BROKEN_BASE64 = (InvalidBase64CharactersDefect, InvalidBase64LengthDefect)


def find_defects(source: bytes) -> set[Defect]:
    """Return the defects that keep Odoo from processing a message, or from showing its content.

    :param source: any bytes
    :return: empty when the message can be given to Odoo as it is
    """
    try:
        message = parse(source)
    except BoundExceeded as bound:
        return {bound.defect}
    try:
        normalize_headers(message)
        defects = header_defects(message)
        for level, part in walk(message):
            defects |= header_defects(part, nested=True) if level else set()
        if Defect.HEAD_SIZE not in defects:  # writing attached messages with such headers takes long
            normalize_content(message, is_report=message.get_content_type() == "multipart/report")
        return defects | _Trial(message).defects | message.policy.defects
    except Exception:  # noqa: BLE001 a message that fails here, fails in Odoo
        return {Defect.STRUCTURE}


class _Trial:
    """Goes through the parts as Odoo does.

    :ivar defects: the defects that were found
    """

    def __init__(self, message: Message):
        self.defects = set()
        self._html, self._plain = [], []
        if message.get_content_maintype() == "text":
            self._try_only_text(message)
        else:
            for _level, part in walk(message):
                self._try_part(part)
        self._judge_texts()

    def _try_only_text(self, message):
        self._try_text(message, is_only=True)
        if message.get_content_type() not in ("text/plain", "text/html"):
            self.defects.add(Defect.CONTENT_TYPE)  # Odoo shows calendars, tables and XML as HTML

    def _try_part(self, part):
        main = part.get_content_maintype()
        if main == "multipart":
            if not part.is_multipart():
                self.defects.add(Defect.STRUCTURE)
            return
        if is_hostile(part.get_filename() or ""):
            self.defects.add(Defect.NAMES)
        if main not in _KINDS and part.get_content_type() != "*/*":
            self.defects.add(Defect.CONTENT_TYPE)
        elif main == "text":
            self._try_text(part)
        elif main == "message":
            self._try_message(part)
        else:
            self._try_data(part)

    def _try_message(self, part):
        """Try to write an attached message, since Odoo writes it again, with all its headers."""
        if str(part.get("Content-Transfer-Encoding", "7bit")).strip().lower() in ("base64", "quoted-printable"):
            self.defects.add(Defect.ENCODING)
        try:
            content = part.get_content()
            if isinstance(content, Message):
                content.as_bytes()
        except Exception:  # noqa: BLE001 Python's writing of headers fails in more ways than its reading
            self.defects.add(Defect.HEADERS)

    def _try_data(self, part):
        if str(part.get("Content-Transfer-Encoding", "")).strip().lower() not in _ENCODINGS:
            self.defects.add(Defect.ENCODING)
        data = part.get_payload(decode=True)
        if any(isinstance(defect, _BROKEN_BASE64) for defect in part.defects):
            self.defects.add(Defect.ENCODING)
        return data

    def _try_text(self, part, is_only=False):
        data, kind = self._try_data(part), part.get_content_type()
        text = text_by_odoo(part, data, is_only)
        if text is None:
            self.defects.add(Defect.CHARSET)
            return
        if not part.get_param("charset") and not is_only:
            self._try_charset(part)
        if kind == "text/rfc822-headers":
            returned = parse(text.encode("utf-8", "replace"))
            self.defects |= header_defects(returned) | returned.policy.defects
        if is_shown(part):
            reading = read_part(part, data)
            if not reading.is_certain or reading.text != text:
                self.defects.add(Defect.CHARSET)
                return
            (self._html if kind == "text/html" else self._plain).append(text)

    def _try_charset(self, part):
        """Try to add a charset to a Content-Type without one, as Odoo does."""
        kind = part.get("Content-Type")
        if kind is not None:
            part.policy.header_store_parse("Content-Type", f'{kind}; charset="utf-8"')

    def _judge_texts(self):
        html, plain = "\n".join(self._html), "\n".join(self._plain)
        if CONTROLS.search(html) or CONTROLS.search(plain):
            self.defects.add(Defect.CHARACTERS)
        if len(plain) > MAX_TEXT_CHARS or moved_by_quotes(plain) > MAX_MOVED:
            self.defects.add(Defect.TEXT)
        if len(self._html) + len(self._plain) > MAX_TEXTS:
            self.defects.add(Defect.PARTS)
        # each HTML goes through the sanitizer together with those before it
        if html and (is_heavy(html) or html.count("<") * len(self._html) > 2 * MAX_TAGS):
            self.defects.add(Defect.HTML)
