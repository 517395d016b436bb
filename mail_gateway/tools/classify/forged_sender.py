"""Signs that the sender of a message is forged, or that it is spam: whoever is named there is told nothing (backscatter).

What the administrator's own mail hosts found out they write into Authentication-Results (RFC 8601). Everybody can write
that header: only the topmost run of those that name such a host counts. Nothing here raises, whatever the headers hold.
"""

import re
from collections.abc import Collection, Iterator
from email.message import Message

from ..headers.message_head import VALUE_LIMIT
from ..headers.stored_headers import TEXT_LIMIT
from ..text.database_text import as_text
from .automatic_reply import RawHeaders, Sign

# Hosts write one or a few.
_MAX_RESULTS = 20
_DMARC_FAILED = re.compile(r"dmarc\s*(?:/\s*\d+\s*)?=\s*fail(?![\w-])")
_SPAM_HEADERS = ("X-Spam-Flag", "X-Spam-Status", "X-Spam")


def marked_as_spam(message: Message) -> Sign | None:
    """The header by which a filter marked a message as spam; anybody who writes it only keeps notices away."""
    headers = RawHeaders(message)
    marks = (headers.find(name, _says_yes) for name in _SPAM_HEADERS)
    return next(filter(None, marks), None)


def _says_yes(value: str) -> bool:
    """``YES``, and SpamAssassin's ``Yes, score=15.3 required=5.0``."""
    return re.split(r"[\s,;]", value.strip(), maxsplit=1)[0].lower() in ("yes", "true")


def failed_dmarc(message: Message, hosts: Collection[str]) -> Sign | None:
    """The result by which a host found out that the domain in From did not send a message (RFC 7489).

    One that failed counts, whatever stands beside it: senders may have added results of their own to the run.

    :param hosts: authserv-ids of the administrator's own hosts, in lower case
    """
    for value in topmost_results(message, hosts):
        if any(_DMARC_FAILED.match(part.strip()) for part in list(_parts(value.lower()))[1:]):
            return Sign("Authentication-Results", " ".join(value.split())[:TEXT_LIMIT])
    return None


def topmost_results(message: Message, hosts: Collection[str]) -> list[str]:
    """The values of the topmost run of Authentication-Results that name one of `hosts`.

    Mail filters put headers of their own in between. The run ends at the next Received, where an earlier host's headers
    begin, and at the results of another host.
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
    """The host that a value of Authentication-Results names, in lower case; empty when it names none."""
    first = next(_parts(value), "").split()
    return first[0].strip('"').lower() if first and "=" not in first[0] else ""


def _parts(value: str) -> Iterator[str]:
    """What stands between the semicolons, without comments; a semicolon within quotes or a comment is none.

    Each character is looked at once.
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
