"""Names of attachments that people can read and file systems accept."""

import mimetypes
import re
from email.message import Message

from ..text.bidirectional import BIDIRECTIONAL_CONTROLS
from ..text.encoded_words import decode_words
from .parameters import file_name, raw_header

MAX_NAME = 200
_CUT, _ENDING = 120, 10
_INVISIBLE = re.compile(f"[\x00-\x1f\x7f-\x9f\ufeff\ufffe\uffff\ufffd\ud800-\udfff{BIDIRECTIONAL_CONTROLS}]")
# characters that file systems do not allow in names
_NOT_IN_NAMES = re.compile(r'[\\/:*?"<>|]+')
_MESSAGES = (".eml", ".msg")
# names that programs for these types expect
_NAMES = {
    "application/ms-tnef": "winmail.dat",
    "application/vnd.ms-tnef": "winmail.dat",
    "application/pkcs7-signature": "smime.p7s",
    "application/x-pkcs7-signature": "smime.p7s",
    "application/pkcs7-mime": "smime.p7m",
    "application/x-pkcs7-mime": "smime.p7m",
    "application/pgp-signature": "signature.asc",
}
_PATH = re.compile(r"^[/\\~]|^[A-Za-z]:|(?:^|[/\\])\.\.(?:[/\\]|$)")


def is_hostile(name: str) -> bool:
    """Whether a name is a path, contains invisible characters or is longer than file systems accept."""
    return len(name) > MAX_NAME or bool(_INVISIBLE.search(name) or _PATH.search(name))


def part_name(part: Message, number: int) -> str:
    """Return the file name of a part: its own, or one whose ending tells how to open it.

    :param number: the number of the file in its message
    """
    name = file_name(part)
    if part.get_content_type() == "message/rfc822" and part.is_multipart():
        if not name:
            return message_name(raw_header(part.get_payload(0), "subject"), number)
        return name if name.lower().endswith(_MESSAGES) else f"{name}.eml"
    return name or safe_name("", number, part.get_content_type())


def message_name(subject: str, number: int) -> str:
    """Return the file name of an attached message: its subject, as in Outlook and Thunderbird.

    :param subject: as it stands in its header
    """
    words = " ".join(_NOT_IN_NAMES.sub(" ", decode_words(subject[:1000])).split())[:60]
    return safe_name(f"{words or 'message'}.eml", number)


def safe_name(name: str, number: int, kind: str = "") -> str:
    """Return a name that a person can read and a file system accepts.

    :param number: the number of the file in its message, for a file without a name
    :param kind: content type, for the ending of a file without a name
    """
    name = " ".join(_INVISIBLE.sub("", name).split())
    if _PATH.search(name):
        name = re.split(r"[/\\:]", name)[-1]
    name = name.strip(". ~")
    if not name:
        return _NAMES.get(kind) or f"attachment-{number}{_ending(kind)}"
    stem, dot, ending = name.rpartition(".")
    if len(name) > _CUT and dot and len(ending) <= _ENDING:
        return f"{stem[:_CUT]}.{ending}"
    return name[:_CUT]


def _ending(kind):
    return mimetypes.guess_extension(kind) or mimetypes.guess_extension(kind, strict=False) or ""
