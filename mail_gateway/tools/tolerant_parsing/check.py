"""Whether Odoo's own gateway gets through a message: what message_parse does, tried out step by step.

Core's methods that are followed here: mail.thread.message_parse, _message_parse_extract_payload and
_message_parse_extract_bounce, Odoo 19.
"""

from email.errors import InvalidBase64CharactersDefect, InvalidBase64LengthDefect
from email.message import Message

from ..text.charsets import CONTROLS
from .defects import Beyond, Flaw
from .file_names import is_hostile
from .headers import header_flaws
from .html import MOST_MOVED, MOST_TAGS, is_heavy, moved_by_quotes
from .normalize import is_shown, normalize_content, normalize_headers, read_part, text_by_odoo
from .structure import parse, walk

# 1 MB of plain text takes Odoo 0.1 s as such; nobody reads it.
MOST_TEXT_CHARS = 1_000_000
MOST_TEXTS = 30
# Those that Python decodes; others it hands on as they are, which is right for what is none.
_ENCODINGS = ("", "7bit", "8bit", "binary", "quoted-printable", "base64", "7-bit", "8-bit", "none")
# Python knows how to hand out the content of these; for others (font, model, chemical) it raises a KeyError.
_KINDS = ("text", "multipart", "message", "image", "application", "audio", "video")
_BROKEN_BASE64 = (InvalidBase64CharactersDefect, InvalidBase64LengthDefect)


def find_flaws(source: bytes) -> set[Flaw]:
    """What keeps Odoo from processing a message, or from showing what is in it.

    :param source: any bytes
    :return: empty when the message can be handed on as it is
    """
    try:
        message = parse(source)
    except Beyond as bound:
        return {bound.flaw}
    try:
        normalize_headers(message)
        flaws = header_flaws(message)
        for level, part in walk(message):
            flaws |= header_flaws(part, nested=True) if level else set()
        if Flaw.HEAD_SIZE not in flaws:  # attached messages with such a head take long to be written
            normalize_content(message, is_report=message.get_content_type() == "multipart/report")
        return flaws | _Rehearsal(message).flaws | message.policy.flaws
    except Exception:  # noqa: BLE001 what fails here, fails in Odoo
        return {Flaw.STRUCTURE}


class _Rehearsal:
    """Goes through the parts as Odoo will."""

    def __init__(self, message: Message):
        self.flaws = set()
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
            self.flaws.add(Flaw.CONTENT_TYPE)  # Odoo takes calendars, tables and XML for HTML

    def _try_part(self, part):
        main = part.get_content_maintype()
        if main == "multipart":
            if not part.is_multipart():
                self.flaws.add(Flaw.STRUCTURE)
            return
        if is_hostile(part.get_filename() or ""):
            self.flaws.add(Flaw.NAMES)
        if main not in _KINDS and part.get_content_type() != "*/*":
            self.flaws.add(Flaw.CONTENT_TYPE)
        elif main == "text":
            self._try_text(part)
        elif main == "message":
            self._try_message(part)
        else:
            self._try_data(part)

    def _try_message(self, part):
        """Odoo writes an attached message again, headers and all."""
        if str(part.get("Content-Transfer-Encoding", "7bit")).strip().lower() in ("base64", "quoted-printable"):
            self.flaws.add(Flaw.ENCODING)
        try:
            content = part.get_content()
            if isinstance(content, Message):
                content.as_bytes()
        except Exception:  # noqa: BLE001 Python's writing of headers fails in more ways than its reading
            self.flaws.add(Flaw.HEADERS)

    def _try_data(self, part):
        if str(part.get("Content-Transfer-Encoding", "")).strip().lower() not in _ENCODINGS:
            self.flaws.add(Flaw.ENCODING)
        data = part.get_payload(decode=True)
        if any(isinstance(defect, _BROKEN_BASE64) for defect in part.defects):
            self.flaws.add(Flaw.ENCODING)
        return data

    def _try_text(self, part, is_only=False):
        data, kind = self._try_data(part), part.get_content_type()
        text = text_by_odoo(part, data, is_only)
        if text is None:
            self.flaws.add(Flaw.CHARSET)
            return
        if not part.get_param("charset") and not is_only:
            self._try_charset(part)
        if kind == "text/rfc822-headers":
            returned = parse(text.encode("utf-8", "replace"))
            self.flaws |= header_flaws(returned) | returned.policy.flaws
        if is_shown(part):
            reading = read_part(part, data)
            if not reading.is_certain or reading.text != text:
                self.flaws.add(Flaw.CHARSET)
                return
            (self._html if kind == "text/html" else self._plain).append(text)

    def _try_charset(self, part):
        """Odoo writes the charset into a Content-Type without one."""
        kind = part.get("Content-Type")
        if kind is not None:
            part.policy.header_store_parse("Content-Type", f'{kind}; charset="utf-8"')

    def _judge_texts(self):
        html, plain = "\n".join(self._html), "\n".join(self._plain)
        if CONTROLS.search(html) or CONTROLS.search(plain):
            self.flaws.add(Flaw.CHARACTERS)
        if len(plain) > MOST_TEXT_CHARS or moved_by_quotes(plain) > MOST_MOVED:
            self.flaws.add(Flaw.TEXT)
        if len(self._html) + len(self._plain) > MOST_TEXTS:
            self.flaws.add(Flaw.PARTS)
        # each HTML goes through the sanitizer together with those before it
        if html and (is_heavy(html) or html.count("<") * len(self._html) > 2 * MOST_TAGS):
            self.flaws.add(Flaw.HTML)
