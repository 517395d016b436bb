"""Recognises a message that a program repeats with another Message-Id and another time.

Parts that change with each repetition are left out only in forms that programs write: a person may write "at 10:00" and
"order 17", and then "at 11:00" and "order 18" make another message.
"""

import re
from collections.abc import Iterable
from hashlib import sha256

from ..headers.addresses import author_address, counted_address
from ..headers.stored_headers import TEXT_LIMIT, decode_words
from ..text.database_text import as_text
from .automatic_subjects import fold, without_phrase

# Characters of a text that are read, and characters of the normalised text that count; the rest is ignored.
SOURCE_CHARS = 64 * 1024
TEXT_CHARS = 8 * 1024
# Characters at the end of a line that may introduce a quotation.
MAX_LINE = 300

# Marks that mail programs put before the subject of an answer or a forwarded message.
_MARKS = (
    *("re", "fw", "fwd", "aw", "wg", "antw", "doorst", "sv", "vs", "vb", "vl", "ref", "tr", "rif", "r", "i", "rv"),
    *("res", "enc", "odp", "pd", "atb", "tov", "továbbítás", "vá", "ynt", "ilt", "σχετ", "απ", "отв", "пересл"),
    *("回复", "回覆", "答复", "答覆", "转发", "轉寄", "返信", "転送", "회신", "전달", "רד", "رد"),
)
# Some programs add a count: Re[2]: or Re (2):
_MARK = re.compile(rf"(?:{'|'.join(sorted(set(map(fold, _MARKS)), reverse=True))})\s*(?:[\[(]\d+[\])]|\^\d+)?\s*:\s*")

_DATE = r"(?:\d{4}[-/.]\d\d?[-/.]\d\d?|\d\d?[-/.]\d\d?[-/.](?:\d{4}|\d\d)|\d\d? [^\W\d]{3,12}\.? \d{4})"
_ZONE = r"(?:\s?(?:Z|UTC|GMT|[+-]\d\d:?\d\d)\b)?"
# Times, and identifiers of one message, one case or one run: they change with each repetition.
_CHANGING = (
    # date and time side by side as programs write them: 2026-05-06T12:34, 24.12.2026 11:32
    re.compile(rf"(?<!\d){_DATE}(?:T|,? )\d\d?:\d\d(?::\d\d(?:[.,]\d{{1,9}})?)?{_ZONE}"),
    # people do not write seconds
    re.compile(rf"(?<!\d)\d\d?:\d\d:\d\d(?:[.,]\d{{1,9}})?{_ZONE}"),
    # date and time down to seconds as one number, with or without further digits: 20260506123456
    re.compile(r"(?<!\d)20\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\d{6,12}(?!\d)"),
    # UUIDs (RFC 9562), and long hexadecimal numbers
    re.compile(r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b", re.IGNORECASE),
    re.compile(r"\b(?=[a-f]*\d)(?=\d*[a-f])[0-9a-f]{16,128}\b", re.IGNORECASE),
    # Message-Ids; people's addresses are shorter, or contain no number
    re.compile(r"<(?=[^<>\s@]{0,200}\d)[^<>\s@]{16,200}@[^<>\s@]{1,200}>"),
    # [#4711], [Ticket#4711], [support.example #4711], [REQ-4711]; request (4711)
    re.compile(r"\[[^\[\]\d]{0,40}[#:-] ?\d{1,20}\]"),
    re.compile(r"\b(?:ticket|case|request|incident|issue) \(#?\d{1,20}\)", re.IGNORECASE),
)

_QUOTED = re.compile(r"\s*>")
# "On 5 May Mary <mary@customer.example> wrote:", "Am 5.6. schrieb Mary:"; the first may be broken before its last words
_INTRODUCTION = re.compile(
    r"(?=.*(?:\d|@|\bwrote\b|\bschrieb\b|écrit\b|\bescribió\b|\bescreveu\b|\bscritto\b|\bschreef\b|\bskrev\b|\bnapisał)).+:\s*"
)
_INTRODUCTION_ENDS = re.compile(r"\s*(?:\S+\s){0,2}\S*:\s*")
_INTRODUCTION_BEGINS = re.compile(r"(?=.*[\d@]).*[^.!?\s]\s*")
_ORIGINAL = re.compile(
    r"\s*-{2,}\s*(?:original message|ursprungliche nachricht|message d'origine|mensaje original|messaggio originale"
    r"|mensagem original|oorspronkelijk bericht|ursprungligt meddelande|oprindelig meddelelse"
    r"|wiadomosc oryginalna)\s*-{2,}\s*"
)


def fingerprint(sender: str, subject: str, text: str) -> str:
    """Return a key that is the same for repetitions of a message, and differs between messages that people write.

    :param sender: an address, with or without a name
    :param subject: as in the header, or decoded
    :param text: the plain text
    :return: SHA-256, in hexadecimal digits
    """
    # each part is one line, so that different triples never give the same text
    parts = (_normal_sender(sender), _normal_subject(subject), _normal_text(text))
    return sha256("\n".join(parts).encode()).hexdigest()


def identity(sender: str, subject: str, text: str, files: Iterable[tuple[str, bytes | str]] = ()) -> str:
    """Return a key that is the same for copies of one message that came in different ways, and for no other message.

    Unlike a fingerprint, the key ignores only differences in white space: devices number their messages in the text, and
    scanners send different files with the same text.

    :param sender: an address, with or without a name
    :param subject: as in the header, or decoded

    :param text: plain, or in HTML
    :param files: (name, content) of the attachments, in any order
    :return: SHA-256, in hexadecimal digits
    """
    digest = sha256()
    contents = (content.encode("utf-8", "replace") if isinstance(content, str) else content for _name, content in files)
    parts = [author_address(sender) or sender or "", " ".join((subject or "").split()), " ".join((text or "").split())]
    for part in (
        *(part.encode("utf-8", "replace") for part in parts),
        *sorted(sha256(each).digest() for each in contents),
    ):
        digest.update(b"%d:%s" % (len(part), part))
    return digest.hexdigest()


def _normal_sender(sender: str) -> str:
    sender = (sender or "")[:TEXT_LIMIT]
    return counted_address(sender) or decode_words(sender).lower()


def _normal_subject(subject: str) -> str:
    """Return a subject without the marks and phrases of any number of answers and automatic replies."""
    rest, before = fold(decode_words((subject or "")[:TEXT_LIMIT])), None
    while rest != before:
        before = rest
        if mark := _MARK.match(rest):
            rest = rest[mark.end() :]
        rest = without_phrase(rest)
    return " ".join(_without_changing(rest).split())


def _normal_text(text: str) -> str:
    source = as_text((text or "")[:SOURCE_CHARS])
    # a message that consists only of quotations is compared by them
    own = _without_quotations(source.splitlines()) or source.splitlines()
    return _without_changing(" ".join(" ".join(own).split()))[:TEXT_CHARS]


def _without_quotations(lines: list[str]) -> list[str]:
    """Return the lines that the sender wrote, since quotations grow with each round of a loop."""
    kept = []
    for line in lines:
        if _ORIGINAL.fullmatch(fold(line[:100])):
            break
        if not _QUOTED.match(line):
            kept.append(line)
        elif kept:
            _drop_introduction(kept)
    return kept if any(line.strip() for line in kept) else []


def _drop_introduction(kept: list[str]) -> None:
    """Remove the lines that introduce a quotation, and the blank lines below them."""
    while kept and not kept[-1].strip():
        kept.pop()
    if not kept or not _INTRODUCTION.fullmatch(kept[-1][-MAX_LINE:]):
        return
    last = kept.pop()
    if kept and _INTRODUCTION_ENDS.fullmatch(last) and _INTRODUCTION_BEGINS.fullmatch(kept[-1][-MAX_LINE:]):
        kept.pop()


def _without_changing(text: str) -> str:
    for changing in _CHANGING:
        text = changing.sub("*", text)
    return text
