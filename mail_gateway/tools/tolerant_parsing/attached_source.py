"""Writes a parsed message as bytes, to attach it as a file."""

from contextlib import suppress
from email.message import Message
from email.policy import SMTP

from .structure import walk

# Headers are written as they came: folding would parse them, which fails for some and takes long for others.
_AS_IT_CAME = SMTP.clone(refold_source="none", utf8=True)


def source_of(message: Message) -> bytes:
    """Return a message as the bytes that were received, as far as Python keeps them. Never raises.

    ``str`` could raise: it decodes texts and encodes them again, and big5 has no U+FFFD.
    """
    for write in (_written, _written_as_text):
        try:
            return write(message)
        except Exception:  # noqa: BLE001 Python fails to write some messages that it parsed, in many ways
            continue
    return "".join(_pieces(message)).encode("utf-8", "replace")


def _written(message):
    return message.as_bytes(policy=_AS_IT_CAME)


def _written_as_text(message):
    """Write a message that was parsed from text: Python can't turn its letters beyond ASCII into bytes."""
    return message.as_string(policy=_AS_IT_CAME).encode("utf-8", "surrogateescape")


def _pieces(message):
    for _level, part in walk(message):
        yield from (f"{name}: {value}\r\n" for name, value in part.raw_items())
        yield f"\r\n{_text_of(part)}\r\n"


def _text_of(part):
    with suppress(UnicodeError):  # halves of surrogate pairs in a message that was parsed from text
        return "" if part.is_multipart() else part.get_payload()
    return ""
