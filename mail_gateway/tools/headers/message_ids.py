"""Reads Message-Ids from In-Reply-To and References (RFC 5322, section 3.6.4), in the forms that programs write."""

import re
from itertools import islice

# Visible ASCII without angle brackets: a header can hold it as it is.
_VISIBLE = r"[!-;=?-Z^-~]"
_BRACKETED = re.compile(r"<[^<>\s]+>")
_WRITABLE = re.compile(rf"<{_VISIBLE}+@{_VISIBLE}+>")
_QUOTABLE = re.compile(rf"<{_VISIBLE}{{1,120}}@{_VISIBLE}{{1,120}}>")
# Text in angle brackets, perhaps folded in the middle; or a word outside of brackets. The @ is looked for later.
_WORD = re.compile(r"<([^<>]*)>|([^<>\s,;\"'()]+)")
# Enough for any conversation; the nearest messages stand last.
MAX_IDS = 64
_MAX_CHARS = 20_000
_MAX_ID_CHARS = 998


def is_message_id(text: str) -> bool:
    """Whether a text can identify a message: it has letters or digits on both sides of an @."""
    left, at, right = text.strip("<> ").rpartition("@")
    return bool(at) and any(map(str.isalnum, left)) and any(map(str.isalnum, right))


def bracketed_ids(text: str) -> list[str]:
    """Return texts without blanks in angle brackets, with the brackets, and with or without an @."""
    return _BRACKETED.findall(text)


def writable_ids(text: str) -> list[str]:
    """Return the Message-Ids in a text that consist of visible ASCII, so that a header can hold them unchanged.

    Servers could not match others.
    """
    return _WRITABLE.findall(text)


def quotable_id(text: str | None) -> str:
    """Return a Message-Id that may be quoted in a notice: short, and without blanks, so that it can't hold a text.

    :return: empty when `text` is not such a Message-Id
    """
    return text if text and _QUOTABLE.fullmatch(text) else ""


def referred_ids(text: str) -> list[str]:
    """Return the Message-Ids in the value of In-Reply-To or References, in angle brackets, in their order.

    Brackets may be missing, and words may stand around the ids ("Your message of Monday <1@x.example>"): a word that is not
    an id matches no message. An id that was folded, or contains a blank, is listed with and without the blank.

    :param text: the value; if it is too long, only its beginning and its end are read
    """
    found = {}
    for match in _WORD.finditer(_end_of(text)):
        inner, word = match.groups()
        if word:
            if "@" in word[1:-1]:
                found.setdefault(f"<{word}>")
        elif "@" in inner and len(inner) <= _MAX_ID_CHARS:
            spaced = " ".join(inner.split())
            found.setdefault(f"<{spaced.replace(' ', '')}>")
            found.setdefault(f"<{spaced}>")
    ids = list(found)
    return [*ids[:1], *ids[1:][-MAX_IDS + 1 :]]


def nearest_first(in_reply_to: str, references: str) -> list[str]:
    """Return the ids that a message refers to, the nearest one first: In-Reply-To, then References from their end."""
    ids = [*referred_ids(in_reply_to), *reversed(referred_ids(references))]
    return list(islice(dict.fromkeys(ids), 2 * MAX_IDS))


def _end_of(text):
    """Return the beginning and the end of a text that is too long, without ids that would be cut."""
    if len(text) <= _MAX_CHARS:
        return text
    first, last = text[: _MAX_CHARS // 2], text[-_MAX_CHARS // 2 :]
    return f"{first.rpartition('>')[0]}> {last.partition('<')[1]}{last.partition('<')[2]}"
