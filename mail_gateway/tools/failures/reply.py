"""Replies of SMTP servers as plain values (RFC 5321, section 4.2; RFC 3463)."""

import re
from typing import NamedTuple

MAX_TEXT = 2000

# At the start of a line, perhaps behind the code that some relays repeat; the first number is that of the code's class.
_ENHANCED = re.compile(r"(?:[245]\d\d[ -])?#?([245]\.\d{1,3}\.\d{1,3})(?:[\s:]|$)")
_ANYWHERE = re.compile(r"(?<![\w.])#?([245]\.\d{1,3}\.\d{1,3})(?![\w.])")
_BREAKING = re.compile("[\0-\x1f\x7f-\x9f\u2028\u2029]+")


class Reply(NamedTuple):
    """A reply of a server, or a status with its diagnostic in a delivery report.

    :ivar code: three digits; 0 when there is none
    :ivar enhanced: the enhanced status code, such as "5.1.1"; empty when there is none
    :ivar text: without the codes, on one line, at most :data:`MAX_TEXT` characters
    """

    code: int
    enhanced: str = ""
    text: str = ""

    @property
    def temporary(self) -> bool:
        """Whether it is of the class 4."""
        return self.code // 100 == 4  # noqa: PLR2004 RFC 5321, section 4.2.1

    def __str__(self):
        return " ".join(filter(None, (str(self.code or ""), self.enhanced, self.text)))


def read_reply(code: int, text: bytes | str) -> Reply:
    """Return a reply as smtplib has it.

    :param code: three digits
    :param text: the lines without the code, UTF-8 (RFC 6531) or anything else
    """
    if isinstance(text, bytes):
        text = text[: 4 * MAX_TEXT].decode("utf-8", "replace")
    lines = [_BREAKING.sub(" ", line).strip() for line in text[: 4 * MAX_TEXT].splitlines()]
    enhanced = next((found[1] for line in lines if (found := _enhanced(line, code))), "")
    words = " ".join(filter(None, (_without_codes(line, enhanced) for line in lines)))
    return Reply(code, enhanced, words[:MAX_TEXT])


def _enhanced(line, code):
    for pattern in (_ENHANCED.match, _ANYWHERE.search):
        found = pattern(line)
        if found and found[1][0] == str(code)[0]:
            return found
    return None


def _without_codes(line, enhanced):
    if enhanced and (found := _ENHANCED.match(line)) and found[1] == enhanced:
        return line[found.end() :].strip()
    return line
