"""Finds signs that the sender of a message is forged, or that it is spam: such senders get no notice (backscatter).

The administrator's own mail hosts write their results into Authentication-Results (RFC 8601). Senders can write that
header, too, so only the topmost headers that name such a host count. No function here raises an exception, whatever the
headers contain.
"""

import re
from collections.abc import Collection, Iterator
from email.message import Message

from ..headers.message_head import VALUE_LIMIT
from ..headers.stored_headers import TEXT_LIMIT
from ..text.database_text import as_text
from .automatic_reply import RawHeaders, Sign

# Hosts write only a few of these headers.
_MAX_RESULTS = 20
_DMARC_FAILED = re.compile(r"dmarc\s*(?:/\s*\d+\s*)?=\s*fail(?![\w-])")
_SPAM_HEADERS = ("X-Spam-Flag", "X-Spam-Status", "X-Spam")


def marked_as_spam(message: Message) -> Sign | None:
    """Return the header with which a filter marked a message as spam; None when there is none.

    If the sender wrote the header, the only effect is that the sender gets no notice.
    """
    headers = RawHeaders(message)
    marks = (headers.find(name, _says_yes) for name in _SPAM_HEADERS)
    return next(filter(None, marks), None)


def _says_yes(value: str) -> bool:
    """Whether a value is ``YES``, or SpamAssassin's ``Yes, score=15.3 required=5.0``."""
    return re.split(r"[\s,;]", value.strip(), maxsplit=1)[0].lower() in ("yes", "true")


def failed_dmarc(message: Message, hosts: Collection[str]) -> Sign | None:
    """Return the result of a host that the message failed DMARC (RFC 7489): the domain in From did not send it.

    A failure counts whatever other results there are, since the sender may have added some.

    :param hosts: authserv-ids of the administrator's own hosts, in lower case
    :return: None when there is no such result
    """
    for value in topmost_results(message, hosts):
        if any(_DMARC_FAILED.match(part.strip()) for part in list(_parts(value.lower()))[1:]):
            return Sign("Authentication-Results", " ".join(value.split())[:TEXT_LIMIT])
    return None


def topmost_results(message: Message, hosts: Collection[str]) -> list[str]:
    """Return the values of the topmost Authentication-Results headers that name one of `hosts`.

    Mail filters put other headers between these headers. The search ends at the next Received, where the headers of an
    earlier host begin, and at the results of another host.

    :param hosts: authserv-ids, in lower case
    """
    run = []
    for name, value in message.raw_items() if hosts else ():
        kind = str(name).lower()
        if kind == "authentication-results":
            text = as_text(str(value)[:VALUE_LIMIT])
            if authserv_id(text) in hosts:
                run.append(text)
            elif run:
                break
        elif run and kind == "received":
            break
        if len(run) == _MAX_RESULTS:
            break
    return run


def authserv_id(value: str) -> str:
    """Return the host that a value of Authentication-Results names, in lower case; empty when it names none."""
    first = next(_parts(value), "").split()
    return first[0].strip('"').lower() if first and "=" not in first[0] else ""


def _parts(value: str) -> Iterator[str]:
    """Yield the parts between semicolons, without comments. Semicolons in quotes or comments do not count.

    This takes linear time.
    """
    part: list[str] = []
    depth, quoted, escaped = 0, False, False
    for char in value:
        if escaped:
            escaped = False
            if not depth:
                part.append(char)
        elif char == "\\" and (quoted or depth):
            escaped = True
        elif char == '"' and not depth:
            quoted = not quoted
            part.append(char)
        elif char == "(" and not quoted:
            depth += 1
        elif char == ")" and depth:
            depth -= 1
        elif char == ";" and not quoted and not depth:
            yield "".join(part)
            part = []
        elif not depth:
            part.append(char)
    yield "".join(part)
