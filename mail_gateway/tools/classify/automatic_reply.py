"""Recognises automatic replies (vacation notices, acknowledgements), and messages that must not be answered automatically.

It follows RFC 3834, and knows the headers of programs that do not. No function here raises an exception, whatever the
headers contain: they are read raw, since the library's parser fails on some values (CPython 105802).

Start reading at :func:`automatic_reply` and :func:`unanswerable`.
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

# The number of values of a repeated header that are read.
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
# Values of X-Auto-Response-Suppress that forbid a notice, since a notice is a reply, and a report of non-delivery.
_SUPPRESSES_NOTICES = {"all", "autoreply", "oof", "dr", "ndr"}
# RFC 3834, section 2; RFC 5321, section 4.5.5
_MACHINE = re.compile(
    r"(?:mailer-?daemon|postmaster|listserv|majordomo|bounces?)(?:[-_.+=].*)?"
    r"|(?:.+[-_.])?(?:no|dont|do-?not|never)[-_.]?(?:reply|respond|answer)(?:[-_.+=].*)?"
    r"|owner-.+|.+-(?:owner|request|bounces?)"
)
# In an envelope sender fewer names prove a machine: services send people's mail from bounces+17@service.example.
_DAEMON_ENVELOPE = re.compile(r"mailer-?daemon")
_LIST_ENVELOPE = re.compile(r"owner-.+|.+-(?:request|owner)")


class Sign(NamedTuple):
    """A header that shows how a message was sent; postmasters see it as the reason.

    :ivar header: the name of the header, as it is usually written
    :ivar value: its value, on one line
    :ivar proven: whether only programs write it; a person may have written a message that has only other signs
    """

    header: str
    value: str
    proven: bool = True


def automatic_reply(message: Message) -> Sign | None:
    """Recognise an automatic reply, which must never become a record, by a header that only programs write.

    Subjects prove nothing ("Auto: Angebot VW Golf"). X-Auto-Response-Suppress proves nothing either: Exchange also adds it
    to people's messages, and it only asks others to send no automatic answer (MS-OXCMAIL). Reports (``multipart/report``)
    are bounces or receipts, not automatic replies.

    :param message: parsed under any policy
    :return: the sign that proves it; None for all other messages, even if a program sent them on its own
    """
    headers = RawHeaders(message)
    if headers.is_report():
        return None
    return _marked_as_reply(headers) or _null_sender(headers, message) or _generated_with_reply_subject(headers)


def may_be_bounce(message: Message) -> bool:
    """Whether an automatic message to a bounce address may be a bounce that is not a delivery report.

    Vacation notices go to that address, too (RFC 5230, section 4.6). They are marked in a header, answer a message, or have
    a subject that only programs write; other messages are left to the handling of bounces.

    :param message: parsed under any policy
    """
    headers = RawHeaders(message)
    if _marked_as_reply(headers):
        return False
    return has_bounce_form(message) or not (_answers_another(headers) or is_fixed(headers.subject()))


def unanswerable(message: Message) -> Sign | None:
    """Return the reason why no automatic notice may be sent to the sender of a message.

    This follows RFC 3834, section 2, and RFC 5321, section 4.5.5. Signs that prove a program come before those that
    people's messages also have.

    :param message: parsed under any policy
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
    """Return a sign that people's messages also have: its only effect is that the sender gets no notice."""
    sign = (
        headers.find("Return-Path", _is_no_persons, most=1)
        or headers.find("Precedence", _is("bulk", "list"))
        or headers.first(_LIST_HEADERS)
        or _no_author(headers)
        or headers.find("X-Auto-Response-Suppress", lambda value: bool(_SUPPRESSES_NOTICES & _keywords(value)))
        or _reply_subject(headers)
    )
    return sign and sign._replace(proven=False)


def may_be_answered(message: Message) -> bool:
    """Whether an automatic notice may be sent to the sender of a message."""
    return unanswerable(message) is None


# ---------------------------------------------------------------------- headers


class RawHeaders:
    """Header values of a message as text, unparsed and of bounded length.

    :param message: parsed under any policy
    """

    def __init__(self, message: Message):
        self._values = {}
        for name, value in message.raw_items():
            values = self._values.setdefault(str(name).lower(), [])
            if len(values) < _MAX_VALUES:
                values.append(as_text(str(value)[:VALUE_LIMIT]))

    def all(self, name: str) -> list[str]:
        """Return the values of a header, from the top of the message."""
        return self._values.get(name.lower(), [])

    def find(self, name: str, predicate: Callable[[str], bool], most: int | None = None) -> Sign | None:
        """Find the first value of a header for which `predicate` is true.

        :param most: the number of values that are examined, from the top of the message; all by default
        """
        return next((Sign(name, _one_line(value)) for value in self.all(name)[:most] if predicate(value)), None)

    def first(self, names: tuple[str, ...]) -> Sign | None:
        """Return the first of several headers that the message has, with its first value.

        :param names: in lower case
        """
        return next((Sign(name.title(), _one_line(self.all(name)[0])) for name in names if self.all(name)), None)

    def subject(self) -> str:
        """Return the first subject, decoded."""
        return decode_words(next(iter(self.all("subject")), ""))[:TEXT_LIMIT]

    def is_report(self) -> bool:
        """Whether the message is a ``multipart/report`` (RFC 6522)."""
        return self.find("Content-Type", _is_report_type) is not None


def _one_line(value: str) -> str:
    return " ".join(value.split())[:TEXT_LIMIT]


def _is_report_type(value: str) -> bool:
    return _keyword(value) == "multipart/report"


def _keyword(value: str) -> str:
    """Return a value such as ``Auto-Replied (vacation); owner=x`` without comments and parameters (RFC 3834, section 5)."""
    return _COMMENT.sub(" ", value).partition(";")[0].strip(" \t\r\n\"'").lower()


def _keywords(value: str) -> set[str]:
    return {word.strip().lower() for word in value.split(",")}


# ---------------------------------------------------------------------- signs of a reply


def _is(*keywords: str) -> Callable[[str], bool]:
    return lambda value: _keyword(value) in keywords


def _is_on(value: str) -> bool:
    """Whether a value is anything but a denial: it may be yes, 1, or the address of the responder."""
    return _keyword(value) not in ("", "no", "false", "0")


# Header -> whether a value proves an automatic reply.
_REPLY_HEADERS = {
    "Auto-Submitted": _is("auto-replied", "auto-reply"),
    "X-Autoreply": _is_on,  # Gmail and many webmails
    "X-Autoreply-From": _is_on,
    "X-Mail-Autoreply": _is_on,
    "X-Autorespond": _is_on,  # cPanel, DirectAdmin, vpopmail; holds the subject or the address
    "X-Autoresponder": _is_on,
    "X-Autogenerated": _is("reply"),  # other values are Forward, Redirect, Group
    "Precedence": _is("auto_reply", "auto-reply", "autoreply"),
    "X-Precedence": _is("auto_reply", "auto-reply", "autoreply"),
    "Preference": _is("auto_reply"),  # a typing error that a program made for years
    "Delivered-To": _is("autoresponder"),
    "X-FC-MachineGenerated": _is_on,  # FirstClass
    "X-POST-MessageClass": lambda value: "autoresponder" in value.lower(),  # Gordano: 9; Autoresponder
}


def _marked_as_reply(headers: RawHeaders) -> Sign | None:
    return next(filter(None, (headers.find(name, is_reply) for name, is_reply in _REPLY_HEADERS.items())), None)


def _null_sender(headers: RawHeaders, message: Message) -> Sign | None:
    """Find the null sender of automatic replies (RFC 3834, section 3.3). Bounces have it, too, but are left out here."""
    sign = headers.find("Return-Path", _is_null, most=1)
    return None if sign and has_bounce_form(message) else sign


def _generated_with_reply_subject(headers: RawHeaders) -> Sign | None:
    """Find the mark of a program in a message that has the subject of a vacation notice.

    Programs write about people's absences, too. A message that answers no other one must have a subject that only vacation
    notices have.
    """
    if not _reply_subject(headers) or not (is_fixed(headers.subject()) or _answers_another(headers)):
        return None
    return headers.find("Auto-Submitted", lambda value: _keyword(value).startswith("auto-"))


def _answers_another(headers: RawHeaders) -> bool:
    """Whether the message answers a message from another program.

    Monitoring systems and other Odoo databases refer to their earlier notices, or to the notice itself, to form threads.
    """
    own = referred_ids(_joined(headers, "message-id"))[:1] or [""]
    answered = nearest_first(_joined(headers, "in-reply-to"), _joined(headers, "references"))[:1]
    return any(_id_domain(message_id) != _id_domain(own[0]) for message_id in answered)


def _joined(headers: RawHeaders, name: str) -> str:
    return " ".join(headers.all(name))


def _id_domain(message_id: str) -> str:
    return message_id.strip("<>[]").rpartition("@")[2].lower()


def _reply_subject(headers: RawHeaders) -> Sign | None:
    """Find a subject that vacation notices have. Lists are left out, since newsletters use such subjects, too."""
    subject = headers.subject()
    return Sign("Subject", subject) if is_loose(subject) and not headers.first(_LIST_HEADERS) else None


# ---------------------------------------------------------------------- senders that are not persons


def _is_null(value: str) -> bool:
    """Whether a value is certainly the null sender: some programs write an empty header when they know no sender."""
    return _BLANKS.sub("", value) == "<>"


def _is_daemon(value: str) -> bool:
    """Whether an envelope sender (the topmost Return-Path, which the last server wrote) is null or a daemon."""
    return _is_null(value) or bool(_DAEMON_ENVELOPE.fullmatch(_local_part(_path(value))))


def _is_no_persons(value: str) -> bool:
    """Whether the envelope sender is empty, or the address at which a list receives bounces."""
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
