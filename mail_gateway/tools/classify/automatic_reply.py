"""Automatic replies: vacation notices, acknowledgements. And which mail nobody may answer automatically.

RFC 3834, and what programs older than it or ignorant of it write. Nothing here raises, whatever the headers hold: they
are read raw, since some values make the library's parser fail (CPython 105802).
"""

import re
from collections.abc import Callable
from email.message import Message
from typing import NamedTuple

from ..bounce.nonstandard import has_bounce_form
from ..headers.addresses import author_address
from ..headers.message_head import VALUE_LIMIT
from ..headers.message_ids import nearest_first, referred_ids
from ..headers.stored_headers import TEXT_LIMIT, decode_words
from ..text.database_text import as_text
from .automatic_subjects import is_fixed, is_loose

# Values that are looked at of a header that is repeated without end.
_MAX_VALUES = 20
_COMMENT = re.compile(r"\([^()]*\)")
_BLANKS = re.compile(r"\s+")
_LIST_HEADERS = (
    "list-id",
    "list-post",
    "list-unsubscribe",
    "list-help",
    "list-subscribe",
    "list-owner",
    "mailing-list",
)
# Our notice is a reply, and to the sender's eyes a report of non-delivery.
_SUPPRESSES_NOTICES = {"all", "autoreply", "oof", "dr", "ndr"}
# RFC 3834, section 2; RFC 5321, section 4.5.5
_MACHINE = re.compile(
    r"(?:mailer-?daemon|postmaster|listserv|majordomo|bounces?)(?:[-_.+=].*)?"
    r"|(?:.+[-_.])?(?:no|dont|do-?not|never)[-_.]?(?:reply|respond|answer)(?:[-_.+=].*)?"
    r"|owner-.+|.+-(?:owner|request|bounces?)"
)
# Of an envelope sender less can be said: services send people's letters from bounces+17@service.example.
_DAEMON_ENVELOPE = re.compile(r"mailer-?daemon")
_LIST_ENVELOPE = re.compile(r"owner-.+|.+-(?:request|owner)")


class Sign(NamedTuple):
    """What a message says of itself, so that a postmaster can be told.

    :ivar header: its name, as it is usually written
    :ivar value: on one line
    :ivar proven: whether only programs write so; a person may have written what has no sign but others
    """

    header: str
    value: str
    proven: bool = True


def automatic_reply(message: Message) -> Sign | None:
    """Recognise an automatic message, which must never become a record, by proof: a header that only programs write.

    Subjects prove nothing ("Auto: Angebot VW Golf"), nor does X-Auto-Response-Suppress: Exchange puts it on what people
    write, too, and it only asks for no automatic answer (MS-OXCMAIL). Reports (``multipart/report``) are none of this: they
    are bounces, or receipts.

    :param message: parsed under any policy
    :return: the sign that gave it away; None for everything else, also what is merely sent by a program
    """
    headers = RawHeaders(message)
    if headers.is_report():
        return None
    return _says_so(headers) or _sent_by_nobody(headers, message) or _generated_with_such_a_subject(headers)


def may_be_bounce(message: Message) -> bool:
    """Whether an automatic message to a bounce address may be a bounce in a form of a mail server's own.

    Vacation notices go to that address, too (RFC 5230, section 4.6). They say what they are, answer a message, or have a
    subject that only programs write; what does none of that is left to the handling of bounces.
    """
    headers = RawHeaders(message)
    if _says_so(headers):
        return False
    return has_bounce_form(message) or not (_answers_another(headers) or is_fixed(headers.subject()))


def unanswerable(message: Message) -> Sign | None:
    """Find out why no automatic notice may be sent to whoever sent `message`.

    RFC 3834, section 2, and RFC 5321, section 4.5.5. A sign that a program wrote the message comes before those that
    people's messages bear as well.

    :return: the sign that forbids it; None when the message may be answered
    """
    headers = RawHeaders(message)
    return (
        headers.find("Return-Path", _is_daemon, most=1)
        or headers.find("Auto-Submitted", lambda value: _keyword(value) not in ("", "no"))
        or automatic_reply(message)
        or headers.find("Content-Type", _is_report_type)
        or headers.find("Precedence", _is("junk"))
        or headers.find("From", _is_machine, most=1)
        or _unproven(headers)
    )


def _unproven(headers: "RawHeaders") -> Sign | None:
    """Signs that people's messages bear as well: no notice is sent to those who wrote them, and that is all."""
    sign = (
        headers.find("Return-Path", _is_no_persons, most=1)
        or headers.find("Precedence", _is("bulk", "list"))
        or headers.first(_LIST_HEADERS)
        or _no_author(headers)
        or headers.find("X-Auto-Response-Suppress", lambda value: bool(_SUPPRESSES_NOTICES & _keywords(value)))
        or _such_a_subject(headers)
    )
    return sign and sign._replace(proven=False)


def may_be_answered(message: Message) -> bool:
    """Whether an automatic notice may be sent to whoever sent `message`."""
    return unanswerable(message) is None


# ---------------------------------------------------------------------- headers


class RawHeaders:
    """Header values as text, unparsed and of bounded length."""

    def __init__(self, message: Message):
        self._values = {}
        for name, value in message.raw_items():
            values = self._values.setdefault(str(name).lower(), [])
            if len(values) < _MAX_VALUES:
                values.append(as_text(str(value)[:VALUE_LIMIT]))

    def all(self, name: str) -> list[str]:
        """The values of a header, from the top of the message."""
        return self._values.get(name.lower(), [])

    def find(self, name: str, predicate: Callable[[str], bool], most: int | None = None) -> Sign | None:
        """The first value of a header that `predicate` holds true of, among the topmost ones if `most` says so."""
        return next((Sign(name, _one_line(value)) for value in self.all(name)[:most] if predicate(value)), None)

    def first(self, names: tuple[str, ...]) -> Sign | None:
        """The first header that is there, whatever its value."""
        return next((Sign(name.title(), _one_line(self.all(name)[0])) for name in names if self.all(name)), None)

    def subject(self) -> str:
        """The first subject, decoded."""
        return decode_words(next(iter(self.all("subject")), ""))[:TEXT_LIMIT]

    def is_report(self) -> bool:
        """Whether it is one of RFC 6522."""
        return self.find("Content-Type", _is_report_type) is not None


def _one_line(value: str) -> str:
    return " ".join(value.split())[:TEXT_LIMIT]


def _is_report_type(value: str) -> bool:
    return _keyword(value) == "multipart/report"


def _keyword(value: str) -> str:
    """The value without comments and parameters (RFC 3834, section 5): ``Auto-Replied (vacation); owner=x``."""
    return _COMMENT.sub(" ", value).partition(";")[0].strip(" \t\r\n\"'").lower()


def _keywords(value: str) -> set[str]:
    return {word.strip().lower() for word in value.split(",")}


# ---------------------------------------------------------------------- signs of a reply


def _is(*keywords: str) -> Callable[[str], bool]:
    return lambda value: _keyword(value) in keywords


def _is_on(value: str) -> bool:
    """Whatever it says: yes, 1, the address of the responder; but for a denial."""
    return _keyword(value) not in ("", "no", "false", "0")


# Each is enough.
_REPLY_HEADERS = {
    "Auto-Submitted": _is("auto-replied", "auto-reply"),
    "X-Autoreply": _is_on,  # Gmail and many webmails
    "X-Autoreply-From": _is_on,
    "X-Mail-Autoreply": _is_on,
    "X-Autorespond": _is_on,  # cPanel, DirectAdmin, vpopmail; holds the subject or the address
    "X-Autoresponder": _is_on,
    "X-Autogenerated": _is("reply"),  # it may also say Forward, Redirect, Group
    "Precedence": _is("auto_reply", "auto-reply", "autoreply"),
    "X-Precedence": _is("auto_reply", "auto-reply", "autoreply"),
    "Preference": _is("auto_reply"),  # a typing mistake that a program made for years
    "Delivered-To": _is("autoresponder"),
    "X-FC-MachineGenerated": _is_on,  # FirstClass
    "X-POST-MessageClass": lambda value: "autoresponder" in value.lower(),  # Gordano: 9; Autoresponder
}


def _says_so(headers: RawHeaders) -> Sign | None:
    return next(filter(None, (headers.find(name, is_reply) for name, is_reply in _REPLY_HEADERS.items())), None)


def _sent_by_nobody(headers: RawHeaders, message: Message) -> Sign | None:
    """The null sender, under which automatic messages are sent (RFC 3834, section 3.3), and bounces, which are not meant."""
    nobody = headers.find("Return-Path", _is_null, most=1)
    return None if nobody and has_bounce_form(message) else nobody


def _generated_with_such_a_subject(headers: RawHeaders) -> Sign | None:
    """What says of itself that a program made it, and has the subject of a vacation notice.

    Programs write of people's absences, too: what answers nothing needs a subject that only vacation notices have.
    """
    if not _such_a_subject(headers) or not (is_fixed(headers.subject()) or _answers_another(headers)):
        return None
    return headers.find("Auto-Submitted", lambda value: _keyword(value).startswith("auto-"))


def _answers_another(headers: RawHeaders) -> bool:
    """Whether the message answers one that its own program did not write.

    Monitors and other Odoos thread their notices by references to earlier ones, or to the notice itself.
    """
    own = referred_ids(_joined(headers, "message-id"))[:1] or [""]
    answered = nearest_first(_joined(headers, "in-reply-to"), _joined(headers, "references"))[:1]
    return any(_id_domain(message_id) != _id_domain(own[0]) for message_id in answered)


def _joined(headers: RawHeaders, name: str) -> str:
    return " ".join(headers.all(name))


def _id_domain(message_id: str) -> str:
    return message_id.strip("<>[]").rpartition("@")[2].lower()


def _such_a_subject(headers: RawHeaders) -> Sign | None:
    """Subjects of vacation notices. What comes through a list is a newsletter's wit."""
    subject = headers.subject()
    return Sign("Subject", subject) if is_loose(subject) and not headers.first(_LIST_HEADERS) else None


# ---------------------------------------------------------------------- senders that are nobody


def _is_null(value: str) -> bool:
    """Whether it is the null sender for sure: some write an empty header where they know of none."""
    return _BLANKS.sub("", value) == "<>"


def _is_daemon(value: str) -> bool:
    """Whether an envelope sender, as the last server wrote it, is nobody's: the topmost Return-Path."""
    return _is_null(value) or bool(_DAEMON_ENVELOPE.fullmatch(_local_part(_path(value))))


def _is_no_persons(value: str) -> bool:
    """Whether an envelope sender is none, or where a list takes bounces of what people write to it."""
    return not _path(value) or bool(_LIST_ENVELOPE.fullmatch(_local_part(_path(value))))


def _path(value: str) -> str:
    return value.strip().strip("<>").strip()


def _is_machine(author: str) -> bool:
    return bool(_MACHINE.fullmatch(_local_part(author_address(author) or "")))


def _no_author(headers: RawHeaders) -> Sign | None:
    """A From that is missing, or names no address."""
    author = next(iter(headers.all("from")), "")
    return None if author_address(author) else Sign("From", _one_line(author))


def _local_part(address: str) -> str:
    return address.partition("@")[0].lower()
